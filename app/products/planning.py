"""Plan a product: its revision, bill of material, placements, routing and approved parts."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import Invalid, NotFound
from app.people import record_audit, register_customer
from app.products.kicad import BoardDesign
from app.products.models import ApprovedPart, BomItem, Product, ProductRevision, RoutingOperation
from app.products.routing import RoutingStep
from app.sentences import Sentence


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
        raise Invalid(Sentence("A product needs a part number: give one, or a design with a name."))
    if not 1 <= units_per_panel <= 1000:
        raise Invalid(Sentence("A panel holds 1 to 1000 units, not %(count)s.", count=units_per_panel))
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
    """Give a revision its routing, in place of the one it had. An operation may stand in it several times.

    An empty one takes the routing away. Raises `NotFound` for an unknown revision, `Invalid` for a nameless operation.
    """
    operations = [step.operation.strip() for step in routing]
    if not all(operations):
        raise Invalid(Sentence("Each step of a routing names its operation."))
    _lock_revision(connection, product_revision_id)
    of_revision = RoutingOperation.product_revision_id == product_revision_id
    connection.execute(delete(RoutingOperation).where(of_revision))
    steps = [
        {
            "product_revision_id": product_revision_id,
            "sequence": number * 10,
            "operation": operation,
            "optional": step.optional,
        }
        for number, (operation, step) in enumerate(zip(operations, routing, strict=True), start=1)
    ]
    if steps:
        connection.execute(insert(RoutingOperation), steps)
    record_audit(connection, actor=actor, deed="routing.set",
                 subject=f"product_revision:{product_revision_id}", operations=operations)  # fmt: skip


def approve_parts(
    connection: Connection, product_revision_id: int, part_number: str, alternates: Collection[str], *, actor: str
) -> None:
    """Say which parts may be used in place of one of a revision's bill, in place of those that were approved.

    What was built or asked of an earlier time (`as_of`) goes by what was approved then. Raises `NotFound` for an
    unknown revision, `Invalid` for a part that its bill does not have.
    """
    _lock_revision(connection, product_revision_id)
    of_bill = select(BomItem.part_number).where(
        BomItem.product_revision_id == product_revision_id, BomItem.part_number == part_number
    )
    if connection.execute(of_bill.limit(1)).first() is None:
        raise Invalid(
            Sentence("No designator of this revision asks for part %(part)s. Give a number its bill has.",
                     part=part_number)
        )  # fmt: skip
    if part_number in alternates:
        raise Invalid(Sentence("Part %(part)s needs no approval in its own place. Leave it out.", part=part_number))
    of_part = (ApprovedPart.product_revision_id == product_revision_id) & (ApprovedPart.part_number == part_number)
    connection.execute(delete(ApprovedPart).where(of_part, ApprovedPart.alternate_part_number.not_in(alternates)))
    given = {"product_revision_id": product_revision_id, "part_number": part_number}
    approved = [{**given, "alternate_part_number": one} for one in sorted(set(alternates))]
    if approved:
        connection.execute(upsert(ApprovedPart).on_conflict_do_nothing(), approved)
    record_audit(connection, actor=actor, deed="parts.approved",
                 subject=f"product_revision:{product_revision_id}", part_number=part_number,
                 alternates=sorted(set(alternates)))  # fmt: skip


def _lock_revision(connection: Connection, product_revision_id: int) -> None:
    """Those who plan the same revision at once come one after the other: rows not there yet cannot be locked."""
    revision = select(ProductRevision).where(ProductRevision.product_revision_id == product_revision_id)
    if connection.execute(revision.with_for_update()).first() is None:
        raise NotFound(
            Sentence("There is no product revision %(revision)s. GET /api/v1/products lists them.",
                     revision=product_revision_id)
        )  # fmt: skip
