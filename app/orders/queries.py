"""Questions about work orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class WorkOrderSummary:
    """A work order; `unplanned` where only machines have named it so far."""

    work_order_id: int
    number: str
    customer: str | None
    product: str | None
    revision: str | None
    quantity: int | None
    unplanned: bool
    created_at: datetime


_WORK_ORDERS = text(
    """
    SELECT work_order_id, number, customer.name, product.part_number, revision, quantity,
        work_order.unplanned, work_order.created_at
    FROM work_order
    LEFT JOIN customer ON customer.customer_id = work_order.customer_id
    LEFT JOIN product_revision USING (product_revision_id)
    LEFT JOIN product USING (product_id)
    WHERE (CAST(:customer_id AS integer) IS NULL OR work_order.customer_id = :customer_id)
      AND (CAST(:number AS text) IS NULL OR number = :number)
      AND (CAST(:product AS text) IS NULL OR product.part_number = :product)
      AND (CAST(:before AS integer) IS NULL OR work_order_id < :before)
    ORDER BY work_order_id DESC
    LIMIT :limit
    """
)


def work_orders(
    connection: Connection,
    *,
    number: str | None = None,
    product: str | None = None,
    customer_id: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[WorkOrderSummary]:
    """Work orders, newest first; `before` is the last id of the page before."""
    given = {
        "number": number,
        "product": product,
        "customer_id": customer_id,
        "before": before,
        "limit": limit,
    }
    return [WorkOrderSummary(*row) for row in connection.execute(_WORK_ORDERS, given)]
