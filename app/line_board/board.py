"""The line as it stands: one question behind the page, the wall, JSON and CSV.

What changes with each board is asked at each look: states, units inside, queues, verdicts. What changes slowly or takes
longer to work out is `Background`: yields, orders, reels, floor life, tools.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import prod
from typing import Literal

from sqlalchemy import Connection, text

from app.interlock.recent import LastVerdict, last_verdicts
from app.line_board.supplies import FloorLife, RunsOut, Supplies, supplies
from app.line_board.waiting import waiting
from app.lines.clocks import FRESH, clock_warning
from app.lines.queries import StationStatus, stations
from app.lines.states import StationState
from app.quality.yields import FirstPassYield, first_pass_yields
from app.setup.current import building_at
from app.setup.progress import order_of, units_done
from app.units.flow import Activity, activity

Level = Literal["good", "quiet", "warn", "bad"]
_LEVELS: Mapping[StationState, Level] = {
    StationState.producing: "good",
    StationState.engineering: "warn",
    StationState.scheduled_down: "warn",
    StationState.unscheduled_down: "bad",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A station as it stands. `tried`, `passed`: units at their first try in this shift; yield 0..1."""

    station: StationStatus
    work: Activity | None
    level: Level
    waiting: int
    verdicts: Sequence[LastVerdict]
    tried: int
    passed: int
    runs_out: Sequence[RunsOut]
    first_pass_yield: float | None
    floor_life: FloorLife | None


Kind = Literal["fault", "locked", "clock", "supply"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that stops a station (`bad`) or will (`warn`); `clears` says what to do where that is known."""

    level: Literal["warn", "bad"]
    kind: Kind
    station: str
    handle: str
    line: str | None
    sentence: str
    clears: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """The order a line builds: `done` units have left its last station."""

    number: str
    quantity: int | None
    done: int
    begun_at: datetime | None


@dataclass(frozen=True, slots=True)
class LineStanding:
    """A line as a whole. Yields are rolled: the product of its stations' first-pass yields (0..1)."""

    name: str | None
    order: Order | None
    yield_of_shift: float | None
    yield_of_order: float | None
    completed: int
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class LineBoard:
    """Everything the board says, as of `at` (server's clock); the shift began at `shift_begun`."""

    at: datetime
    shift_begun: datetime
    lines: Sequence[LineStanding]
    stations: Sequence[Standing]
    alarms: Sequence[Alarm]

    def of_line(self, name: str | None) -> list[Standing]:
        """The stations of a line, in their order."""
        return [one for one in self.stations if one.station.line == name]


@dataclass(frozen=True, slots=True)
class Background:
    """What is asked less often."""

    shift_begun: datetime
    yields: Sequence[FirstPassYield]
    supplies: Mapping[int, Supplies]
    orders: Mapping[str, Order]
    order_yields: Mapping[str, float | None]
    locked: Mapping[int, str]
    clocks: Mapping[int, timedelta]


_CLOCKS = text("SELECT station_id, error FROM station_clock WHERE measured_at > :at - CAST(:fresh AS interval)")
_LOCKED = text(
    """
    -- Which stations did a person lock, and why?
    SELECT station_id, reason || ' (' || locked_by || ')' AS reason FROM station_lock WHERE unlocked_at IS NULL
    """
)
_BEGUN = text("SELECT min(claimed_at) FROM unit WHERE work_order_id = :work_order")


def background(connection: Connection, *, at: datetime, shift_begun: datetime) -> Background:
    """What changes slowly."""
    of_line: dict[str, list[StationStatus]] = defaultdict(list)
    known = stations(connection)
    for one in known:
        if one.line is not None:
            of_line[one.line].append(one)
    orders: dict[str, Order] = {}
    order_yields: dict[str, float | None] = {}
    for line, members in of_line.items():
        order = _order_of(connection, members, at)
        if order is not None:
            orders[line] = order
            since = order.begun_at or shift_begun
            order_yields[line] = _rolled(first_pass_yields(connection, since, at), members)
    return Background(
        shift_begun=shift_begun,
        yields=first_pass_yields(connection, shift_begun, at),
        supplies={
            one.station_id: supplies(connection, station_id=one.station_id, handle=one.handle, at=at) for one in known
        },
        orders=orders,
        order_yields=order_yields,
        locked={row.station_id: row.reason for row in connection.execute(_LOCKED)},
        clocks={row.station_id: row.error for row in connection.execute(_CLOCKS, {"at": at, "fresh": FRESH})},
    )


def _order_of(connection: Connection, members: Sequence[StationStatus], at: datetime) -> Order | None:
    """The order that the line's first working station builds; how far it is is said by the last one."""
    for station in members:
        now = building_at(connection, station.station_id, at=at)
        if now is not None and now.work_order is not None:
            order = order_of(connection, now.work_order)
            begun = connection.execute(_BEGUN, {"work_order": order.work_order_id}).scalar_one()
            done = units_done(connection, order, members[-1].station_id, None, at=at)
            return Order(order.number, order.quantity, done, begun)
    return None


def _rolled(yields: Sequence[FirstPassYield], members: Sequence[StationStatus]) -> float | None:
    here = {one.station_id for one in members}
    found = [one.passed / one.tried for one in yields if one.station_id in here and one.tried]
    return prod(found) if found else None


def line_board(connection: Connection, slow: Background, *, at: datetime) -> LineBoard:
    """The lines as they stand."""
    known = stations(connection)
    work = activity(connection)
    queues = waiting(connection, known, at=at)
    verdicts = last_verdicts(connection)
    standing = []
    alarms: list[Alarm] = []
    for station in known:
        supply = slow.supplies.get(station.station_id, Supplies((), None, (), ()))
        tries = [one for one in slow.yields if one.station_id == station.station_id]
        tried, passed = sum(one.tried for one in tries), sum(one.passed for one in tries)
        of_clock = clock_warning(station.title, slow.clocks.get(station.station_id))
        mine = list(_alarms(station, supply, slow.locked.get(station.station_id), of_clock))
        alarms += mine
        standing.append(
            Standing(
                station=station,
                work=work.get(station.station_id),
                level=_level(station, mine),
                waiting=queues.get(station.station_id, 0),
                verdicts=verdicts.get(station.station_id, ()),
                tried=tried,
                passed=passed,
                first_pass_yield=passed / tried if tried else None,
                runs_out=supply.runs_out,
                floor_life=supply.floor_life,
            )
        )
    names = list(dict.fromkeys(one.station.line for one in standing))
    return LineBoard(
        at=at,
        shift_begun=slow.shift_begun,
        lines=[_line(name, [one for one in standing if one.station.line == name], slow) for name in names],
        stations=standing,
        alarms=sorted(alarms, key=lambda one: one.level != "bad"),
    )


def _line(name: str | None, members: Sequence[Standing], slow: Background) -> LineStanding:
    heard = [one.work.last_event_at for one in members if one.work and one.work.last_event_at]
    heard += [one.station.last_statement_at for one in members if one.station.last_statement_at]
    last = members[-1].work
    return LineStanding(
        name=name,
        order=slow.orders.get(name or ""),
        yield_of_shift=_rolled(slow.yields, [one.station for one in members]),
        yield_of_order=slow.order_yields.get(name or ""),
        completed=last.completed if last else 0,
        last_event_at=max(heard, default=None),
    )


def _alarms(station: StationStatus, supply: Supplies, locked: str | None, clock: str | None) -> Iterator[Alarm]:
    def alarm(level: Literal["warn", "bad"], kind: Kind, sentence: str, clears: str | None = None) -> Alarm:
        return Alarm(level, kind, station.title, station.handle, station.line, sentence, clears)

    if station.fault:
        yield alarm("bad", "fault", station.fault)
    if locked:
        yield alarm("bad", "locked", locked)
    if clock:
        yield alarm("warn", "clock", clock)
    yield from (alarm("bad", "supply", one.sentence, one.clears) for one in supply.stopped)
    yield from (alarm("warn", "supply", one.sentence, one.clears) for one in supply.warned)


def _level(station: StationStatus, alarms: Sequence[Alarm]) -> Level:
    """What the station's colour says: it is stopped, it will be, it works, it waits."""
    levels: set[Level] = {one.level for one in alarms} | {_LEVELS.get(station.state, "quiet")}
    return next(one for one in ("bad", "warn", "good", "quiet") if one in levels)
