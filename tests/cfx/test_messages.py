"""The typed messages hold the names of the standard, all of them and no others."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from app.cfx.messages import MESSAGE_TYPES, Message, enumerations, message_type
from app.cfx.messages.base import Wire
from app.cfx.names import KNOWN_MESSAGES, canonical_name, short_name
from tests.cfx.bodies import CATALOGUE

needs_catalogue = pytest.mark.skipif(not CATALOGUE.exists(), reason=f"the catalogue of CFX 2.1 is not at {CATALOGUE}")

#: Structures that hold the members of several of CFX's, because one kind of thing has many shapes.
MERGED = {
    "AppliedMaterial": ["InstalledMaterial"],
    "InstalledComponent": ["InstalledComponent", "SMTPlacement.SMTInstalledComponent"],
    "InstalledMaterial": ["InstalledMaterial", "AppliedMaterial"],
    "MaterialCarrier": ["MaterialCarrier", "SMTPlacement.SMDTapeFeeder", "SMTPlacement.SMDTubeFeeder"],
    "MaterialData": ["MaterialPackageMSDData"],
    "Measurement": [
        "NumericMeasurement",
        "TextMeasurement",
        "SolderPasteInspection.SolderPasteMeasurement",
        "PCBInspection.OffsetMeasurement",
    ],
    "NonInstalledComponent": ["NonInstalledComponent", "SMTPlacement.SMTNonInstalledComponent"],
    "Tool": ["Tool", "SMTPlacement.SMTHeadAndNozzle", "SolderPastePrinting.SMTStencil"],
}
#: The abstract base of all measurements, which the catalogue leaves out, and a member of an example.
UNLISTED = {
    "Measurement": {"UniqueIdentifier", "MeasurementName", "TimeRecorded", "Sequence", "Result", "CRDs"},
    "Operator": {"FullName"},
}
#: Read because machines mix the spellings up; never written.
MISSPELT = {"TransactionID", "TransactionId", "PositionNumber", "UnitPositionNumber"}


def members(kind: type[msgspec.Struct]) -> set[str]:
    return {member.encode_name for member in msgspec.structs.fields(kind) if not member.name.endswith("_misspelt")}


def structures() -> Iterator[type[Wire]]:
    """Every structure a modelled message can hold."""

    def inside(kind: Any) -> Iterator[type[Wire]]:
        if isinstance(kind, inspect.StructType) and kind.cls not in seen:
            seen.add(kind.cls)
            yield kind.cls  # type: ignore[misc]
            for member in kind.fields:
                yield from inside(member.type)
        for part in [*getattr(kind, "types", ()), getattr(kind, "item_type", None), getattr(kind, "type", None)]:
            yield from inside(part) if part is not None else ()

    seen: set[type] = set()
    for message in MESSAGE_TYPES.values():
        yield from inside(inspect.type_info(message))


@needs_catalogue
def test_every_name_of_the_standard_is_known_and_no_other() -> None:
    assert set(json.loads(CATALOGUE.read_text())["messages"]) == KNOWN_MESSAGES
    assert len(KNOWN_MESSAGES) == 183
    assert set(MESSAGE_TYPES) <= KNOWN_MESSAGES


@needs_catalogue
@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_a_message_has_the_members_of_the_standard(name: str) -> None:
    catalogue = json.loads(CATALOGUE.read_text())["messages"]
    assert members(MESSAGE_TYPES[name]) == set(catalogue[name]["properties"])


@needs_catalogue
def test_structures_have_the_members_of_the_standard() -> None:
    catalogue = json.loads(CATALOGUE.read_text())["structures"]
    kinds = [kind for kind in structures() if not issubclass(kind, Message)]
    assert len(kinds) > 40
    for kind in kinds:
        name = kind.__name__
        listed = set(UNLISTED.get(name, set()))
        for merged in MERGED.get(name, [name]):
            listed |= set(catalogue[f"CFX.Structures.{merged}"]["properties"])
        assert members(kind) - {"$type"} == listed, name


@needs_catalogue
def test_enumerations_are_those_of_the_standard() -> None:
    catalogue = json.loads(CATALOGUE.read_text())["structures"]
    compared = 0
    for name, alias in vars(enumerations).items():
        (meta, *_) = getattr(alias, "__metadata__", (None,))
        listed = catalogue.get(f"CFX.Structures.{name}")
        if meta is not None and listed is not None:
            assert list(meta.extra["members"]) == [member[0] for member in listed["props"]], name
            compared += 1
    assert compared > 30
    states = [member[0] for member in catalogue["CFX.Structures.ResourceState"]["props"]]
    assert [state.name for state in enumerations.ResourceState] == states


def test_a_misspelling_is_read_but_never_the_first_name_of_a_member() -> None:
    for kind in [*structures(), *MESSAGE_TYPES.values()]:
        misspelt = {one.encode_name for one in msgspec.structs.fields(kind) if one.name.endswith("_misspelt")}
        assert misspelt <= MISSPELT
        assert not misspelt & members(kind)


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_every_message_can_be_asked_for_and_says_its_name(name: str) -> None:
    kind = message_type(name)
    assert kind is not None
    assert kind.cfx_name == name
    assert kind.__name__ == short_name(name)
    assert kind.__doc__


def test_names_are_completed() -> None:
    assert canonical_name("Production.WorkStarted") == "CFX.Production.WorkStarted"
    assert canonical_name("CFX.Production.WorkStarted") == "CFX.Production.WorkStarted"
    assert canonical_name("Vendor.Own") == "Vendor.Own"
    assert message_type("CFX.Nothing") is None
