"""Plan work orders: how many units of which product for whom."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Conflict, Invalid
from app.orders.models import WorkOrder
from app.people import record_audit, register_customer
from app.sentences import Sentence


def plan_work_order(
    connection: Connection,
    *,
    number: str,
    product_revision_id: int | None = None,
    quantity: int | None = None,
    customer: str | None = None,
    actor: str,
) -> int:
    """Plan a work order and return its id.

    One that a machine named before anyone planned it becomes planned. Raises `Conflict` where it is
    planned already, `Invalid` for a number that is empty or a quantity below 1.
    """
    number = number.strip()
    if not number:
        raise Invalid(Sentence("A work order needs a number."))
    if quantity is not None and quantity < 1:
        raise Invalid(Sentence("A work order is for at least one unit, not %(quantity)s.", quantity=quantity))
    customer_id = register_customer(connection, name=customer, actor=actor) if customer else None
    planned = {
        "product_revision_id": product_revision_id,
        "quantity": quantity,
        "customer_id": customer_id,
        "unplanned": False,
    }
    work_order_id = connection.execute(
        insert(WorkOrder)
        .values(number=number, **planned)
        .on_conflict_do_update(index_elements=[WorkOrder.number], set_=planned, where=WorkOrder.unplanned.is_(True))
        .returning(WorkOrder.work_order_id)
    ).scalar_one_or_none()
    if work_order_id is None:
        raise Conflict(Sentence("Work order %(number)s is planned already. Choose another number.", number=number))
    record_audit(connection, actor=actor, deed="work_order.planned", subject=f"work_order:{number}",
                 customer=customer, quantity=quantity)  # fmt: skip
    return work_order_id


def work_order_id_of(connection: Connection, number: str) -> int | None:
    """The work order of this number, or None."""
    return connection.execute(select(WorkOrder.work_order_id).where(WorkOrder.number == number)).scalar_one_or_none()
