"""What one `InstalledMaterial` says: the location it came from, the designators it filled, the packages behind them.

Source: IPC-2591 (CFX), structure `InstalledMaterial` and those within it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import msgspec

from app.cfx.messages.base import Name as _Name

# What is cut out of an entry leaves a hole: a byte that UTF-8 never contains.
UNIT, POSITION, PACKAGE, VALUE = b"\xf8", b"\xf9", b"\xfa", b"\xfb"


HOLES = re.compile(rb"[\xf8-\xfb]")


class InstalledError(ValueError):
    """The body is JSON, but not a list of installed materials. The message says where."""


class Package(msgspec.Struct):
    """A package and what is spliced to it."""

    UniqueIdentifier: _Name | None = None
    InternalPartNumber: _Name | None = None
    LeadingMaterialPackage: Package | None = None
    BatchMaterialPackage: Package | None = None


class Head(msgspec.Struct):
    """What an `InstalledMaterial` says of the unit it is on."""

    UnitIdentifier: _Name | None = None
    UnitPositionNumber: int | float | _Name | None = None
    PositionNumber: int | float | _Name | None = None


class _Carrier(msgspec.Struct):
    UniqueIdentifier: _Name | None = None
    Name: _Name | None = None
    LaneNumber: int | _Name | None = None


class _Component(msgspec.Struct):
    ReferenceDesignator: _Name | None = None
    InstalledUnitIdentifier: _Name | None = None
    HeadAndNozzle: _Carrier | None = None


class _Location(msgspec.Struct):
    LocationIdentifier: _Name | None = None
    LocationName: _Name | None = None
    CarrierInformation: _Carrier | None = None


class Full(Head):
    """An `InstalledMaterial`, read whole."""

    Material: Package | None = None
    ReferencePartNumber: _Name | None = None
    CarrierLocation: _Location | None = None
    InstalledComponents: list[_Component] | None = None
    NonInstalledComponents: list[_Component] | None = None


_decode_full = msgspec.json.Decoder(Full).decode


@dataclass(frozen=True, slots=True)
class Description:
    """What a template says: one location of a machine and the designators it filled.

    `part_number` is CFX `InternalPartNumber`; `reference_part_number` is the part the design asks for, where an
    alternate was used; `rejected_designators` were picked and thrown away, and are not on the unit.
    """

    reference_designators: tuple[str, ...]
    rejected_designators: tuple[str, ...]
    part_number: str | None
    reference_part_number: str | None
    location: str | None
    location_name: str | None
    feeder: str | None
    lane: str | None
    joined_packages: tuple[str, ...]
    """Packages spliced in front of the named one (`LeadingMaterialPackage`, and theirs). While there are any, a chain
    goes by its trailing package's identifier: a piece may be from each of them."""
    batch_packages: tuple[str, ...]
    """Packages the named one was filled from (`BatchMaterialPackage`): what is in it was in them."""
    nozzles: tuple[str, ...]
    nozzle_picks: tuple[int, ...]
    """How many of the components each of `nozzles` placed."""


def read_full(text: bytes) -> Full:
    """An entry, read whole. Raises `InstalledError`."""
    try:
        return _decode_full(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InstalledError(f"an InstalledMaterial cannot be read: {error}") from None


def describe(template: bytes) -> Description:
    """What a template says. Raises `InstalledError` where a member has a type that CFX does not give it."""
    blanks = {UNIT: b"null", POSITION: b"0", PACKAGE: b"null", VALUE: b"null"}
    full = read_full(HOLES.sub(lambda match: blanks[match[0]], template))
    location = full.CarrierLocation or _Location()
    carrier = location.CarrierInformation or _Carrier()
    material = full.Material or Package()
    picked = _picked(full.InstalledComponents)
    return Description(
        reference_designators=_designators(full.InstalledComponents),
        rejected_designators=_designators(full.NonInstalledComponents),
        part_number=material.InternalPartNumber or full.ReferencePartNumber,
        reference_part_number=full.ReferencePartNumber,
        location=location.LocationIdentifier or location.LocationName,
        location_name=location.LocationName or location.LocationIdentifier,
        feeder=carrier.UniqueIdentifier or carrier.Name,
        lane=None if carrier.LaneNumber is None else str(carrier.LaneNumber),
        joined_packages=_chain(material.LeadingMaterialPackage, "LeadingMaterialPackage"),
        batch_packages=_chain(material.BatchMaterialPackage, "BatchMaterialPackage"),
        nozzles=tuple(picked),
        nozzle_picks=tuple(picked.values()),
    )


def _chain(package: Package | None, member: str) -> tuple[str, ...]:
    found: list[str] = []
    while package is not None:
        if package.UniqueIdentifier:
            found.append(package.UniqueIdentifier)
        package = getattr(package, member)
    return tuple(dict.fromkeys(found))


def _picked(components: list[_Component] | None) -> Counter[str]:
    heads = (component.HeadAndNozzle for component in components or ())
    return Counter(head.UniqueIdentifier for head in heads if head and head.UniqueIdentifier)


def _designators(components: list[_Component] | None) -> tuple[str, ...]:
    named = (component.ReferenceDesignator for component in components or ())
    return tuple(dict.fromkeys(name for name in named if name))
