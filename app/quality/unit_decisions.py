"""What quality said of one unit: its holds with what ended them, and what was decided of it, on record for good."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from app.quality.holds import hold_clears
from app.quality.nonconformances import nonconformances
from app.sentences import Sentence
from app.units.places import PLACES_THEN


@dataclass(frozen=True, slots=True)
class Held:
    """A hold of a unit. `standing` tells whether it holds still; `why` is what brought the unit under it.

    `decision` with its reason is what was decided of the unit, `released_at` when all of it was released.
    """

    number: str
    containment: str | None
    reason: str
    why: str | None
    held_at: datetime
    opened_by: str | None
    standing: bool
    decision: str | None
    decided_at: datetime | None
    decided_by: str | None
    decided_because: str | None
    customer_approval: str | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None

    @property
    def clears(self) -> Sentence:
        """What clears it."""
        return hold_clears(self.number, self.containment)


_HELD = text(
    f"""
    -- Which holds are or were on this unit, and what was decided of it?
    WITH {PLACES_THEN}, decided AS (
        SELECT * FROM unit_disposition WHERE CAST(:as_of AS timestamptz) IS NULL OR decided_at <= :as_of
    ), nc AS (
        SELECT nonconformance_id, number, reason, opened_by, release.*
        FROM nonconformance
        LEFT JOIN LATERAL (
            SELECT released_at, released_by, release_reason
            WHERE CAST(:as_of AS timestamptz) IS NULL OR released_at <= :as_of
        ) AS release ON true
    )
    SELECT DISTINCT nc.number, containment.number AS containment, nc.reason, fact.reason AS why, fact.held_at,
        nc.opened_by,
        CASE WHEN decided.decision IS NULL THEN nc.released_at IS NULL
            ELSE decided.decision IN ('scrap', 'return_to_supplier') END AS standing,
        decided.decision, decided.decided_at, decided.decided_by, decided.reason AS decided_because,
        decided.customer_approval, nc.released_at, nc.released_by, nc.release_reason
    FROM subject CROSS JOIN place JOIN unit_hold AS fact ON fact.unit_id = place.unit_id
        AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
        AND fact.fact_at >= place.held_from AND fact.fact_at < place.held_until
    JOIN nc USING (nonconformance_id)
    LEFT JOIN containment USING (nonconformance_id)
    LEFT JOIN decided ON decided.unit_id = fact.unit_id AND decided.position_number = fact.position_number
        AND decided.nonconformance_id = fact.nonconformance_id AND decided.nth = fact.nth
    WHERE (CAST(:as_of AS timestamptz) IS NULL OR fact.held_at <= :as_of)
      -- A board that was held by its place, and decided by itself since, has a hold of its own.
      AND NOT EXISTS (
          SELECT FROM unit_hold AS own JOIN decided AS its USING (unit_id, position_number, nonconformance_id, nth)
          WHERE own.unit_id = subject.unit_id AND own.unit_id <> fact.unit_id AND own.position_number = 0
            AND own.nonconformance_id = fact.nonconformance_id AND its.decided_at >= fact.held_at
      )
    ORDER BY fact.held_at, nc.number
    """
)


def holds_of_unit(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> list[Held]:
    """Every hold the unit ever had, oldest first; with `as_of` as it was known then.

    Customers are told nobody's name, and of a containment shared with others what it was asked for only.
    """
    rows = connection.execute(_HELD, {"serial": serial, "customer_id": customer_id, "as_of": as_of})
    holds = [Held(*row) for row in rows]
    if customer_id is None:
        return holds
    return [_outside(connection, one, customer_id) for one in holds]


def _outside(connection: Connection, one: Held, customer_id: int) -> Held:
    told = nonconformances(connection, customer_id=customer_id, number=one.number)
    shown = told[0] if told else None
    return replace(
        one,
        reason=shown.reason if shown else "On hold",
        why=None,
        opened_by=None,
        decided_by=None,
        decided_because=None,
        released_by=None,
        release_reason=shown.release_reason if shown else None,
    )
