"""Whose units are whose: a customer is assigned to a work order and to every unit in it."""

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.orders.planning import work_order_id_of
from app.people import record_audit, register_customer

_ORDER = text("UPDATE work_order SET customer_id = :customer WHERE work_order_id = :work_order")
_UNITS = text(
    """
    UPDATE unit SET customer_id = :customer
    WHERE work_order_id = :work_order AND customer_id IS DISTINCT FROM :customer
    """
)


def assign_customer(connection: Connection, *, work_order: str, customer: str, actor: str) -> int:
    """Say for whom a work order is built; the customer is made if new. Returns the units changed.

    From then on this customer sees the order's units, and no other does. Raises `NotFound` where
    nobody has named the work order.
    """
    work_order_id = work_order_id_of(connection, work_order)
    if work_order_id is None:
        raise NotFound(f"There is no work order {work_order}. Plan it first, or check its number.")
    customer_id = register_customer(connection, name=customer, actor=actor)
    given = {"customer": customer_id, "work_order": work_order_id}
    connection.execute(_ORDER, given)
    changed = connection.execute(_UNITS, given).rowcount
    record_audit(connection, actor=actor, deed="work_order.customer_assigned",
                 subject=f"work_order:{work_order}", customer=customer, units=changed)  # fmt: skip
    return changed
