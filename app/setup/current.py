"""What is a station building right now?"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Building:
    """The order of the work a station began last, or of the recipe it activated since, which it is set up for.

    None where the order of that, or its product, is not known: what was built before says nothing of another recipe.
    """

    work_order: str | None
    work_order_id: int | None
    product_revision_id: int | None
    side: str | None


ACTIVE_RECIPE = """
    SELECT told.body, told.recorded_at FROM (
        -- What a clock told that was ahead then comes first; the latest is among these for all that.
        SELECT said.body, said.recorded_at, said.received_at, said.event_id FROM station_event AS said
        WHERE said.station_id = station.station_id AND said.message_name = 'CFX.Production.RecipeActivated'
        ORDER BY said.recorded_at DESC LIMIT 50
    ) AS told
    ORDER BY least(told.recorded_at, told.received_at) DESC, told.event_id DESC LIMIT 1
"""
"""The recipe that `station` activated last: body and time. A clock may be ahead: what was heard has happened."""

ORDER_OF_RECIPE = """
    coalesce(nullif(active.body #>> '{WorkOrderIdentifier,WorkOrderId}', ''), (
        SELECT said.body #>> '{WorkOrderIdentifier,WorkOrderId}' FROM station_event AS said
        WHERE said.station_id = station.station_id AND said.message_name = 'CFX.Production.RecipeActivated'
          AND said.recorded_at < active.recorded_at AND said.body #>> '{WorkOrderIdentifier,WorkOrderId}' <> ''
          AND NOT EXISTS (
            SELECT FROM station_event AS other
            WHERE other.station_id = station.station_id AND other.message_name = 'CFX.Production.RecipeActivated'
              AND other.recorded_at >= said.recorded_at AND other.recorded_at < active.recorded_at
              AND (other.body -> 'RecipeName', other.body -> 'Revision')
                  IS DISTINCT FROM (active.body -> 'RecipeName', active.body -> 'Revision')
        )
        ORDER BY said.recorded_at DESC LIMIT 1
    ))
"""
"""Expression: the number of the order of the recipe that `station` activated last (`active`: body and time of that).

The same recipe again, without an order, goes on for the order that it was activated for.
"""

_LATEST = text(
    """
    -- Which unit did this station begin last, and of which order is it, or its boards, or its panel?
    -- What was heard has happened, though the clock that told it was ahead: the latest is among the last few it told.
    -- And which order did it activate a recipe for, if that was later? The same recipe again, without an order, is no
    -- changeover: it goes on for the order that it was activated for.
    WITH begun AS (
        SELECT ordered.work_order_id, work.surface, work.started_at AS told_at
        FROM (
            SELECT unit_id, surface, least(started_at, started_received_at) AS started_at
            FROM (
                SELECT unit_id, surface, started_at, started_received_at FROM work_record
                WHERE station_id = :station AND least(started_at, started_received_at) <= :at
                ORDER BY work_record.started_at DESC LIMIT 50
            ) AS latest
            ORDER BY started_at DESC LIMIT 1
        ) AS work
        LEFT JOIN LATERAL (
            SELECT unit.work_order_id FROM (
                SELECT work.unit_id AS unit_id, 0 AS distance
                UNION ALL SELECT unit_id, 1 FROM panel_position WHERE panel_id = work.unit_id
                UNION ALL SELECT panel_id, 1 FROM panel_position WHERE panel_position.unit_id = work.unit_id
            ) AS near JOIN unit USING (unit_id)
            WHERE unit.work_order_id IS NOT NULL ORDER BY distance LIMIT 1
        ) AS ordered ON true
    ), said AS (
        SELECT body -> 'RecipeName' AS recipe, body -> 'Revision' AS revision, body ->> 'RelevantSurface' AS surface,
            recorded_at, nullif(body #>> '{WorkOrderIdentifier,WorkOrderId}', '') AS number, work_order.work_order_id
        FROM (
            SELECT body, least(recorded_at, received_at) AS recorded_at FROM station_event
            WHERE station_id = :station AND message_name = 'CFX.Production.RecipeActivated'
              AND least(recorded_at, received_at) <= :at
            ORDER BY station_event.recorded_at DESC LIMIT 500
        ) AS latest
        LEFT JOIN work_order ON work_order.number = body #>> '{WorkOrderIdentifier,WorkOrderId}'
    ), activated AS (
        SELECT work_order_id, recorded_at AS told_at,
            coalesce((SELECT surface FROM said ORDER BY recorded_at DESC LIMIT 1), surface) AS surface
        FROM said
        WHERE NOT EXISTS (
            SELECT FROM said AS later
            WHERE later.recorded_at > said.recorded_at
              AND ((later.recipe, later.revision) IS DISTINCT FROM (said.recipe, said.revision)
                   OR later.number <> coalesce(said.number, ''))
        )
        ORDER BY work_order_id IS NULL, CASE WHEN work_order_id IS NULL THEN recorded_at END, recorded_at DESC LIMIT 1
    )
    SELECT work_order.number, work_order.work_order_id, work_order.product_revision_id,
        CASE surface WHEN 'PrimarySurface' THEN 'top' WHEN 'SecondarySurface' THEN 'bottom' END AS side
    FROM (
        SELECT work_order_id, surface, told_at FROM begun
        UNION ALL
        SELECT work_order_id, surface, told_at FROM activated
        ORDER BY told_at DESC LIMIT 1
    ) AS latest
    LEFT JOIN work_order USING (work_order_id)
    """
)


def building_at(connection: Connection, station_id: int, *, at: datetime) -> Building | None:
    """What a station was building at a moment, or being set up for; None where it never said anything of either."""
    row = connection.execute(_LATEST, {"station": station_id, "at": at}).one_or_none()
    return None if row is None else Building(*row)
