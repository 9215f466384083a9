"""Questions about products."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from app.errors import NotFound
from app.products.models import ApprovedPart, RoutingOperation
from app.products.routing import RoutingStep
from app.sentences import Sentence


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


def product_revision(connection: Connection, product_revision_id: int) -> ProductSummary:
    """One revision. Raises `NotFound`."""
    found = [one for one in products(connection) if one.product_revision_id == product_revision_id]
    if not found:
        raise NotFound(Sentence("That revision of a product is not known here. Look at the products there are."))
    return found[0]


@dataclass(frozen=True, slots=True)
class BillLine:
    """A part of a bill of material: where it belongs, and what may be used in its place."""

    part_number: str
    manufacturer: str | None
    value: str | None
    footprint: str | None
    reference_designators: list[str]
    alternates: list[str]


_BILL = text(
    """
    -- Which parts does this revision ask for, where, and what is approved in their place?
    SELECT part_number, min(manufacturer) AS manufacturer, min(value) AS value, min(footprint) AS footprint,
        array_agg(reference_designator ORDER BY reference_designator) AS reference_designators,
        ARRAY(
            SELECT alternate_part_number FROM approved_part
            WHERE approved_part.product_revision_id = :revision AND approved_part.part_number = bom_item.part_number
            ORDER BY 1
        ) AS alternates
    FROM bom_item
    WHERE product_revision_id = :revision
    GROUP BY part_number
    ORDER BY part_number
    """
)


def bill_of(connection: Connection, product_revision_id: int) -> list[BillLine]:
    """The bill of material of a revision, part by part."""
    rows = connection.execute(_BILL, {"revision": product_revision_id})
    return [BillLine(*row) for row in rows]


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
