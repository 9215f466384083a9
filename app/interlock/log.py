"""What the gate said."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

_OF_UNIT = text(
    """
    -- What did the gate say of this unit, as a board or by the panel's name?
    SELECT verdict.verdict_id, verdict.identifier, verdict.position_number,
        coalesce(station.handle, verdict.facts #>> '{station,handle}') AS station, verdict.purpose,
        verdict.allowed, verdict.codes, verdict.overridden, verdict.actor, verdict.decided_at, verdict.facts
    FROM serial JOIN verdict USING (unit_id)
    LEFT JOIN station ON station.station_id = verdict.station_id
    WHERE serial.serial = :serial AND (CAST(:before AS bigint) IS NULL OR verdict.verdict_id < :before)
    ORDER BY verdict.verdict_id DESC
    LIMIT :limit
    """
)


def verdicts_of(
    connection: Connection, serial: str, *, before: int | None = None, limit: int = 100
) -> Sequence[Row[Any]]:
    """The verdicts on a unit, newest first, each with the facts it saw; `before` is the last number of a page."""
    return connection.execute(_OF_UNIT, {"serial": serial, "before": before, "limit": limit}).all()
