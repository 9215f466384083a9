"""Products with bills of material, as planning makes them."""

from collections.abc import Mapping

from sqlalchemy import Engine, insert

from app.orders.planning import plan_work_order
from app.products.models import ApprovedPart, BomItem, Product, ProductRevision


def planned(
    engine: Engine,
    work_order: str,
    bill: Mapping[str, str],
    *,
    approved: Mapping[str, str] | None = None,
    customer: str | None = None,
) -> None:
    """A work order for a product with this bill: designator -> part number; `approved`: part number -> alternate."""
    with engine.begin() as connection:
        product = connection.execute(
            insert(Product).values(part_number=f"product of {work_order}").returning(Product.product_id)
        ).scalar_one()
        revision = connection.execute(
            insert(ProductRevision)
            .values(product_id=product, revision="A")
            .returning(ProductRevision.product_revision_id)
        ).scalar_one()
        connection.execute(
            insert(BomItem),
            [
                {"product_revision_id": revision, "reference_designator": name, "part_number": part}
                for name, part in bill.items()
            ],
        )
        for part, alternate in (approved or {}).items():
            connection.execute(
                insert(ApprovedPart).values(
                    product_revision_id=revision, part_number=part, alternate_part_number=alternate
                )
            )
        plan_work_order(connection, number=work_order, product_revision_id=revision, customer=customer, actor="test")
