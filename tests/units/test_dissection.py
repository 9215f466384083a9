"""Installed materials taken apart and put together again: to the byte, and as JSON says it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given

from app.cfx.described import InstalledError, describe
from app.cfx.installed import assemble, dissect, from_residue, to_residue
from tests.inbox.messages import entry
from tests.units.bodies import written

EMPTY = b'{"InstalledMaterials":[]}'
TWINS = b'{"InstalledMaterials":[{},{},{}]}'
SHADOW = b'{"X":{"UnitIdentifier":"A"},"InstalledMaterials":[{"UnitIdentifier":"A"}]}'


@given(written())
@example(EMPTY)
@example(TWINS)
@example(SHADOW)
def test_every_body_comes_back_to_the_byte(body: bytes) -> None:
    assert assemble(dissect(body)) == body


@given(written())
@example(TWINS)
def test_every_body_comes_back_from_what_is_stored_of_it(body: bytes) -> None:
    """The residue through msgpack, and of each group only the (template, package) pairs, as the sets hold them."""
    parts = dissect(body)
    residue = msgspec.msgpack.decode(msgspec.msgpack.encode(to_residue(parts)))
    sets = [[(one.template, one.package) for one in group] for group in parts.groups.values()]
    assert from_residue(residue, sets) == body


@given(written())
def test_units_positions_and_packages_are_those_json_says(body: bytes) -> None:
    parts = dissect(body)
    said = json.loads(body)
    applied = said.get("InstalledMaterials") is None and said.get("AppliedMaterials") is not None
    assert parts.kind == ("applied" if applied else "installed")
    entries = said.get("AppliedMaterials" if applied else "InstalledMaterials") or []
    wanted: dict[tuple[str | None, int], list[str | None]] = {}
    for one in entries:
        place = (one.get("UnitIdentifier") or None, position(one))
        wanted.setdefault(place, []).append((one.get("Material") or {}).get("UniqueIdentifier") or None)
    assert {place: [one.package for one in group] for place, group in parts.groups.items()} == wanted
    assert list(parts.groups) == list(wanted)
    assert sum(count for _, count in parts.runs) == len(entries)


def position(said: dict[str, Any]) -> int:
    number = said.get("UnitPositionNumber")
    number = said.get("PositionNumber") if number is None else number
    return 0 if number is None or not str(number).strip() else int(float(number))


@given(written())
def test_children_and_designators_are_those_json_says(body: bytes) -> None:
    said = json.loads(body)
    parts = dissect(body)
    found = sorted(((d or "", c) for g in parts.groups.values() for e in g for d, c in e.children))
    name = "AppliedMaterials" if parts.kind == "applied" else "InstalledMaterials"
    components = [c for e in said.get(name) or () for c in e.get("InstalledComponents") or ()]
    assert found == sorted(
        (c.get("ReferenceDesignator") or "", c["InstalledUnitIdentifier"])
        for c in components
        if c.get("InstalledUnitIdentifier")
    )
    described = [describe(one.template) for group in parts.groups.values() for one in group]
    placed = {name for one in described for name in one.reference_designators}
    assert placed == {c["ReferenceDesignator"] for c in components if c.get("ReferenceDesignator")}


def test_what_differs_from_board_to_board_is_not_in_the_template() -> None:
    def board(serial: str, package: str, second: int, quantity: float) -> bytes:
        one = entry(serial, package, position=3)
        one["InstalledComponents"] = [
            {"ReferenceDesignator": name, "InstallationTime": f"2026-11-20T06:00:{second:02}.1234567Z"}
            for name in ("R1", "R2")
        ]
        one["Material"]["Quantity"] = quantity
        return json.dumps({"InstalledMaterials": [one]}).encode()

    one, other = dissect(board("SN-1", "REEL-1", 5, 400.0)), dissect(board("SN-2", "REEL-2", 59, 1e3))
    ((first,),), ((second,),) = one.groups.values(), other.groups.values()
    assert first.template == second.template
    assert (first.package, second.package) == ("REEL-1", "REEL-2")
    assert list(one.groups) == [("SN-1", 3)]
    assert list(other.groups) == [("SN-2", 3)]


def test_a_splice_in_the_middle_of_a_board_is_two_packages_of_one_template_each() -> None:
    body = {"InstalledMaterials": [entry("SN", "REEL-1", ["R1", "R2"]), entry("SN", "REEL-2", ["R3"])]}
    (group,) = dissect(json.dumps(body).encode()).groups.values()
    told = [(describe(one.template).location, describe(one.template).reference_designators) for one in group]
    assert told == [("M1.F.1", ("R1", "R2")), ("M1.F.1", ("R3",))]
    assert [one.package for one in group] == ["REEL-1", "REEL-2"]


def test_units_and_positions_may_alternate() -> None:
    order = [("A", 1), ("B", 1), ("A", 1), ("A", 2), ("B", 1)]
    entries = [entry(unit, f"REEL-{n}", [f"R{n}"], position=place) for n, (unit, place) in enumerate(order)]
    body = json.dumps({"InstalledMaterials": entries}, indent=1).encode()
    parts = dissect(body)
    assert {place: [one.package for one in group] for place, group in parts.groups.items()} == {
        ("A", 1): ["REEL-0", "REEL-2"],
        ("B", 1): ["REEL-1", "REEL-4"],
        ("A", 2): ["REEL-3"],
    }
    assert assemble(parts) == body


def test_picked_and_thrown_away_then_placed() -> None:
    """R1 both non-installed and installed on one unit: the template says both."""
    body = {"InstalledMaterials": [entry("SN", "REEL-1", ["R1"], rejected=["R1", "R2"])]}
    ((one,),) = dissect(json.dumps(body).encode()).groups.values()
    told = describe(one.template)
    assert (told.reference_designators, told.rejected_designators) == (("R1",), ("R1", "R2"))


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"5",
        b"{",
        b'{"InstalledMaterials":{}}',
        b'{"InstalledMaterials":[null]}',
        b'{"InstalledMaterials":[5]}',
        b'{"InstalledMaterials":[{"UnitIdentifier":5}]}',
        b'{"InstalledMaterials":[{"UnitIdentifier":"' + b"A" * 257 + b'"}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":-1}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":40000}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":1.5}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":1e999}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":"left"}]}',
        b'{"InstalledMaterials":[{"UnitPositionNumber":"nan"}]}',
        b'{"InstalledMaterials":[{"Material":[]}]}',
        b'{"InstalledMaterials":[{"Material":{"UniqueIdentifier":7}}]}',
        b'{"InstalledMaterials":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"TransactionId":"x","InstalledMaterials":[]}',
        b'{"TransactionId":7,"InstalledMaterials":[]}',
    ],
)
def test_what_is_not_cfx_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(InstalledError) as refused:
        dissect(body)
    assert str(refused.value)
