"""Facts for the rules: one statement for all units asked about, and the other rooms' only where there is something.

Whether a room has anything to say is part of the statement; most stations have no feeders and most days no containment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from app.interlock.answers import Answer, Given, RunDone, StationAnswer, answers
from app.interlock.at_station import judged_setup, judged_tools
from app.interlock.facts import EVERYTHING, Active, Facts, OnHold, Override, Run, Station, Topic, Unit
from app.products.routing import Check, RoutingStep, Visit, reentry
from app.quality.holds import holds_on
from app.trace.made_from import made_from
from app.units.starts import in_hands

_GOOD_ENOUGH = frozenset({"use_as_is", "released"})
_NOT_DONE = frozenset({"Aborted", "Skipped"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A unit as a station names it: its own identifier, or a panel's with a position; 0 for the whole."""

    identifier: str
    position_number: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What the asking station says of itself with the question, in place of what it said before."""

    recipe: str | None = None
    recipe_revision: str | None = None
    operator: str | None = None


def gather(
    connection: Connection,
    *,
    station: str,
    asked: Sequence[Asked],
    at: datetime | None = None,
    topics: frozenset[Topic] = EVERYTHING,
    told: Told | None = None,
    settling: bool = False,
) -> list[Facts]:
    """The facts of each unit asked about, in order; a panel asked about as a whole gives one for each of its boards."""
    at = at or datetime.now(UTC)
    rows = answers(
        connection,
        station=station,
        identifiers=[one.identifier for one in asked],
        positions=[one.position_number for one in asked],
    )
    rooms = _Rooms(connection, at, rows, told or Told())
    facts = []
    for row in rows:
        one = asked[row.nth - 1]
        facts.append(
            Facts(
                at=at,
                identifier=one.identifier,
                position_number=one.position_number if row.position_number is None else row.position_number,
                unit=rooms.unit(row) if row.unit_id is not None else None,
                station=Station(0, station) if row.station is None else rooms.station(row, row.station),
                asked_position=one.position_number,
                overrides=tuple(_overrides(row.overrides)),
                topics=topics,
                settling=settling,
            )
        )
    return facts


class _Rooms:
    """What the other rooms say, asked once for all units of a request."""

    def __init__(self, connection: Connection, at: datetime, rows: Sequence[Answer], told: Told) -> None:
        self._connection = connection
        self._at = at
        self._told = told
        self._stations: dict[int | None, Station] = {}
        known = [row for row in rows if row.unit_id is not None]
        self._holds: Mapping[int, Sequence[Any]] = {}
        if any(row.contained or row.children for row in known):
            self._holds = holds_on(connection, sorted({row.known_unit[0] for row in known}))
        self._children = self._look_at_children(known)

    def _look_at_children(self, known: Sequence[Answer]) -> dict[str, list[tuple[Unit, list[str]]]]:
        """Everything built into these units, at any depth: each, or the boards of each, with what is built into it."""
        found: dict[str, list[tuple[Unit, list[str]]]] = {}
        wanted = {serial for row in known for serial in row.children or ()}
        while wanted:
            names = sorted(wanted)
            rows = answers(self._connection, station="", identifiers=names, positions=[0] * len(names))
            found |= {name: [] for name in names}
            for row in rows:
                if row.unit_id is not None:
                    found[names[row.nth - 1]].append((_unit(row), row.children or []))
            wanted = {child for row in rows for child in row.children or ()} - found.keys()
        return found

    def unit(self, row: Answer) -> Unit:
        """The unit of a row, with what other rooms say of it."""
        children = list(self._inside(row.children or ()))
        return _unit(
            row,
            holds=tuple(
                OnHold(hold.number, hold.sentence, hold.via, hold.pending, hold.clears if hold.pending else None)
                for hold in self._holds.get(row.known_unit[0], ())
                if row.only_position is None or hold.position_number in (0, row.only_position)
            ),
            children_scrapped=tuple(child.serial for child in children if child.scrapped is not None),
            children_failed=tuple(child.serial for child in children if _has_failed(child)),
            children_provisional=tuple(child.serial for child in children if child.provisional),
            started_elsewhere=_in_other_hands(row),
            completeness=self._traced(row),
        )

    def _inside(self, serials: Sequence[str]) -> Iterator[Unit]:
        seen: set[str] = set()
        wanted = list(serials)
        while wanted:
            serial = wanted.pop()
            if serial not in seen:
                seen.add(serial)
                for child, below in self._children.get(serial, ()):
                    yield child
                    wanted += below

    def _traced(self, row: Answer) -> float | None:
        if row.wanted is None:
            return None
        return made_from(self._connection, row.known_unit[1]).completeness.ratio

    def station(self, row: Answer, here: StationAnswer) -> Station:
        """The station of a row; its setup is judged for the unit's product."""
        product = row.product_revision_id
        if product not in self._stations:
            self._stations[product] = self._station(row, here)
        return self._stations[product]

    def _station(self, row: Answer, here: StationAnswer) -> Station:
        product = row.product_revision_id or here.active_revision_id
        setup_planned, setup = judged_setup(self._connection, here, product, self._at)
        said = (self._told.operator,) if self._told.operator else tuple(filter(None, row.operators or ()))
        return Station(
            station_id=here.station_id,
            handle=here.handle,
            operation=here.operation,
            first_of_line=here.first_of_line,
            comes_later=here.comes_later,
            policy=here.policy,
            locked=here.locked,
            active=_active(here, self._told),
            setup_planned=setup_planned,
            setup=setup,
            tools=judged_tools(self._connection, here, self._at),
            qualification_needed=here.qualified_only,
            operators=said,
            qualified=tuple(row.qualified or ()),
            calibration_due=here.calibration_due,
            clock_error=None if here.clock_error is None else timedelta(seconds=here.clock_error),
        )


def _active(row: StationAnswer, told: Told) -> Active | None:
    if told.recipe is not None:
        return Active(told.recipe, told.recipe_revision, row.active_revision_id, row.active_product)
    if row.active is None:
        return None
    said = row.active
    return Active(said.get("RecipeName"), said.get("Revision"), row.active_revision_id, row.active_product)


def _has_failed(child: Unit) -> bool:
    """Whether a unit failed and neither passed since nor was found good enough: what it is in cannot pass for it."""
    return any(run.outcome == "failed" and run.decision not in _GOOD_ENOUGH for run in child.runs)


def _in_other_hands(row: Answer) -> str | None:
    """Who has the unit: a station that was let start it, or one that works on it at the operation that asks."""
    if row.started is not None:
        return in_hands(*row.started)
    here = row.station.operation if row.station is not None else None
    for operation, started_at, completed_at, _, _, elsewhere in row.work or ():
        if elsewhere is not None and operation == here and completed_at is None and started_at is not None:
            return in_hands(elsewhere, started_at)
    return None


def _unit(row: Answer, **more: Any) -> Unit:
    visits, busy, passed_over = [], set(), set()
    ended: dict[str, datetime] = {}
    for operation, started_at, completed_at, end_received_at, result, _ in row.work or ():
        if result == "PassedOver":
            passed_over.add(operation)
        elif completed_at is None:
            busy.add(operation)
        elif result not in _NOT_DONE:
            visits.append(Visit(operation, started_at or completed_at))
            heard = end_received_at or completed_at
            ended[operation] = max(heard, ended.get(operation, heard))
    free = {operation for operation, at in ended.items() if row.sent_back_at is not None and at < row.sent_back_at}
    unit_id, serial = row.known_unit
    scrapped, in_doubt = row.scrapped or (None, False)
    shipment, shipped_as = row.shipped or (None, None)
    planned = tuple(RoutingStep(operation, optional) for operation, optional in row.routing or ())
    now = reentry(planned, visits, [Check(*check) for check in row.checks or ()], row.mended or ())
    return Unit(
        unit_id=unit_id,
        serial=serial if row.only_position is None else f"{serial} position {row.only_position}",
        product_revision_id=row.product_revision_id,
        product=row.product,
        customer=row.customer,
        routing=tuple(now.routing),
        visits=tuple(now.visits),
        undone=tuple(visit for visit in visits if visit not in now.visits) if now.again else (),
        again=now.again,
        busy=tuple(sorted(busy)),
        passed_over=frozenset(passed_over),
        free=frozenset(free),
        done_at=ended.get(row.station.operation or "") if row.station is not None else None,
        runs=tuple(_runs(row.runs)),
        retest_limit=row.retest_limit,
        scrapped=scrapped,
        perhaps_scrapped=in_doubt,
        shipped=shipment,
        shipped_as=shipped_as,
        positions=tuple(row.positions or ()),
        spoken_of=bool(row.spoken_of),
        built_into=row.built_into,
        provisional=tuple(row.provisional or ()),
        wanted=row.wanted,
        recipes=tuple((recipe, revision) for recipe, revision in row.recipes or ()),
        **more,
    )


def _runs(listed: Sequence[RunDone] | None) -> Iterator[Run]:
    for run in listed or ():
        yield Run(*run)


def _overrides(listed: Sequence[Given] | None) -> Iterator[Override]:
    for given in listed or ():
        yield Override(*given)
