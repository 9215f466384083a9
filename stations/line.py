"""The line: which machines stand in it, how panels flow, and when everything happens.

Panels run in batches of a magazine: all of a batch through the bottom pass, then all through the
top pass over the same machines; only then the next batch. After the last pass come X-ray, hand
assembly where the board needs it, and the functional test.

Time is simulated: a heap of what happens next, in true time. `pace` is how many seconds of the line
pass in one of ours; 0 is as fast as it goes, and so is a beginning that lies in the past. Nothing is
ever said before its time has come in this world, so a station's clock is never ahead of the
product's but for the skew it is given.
"""

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from stations.aoi import OpticalInspection
from stations.faults import NO_FAULTS
from stations.functional_test import FunctionalTest
from stations.gate import Admission
from stations.hand_assembly import HandAssembly
from stations.laser_marker import LaserMarker
from stations.machine import Machine, Said, Setup, Visit
from stations.panels import Panel, bare_panel
from stations.paste_printer import PastePrinter
from stations.placement import PlacementMachine, share_out
from stations.program import Program, Side
from stations.reflow import ReflowOven
from stations.spi import SolderPasteInspection
from stations.station import Station
from stations.truth import Truth
from stations.xray import XrayInspection

PLACERS: Final = ("Birthmark.Placer.PM01", "Birthmark.Placer.PM02")
_EVENTS_TO_COMMIT: Final = 64
_WAIT_TAKTS: Final = 0.02
_WAIT_SECONDS: Final = 0.1
"""What passes on the line, where it runs as fast as it goes, and in this world, until a station asks again."""

_CARRYING: Final = 0.5
"""Takts until a panel that is carried by hand is where it goes."""

#: In line order: handle, kind, and whether it works in every pass or only after the last.
_LAYOUT: Final[tuple[tuple[str, type[Machine], bool], ...]] = (
    ("Birthmark.LaserMarker.LM01", LaserMarker, False),
    ("Birthmark.Printer.PP01", PastePrinter, True),
    ("Birthmark.SPI.SPI01", SolderPasteInspection, True),
    (PLACERS[0], PlacementMachine, True),
    (PLACERS[1], PlacementMachine, True),
    ("Birthmark.Oven.RO01", ReflowOven, True),
    ("Birthmark.AOI.AOI01", OpticalInspection, True),
    ("Birthmark.AXI.AXI01", XrayInspection, False),
    ("Birthmark.Bench.HA01", HandAssembly, False),
    ("Birthmark.FCT.FT01", FunctionalTest, False),
)


def stations_for(program: Program) -> dict[str, str]:
    """Give the handles of the line that builds a program, in line order, with their operations.

    Two machines that share the work of one kind do two operations: a board goes through both.
    """
    found: dict[str, str] = {}
    for handle, kind, _ in _kinds(program):
        number = 1 + sum(other.partition("-")[0] == kind.operation for other in found.values())
        found[handle] = kind.operation if number == 1 else f"{kind.operation}-{number}"
    return found


def route_for(program: Program) -> list[str]:
    """Give the operations a board goes through, in order: those of every pass once for each side."""
    operations = stations_for(program)
    every_pass = [operations[handle] for handle, _, every in _kinds(program) if every]
    once = [operations[handle] for handle, _, every in _kinds(program) if not every]
    return [once[0], *every_pass * len(program.sides), *once[1:]]


def slots_for(program: Program) -> dict[str, dict[str, str]]:
    """Give what the slots of each machine that has some must hold: handle, slot, part number."""
    machines = machines_for(Setup(program, NO_FAULTS, seed=0, run="", takt=1.0))
    return {machine.handle: slots for machine in machines if (slots := machine.slots())}


def layout_for(program: Program) -> dict[str, object]:
    """Give all that a line is planned with: the operations of its stations, the route of a board, and the slots."""
    return {"operations": stations_for(program), "route": route_for(program), "slots": slots_for(program)}


def _kinds(program: Program) -> Iterator[tuple[str, type[Machine], bool]]:
    for handle, kind, every_pass in _LAYOUT:
        if kind is not HandAssembly or program.by_hand():
            yield handle, kind, every_pass


def machines_for(setup: Setup) -> list[Machine]:
    """Put up the machines of a line; the placement machines share the part numbers."""
    shares = dict(zip(PLACERS, share_out(setup.program, len(PLACERS)), strict=True))
    return [
        PlacementMachine(handle, setup, shares[handle]) if handle in shares else kind(handle, setup)
        for handle, kind, _ in _kinds(setup.program)
    ]


@dataclass(slots=True)
class CarriedPast:
    """Somebody carries a panel past the last optical inspection: the first time `at`, then every so often."""

    at: datetime
    every: timedelta

    def now(self, at: datetime) -> bool:
        """Whether it happens at this time of the line."""
        if at < self.at:
            return False
        self.at = at + self.every
        return True


@dataclass(slots=True)
class _Stop:
    """A station in the line, with the panels that wait before it."""

    station: Station
    waiting: deque[tuple[Panel, int]] = field(default_factory=deque)
    busy: bool = False
    inside: int = 0
    seen_reels: int = 0


class Line:
    """Runs panels through stations. `panels` None runs until `stopping` is set.

    `began` is the true time at which the line starts. What lies `ahead` of this world's clock then is made up for as
    fast as it goes, and only then the pace holds.
    """

    def __init__(
        self,
        setup: Setup,
        stations: list[Station],
        truth: Truth,
        *,
        panels: int | None,
        magazine: int,
        began: datetime,
        pace: float,
        stopping: threading.Event,
        finished: Callable[[Panel], None] = lambda _: None,
        ahead: timedelta = timedelta(0),
        carried_past: CarriedPast | None = None,
    ) -> None:
        self._setup = setup
        self._truth = truth
        self._panels = panels
        self._magazine = magazine
        self._began = began
        self._caught_up = began + ahead
        self._carried_past = carried_past
        self._pace = pace
        self._stopping = stopping
        self._finished = finished
        self._sides: tuple[Side, ...] = setup.program.sides
        self._stops = {station.handle: _Stop(station) for station in stations}
        kinds = {handle: every_pass for handle, _, every_pass in _kinds(setup.program)}
        handles = list(self._stops)
        self._laser, self._first = handles[0], handles[1]
        each = [handle for handle in handles if kinds[handle]]
        last = [handle for handle in handles[1:] if not kinds[handle]]
        self._routes = [each if number < len(self._sides) - 1 else each + last for number in range(len(self._sides))]
        self._heap: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = itertools.count()
        self._said: dict[str, list[Said]] = {handle: [] for handle in handles}
        self._jobs = self._in_order()
        self._next_job = next(self._jobs)
        self._engraved = 0
        self._wall = datetime.now(UTC)
        self.done = 0
        self.set_aside = 0
        self._aside: set[tuple[int, int]] = set()

    def run(self) -> None:
        """Run to the end, or until asked to stop. Raises Stopped from a station that waits for room."""
        self._wall = datetime.now(UTC)
        for handle, stop in self._stops.items():
            self._said[handle] += stop.station.machine.start_up(self._began)
            self._note_reels(stop)
        self._at(self._began, self._feed_laser)
        while self._heap and self._wait_for(self._heap[0][0]):
            at, _, happen = heapq.heappop(self._heap)
            happen(at)
        if not self._stopping.is_set():
            self._report_all()

    # --- time ---------------------------------------------------------------------------------

    def _at(self, at: datetime, happen: Callable[[datetime], None]) -> None:
        heapq.heappush(self._heap, (at, next(self._order), happen))

    def _wait_for(self, at: datetime) -> bool:
        """Wait until a time of the line has come in this world; before waiting, everything said is stored."""
        if self._stopping.is_set():
            return False
        due = at if self._pace == 0 else self._wall + (at - self._caught_up) / self._pace
        seconds = (due - datetime.now(UTC)).total_seconds()
        if seconds <= 0:
            return True
        self._report_all()
        return not self._stopping.wait(seconds)

    def _no_earlier_than(self, now: datetime) -> datetime:
        """Give the time of the line once an answer has come: what follows from it happens after it."""
        if self._pace == 0 or now < self._caught_up:
            return now
        return max(now, self._caught_up + (datetime.now(UTC) - self._wall) * self._pace)

    def _say(self, handle: str, said: Said) -> None:
        self._said[handle].append(said)
        if len(self._said[handle]) >= _EVENTS_TO_COMMIT:
            self._report(handle)

    def _report(self, handle: str) -> None:
        said, self._said[handle] = self._said[handle], []
        if said:
            self._stops[handle].station.report(said)

    def _report_all(self) -> None:
        for handle in self._said:
            self._report(handle)

    # --- the flow -----------------------------------------------------------------------------

    def _in_order(self) -> Iterator[tuple[int, int]]:
        """Give (panel number, pass) in the order the first machine of a pass takes them."""
        first = 1
        while self._panels is None or first <= self._panels:
            last = first + self._magazine - 1
            if self._panels is not None:
                last = min(last, self._panels)
            for number in range(len(self._sides)):
                yield from ((panel, number) for panel in range(first, last + 1))
            first = last + 1
        yield 0, 0  # nothing more comes

    def _feed_laser(self, now: datetime) -> None:
        """Let the laser take the next bare panel, unless a magazine of them waits already."""
        stop = self._stops[self._laser]
        if stop.busy or len(self._stops[self._first].waiting) >= 2 * self._magazine:
            return
        if self._panels is not None and self._engraved >= self._panels:
            self._rest(self._laser, now)
            return
        self._engraved += 1
        batch = (self._engraved - 1) // self._magazine + 1
        panel = bare_panel(self._setup.run, self._engraved, batch, self._setup.boards_per_panel)
        self._truth.marked(panel)
        self._enter(self._laser, panel, 0, now)

    def _arrive(self, handle: str, panel: Panel, pass_number: int, now: datetime) -> None:
        self._stops[handle].waiting.append((panel, pass_number))
        self._take_next(handle, now)

    def _take_next(self, handle: str, now: datetime) -> None:
        stop = self._stops[handle]
        if stop.busy:
            return
        if handle == self._laser:
            self._feed_laser(now)
            return
        job = self._pick(handle)
        if job is None:
            self._rest(handle, now)
            return
        self._enter(handle, *job, now)
        if handle == self._first:
            self._feed_laser(now)

    def _pick(self, handle: str) -> tuple[Panel, int] | None:
        """Give the panel that is next; the first machine keeps to the order of batches and passes."""
        waiting = self._stops[handle].waiting
        if handle != self._first:
            return waiting.popleft() if waiting else None
        while self._next_job in self._aside:
            self._next_job = next(self._jobs)
        for job in waiting:
            if (job[0].number, job[1]) == self._next_job:
                waiting.remove(job)
                self._next_job = next(self._jobs)
                return job
        return None

    def _enter(self, handle: str, panel: Panel, pass_number: int, now: datetime) -> None:
        stop = self._stops[handle]
        stop.busy = True
        admission = self._ask(handle, panel, self._sides[pass_number], now)
        now = self._no_earlier_than(now)
        if admission is not None and admission.wait is not None:
            again = timedelta(seconds=self._pace or _WAIT_TAKTS * self._setup.takt)
            self._at(now + again, lambda at: self._enter(handle, panel, pass_number, at))
            return
        if admission is not None and not admission.admitted:
            visit = stop.station.machine.refuse(panel, self._sides[pass_number], now, admission)
            self._say_in_time(handle, visit)
            self._at(visit.now, lambda at: self._take_out(handle, panel, pass_number, at))
            return
        stop.inside += 1
        visit = stop.station.machine.work(panel, self._sides[pass_number], now, admission)
        self._note_reels(stop)
        self._say_in_time(handle, visit)
        self._at(visit.enters_next or visit.now, lambda at: self._free(handle, at))
        self._at(visit.now, lambda at: self._leave(handle, panel, pass_number, at))

    def _ask(self, handle: str, panel: Panel, side: Side, now: datetime) -> Admission | None:
        """Ask the gate, once everything said so far is on its way."""
        station = self._stops[handle].station
        if station.gate is None:
            return None
        for said in station.machine.prepare(panel, side, now):
            self._say(handle, said)
        self._note_reels(self._stops[handle])
        self._report_all()
        admission = station.admit(panel)
        if admission is not None and admission.wait is not None:
            self._stopping.wait(_WAIT_SECONDS)
        return admission

    def _say_in_time(self, handle: str, visit: Visit) -> None:
        for said in visit.said:
            self._at(said.at, lambda _, said=said: self._say(handle, said))  # type: ignore[misc]

    def _take_out(self, handle: str, panel: Panel, pass_number: int, now: datetime) -> None:
        """Take a panel out of the line of which no board may go on; later passes do without it."""
        self._aside.update((panel.number, later) for later in range(pass_number, len(self._sides)))
        self.set_aside += 1
        self.done += 1
        self._truth.left_the_line(panel)
        self._finished(panel)
        self._free(handle, now)
        self._take_next(self._first, now)  # it may have kept its turn for this panel's next pass

    def _free(self, handle: str, now: datetime) -> None:
        self._stops[handle].busy = False
        self._take_next(handle, now)

    def _leave(self, handle: str, panel: Panel, pass_number: int, now: datetime) -> None:
        stop = self._stops[handle]
        stop.inside -= 1
        self._truth.look_at(panel)
        if not stop.busy and not stop.waiting:
            self._rest(handle, now)
        route = self._routes[pass_number]
        step = -1 if handle == self._laser else route.index(handle)
        if step + 1 < len(route):
            if self._is_carried_past(route[step + 1 :], now):
                there = now + timedelta(seconds=_CARRYING * self._setup.takt)
                self._at(there, lambda at: self._arrive(route[step + 2], panel, pass_number, at))
            else:
                self._arrive(route[step + 1], panel, pass_number, now)
        elif pass_number + 1 < len(self._sides):
            self._arrive(self._first, panel, pass_number + 1, now)
        else:
            self.done += 1
            self._truth.left_the_line(panel)
            self._finished(panel)

    def _is_carried_past(self, to_come: list[str], now: datetime) -> bool:
        """Whether somebody carries a panel past the next station, an optical inspection with others behind it."""
        if self._carried_past is None or len(to_come) < 2:
            return False
        is_inspection = self._stops[to_come[0]].station.machine.operation == OpticalInspection.operation
        return is_inspection and self._carried_past.now(now)

    def _rest(self, handle: str, now: datetime) -> None:
        if self._stops[handle].inside == 0:
            for said in self._stops[handle].station.machine.starve(now):
                self._say(handle, said)

    def _note_reels(self, stop: _Stop) -> None:
        stock = stop.station.machine.stock
        if stock is not None:
            self._truth.reels(stock.issued[stop.seen_reels :])
            stop.seen_reels = len(stock.issued)


def span(setup: Setup, panels: int, magazine: int) -> timedelta:
    """Give how long a run takes on the line, generously: history placed so ends before now.

    Measured in takts: 12 to fill the line, 6 a batch and pass to turn the magazine round, 0.6 a
    panel and pass; a tenth is for what goes wrong. Where more goes wrong the line simply waits for
    this world's clock.
    """
    passes = len(setup.program.sides)
    batches = -(-panels // magazine)
    return timedelta(seconds=1.1 * setup.takt * (14 + 6.5 * passes * batches + 0.65 * passes * panels))
