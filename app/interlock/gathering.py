"""Facts for the rules: one statement for all units asked about, and the other rooms' only where there is something.

Whether a room has anything to say is part of the statement; most stations have no feeders and most days no containment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from app.interlock.answers import Answer, Given, RunDone, StationAnswer, answers
from app.interlock.at_station import judged_setup, judged_tools
from app.interlock.facts import EVERYTHING, Active, Facts, OnHold, Override, Run, Station, Topic, Unit
from app.products.routing import Check, RoutingStep, Visit, reentry
from app.quality.holds import holds_on
from app.trace.made_from import made_from

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
    return [
        Facts(
            at=at,
            identifier=asked[row.nth - 1].identifier,
            position_number=(row.position_number if row.position_number is not None
                             else asked[row.nth - 1].position_number),
            unit=rooms.unit(row) if row.unit_id is not None else None,
            station=rooms.station(row, row.station) if row.station is not None else None,
            handle=station,
            overrides=tuple(_overrides(row.overrides)),
            topics=topics,
        )
        for row in rows
    ]  # fmt: skip


class _Rooms:
    """What the other rooms say, asked once for all units of a request."""

    def __init__(self, connection: Connection, at: datetime, rows: Sequence[Answer], told: Told) -> None:
        self._connection = connection
        self._at = at
        self._told = told
        self._stations: dict[int | None, Station] = {}
        known = [row for row in rows if row.unit_id is not None]
        self._holds: Mapping[int, Sequence[Any]] = {}
        if any(row.contained for row in known):
            self._holds = holds_on(connection, sorted({row.known_unit[0] for row in known}))
        self._children = self._look_at_children(known)

    def _look_at_children(self, known: Sequence[Answer]) -> dict[str, tuple[Unit, list[str]]]:
        """Everything built into these units, at any depth: each with what is built into it."""
        found: dict[str, tuple[Unit, list[str]]] = {}
        wanted = {serial for row in known for serial in row.children or ()}
        while wanted:
            found_now = answers(self._connection, station="", identifiers=sorted(wanted), positions=[0] * len(wanted))
            rows = [row for row in found_now if row.unit_id is not None]
            found |= {row.known_unit[1]: (_unit(row), row.children or []) for row in rows}
            wanted = {child for row in rows for child in row.children or ()} - found.keys()
        return found

    def unit(self, row: Answer) -> Unit:
        """The unit of a row, with what other rooms say of it."""
        children = list(self._inside(row.children or ()))
        return _unit(
            row,
            holds=tuple(
                OnHold(hold.number, hold.sentence, hold.via)
                for hold in self._holds.get(row.known_unit[0], ())
                if row.only_position is None or hold.position_number in (0, row.only_position)
            ),
            children_scrapped=tuple(child.serial for child in children if child.scrapped is not None),
            children_failed=tuple(
                child.serial
                for child in children
                if child.routing and any(run.outcome == "failed" and run.decision is None for run in child.runs)
            ),
            completeness=self._traced(row),
        )

    def _inside(self, serials: Sequence[str]) -> Iterator[Unit]:
        seen: set[str] = set()
        wanted = list(serials)
        while wanted:
            serial = wanted.pop()
            if serial in self._children and serial not in seen:
                seen.add(serial)
                child, below = self._children[serial]
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
        )


def _active(row: StationAnswer, told: Told) -> Active | None:
    if told.recipe is not None:
        return Active(told.recipe, told.recipe_revision, row.active_revision_id, row.active_product)
    if row.active is None:
        return None
    said = row.active
    return Active(said.get("RecipeName"), said.get("Revision"), row.active_revision_id, row.active_product)


def _unit(row: Answer, **more: Any) -> Unit:
    visits, busy = [], set()
    for operation, started_at, completed_at, result in row.work or ():
        if completed_at is None:
            busy.add(operation)
        elif result not in _NOT_DONE:
            visits.append(Visit(operation, started_at or completed_at))
    unit_id, serial = row.known_unit
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
        again=now.again,
        busy=tuple(sorted(busy)),
        runs=tuple(_runs(row.runs)),
        retest_limit=row.retest_limit,
        scrapped=row.scrapped,
        shipped=row.shipped,
        provisional=tuple(row.provisional or ()),
        wanted=row.wanted,
        recipes=tuple((recipe, revision) for recipe, revision in row.recipes or ()),
        **more,
    )


def _runs(listed: Sequence[RunDone] | None) -> Iterator[Run]:
    for operation, station, kind, outcome, recorded_at, runs, decision in listed or ():
        yield Run(operation, station, kind, outcome, recorded_at, runs, decision)


def _overrides(listed: Sequence[Given] | None) -> Iterator[Override]:
    for override_id, code, subject, given_by, role, given_at, expires_at in listed or ():
        yield Override(override_id, code, subject, given_by, role, given_at, expires_at)
