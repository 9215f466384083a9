"""Plan a product: its revision, bill of material, placements and routing."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import Invalid
from app.people import record_audit, register_customer
from app.products.kicad import BoardDesign
from app.products.models import BomItem, Product, ProductRevision, RoutingOperation
from app.products.routing import RoutingStep


def import_design(
    connection: Connection,
    design: BoardDesign,
    *,
    part_number: str | None = None,
    customer: str | None = None,
    units_per_panel: int = 1,
    routing: Sequence[RoutingStep] = (),
    actor: str,
) -> int:
    """Make the product revision a board design describes and return its id.

    `part_number` is what the customer orders it by, the design's name where none is given. Importing
    a revision again replaces its bill of material and, where one is given, its routing; what was
    built keeps what was recorded. Raises `Invalid` for an empty part number or panel.
    """
    number = (part_number or design.name).strip()
    if not number:
        raise Invalid("A product needs a part number: give one, or a design with a name.")
    if not 1 <= units_per_panel <= 1000:
        raise Invalid(f"A panel holds 1 to 1000 units, not {units_per_panel}.")
    customer_id = register_customer(connection, name=customer, actor=actor) if customer else None
    product_id = _product(connection, customer_id, number, design.name)
    revision_id = _revision(connection, product_id, design.revision, units_per_panel)
    connection.execute(delete(BomItem).where(BomItem.product_revision_id == revision_id))
    connection.execute(
        insert(BomItem),
        [
            {
                "product_revision_id": revision_id,
                "reference_designator": part.reference_designator,
                "part_number": part.part_number,
                "manufacturer": part.manufacturer,
                "value": part.value,
                "footprint": part.footprint,
                "side": part.side,
                "x": part.x,
                "y": part.y,
                "rotation": part.rotation,
            }
            for part in design.components
        ],
    )
    if routing:
        set_routing(connection, revision_id, routing, actor=actor)
    record_audit(
        connection,
        actor=actor,
        deed="product.imported",
        subject=f"product:{number}",
        revision=design.revision,
        components=len(design.components),
        mismatches=[mismatch.sentence for mismatch in design.mismatches],
    )
    return revision_id


def _product(connection: Connection, customer_id: int | None, number: str, name: str) -> int:
    """Get or make; the constraint takes two products without customer as equal (NULLS NOT DISTINCT)."""
    return connection.execute(
        upsert(Product)
        .values(customer_id=customer_id, part_number=number, name=name)
        .on_conflict_do_update(index_elements=[Product.customer_id, Product.part_number], set_={"name": name})
        .returning(Product.product_id)
    ).scalar_one()


def _revision(connection: Connection, product_id: int, revision: str, units_per_panel: int) -> int:
    planned = {"units_per_panel": units_per_panel, "unplanned": False}
    return connection.execute(
        upsert(ProductRevision)
        .values(product_id=product_id, revision=revision, **planned)
        .on_conflict_do_update(index_elements=[ProductRevision.product_id, ProductRevision.revision], set_=planned)
        .returning(ProductRevision.product_revision_id)
    ).scalar_one()


def set_routing(
    connection: Connection, product_revision_id: int, routing: Sequence[RoutingStep], *, actor: str
) -> None:
    """Give a revision its routing, in place of the one it had. An operation may stand in it several times."""
    operations = [step.operation for step in routing]
    of_revision = RoutingOperation.product_revision_id == product_revision_id
    connection.execute(delete(RoutingOperation).where(of_revision))
    connection.execute(
        insert(RoutingOperation),
        [
            {
                "product_revision_id": product_revision_id,
                "sequence": number * 10,
                "operation": step.operation,
                "optional": step.optional,
            }
            for number, step in enumerate(routing, start=1)
        ],
    )
    record_audit(connection, actor=actor, deed="routing.set",
                 subject=f"product_revision:{product_revision_id}", operations=operations)  # fmt: skip
