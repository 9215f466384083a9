"""Work orders registered as machines name them."""

from collections.abc import Collection, MutableMapping

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
