"""Questions about products."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from app.products.models import ApprovedPart, RoutingOperation
from app.products.routing import RoutingStep


@dataclass(frozen=True, slots=True)
class ProductSummary:
    """A product revision, and how many designators its bill of material has."""

    product_revision_id: int
    part_number: str
    name: str | None
    revision: str
    customer: str | None
    units_per_panel: int
    components: int


_PRODUCTS = text(
    """
    SELECT product_revision_id, product.part_number, product.name, revision, customer.name AS customer,
        units_per_panel,
        (SELECT count(*) FROM bom_item
         WHERE bom_item.product_revision_id = product_revision.product_revision_id) AS components
    FROM product_revision
    JOIN product USING (product_id)
    LEFT JOIN customer USING (customer_id)
    ORDER BY product.part_number, revision
    """
)


def products(connection: Connection) -> Sequence[ProductSummary]:
    """Every revision of every product."""
    return [ProductSummary(*row) for row in connection.execute(_PRODUCTS)]


def routing_of(connection: Connection, product_revision_id: int) -> Sequence[RoutingStep]:
    """The routing of a revision; empty where none is planned."""
    rows = connection.execute(
        select(RoutingOperation.operation, RoutingOperation.optional)
        .where(RoutingOperation.product_revision_id == product_revision_id)
        .order_by(RoutingOperation.sequence)
    )
    return [RoutingStep(operation, optional) for operation, optional in rows]


def operations_planned(connection: Connection) -> list[str]:
    """The operations that routings ask for, by name."""
    return sorted(connection.execute(select(RoutingOperation.operation).distinct()).scalars())


def approved_parts(connection: Connection, product_revision_id: int) -> dict[str, list[str]]:
    """Part number of the bill -> the parts that may be used in its place."""
    rows = connection.execute(
        select(ApprovedPart.part_number, ApprovedPart.alternate_part_number)
        .where(ApprovedPart.product_revision_id == product_revision_id)
        .order_by(ApprovedPart.part_number, ApprovedPart.alternate_part_number)
    )
    found: dict[str, list[str]] = {}
    for part_number, alternate in rows:
        found.setdefault(part_number, []).append(alternate)
    return found
