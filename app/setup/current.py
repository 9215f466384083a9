"""What is a station building right now?"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Building:
    """The order of the work a station began last; None where the unit's order, or its product, is not known."""

    work_order: str | None
    work_order_id: int | None
    product_revision_id: int | None
    side: str | None
    unit_id: int
    started_at: datetime


_LATEST = text(
    """
    -- Which unit did this station begin last, and of which order is it, or its boards, or its panel?
    SELECT work_order.number, work_order.work_order_id, work_order.product_revision_id,
        CASE work.surface WHEN 'PrimarySurface' THEN 'top' WHEN 'SecondarySurface' THEN 'bottom' END AS side,
        work.unit_id, work.started_at
    FROM (
        SELECT unit_id, surface, started_at FROM work_record
        WHERE station_id = :station AND started_at <= :at
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
    LEFT JOIN work_order USING (work_order_id)
    """
)


def building_at(connection: Connection, station_id: int, *, at: datetime) -> Building | None:
    """What a station was building at a moment; None where it never began anything."""
    row = connection.execute(_LATEST, {"station": station_id, "at": at}).one_or_none()
    return None if row is None else Building(*row)
