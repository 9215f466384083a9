"""Which units are finished: every required step of their routing is completed, and no work is open.

A unit that was mended must have passed its checks again: `app.products.routing.reentry` says which.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, text

from app.products.routing import Check, Leave, RoutingStep, Visit, next_operation, reentry, skipped_with_leave
from app.sentences import Sentence
from app.units.families import (
    AMONG_MEMBER_ROUND,
    AT_MEMBER_ROUND,
    MEMBER_ROUNDS,
    TIED_AT_MEMBER_ROUND,
    TIED_IN_DOUBT_THERE,
    WORKED_AT_MEMBER_ROUND,
)
from app.units.leave import leaves_to_skip
from app.units.places import NOW, passed_over, passed_without, sure_of_work, worked_without
from app.units.starts import taken_back

_Routed: TypeAlias = tuple[list[RoutingStep], list[Visit], list[Leave]]
"""A routing, the visits of a unit, and what it was let skip."""

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
        SELECT FROM place JOIN unit_disposition AS made ON made.unit_id = place.unit_id
            AND (place.position_number IS NULL OR made.position_number IN (0, place.position_number))
        JOIN nonconformance USING (nonconformance_id)
        JOIN unit_hold AS hold ON (hold.unit_id, hold.position_number, hold.nonconformance_id, hold.nth)
            = (made.unit_id, made.position_number, made.nonconformance_id, made.nth)
        WHERE place.asked_id = touched.asked_id AND decision = 'use_as_is' AND decided_at > touched.received_at
          AND NOT by_rule AND hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
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
            if row.done:
                worked.add(row.asked_id)
            if row.done and row.operation is not None:
                visits.setdefault(row.asked_id, []).append(Visit(row.operation, row.started_at))
    revisions = {row[0]: row[1] for row in connection.execute(_ROUTINGS, asked)}
    routings: dict[int, list[RoutingStep]] = {}
    for revision, *step in connection.execute(_STEPS, {"revisions": sorted(set(revisions.values()))}):
        routings.setdefault(revision, []).append(RoutingStep(*step))
    leaves = leaves_to_skip(connection, asked["units"])
    found: dict[int, Sentence] = {}
    through: dict[int, _Routed] = {}
    for unit_id in asked["units"]:
        routing, visited = routings.get(revisions.get(unit_id, 0), []), visits.get(unit_id, [])
        given = leaves.get(unit_id, [])
        next_step = next_operation(routing, visited, skipped_with_leave(given, visited))
        if next_step is not None:
            found[unit_id] = Sentence("operation %(operation)s is not completed", operation=next_step.operation)
        elif unit_id in working:
            found[unit_id] = Sentence("its work at %(station)s is not completed", station=working[unit_id])
        elif unit_id not in worked and unit_id not in bought:
            found[unit_id] = Sentence("no completed work is recorded")
        elif routing:
            through[unit_id] = routing, visited, given
    return found | _to_pass_again(connection, through)


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
        routing, visited, given = through[unit_id]
        now = reentry(routing, visited, checks[unit_id], times)
        waived = skipped_with_leave(given, visited, now.again)
        step = next_operation(now.routing, now.visits, waived)
        if step is not None:
            at = now.again[step.operation]
            found[unit_id] = Sentence(
                "it was mended at %(time)s and has not passed %(operation)s since", time=at, operation=step.operation
            )
    return found
