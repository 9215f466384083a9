"""A machine that picks pieces from slots and puts them on boards, and what it says of that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.cfx.messages.materials import MaterialsJoined
from app.cfx.messages.storage import MaterialsEmpty, MaterialsLoaded, MaterialsUnloaded, SplicePointDetected
from app.cfx.messages.structures import MaterialCarrier, MaterialLocation
from tests.flows.factory.blueprint import Address, Change, MachineBlueprint, Naming, PanelKind
from tests.flows.factory.boards import Board, Certainty, Fitted, Panel
from tests.flows.factory.material import Package, Piece, Splice, Tape
from tests.flows.factory.report import Job, Placed, Report, Spot, reports
from tests.flows.factory.route import Station, location, material, named
from tests.flows.factory.stock import Stock

PICK = 0.25
RELOADING = 20.0
"""Seconds."""


@dataclass(slots=True)
class Slot:
    """A place for a feeder with one lane or two, set up for a part."""

    identifier: str
    name: str
    part_number: str
    tapes: list[Tape]
    turn: int = 0

    def next_lane(self) -> int:
        """Lanes take turns."""
        self.turn = (self.turn + 1) % len(self.tapes)
        return self.turn


@dataclass(slots=True, kw_only=True)
class Mounter(Station):
    """A placement machine; `jobs` are what it does on every board."""

    blueprint: MachineBlueprint
    stock: Stock
    slots: list[Slot]
    jobs: list[Job]
    alternates: dict[str, str]
    others: Sequence[str]
    """Part numbers that belong elsewhere."""
    tells_lanes: bool = True
    _now: float = 0.0
    _placed: list[Placed] = field(default_factory=list)
    _by_place: bool = False
    _untold: list[tuple[Tape, Package, Package]] = field(default_factory=list)
    """Splices that nobody told yet."""

    def set_up(self, at: float) -> None:
        """Hang up the first reels, told in one message."""
        self._now = at
        told: list[MaterialLocation] = []
        for slot in self.slots:
            for lane, tape in enumerate(slot.tapes, start=1):
                self._hang(slot, tape, at)
                told.append(self._location(slot, lane, tape.chain))
        if self.blueprint.tells_loadings:
            self.voice.say(MaterialsLoaded(materials=told), at)
        self.free = at + 1

    def build(self, panel: Panel, at: float) -> float:
        """Do the jobs on every good board; returns the true time at which the panel leaves."""
        since = self._now = max(at, self.free)
        self._placed = []
        names_boards = self.blueprint.lists_units or self.blueprint.address in {Address.serial, Address.serial_position}
        self._by_place = panel.kind is PanelKind.carrier and not names_boards
        serials = self._speaks_serials(panel)
        primary = None if panel.kind is PanelKind.direct and serials else panel.identifier
        skipped = self._skipped(panel)
        listed = [one for one in panel.boards if one in skipped or not one.x_out]
        late = self.blueprint.skips_late
        units = named(panel, listed, serials=serials, skipped=() if late else skipped)
        x_outs = len(panel.boards) - len(units) if self.blueprint.counts_x_outs else 0
        transaction = self.begin(units, primary, since, lists=self.blueprint.lists_units, x_outs=x_outs)
        for slot in self.slots:
            self._prepare(slot)
        for board in panel.good:
            for job in self.jobs:
                self._place(board, job)
        self._now += PICK
        apart = self._report(panel, transaction)
        if self.rng.random() < 0.4:
            self._tell_splices(self._untold[: self.rng.randint(1, 3)])
        self._now += PICK
        whole = not self.blueprint.lists_units or self.blueprint.address in {Address.panel, Address.bare}
        self.end(
            transaction,
            panel.good,
            since,
            self._now,
            meant=[one for one in panel.boards if one not in skipped] if whole else (),
            apart=panel.good if self.blueprint.lists_units else apart,
            units=named(panel, listed, serials=serials, skipped=skipped) if skipped and late else None,
            primary=primary,
        )
        return self._now

    def tell_the_rest(self) -> None:
        """Scan what was spliced and not told: later nobody knows of it."""
        self._now = self.free
        self._tell_splices(self._untold)
        self.free = self._now

    def clear(self) -> None:
        """Take everything down."""
        at = self.free
        for slot in self.slots:
            for tape in slot.tapes:
                self._take_down(tape, at, told=True)
        self.free = at + 1

    def _skipped(self, panel: Panel) -> list[Board]:
        """X-outs that it lists as such. A place on a panel that nobody names by itself is no board."""
        if not (self.blueprint.skips_x_outs and self.blueprint.lists_units):
            return []
        named_ones = panel.kind is PanelKind.unserialised
        return [one for one in panel.boards if one.x_out and (named_ones or one.serial is not None)]

    def _speaks_serials(self, panel: Panel) -> bool:
        known = panel.kind in {PanelKind.single, PanelKind.linked_early, PanelKind.direct, PanelKind.carrier}
        # A carrier's boards are told by whoever works on it; else they would be those of the round before.
        return known and (panel.kind is not PanelKind.linked_early or self.rng.random() < 0.5)

    # --- placing ---

    def _place(self, board: Board, job: Job) -> None:
        slot = self.rng.choice([slot for slot in self.slots if slot.part_number == job.part_number])
        while True:
            lane = slot.next_lane()
            tape = slot.tapes[lane]
            if tape.front is None:
                self._reload(slot, lane)
            if splice := tape.splice_comes():
                self._tell_splice(slot, lane + 1, splice)
            self._now += PICK
            piece = tape.pick()
            rejected = self.blueprint.rejects and self.rng.random() < 0.15
            spot = Spot(slot.identifier, slot.name, self._feeder(slot), lane + 1 if len(slot.tapes) > 1 else None)
            self._placed.append(Placed(board, job, spot, piece, rejected, self._now))
            if not rejected:
                return

    def _report(self, panel: Panel, transaction: UUID) -> list[Board]:
        """Tell what was placed; returns the boards that are named by themselves in what is heard of that."""
        told = reports(self.blueprint, panel, self._placed, transaction, self.rng, lanes=self.tells_lanes)
        heard = {id(placed): report for report in told if not report.lost for placed in report.placed}
        for report in told:
            if not report.lost:
                self.voice.say(report.message, self._now)
        for placed in self._placed:
            if not placed.rejected:
                placed.board.fitted.append(self._fitted(placed, heard.get(id(placed))))
        return [placed.board for report in told if not (report.lost or report.whole) for placed in report.placed]

    def _fitted(self, placed: Placed, report: Report | None) -> Fitted:
        sure = min(report.certainty, self._certainty_of(placed.piece)) if report else Certainty.open
        whole = report is not None and report.whole
        package, designator = placed.piece.package, placed.job.designator
        fitted = Fitted(package, designator, self.handle, placed.at, sure, whole=whole, by_place=self._by_place)
        if self.blueprint.naming is Naming.head:
            fitted.named = placed.piece.known.chain[0]
        return fitted

    def _certainty_of(self, piece: Piece) -> Certainty:
        if self.blueprint.naming is Naming.named:
            return Certainty.certain
        if self.blueprint.naming is Naming.head:
            # Which of the pieces around the end of a reel are of it is beyond anybody who only counts.
            return Certainty.arguable if piece.known.chain[0] is piece.package else Certainty.open
        if self.blueprint.naming is not Naming.chain or piece.known.grey:
            return Certainty.open
        return Certainty.certain if len(piece.known.chain) == 1 else Certainty.arguable

    # --- reels ---

    def _prepare(self, slot: Slot) -> None:
        """Before a board: splice a new reel on where one will run out."""
        if self.blueprint.change is Change.replaced:
            return
        for tape in slot.tapes:
            if tape.left <= 3 * len(self.jobs) + 2 and tape.front is not None:
                leading, trailing = list(tape.chain), self._fresh(slot)
                leading[-1].splice(trailing)
                waiting = any(other is tape for other, _, _ in self._untold)
                late = waiting or (self.blueprint.naming is Naming.head and self.rng.random() < 0.6)
                tape.splice(trailing, told=not late)
                if late:
                    self._untold.append((tape, leading[-1], trailing))
                else:
                    self._tell_join(leading, trailing)
                self.received(trailing, self._now).told = not late
                self._now += 1.0

    def _tell_join(self, leading: Sequence[Package], trailing: Package) -> None:
        self.voice.say(
            MaterialsJoined(
                leading_material_package=material(leading, None),
                trailing_material_package=material([trailing], None),
            ),
            self._now,
        )

    def _tell_splices(self, splices: Sequence[tuple[Tape, Package, Package]]) -> None:
        """Somebody scans what was spliced a while ago: now the machine knows of it."""
        for tape, leading, trailing in list(splices):
            self._untold.remove((tape, leading, trailing))
            self._tell_join([leading], trailing)
            if leading in tape.believed:  # else they were taken down meanwhile
                tape.believed.append(trailing)
            self._now += 1.0

    def _reload(self, slot: Slot, lane: int) -> None:
        """In the middle of a board: the tape is empty, another is hung up."""
        tape = slot.tapes[lane]
        if self.rng.random() < 0.5 and self.blueprint.tells_loadings:
            self.voice.say(MaterialsEmpty(empty_materials=[self._location(slot, lane + 1, tape.chain)]), self._now)
            for package in tape.believed:
                self.gone(package, self._now)
        self._now += RELOADING / 2
        self._take_down(tape, self._now, told=self.blueprint.tells_unloadings)
        self._now += RELOADING / 2
        replaced = list(tape.believed)
        self._hang(slot, tape, self._now)
        if self.blueprint.tells_loadings:
            self.voice.say(MaterialsLoaded(materials=[self._location(slot, lane + 1, tape.chain)]), self._now)
            for package in replaced:
                self.gone(package, self._now)

    def _take_down(self, tape: Tape, at: float, *, told: bool) -> None:
        chain = list(dict.fromkeys([*tape.believed, *tape.chain]))
        if told and self.blueprint.tells_loadings and chain:
            identifiers = [package.identifier for package in chain]
            self.voice.say(MaterialsUnloaded(material_package_identifiers=identifiers), at)
            for package in chain:
                self.gone(package, at)
        if told:
            for package in chain:
                self.stock.bring_back(package, at)

    def _hang(self, slot: Slot, tape: Tape, at: float) -> None:
        packages = [self._fresh(slot)]
        if self.blueprint.prespliced:
            packages.append(self._fresh(slot))
            packages[0].splice(packages[1])
            self.stock.voice.say(
                MaterialsJoined(
                    leading_material_package=material(packages[:1], None),
                    trailing_material_package=material(packages[1:], None),
                ),
                at - RELOADING / 4,
            )
        tape.hang(*packages)
        for package in packages:
            self.received(package, at).told = self.blueprint.tells_loadings

    def _fresh(self, slot: Slot) -> Package:
        part = slot.part_number
        if self.blueprint.naming is Naming.head:
            return self.stock.receive(part, self.blueprint.reel, self._now)
        if self.blueprint.alternates and self.rng.random() < 0.4:
            part = self.alternates[part]
        elif self.blueprint.wrong_part and self.others and self.rng.random() < 0.3:
            part = self.rng.choice(self.others)
        return self.stock.draw(part, self.blueprint.reel, self._now)

    def _tell_splice(self, slot: Slot, lane: int, splice: Splice) -> None:
        if self.blueprint.change is Change.unsensed or not self.blueprint.tells_loadings:
            return
        chain = [splice.depleted, splice.newly] if splice.grey else [splice.newly]
        self.voice.say(
            SplicePointDetected(
                depleted_material=self._location(slot, lane, [splice.depleted]),
                newly_active_material=self._location(slot, lane, chain, grey=splice.grey),
            ),
            self._now,
        )
        if not splice.grey:
            self.gone(splice.depleted, self._now)

    def _feeder(self, slot: Slot) -> str:
        return f"FDR-{slot.identifier}"

    def _location(self, slot: Slot, lane: int, chain: Sequence[Package], *, grey: int = 0) -> MaterialLocation:
        carrier = MaterialCarrier(
            unique_identifier=self._feeder(slot), lane_number=lane if len(slot.tapes) > 1 else None
        )
        return location(slot.identifier, slot.name, chain, grey=grey, carrier=carrier)
