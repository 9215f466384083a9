"""Which units are finished: every required step of their routing is completed, and no work is open."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from app.products.routing import RoutingStep, Visit, next_operation
from app.units.families import AMONG_MEMBER_PLACES, MEMBER_PLACES

_WORK = text(
    f"""
    -- What work was done on these units, by themselves and in the panels they were in then?
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_PLACES}
    SELECT DISTINCT place.asked_id, station.operation, coalesce(station.name, station.handle) AS station,
        coalesce(fact.started_at, fact.completed_at) AS started_at, fact.completed_at IS NOT NULL AS completed,
        coalesce(fact.result, 'Completed') = 'Completed' AS done
    FROM place JOIN work_record AS fact
        ON {AMONG_MEMBER_PLACES.format(time="coalesce(fact.started_at, fact.completed_at)")}
    JOIN station USING (station_id)
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


def incomplete(connection: Connection, unit_ids: Collection[int]) -> dict[int, str]:
    """What is missing, for each unit that is not finished: "operation AOI is not completed".

    A result other than `Completed` is work that was not done. Where no routing is known, some completed work is enough.
    """
    asked = {"units": sorted(set(unit_ids))}
    if not unit_ids:
        return {}
    revisions = {row[0]: row[1] for row in connection.execute(_ROUTINGS, asked)}
    routings: dict[int, list[RoutingStep]] = {}
    for revision, operation, optional in connection.execute(_STEPS, {"revisions": sorted(set(revisions.values()))}):
        routings.setdefault(revision, []).append(RoutingStep(operation, optional))
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
    found: dict[int, str] = {}
    for unit_id in asked["units"]:
        step = next_operation(routings.get(revisions.get(unit_id, 0), ()), visits.get(unit_id, ()))
        if step is not None:
            found[unit_id] = f"operation {step.operation} is not completed"
        elif unit_id in working:
            found[unit_id] = f"its work at {working[unit_id]} is not completed"
        elif unit_id not in worked:
            found[unit_id] = "no completed work is recorded"
    return found
