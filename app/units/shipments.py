"""Shipments: what is packed for a customer, and what has left.

These are the records alone; `app.quality.shipping` judges whether a unit may leave.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from app.errors import Conflict, NotFound
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class ShipmentSummary:
    """A shipment; `shipped_at` is null while it is being packed."""

    number: str
    customer: str
    units: int
    opened_at: datetime
    shipped_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """A shipment, locked by the asking transaction."""

    shipment_id: int
    number: str
    customer: str
    customer_id: int
    shipped_at: datetime | None


_LOCKED = text(
    """
    SELECT shipment_id, number, customer.name, customer_id, shipped_at
    FROM shipment JOIN customer USING (customer_id)
    WHERE number = :number
    FOR UPDATE OF shipment
    """
)
_OPEN = text(
    "INSERT INTO shipment (number, customer_id, opened_by) VALUES (:number, :customer, :actor) ON CONFLICT DO NOTHING"
)
_PACK = text(
    """
    INSERT INTO packed_unit (unit_id, shipment_id, packed_by)
    SELECT unit_id, :shipment, :actor FROM unnest(CAST(:units AS bigint[])) AS given (unit_id) ORDER BY unit_id
    """
)
_UNPACK = text(
    """
    UPDATE packed_unit SET unpacked_at = clock_timestamp(), unpacked_by = :actor, unpacked_because = :reason
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND unpacked_at IS NULL
    RETURNING unit_id
    """
)
_PACKED = text("SELECT unit_id FROM packed_unit WHERE shipment_id = :shipment AND unpacked_at IS NULL ORDER BY unit_id")
_SHIP = text(
    """
    UPDATE shipment SET shipped_at = clock_timestamp(), shipped_by = :actor
    WHERE shipment_id = :shipment AND shipped_at IS NULL
    RETURNING shipped_at
    """
)
_SHIPMENTS = text(
    """
    -- Which shipments are there, newest first?
    SELECT shipment.number, customer.name AS customer, (
            SELECT count(*) FROM packed_unit
            WHERE packed_unit.shipment_id = shipment.shipment_id AND unpacked_at IS NULL
        ) AS units, opened_at, shipped_at
    FROM shipment JOIN customer USING (customer_id)
    WHERE (CAST(:customer_id AS integer) IS NULL OR customer_id = :customer_id)
      AND (CAST(:number AS text) IS NULL OR number = :number)
    ORDER BY opened_at DESC, number
    LIMIT :limit
    """
)
_SERIALS = text(
    """
    SELECT unit.serial FROM shipment JOIN packed_unit USING (shipment_id) JOIN unit USING (unit_id)
    WHERE shipment.number = :number AND unpacked_at IS NULL
    ORDER BY unit.serial
    """
)


def open_shipment(connection: Connection, *, number: str, customer_id: int, actor: str) -> ShipmentRow:
    """The shipment of this number, locked; opened if new. Raises `Conflict` where it is another customer's."""
    connection.execute(_OPEN, {"number": number, "customer": customer_id, "actor": actor})
    row = lock_shipment(connection, number)
    if row.customer_id != customer_id:
        raise Conflict(
            Sentence("Shipment %(shipment)s goes to another customer. Choose another number.", shipment=number)
        )
    return row


def lock_shipment(connection: Connection, number: str) -> ShipmentRow:
    """A shipment, locked. Raises `NotFound`."""
    row = connection.execute(_LOCKED, {"number": number}).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no shipment %(shipment)s. Pack something for it first.", shipment=number))
    return ShipmentRow(*row)


def pack_units(connection: Connection, unit_ids: Collection[int], *, shipment_id: int, actor: str) -> None:
    """Put units into a shipment. Raises `Conflict` where one is in another already."""
    try:
        with connection.begin_nested():
            connection.execute(_PACK, {"units": sorted(unit_ids), "shipment": shipment_id, "actor": actor})
    except IntegrityError as packed:
        raise Conflict(Sentence("One of these units is packed already. Unpack it there first.")) from packed


def unpack_units(connection: Connection, unit_ids: Collection[int], *, reason: str, actor: str) -> set[int]:
    """Take units out of the shipments they are in, or note that they came back; returns those that were in one."""
    given = {"units": sorted(unit_ids), "reason": reason, "actor": actor}
    return set(connection.execute(_UNPACK, given).scalars())


def packed_units(connection: Connection, shipment_id: int) -> list[int]:
    """The units in a shipment, in order of their ids."""
    return list(connection.execute(_PACKED, {"shipment": shipment_id}).scalars())


def close_shipment(connection: Connection, shipment: ShipmentRow, *, actor: str) -> datetime:
    """Note that a shipment has left. Raises `Conflict` where it had left before."""
    at = connection.execute(_SHIP, {"shipment": shipment.shipment_id, "actor": actor}).scalar_one_or_none()
    if at is None:
        raise Conflict(Sentence("Shipment %(shipment)s has left already.", shipment=shipment.number))
    return at  # type: ignore[no-any-return]


def shipments(
    connection: Connection, *, customer_id: int | None = None, number: str | None = None, limit: int = 100
) -> Sequence[ShipmentSummary]:
    """Shipments, newest first; with `customer_id` that customer's only."""
    rows = connection.execute(_SHIPMENTS, {"customer_id": customer_id, "number": number, "limit": limit})
    return [ShipmentSummary(*row) for row in rows]


def shipped_serials(connection: Connection, number: str) -> list[str]:
    """The serials in a shipment."""
    return list(connection.execute(_SERIALS, {"number": number}).scalars())
