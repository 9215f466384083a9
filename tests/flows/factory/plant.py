"""Builds a factory from its blueprint and lets it run: what happens, in true order, and what everybody says of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.flows.factory.assembly import AssemblyStation
from tests.flows.factory.blueprint import Blueprint, Change, LineBlueprint, MachineBlueprint, Naming, PanelKind, Paste
from tests.flows.factory.boards import Board, Certainty, Fitted, Panel, Work
from tests.flows.factory.clock import Clock, far_clock, wrong_clock
from tests.flows.factory.material import Presence, Tape
from tests.flows.factory.mounter import Mounter, Slot
from tests.flows.factory.report import Job
from tests.flows.factory.route import APART, Names
from tests.flows.factory.small_stations import Bench, Marker, Printer
from tests.flows.factory.stock import Stock
from tests.flows.factory.truth import Truth
from tests.flows.factory.voice import Dialect, Spoken, Voice

PARTS = {"RES-10K": "R", "CAP-100N": "C", "IND-2U2": "L"}
CARRIERS = 2
_MAY_BE_FAR = {"Mounter", "Printer", "Bench", "Assembly"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What was planned before anything was built: an order of a product, its bill of material, its alternates."""

    work_order: str
    product: str
    bom: dict[str, str]
    """Part number by designator."""
    alternates: dict[str, str]


@dataclass(frozen=True, slots=True)
class Factory:
    """What a factory said, and the truth."""

    said: list[Spoken]
    truth: Truth
    plans: list[Plan]
    clock_errors: dict[str, float] = field(default_factory=dict)
    """Seconds that clocks were seen off by, of stations whose clock is worse than clocks are."""


@dataclass(slots=True)
class _Plant:
    """The parts of a running factory that its lines share."""

    blueprint: Blueprint
    rng: Random
    names: Names = field(default_factory=Names)
    said: list[Spoken] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)
    boards: list[Board] = field(default_factory=list)
    modules: list[Board] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    clock_errors: dict[str, float] = field(default_factory=dict)

    def voice(self, kind: str) -> Voice:
        """A voice for another station."""
        handle = f"Acme.{kind}.{self.names.next(kind)}"
        clock = wrong_clock(self.rng)
        if kind in _MAY_BE_FAR and self.blueprint.far_clocks and self.rng.random() < 0.4:
            clock = far_clock(self.rng)
            self.clock_errors[handle] = abs(clock.skew)
        return Voice(handle, clock, self.rng.choice(list(Dialect)), self.rng, self.said.append)

    def station(self, kind: str) -> dict[str, object]:
        """What every station is made with."""
        return {"voice": self.voice(kind), "rng": self.rng, "works": self.works, "presences": self.presences}


def build(blueprint: Blueprint) -> Factory:
    """Run a factory from its first reel to its last board."""
    plant = _Plant(blueprint, Random(blueprint.seed))
    stock = Stock(
        Voice("Acme.Tower.1", Clock(), Dialect.compact, plant.rng, plant.said.append), plant.rng, plant.names, blueprint
    )
    until = max(_run_line(plant, stock, line, number) for number, line in enumerate(blueprint.lines, start=1))
    bench = Bench(**plant.station("Bench"), stock=stock, loses=plant.rng.random() < 0.5)  # type: ignore[arg-type]
    assemblies = _finish(plant, stock, bench, until + APART)
    stock.close(max(spoken.at for spoken in plant.said) + APART)
    truth = Truth(
        plant.boards, [*plant.modules, *assemblies], stock.packages, plant.presences, plant.works, plant.clock_errors
    )
    return Factory(plant.said, truth, plant.plans, plant.clock_errors)


# --- lines ---


def _run_line(plant: _Plant, stock: Stock, line: LineBlueprint, number: int) -> float:
    order = f"WO-{number}"
    mounters, bom = _mounters(plant, stock, line)
    if plant.blueprint.planned:
        plant.plans.append(Plan(order, f"BOARD-{number}", bom, {part: f"{part}-ALT" for part in PARTS}))
    front = Marker(**plant.station("Laser"), work_order=order)  # type: ignore[arg-type]
    behind = Marker(**plant.station("Reader"), work_order=order)  # type: ignore[arg-type]
    printer = Printer(**plant.station("Printer"), stock=stock, blueprint=line)  # type: ignore[arg-type]
    fitter = AssemblyStation(**plant.station("Fitter"), stock=stock, names=plant.names)  # type: ignore[arg-type]
    for mounter in mounters:
        mounter.work_order = order if plant.blueprint.planned or plant.rng.random() < 0.5 else None
        mounter.set_up(APART * 2)
    at = APART * 4
    left: dict[str, float] = {}
    for panel in _panels(plant, line, number):
        # A carrier begins its next round when the last is over.
        now = max(at, left.get(panel.identifier, 0.0) + APART)
        at = now + APART
        if panel.kind in {PanelKind.linked_early, PanelKind.direct, PanelKind.carrier, PanelKind.single}:
            now = front.tell(panel, now, names_x_outs=line.names_x_outs) + APART
        if line.paste is not Paste.none:
            now = printer.build(panel, now) + APART
        for mounter in mounters:
            now = mounter.build(panel, now) + APART
        if line.modules and panel.good:
            module, now = fitter.fit(panel, now)
            plant.modules.append(module)
            now += APART
        if panel.kind is PanelKind.linked_late:
            now = behind.tell(panel, now, names_x_outs=line.names_x_outs) + APART
        left[panel.identifier] = now
    for mounter in mounters:
        mounter.tell_the_rest()
        if plant.rng.random() < 0.5:
            mounter.clear()
    if not plant.clock_errors.keys().isdisjoint(station.handle for station in (printer, *mounters)):
        _dispute(plant.boards)
    return max([at, *left.values()])


def _dispute(boards: Sequence[Board]) -> None:
    """Of boards on carriers that were used again, clocks leave open what was told of the place they were in."""
    rounds = Counter((board.panel, board.position) for board in boards)
    for board in boards:
        board.disputed = rounds[board.panel, board.position] > 1
        for fitted in board.fitted:
            if board.disputed and fitted.by_place:
                fitted.certainty = min(fitted.certainty, Certainty.arguable)


def _panels(plant: _Plant, line: LineBlueprint, number: int) -> Iterator[Panel]:
    for count in range(line.panels):
        identifier = plant.names.next("PNL")
        if line.kind is PanelKind.carrier:
            identifier = f"CARRIER-{number}-{count % CARRIERS}"
        boards = [
            Board(None, identifier, position, alone=line.positions == 1) for position in range(1, line.positions + 1)
        ]
        if line.x_outs and plant.rng.random() < 0.6:
            plant.rng.choice(boards).x_out = True
        for board in boards:
            _give_serial(plant, line, board)
        plant.boards += boards
        yield Panel(identifier, line.kind, boards)


def _give_serial(plant: _Plant, line: LineBlueprint, board: Board) -> None:
    if line.kind is PanelKind.unserialised:
        return
    if line.kind is PanelKind.single:
        board.serial = board.panel
    elif not board.x_out or line.names_x_outs or line.kind is PanelKind.carrier:
        board.serial = plant.names.next("SN")


def _mounters(plant: _Plant, stock: Stock, line: LineBlueprint) -> tuple[list[Mounter], dict[str, str]]:
    bom: dict[str, str] = {}
    mounters = []
    counted = Names()
    for blueprint in line.machines:
        slots, jobs = [], []
        for number in range(1, blueprint.slots + 1):
            part = plant.rng.choice(list(PARTS))
            tapes = [_tape(plant.rng, blueprint) for _ in range(2 if blueprint.two_lanes else 1)]
            slots.append(Slot(f"F{number}", f"SLOT{number}", part, tapes))
            names = [counted.next(PARTS[part]).replace("-", "") for _ in range(blueprint.designators)]
            bom |= dict.fromkeys(names, part)
            jobs += [Job(name, part) for name in names]
        mounters.append(
            Mounter(
                **plant.station("Mounter"),  # type: ignore[arg-type]
                blueprint=blueprint,
                stock=stock,
                slots=slots,
                jobs=jobs,
                alternates={part: f"{part}-ALT" for part in PARTS},
                others=[part for part in PARTS if part not in {slot.part_number for slot in slots}],
                tells_lanes=plant.rng.random() < 0.5,
            )
        )
    return mounters, bom


def _tape(rng: Random, blueprint: MachineBlueprint) -> Tape:
    """Where the sensor sits. A machine that tells chains without one counts, and is unsure for some pieces."""
    ahead = rng.randint(0, 2)
    if blueprint.change is Change.spliced_ahead or (
        blueprint.naming is Naming.chain and blueprint.change is Change.unsensed
    ):
        return Tape(ahead=ahead, zone=rng.randint(max(ahead, 1), 3))
    return Tape()


# --- behind the lines ---


def _finish(plant: _Plant, stock: Stock, bench: Bench, at: float) -> list[Board]:
    """Repairs, assemblies, and a board that is taken out of its assembly again."""
    for _ in range(plant.blueprint.repairs):
        at = _repair(plant, bench, plant.boards, at)
    assemblies: list[Board] = []
    free = [board for board in plant.boards if board.serial is not None and not board.x_out]
    if not free:
        return assemblies
    station = AssemblyStation(**plant.station("Assembly"), stock=stock, names=plant.names)  # type: ignore[arg-type]
    plant.rng.shuffle(free)
    inner: list[Board] = []
    for _ in range(plant.blueprint.depth):
        children = inner + [free.pop() for _ in range(min(len(free), plant.rng.randint(0 if inner else 1, 2)))]
        assembly, at = station.build(children, at)
        at += APART
        assemblies.append(assembly)
        inner = [assembly]
    if plant.blueprint.swaps and assemblies:
        first = assemblies[0]
        stay = plant.rng.choice(first.children)
        if plant.blueprint.tells_swaps:
            at = station.take_out(first, stay, at) + APART
            at = _repair(plant, bench, [stay.child], at)
        other, at = station.build([stay.child], at)
        if not plant.blueprint.tells_swaps:
            stay.untold, stay.until = True, other.children[0].since
        assemblies.append(other)
        _repair(plant, bench, [stay.child], at + APART)
    return assemblies


def _repair(plant: _Plant, bench: Bench, boards: Sequence[Board], at: float) -> float:
    candidates: list[tuple[Board, Fitted]] = [
        (board, fitted)
        for board in boards
        for fitted in board.fitted
        if fitted.designator is not None and board.fitted_now(fitted.designator) is fitted
    ]
    if not candidates:
        return at
    board, fitted = plant.rng.choice(candidates)
    return bench.repair(board, fitted, at) + APART
