"""Work orders registered as machines name them."""

from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

_FIND = text("SELECT number, work_order_id FROM work_order WHERE number = ANY(CAST(:numbers AS text[]))")
_ENTER = text(
    """
    INSERT INTO work_order (number, unplanned)
    SELECT given, true FROM unnest(CAST(:numbers AS text[])) AS given ORDER BY given
    ON CONFLICT DO NOTHING
    RETURNING number, work_order_id
    """
)


def find_work_orders(connection: Connection, numbers: Collection[str], known: MutableMapping[str, int]) -> list[str]:
    """Add the work orders of `numbers` to `known`; return the numbers nobody has registered."""
    missing = sorted({number for number in numbers if number not in known})
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(_FIND, {"numbers": missing}))
    return [number for number in missing if number not in known]


def register_work_orders(connection: Connection, numbers: Collection[str], known: MutableMapping[str, int]) -> None:
    """Give every number a work order, `unplanned` until someone plans it, and add it to `known`."""
    missing = find_work_orders(connection, numbers, known)
    if missing:
        entered = connection.execute(_ENTER, {"numbers": missing})
        known.update((row[0], row[1]) for row in entered)
        find_work_orders(connection, missing, known)  # those another process entered first


@dataclass(frozen=True, slots=True)
class Announced:
    """What an information system said of a work order, at the time of its clock."""

    number: str
    quantity: int
    recorded_at: datetime


_ANNOUNCE = text(
    """
    UPDATE work_order SET quantity = latest.quantity, announced_at = latest.recorded_at
    FROM (
        SELECT DISTINCT ON (number) number, quantity, recorded_at
        FROM unnest(
            CAST(:numbers AS text[]), CAST(:quantities AS integer[]), CAST(:recorded_at AS timestamptz[])
        ) AS said (number, quantity, recorded_at)
        ORDER BY number, recorded_at DESC, quantity DESC
    ) AS latest
    WHERE work_order.number = latest.number AND unplanned
      AND (announced_at IS NULL OR (announced_at, work_order.quantity) < (latest.recorded_at, latest.quantity))
    """
)


def record_announced(connection: Connection, announced: Sequence[Announced]) -> None:
    """Take the quantities of registered work orders from their latest announcement, in whatever order those come."""
    if announced:
        given = {
            "numbers": [one.number for one in announced],
            "quantities": [one.quantity for one in announced],
            "recorded_at": [one.recorded_at for one in announced],
        }
        connection.execute(_ANNOUNCE, given)
