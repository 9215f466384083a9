"""Whose units are whose: a customer is assigned to a work order and to every unit in it."""

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.orders.planning import work_order_id_of
from app.people import record_audit, register_customer
from app.sentences import Sentence

# The units of the order follow by a trigger, so that no other way of changing either can part them.
_ORDER = text("UPDATE work_order SET customer_id = :customer WHERE work_order_id = :work_order")
_UNITS = text("SELECT count(*) FROM unit WHERE work_order_id = :work_order")


def assign_customer(connection: Connection, *, work_order: str, customer: str, actor: str) -> int:
    """Say for whom a work order is built; the customer is made if new. Returns how many units it has so far.

    From then on this customer sees the order's units, and no other does. Raises `NotFound` where nobody has named
    the work order.
    """
    work_order_id = work_order_id_of(connection, work_order)
    if work_order_id is None:
        raise NotFound(
            Sentence("There is no work order %(order)s. Plan it first, or check its number.", order=work_order)
        )
    customer_id = register_customer(connection, name=customer, actor=actor)
    given = {"customer": customer_id, "work_order": work_order_id}
    connection.execute(_ORDER, given)
    units = int(connection.execute(_UNITS, given).scalar_one())
    record_audit(connection, actor=actor, deed="work_order.customer_assigned",
                 subject=f"work_order:{work_order}", customer=customer, units=units)  # fmt: skip
    return units
