"""What a containment or nonconformance holds: its units page by page, its packages, and what had left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.sentences import Sentence
from app.units.families import BOARD_THEN, REMOVED
from app.units.places import HELD_WINDOW
from app.units.whereabouts import places_of

LARGEST_PAGE = 10_000
_CURSOR = re.compile(r"\d{1,18}\.\d{1,5}\.\d{1,5}", re.ASCII)  # unit, position, nth: within their columns


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """A unit that is or was held. `place` is where it is now; `decision` what was decided of it, if anything.

    Customers are not told by whom.
    """

    serial: str
    position_number: int | None
    evidence: str
    reason: str
    place: str
    customer: str | None
    later: bool
    decision: str | None
    decided_by: str | None
    held_at: datetime


@dataclass(frozen=True, slots=True)
class HeldUnits:
    """A page; `next` is the cursor of the next one."""

    units: Sequence[HeldUnit]
    next: str | None


@dataclass(frozen=True, slots=True)
class HeldPackage:
    """A package that is or was held, and where it was when it was held."""

    package: str
    place: str | None
    later: bool
    decision: str | None


@dataclass(frozen=True, slots=True)
class ShippedWith:
    """Held units that have left, by customer and shipment: whom to tell, and which units to ask back."""

    customer: str
    shipment: str
    shipped_at: datetime
    serials: Sequence[str]


_UNITS = text(
    """
    -- Which units does this nonconformance hold, in order, and what was decided of each?
    SELECT hold.unit_id, hold.position_number, hold.nth, unit.serial, hold.evidence, customer.name AS customer,
        -- Who worked where is the factory's own affair.
        CASE WHEN CAST(:customer_id AS integer) IS NOT NULL AND containment.terms ? 'operator'
             THEN 'an operator of the factory worked on it' ELSE hold.reason END AS reason,
        hold.later, decided.decision, decided.decided_by, hold.held_at
    FROM nonconformance
    JOIN unit_hold AS hold USING (nonconformance_id)
    JOIN unit USING (unit_id)
    LEFT JOIN customer USING (customer_id)
    LEFT JOIN containment USING (nonconformance_id)
    LEFT JOIN unit_disposition AS decided USING (unit_id, position_number, nonconformance_id, nth)
    WHERE nonconformance.number = :number
      AND (hold.unit_id, hold.position_number, hold.nth) > (:after_unit, :after_position, :after_nth)
      AND (CAST(:customer_id AS integer) IS NULL OR unit.customer_id = :customer_id)
    ORDER BY hold.unit_id, hold.position_number, hold.nth
    LIMIT :limit
    """
)
_PACKAGES = text(
    """
    SELECT package.identifier, hold.place, hold.later, decided.decision
    FROM nonconformance
    JOIN package_hold AS hold USING (nonconformance_id)
    JOIN package USING (package_id)
    LEFT JOIN package_disposition AS decided USING (package_id, nonconformance_id)
    WHERE nonconformance.number = :number
    ORDER BY package.identifier
    """
)
# Those that left inside an assembly are listed by its serial: that is what the customer has.
_SHIPPED = text(
    f"""
    -- Which held units have left, or what they are built into, to whom, with which shipment?
    WITH RECURSIVE meant AS (
        SELECT meant.unit_id
        FROM nonconformance
        JOIN unit_hold AS hold USING (nonconformance_id)
        CROSS JOIN LATERAL (
            -- A board may be held by the place it was in when nobody knew yet which board that was.
            SELECT hold.unit_id
            UNION
            SELECT held.unit_id FROM panel_position AS held
            CROSS JOIN LATERAL (SELECT {HELD_WINDOW}) AS time (held_from, held_until)
            WHERE held.panel_id = hold.unit_id AND hold.position_number IN (0, held.position_number)
              AND hold.fact_at >= held_from AND hold.fact_at < held_until
        ) AS meant
        WHERE nonconformance.number = :number
        UNION
        SELECT coalesce(({BOARD_THEN}), built.unit_id)
        FROM meant JOIN installed_unit AS built ON built.child_id = meant.unit_id
        WHERE NOT {REMOVED}
    )
    SELECT customer.name, shipment.number, shipment.shipped_at, array_agg(DISTINCT unit.serial ORDER BY unit.serial)
    FROM meant
    JOIN unit ON unit.unit_id = meant.unit_id
    JOIN packed_unit ON packed_unit.unit_id = meant.unit_id AND unpacked_at IS NULL
    JOIN shipment USING (shipment_id)
    JOIN customer ON customer.customer_id = shipment.customer_id
    WHERE shipped_at IS NOT NULL
      AND (CAST(:customer_id AS integer) IS NULL
           OR (unit.customer_id = :customer_id AND shipment.customer_id = :customer_id))
    GROUP BY customer.name, shipment.number, shipment.shipped_at
    ORDER BY customer.name, shipment.number
    """
)


def held_units(
    connection: Connection,
    number: str,
    *,
    customer_id: int | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> HeldUnits:
    """A page of the units of a nonconformance; a customer sees their own. Raises `Invalid` for no cursor of ours."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(Sentence("limit must be between 1 and %(count_most)s.", count_most=LARGEST_PAGE))
    after = (cursor or "0.-1.0").split(".")
    if cursor and _CURSOR.fullmatch(cursor) is None:
        raise Invalid(Sentence("This cursor is not one that this query gave. Leave it out to start over."))
    asked = {
        "number": number,
        "customer_id": customer_id,
        "after_unit": int(after[0]),
        "after_position": int(after[1]),
        "after_nth": int(after[2]),
        "limit": limit + 1,
    }
    rows = connection.execute(_UNITS, asked).all()
    page = rows[:limit]
    places = places_of(connection, [row.unit_id for row in page])
    units = [
        HeldUnit(
            serial=row.serial,
            position_number=row.position_number or None,
            evidence=row.evidence,
            reason=row.reason,
            place=places[row.unit_id].words if customer_id is None else places[row.unit_id].told_to(row.customer),
            customer=row.customer,
            later=row.later,
            decision=row.decision,
            decided_by=row.decided_by if customer_id is None else None,
            held_at=row.held_at,
        )
        for row in page
    ]
    more = len(rows) > limit
    return HeldUnits(units, f"{page[-1].unit_id}.{page[-1].position_number}.{page[-1].nth}" if more else None)


def held_in_store(connection: Connection, number: str) -> list[HeldPackage]:
    """The packages of a nonconformance. They are the factory's: customers do not see them."""
    return [HeldPackage(*row) for row in connection.execute(_PACKAGES, {"number": number})]


def shipped_of(connection: Connection, number: str, *, customer_id: int | None = None) -> list[ShippedWith]:
    """What had left by customer and shipment; a customer sees what came to them."""
    rows = connection.execute(_SHIPPED, {"number": number, "customer_id": customer_id})
    return [ShippedWith(*row) for row in rows]
