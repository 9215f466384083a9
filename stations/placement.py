"""Placement machine: picks parts from reels, places them, and knows each one's package by designator.

Says, within a work record: SplicePointDetected and MaterialsRetired when a splice passes in the
middle of a board, MaterialsEmpty and a fault when a slot runs dry, and at the end one
MaterialsInstalled with an entry for every position and package: what was installed where, and what
the camera rejected (installed again from the other lane, or the same). Between panels: operators'
MaterialsInitialized, MaterialsJoined, MaterialsLoaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from app.cfx.messages import Message
from app.cfx.messages.assembly import InstalledMaterial, MaterialsInstalled, NonInstalledComponent
from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.storage import MaterialsLoaded
from app.cfx.messages.structures import InstalledComponent
from stations.alone import run_alone
from stations.feeders import Lane, Loaded, initialized
from stations.machine import Machine, Said, Setup, Visit
from stations.panels import Board, Fit, Panel
from stations.program import Component, Program
from stations.reels import Reel, Stock, Tape

CHIPS: Final = frozenset({"R", "C", "L", "FB", "D", "LED", "PTC", "F", "RN"})
_TWO_LANES_FROM: Final = 4  # placements of a part on one board
_REELS_PANELS: Final = (2.3, 6.7)  # how many panels a reel lasts, at least and at most
_FLAWS: Final = ("tombstone", "shifted", "missing lead contact")


def share_out(program: Program, machines: int) -> list[frozenset[str]]:
    """Deal the part numbers to machines so that each places about as much.

    The first machines are chip shooters; integrated circuits and connectors go to the last one.
    """
    counts: dict[str, int] = {}
    chips: set[str] = set()
    for component in program.components:
        if component.assembly == "machine":
            counts[component.part_number] = counts.get(component.part_number, 0) + 1
            if component.kind in CHIPS:
                chips.add(component.part_number)
    shares: list[set[str]] = [set() for _ in range(machines)]
    loads = [0] * machines
    # The parts only the last machine can place come first, then the largest of the others.
    for part_number in sorted(counts, key=lambda name: (name in chips, -counts[name], name)):
        to = loads.index(min(loads)) if part_number in chips else machines - 1
        shares[to].add(part_number)
        loads[to] += counts[part_number]
    return [frozenset(share) for share in shares]


@dataclass(slots=True)
class _Entry:
    """What one package in one lane gave to one position."""

    lane: Lane
    package: Loaded
    installed: list[InstalledComponent] = field(default_factory=list)
    rejected: list[NonInstalledComponent] = field(default_factory=list)


class PlacementMachine(Machine):
    """A pick-and-place machine with the feeders of its share of the part numbers."""

    operation: ClassVar[str] = "placement"
    model: ClassVar[str] = "Placer"
    stock: Stock

    def __init__(self, handle: str, setup: Setup, parts: frozenset[str] | None = None) -> None:
        super().__init__(handle, setup)
        serial = handle.rpartition(".")[2]
        self.stock = Stock(
            f"R{setup.run}{serial}-", self.chance, bad_lot=setup.bad_lot, bad_parts=setup.faults.bad_parts
        )
        mine = [
            one
            for one in self.program.components
            if one.assembly == "machine" and (parts is None or one.part_number in parts)
        ]
        self._sequence = {side: _by_part([one for one in mine if one.side == side]) for side in self.program.sides}
        self._makers: dict[str, str | None] = {}
        self._per_panel: dict[str, int] = {}
        for one in mine:
            self._makers.setdefault(one.part_number, one.manufacturer)
            self._per_panel[one.part_number] = self._per_panel.get(one.part_number, 0) + setup.boards_per_panel
        self._feeders: dict[str, list[Lane]] = {}
        for slot, part_number in enumerate(self._per_panel, start=1):
            lanes = 2 if self._per_panel[part_number] >= _TWO_LANES_FROM * setup.boards_per_panel else 1
            self._feeders[part_number] = [
                self._lane(serial, slot, number, part_number) for number in range(1, lanes + 1)
            ]

    def _lane(self, serial: str, slot: int, number: int, part_number: str) -> Lane:
        first = self._reel(part_number)
        return Lane(serial, slot, number, Tape(self.stock, first), first)

    def _reel(self, part_number: str) -> Reel:
        quantity = round(self._per_panel[part_number] * self.chance.uniform(*_REELS_PANELS))
        return self.stock.reel(part_number, self._makers[part_number], max(3, quantity))

    def set_up(self, now: datetime) -> list[Said]:
        """Say which reels were registered and which of them sits in which lane."""
        if not self.stock.issued:
            return []
        lanes = [lane for feeder in self._feeders.values() for lane in feeder]
        return [
            self.said(initialized(self.stock.issued, self.clock(now)), now),
            self.said(MaterialsLoaded(materials=[lane.location(lane.active) for lane in lanes]), now),
        ]

    def slots(self) -> dict[str, str]:
        """Give the part of each feeder; its lanes hold the same."""
        return {lanes[0].place_id: part_number for part_number, lanes in self._feeders.items()}

    def replace(self, now: datetime) -> list[Said]:
        """Let an operator load what is empty, and exchange what must not be used for reels of another lot."""
        said: list[Message] = []
        for part_number, lanes in self._feeders.items():
            for lane in lanes:
                if self.blocked.intersection(lane.packages()):
                    self.stock.set_aside(self.blocked)
                    reel = self._reel(part_number)
                    said += [initialized([reel], self.clock(now)), *lane.exchange(reel)]
                elif lane.empty:
                    said += self._load(lane, self.clock(now))
        return [self.said(message, now) for message in said]

    def process(self, visit: Visit) -> None:
        """Place every part of the side on every board, then say what came from which reel."""
        self._attend_feeders(visit)
        sequence = self._sequence.get(visit.side, [])
        seconds = self.seconds()
        entries: dict[tuple[int, str, int], _Entry] = {}
        for board in visit.boards:
            for component in sequence:
                visit.takes(seconds / (len(sequence) * len(visit.boards)))
                self._place(visit, board, component, entries)
        if entries:
            installed = [self._cfx(visit.panel, position, entry) for (position, _, _), entry in entries.items()]
            visit.say(MaterialsInstalled(transaction_id=visit.transaction, installed_materials=installed))
        else:
            visit.takes(seconds)

    def _place(
        self, visit: Visit, board: Board, component: Component, entries: dict[tuple[int, str, int], _Entry]
    ) -> None:
        lanes = self._feeders[component.part_number]
        lane = self._lane_with_parts(visit, lanes)
        while True:
            part, package = lane.pick()
            entry = entries.setdefault((board.position, package.identifier, lane.number), _Entry(lane, package))
            name = component.reference_designator
            rejected = self.chance.random() < self.faults.rejected
            board.fits.append(Fit(name, part, self.handle, visit.side, visit.now, "rejected" if rejected else "placed"))
            if not rejected:
                entry.installed.append(InstalledComponent(reference_designator=name, installation_time=visit.stamp))
                break
            entry.rejected.append(
                NonInstalledComponent(
                    reference_designator=name,
                    non_installation_time=visit.stamp,
                    location="RejectionBox",
                    rejection_box_id="BOX1",
                    rejection_reason="BadVisionTestAfterPickup",
                )
            )
            visit.takes(0.01 * self.setup.takt)
            lane = self._lane_with_parts(visit, [*(one for one in lanes if one is not lane), lane])
        if self.chance.random() < self.faults.placement_defect:
            board.flaws[component.reference_designator] = self.chance.choice(_FLAWS)

    def _lane_with_parts(self, visit: Visit, lanes: Sequence[Lane]) -> Lane:
        """Give the first lane that has a part; where none has, wait for the operator."""
        for lane in lanes:
            for message in lane.sense():
                visit.say(message)
            if not lane.empty:
                return lane
            for message in lane.run_dry():
                visit.say(message)
        self._refill(visit, lanes[0])
        return lanes[0]

    def _refill(self, visit: Visit, lane: Lane) -> None:
        self.stop_for(
            visit,
            0.4 * self.setup.takt,
            state=ResourceState.USD_ChangeOfConsumables,
            cause="Refill",
            code="PARTS_EXHAUST",
            description=f"Slot {lane.slot} lane {lane.number} is empty ({lane.active.part_number}).",
        )
        for message in self._load(lane, visit.stamp):
            visit.say(message)

    def _load(self, lane: Lane, at: datetime) -> list[Message]:
        reel = self._reel(lane.active.part_number)
        return [*lane.run_dry(), initialized([reel], at), *lane.reload(reel)]

    def _attend_feeders(self, visit: Visit) -> None:
        """Let the operator load what is empty and splice what runs low, as long as they keep up."""
        for part_number, lanes in self._feeders.items():
            for lane in lanes:
                if lane.empty:
                    for message in self._load(lane, visit.stamp):
                        visit.say(message)
                elif lane.next is None and lane.counted < 1.2 * self._per_panel[part_number]:
                    if self.chance.random() < self.faults.splice_missed:
                        continue
                    reel = self._reel(part_number)
                    visit.say(initialized([reel], visit.stamp))
                    visit.say(lane.splice(reel))

    def _cfx(self, panel: Panel, position: int, entry: _Entry) -> InstalledMaterial:
        return InstalledMaterial(
            unit_identifier=panel.identifier,
            unit_position_number=position,
            quantity_installed=float(len(entry.installed)),
            quantity_non_installed=float(len(entry.rejected)),
            material=entry.package.cfx(),
            carrier_location=entry.lane.place,
            installed_components=entry.installed,
            non_installed_components=entry.rejected or None,
        )


def _by_part(components: list[Component]) -> list[Component]:
    """Give the order of placement: part by part, so that the head seldom changes its nozzle."""
    return sorted(components, key=lambda one: (one.kind not in CHIPS, one.part_number))


if __name__ == "__main__":
    raise SystemExit(run_alone(PlacementMachine))
