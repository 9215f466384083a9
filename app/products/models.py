"""Tables of products: revisions, bills of material, approved parts, routings, recipes."""

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Product(Base):
    """An assembly an OEM orders, known by its part number."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("customer_id", "part_number", postgresql_nulls_not_distinct=True),)

    product_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"))
    part_number: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)


class ProductRevision(Base):
    """One revision of a product: what its bill of material, routing and panel are bound to."""

    __tablename__ = "product_revision"
    __table_args__ = (UniqueConstraint("product_id", "revision"),)

    product_revision_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.product_id"))
    revision: Mapped[str] = mapped_column(Text)
    units_per_panel: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))


class BomItem(Base):
    """One reference designator of a revision, with the part that belongs there and its place on the board.

    `x` and `y` are millimetres from the board's origin, `rotation` degrees counter-clockwise; null where the
    designator is in the bill of material and not in the placement file. `known_from`: when it was planned (null: longer
    ago than that was kept); a trigger keeps what it replaces as `former_bom_item`.
    """

    __tablename__ = "bom_item"

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    reference_designator: Mapped[str] = mapped_column(Text, primary_key=True)
    part_number: Mapped[str] = mapped_column(Text)
    manufacturer: Mapped[str | None] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    footprint: Mapped[str | None] = mapped_column(Text)
    side: Mapped[str | None] = mapped_column(Text)
    x: Mapped[float | None] = mapped_column(Float)
    y: Mapped[float | None] = mapped_column(Float)
    rotation: Mapped[float | None] = mapped_column(Float)
    known_from: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))


class FormerBomItem(Base):
    """What a bill of material asked for until it was changed, from when to when by the server's clock."""

    __tablename__ = "former_bom_item"

    product_revision_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    reference_designator: Mapped[str] = mapped_column(Text, primary_key=True)
    known_until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    known_from: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    part_number: Mapped[str] = mapped_column(Text)
    side: Mapped[str | None] = mapped_column(Text)


class ApprovedPart(Base):
    """A part that may be used where the bill of material names another. `known_from` as for `BomItem`."""

    __tablename__ = "approved_part"

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    part_number: Mapped[str] = mapped_column(Text, primary_key=True)
    alternate_part_number: Mapped[str] = mapped_column(Text, primary_key=True)
    known_from: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))


class FormerApprovedPart(Base):
    """A part that was approved until it was not, from when to when by the server's clock."""

    __tablename__ = "former_approved_part"

    product_revision_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    part_number: Mapped[str] = mapped_column(Text, primary_key=True)
    alternate_part_number: Mapped[str] = mapped_column(Text, primary_key=True)
    known_until: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    known_from: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class RoutingOperation(Base):
    """One step of a revision's routing, in order of `sequence`."""

    __tablename__ = "routing_operation"
    __table_args__ = (Index("ix_routing_operation_operation", "operation"),)

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    operation: Mapped[str] = mapped_column(Text)
    optional: Mapped[bool] = mapped_column(server_default=text("false"))


class Recipe(Base):
    """A machine's recipe (program) and its revision, as `WorkStarted`, inspections and tests name it."""

    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("name", "revision", postgresql_nulls_not_distinct=True),)

    recipe_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    revision: Mapped[str | None] = mapped_column(Text)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))
