"""Tables of work orders."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class WorkOrder(Base):
    """A quantity of one product revision to build for one customer.

    `announced_at` is the station's time of the latest `WorkOrdersCreated` or `WorkOrderQuantityUpdated`; what those say
    of the quantity counts until somebody plans the order.
    """

    __tablename__ = "work_order"

    work_order_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"), index=True)
    product_revision_id: Mapped[int | None] = mapped_column(ForeignKey("product_revision.product_revision_id"))
    quantity: Mapped[int | None] = mapped_column(Integer)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))
    announced_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))


class FormerOrder(Base):
    """For whom and as what a work order was planned until then (server's clock); a trigger keeps it."""

    __tablename__ = "former_order"

    work_order_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    known_until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(Integer)
    product_revision_id: Mapped[int | None] = mapped_column(Integer)
