"""What every station has: a place in the factory, a clock, a voice, and the works it does one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from app.cfx.messages.production import WorkCompleted, WorkStarted
from app.cfx.messages.structures import (
    MaterialCarrier,
    MaterialLocation,
    MaterialPackage,
    UnitPosition,
    WorkOrderIdentifier,
)
from tests.flows.factory.boards import Board, Panel, Work
from tests.flows.factory.material import Package, Presence
from tests.flows.factory.voice import Voice, new_uuid

APART = 6.0
"""Seconds between one station and the next, and between what people do: more than two clocks can differ by."""


@dataclass(slots=True)
class Station:
    """`free` is the true time from which it can begin its next work."""

    voice: Voice
    rng: Random
    works: list[Work]
    presences: list[Presence]
    free: float = 0.0
    work_order: str | None = None

    @property
    def handle(self) -> str:
        """Its CFX handle."""
        return self.voice.handle

    def begin(
        self, units: Sequence[UnitPosition], primary: str | None, at: float, *, lists: bool = True, x_outs: int = 0
    ) -> UUID:
        """Say that work starts; `x_outs` are counted with its units."""
        transaction = new_uuid(self.rng)
        order = WorkOrderIdentifier(work_order_id=self.work_order) if self.work_order else None
        self.voice.say(
            WorkStarted(
                transaction_id=transaction,
                primary_identifier=primary,
                units=list(units) if lists else None,
                unit_count=len(units) + x_outs,
                work_order_identifier=order,
            ),
            at,
        )
        return transaction

    def end(
        self,
        transaction: UUID,
        boards: Sequence[Board],
        since: float,
        at: float,
        *,
        meant: Sequence[Board] = (),
        apart: Sequence[Board] | None = None,
        units: Sequence[UnitPosition] | None = None,
        primary: str | None = None,
    ) -> None:
        """Say that work ended, and on which `units` if they are to be listed, and remember it."""
        listed = list(units) if units else None
        told = WorkCompleted(
            transaction_id=transaction,
            result="Completed",
            primary_identifier=primary if listed else None,
            units=listed,
            unit_count=len(listed) if listed else None,
        )
        self.voice.say(told, at)
        named = boards if apart is None else apart
        self.works.append(Work(self.handle, tuple(boards), since, at, tuple(meant or boards), tuple(named)))
        self.free = at + APART

    def received(self, package: Package, at: float) -> Presence:
        """From now on pieces may come from this package."""
        presence = Presence(package, self.handle, at)
        self.presences.append(presence)
        return presence

    def gone(self, package: Package, at: float) -> None:
        """Told: from now on none come from it."""
        for presence in self.presences:
            if presence.package is package and presence.station == self.handle and presence.until is None:
                presence.until = at


@dataclass(slots=True)
class Names:
    """Numbers identifiers, each kind on its own."""

    counted: dict[str, int] = field(default_factory=dict)

    def next(self, prefix: str) -> str:
        """`REEL-7`."""
        self.counted[prefix] = self.counted.get(prefix, 0) + 1
        return f"{prefix}-{self.counted[prefix]}"


def material(
    chain: Sequence[Package], part_number: str | None, *, grey: int = 0, counted: bool = False
) -> MaterialPackage:
    """A package, or a chain of spliced ones: named after the last, each telling the one consumed before it."""
    leading: MaterialPackage | None = None
    for package in chain:
        batch = package.batch
        leading = MaterialPackage(
            unique_identifier=package.identifier,
            internal_part_number=part_number or package.part_number,
            quantity=float(package.pieces) if counted else None,
            leading_material_package=leading,
            batch_id=batch.identifier if batch else None,
            batch_material_package=MaterialPackage(unique_identifier=batch.identifier) if batch else None,
            grey_zone=float(grey) if grey and package is chain[-1] else None,
        )
    assert leading is not None  # a chain has at least one package
    return leading


def named(panel: Panel, boards: Sequence[Board], *, serials: bool, skipped: Sequence[Board] = ()) -> list[UnitPosition]:
    """The boards of a panel as a message lists them: by serial, or by panel and position."""
    return [
        UnitPosition(
            unit_identifier=one.serial if serials else panel.identifier,
            position_number=one.position,
            status="Skip" if one in skipped else None,
        )
        for one in boards
    ]


def location(
    slot: str, name: str, chain: Sequence[Package], *, grey: int = 0, carrier: MaterialCarrier | None = None
) -> MaterialLocation:
    """A package in a slot, or a chain of them."""
    return MaterialLocation(
        location_identifier=slot,
        location_name=name,
        material_package=material(chain, None, grey=grey) if chain else None,
        carrier_information=carrier,
    )
