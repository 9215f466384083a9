"""Which units are finished: every required step of their routing is completed, and no work is open.

A unit that was mended must have passed its checks again: `app.products.routing.reentry` says which.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, text

from app.products.routing import Check, RoutingStep, Visit, next_operation, reentry
from app.sentences import Sentence
from app.units.families import (
    AMONG_MEMBER_ROUND,
    AT_MEMBER_ROUND,
    MEMBER_ROUNDS,
    TIED_AT_MEMBER_ROUND,
    TIED_IN_DOUBT_THERE,
    WORKED_AT_MEMBER_ROUND,
)
from app.units.places import NOW, passed_over, passed_without, sure_of_work, worked_without
from app.units.starts import taken_back

_Routed: TypeAlias = tuple[list[RoutingStep], list[Visit]]
"""A routing and the visits of a unit."""

_ASKED = """
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    )
"""
_WORK = text(
    f"""
    -- What work was done on these units, by themselves and in the panels they were in then?
    {_ASKED}, {MEMBER_ROUNDS}
    SELECT DISTINCT place.asked_id, station.operation, coalesce(station.name, station.handle) AS station,
        coalesce(fact.started_at, fact.completed_at) AS started_at, fact.completed_at IS NOT NULL AS completed,
        coalesce(fact.result, 'Completed') = 'Completed'
            AND NOT {passed_over("place.position_number", "place.member_id")} AS done
    FROM place JOIN work_record AS fact
        ON {WORKED_AT_MEMBER_ROUND} AND (place.turn IS NULL OR {sure_of_work("place", NOW)})
    JOIN station USING (station_id)
    WHERE NOT {worked_without("place.member_id")}
    """
)
_LEAVE = text(
    f"""
    -- Which operations did somebody let these units pass without, and between when did that hold? What was given to a
    -- carrier is for the boards that were in it then.
    {_ASKED}, {MEMBER_ROUNDS}
    SELECT DISTINCT place.asked_id, given.subject, given.given_at, given.expires_at
    FROM place JOIN gate_override AS given ON given.unit_id = place.unit_id
        AND given.given_at >= place.held_from AND given.given_at < place.held_until
    WHERE given.code = 'skipped' AND given.subject IS NOT NULL AND given.revoked_at IS NULL
    """
)
_MENDED = text(
    f"""
    -- When were hands on these units, to take parts out or to repair, and quality has not accepted them as they are
    -- since? Of several that may be meant, on each.
    {_ASKED}, {MEMBER_ROUNDS}, touched AS (
        SELECT place.asked_id, fact.recorded_at, fact.received_at
        FROM place JOIN removal AS fact ON {AT_MEMBER_ROUND}
        UNION
        SELECT place.asked_id, fact.recorded_at, fact.received_at
        FROM place JOIN unit_event AS fact ON {AMONG_MEMBER_ROUND}
        WHERE fact.message_name = 'CFX.Production.ReworkAndRepair.UnitsRepaired'
    )
    SELECT asked_id, recorded_at FROM touched
    WHERE NOT EXISTS (
        SELECT FROM unit_disposition AS made JOIN nonconformance USING (nonconformance_id)
        WHERE made.unit_id = asked_id AND decision = 'use_as_is' AND decided_at > touched.received_at AND NOT by_rule
    )
    """
)


def _found_by(kind: str) -> str:
    # An inspection of a panel as such (run 0) says nothing of one board.
    return f"""
        SELECT place.asked_id, fact.station_id, fact.recorded_at, fact.outcome, {kind == "test"} AS is_test
        FROM place JOIN {kind} AS fact ON {TIED_AT_MEMBER_ROUND}
        WHERE (place.position_number IS NULL OR fact.position_number > 0 OR fact.run > 0)
          AND (fact.outcome = 'failed'
               OR NOT {TIED_IN_DOUBT_THERE} AND NOT {passed_without("place.member_id")})
          AND NOT ({taken_back(kind)})
    """


_CHECKS = text(
    f"""
    -- What did inspections and tests find of these units? What may have been another board that passed is no pass.
    {_ASKED}, {MEMBER_ROUNDS}, verdict AS (
        {_found_by("inspection")}
        UNION
        {_found_by("test")}
    )
    SELECT asked_id, station.operation, recorded_at, outcome = 'passed' AS passed, is_test
    FROM verdict JOIN station USING (station_id)
    WHERE station.operation IS NOT NULL AND outcome IN ('passed', 'failed')
    """
)
_ROUTINGS = text(
    """
    -- What routing does each of these units have?
    SELECT unit.unit_id, product_revision_id FROM unit JOIN work_order USING (work_order_id)
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[])) AND product_revision_id IS NOT NULL
    """
)
_STEPS = text(
    """
    SELECT product_revision_id, operation, optional FROM routing_operation
    WHERE product_revision_id = ANY (CAST(:revisions AS integer[]))
    ORDER BY product_revision_id, sequence
    """
)


def incomplete(
    connection: Connection, unit_ids: Collection[int], *, bought: Collection[int] = frozenset()
) -> dict[int, Sentence]:
    """What is missing, for each unit that is not finished: "operation AOI is not completed".

    A result other than `Completed` is work that was not done. What the gate was told to let it pass without is asked
    for no more. Where no routing is known, some completed work is enough; of units that may have been `bought`, none
    is asked for.
    """
    asked = {"units": sorted(set(unit_ids))}
    if not unit_ids:
        return {}
    visits: dict[int, list[Visit]] = {}
    working: dict[int, str] = {}
    worked: set[int] = set()
    for row in connection.execute(_WORK, asked):
        if not row.completed:
            working[row.asked_id] = row.station
        else:
            worked.add(row.asked_id)
            if row.done and row.operation is not None:
                visits.setdefault(row.asked_id, []).append(Visit(row.operation, row.started_at))
    routings = _routings(connection, asked, visits)
    found: dict[int, Sentence] = {}
    through: dict[int, _Routed] = {}
    for unit_id in asked["units"]:
        routing, visited = routings.get(unit_id, []), visits.get(unit_id, [])
        step = next_operation(routing, visited)
        if step is not None:
            found[unit_id] = Sentence("operation %(operation)s is not completed", operation=step.operation)
        elif unit_id in working:
            found[unit_id] = Sentence("its work at %(station)s is not completed", station=working[unit_id])
        elif unit_id not in worked and unit_id not in bought:
            found[unit_id] = Sentence("no completed work is recorded")
        elif routing:
            through[unit_id] = routing, visited
    return found | _to_pass_again(connection, through)


def _routings(
    connection: Connection, asked: Mapping[str, Collection[int]], visits: Mapping[int, Sequence[Visit]]
) -> dict[int, list[RoutingStep]]:
    """The routing of each unit; what it was let pass without is optional, once it went on while that held."""
    revisions = {row[0]: row[1] for row in connection.execute(_ROUTINGS, asked)}
    steps: dict[int, list[RoutingStep]] = {}
    for revision, operation, optional in connection.execute(_STEPS, {"revisions": sorted(set(revisions.values()))}):
        steps.setdefault(revision, []).append(RoutingStep(operation, optional))
    found = {unit_id: steps.get(revision, []) for unit_id, revision in revisions.items()}
    for row in connection.execute(_LEAVE, asked):
        if any(row.given_at <= visit.started_at < row.expires_at for visit in visits.get(row.asked_id, ())):
            found[row.asked_id] = [
                replace(step, optional=True) if step.operation == row.subject else step
                for step in found.get(row.asked_id, ())
            ]
    return found


def _to_pass_again(connection: Connection, through: Mapping[int, _Routed]) -> dict[int, Sentence]:
    """Of units that are through their routing: those that were mended, with the check they have not passed since."""
    mended: dict[int, set[datetime]] = {}
    if through:
        for unit_id, at in connection.execute(_MENDED, {"units": sorted(through)}):
            mended.setdefault(unit_id, set()).add(at)
    checks: dict[int, list[Check]] = {unit_id: [] for unit_id in mended}
    if mended:
        for unit_id, *check in connection.execute(_CHECKS, {"units": sorted(mended)}):
            checks[unit_id].append(Check(*check))
    found = {}
    for unit_id, times in mended.items():
        now = reentry(*through[unit_id], checks[unit_id], times)
        step = next_operation(now.routing, now.visits)
        if step is not None:
            at = now.again[step.operation]
            found[unit_id] = Sentence(
                "it was mended at %(time)s and has not passed %(operation)s since", time=at, operation=step.operation
            )
    return found
