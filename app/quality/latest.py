"""What passed its last test a moment ago."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Passed:
    """A customer's unit that passed a test."""

    serial: str
    customer: str
    station: str
    recorded_at: datetime


# One step into the index for each station, of which few test.
_PASSED = text(
    """
    -- Which unit of a customer passed a test last?
    SELECT unit.serial, customer.name AS customer, coalesce(station.name, station.handle) AS station, test.recorded_at
    FROM station
    CROSS JOIN LATERAL (
        SELECT test.unit_id, test.recorded_at FROM test JOIN unit USING (unit_id)
        WHERE test.station_id = station.station_id AND outcome = 'passed' AND unit.customer_id IS NOT NULL
          AND (CAST(:customer_id AS bigint) IS NULL OR unit.customer_id = :customer_id)
        ORDER BY test.recorded_at DESC LIMIT 1
    ) AS test
    JOIN unit USING (unit_id)
    JOIN customer USING (customer_id)
    ORDER BY test.recorded_at DESC LIMIT 1
    """
)


def latest_passed(connection: Connection, *, customer_id: int | None = None) -> Passed | None:
    """The unit of a customer, or of this one, that passed a test last; None where none did."""
    row = connection.execute(_PASSED, {"customer_id": customer_id}).mappings().one_or_none()
    return None if row is None else Passed(**row)
