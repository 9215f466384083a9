"""Formats of serials, as planned for each product."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid, NotFound
from app.people import record_audit
from app.products.models import ProductRevision
from app.scanning.models import SerialPattern
from app.scanning.rules import SerialFormat
from app.sentences import Sentence


def serial_formats(connection: Connection) -> Sequence[SerialFormat]:
    """Every format of every product, each once."""
    asked = select(SerialPattern.pattern, SerialPattern.check_character).distinct().order_by(SerialPattern.pattern)
    return [SerialFormat(*row) for row in connection.execute(asked)]


def serial_formats_of(connection: Connection, product_revision_id: int) -> list[SerialFormat]:
    """The formats of this revision's product, whatever its revision."""
    asked = (
        select(SerialPattern.pattern, SerialPattern.check_character)
        .join(ProductRevision, ProductRevision.product_id == SerialPattern.product_id)
        .where(ProductRevision.product_revision_id == product_revision_id)
        .order_by(SerialPattern.pattern)
    )
    return [SerialFormat(*row) for row in connection.execute(asked)]


def plan_serial_format(connection: Connection, product_revision_id: int, planned: SerialFormat, *, actor: str) -> None:
    """Serials of this revision's product look like that, too, whatever its revision.

    Raises `Invalid` for a pattern no serial can be told by, `NotFound` for a revision nobody planned.
    """
    problem = planned.problem()
    if problem:
        raise Invalid(problem)
    product_id = _product_of(connection, product_revision_id)
    given = {"product_id": product_id, "pattern": planned.pattern, "check_character": planned.check}
    connection.execute(
        insert(SerialPattern)
        .values(given)
        .on_conflict_do_update(
            index_elements=[SerialPattern.product_id, SerialPattern.pattern],
            set_={"check_character": planned.check},
        )
    )
    record_audit(
        connection, actor=actor, deed="serial_format.planned", subject=f"product:{product_id}",
        pattern=planned.pattern, check=planned.check,
    )  # fmt: skip


def withdraw_serial_format(connection: Connection, product_revision_id: int, pattern: str, *, actor: str) -> None:
    """Serials of this revision's product do not look like that any more."""
    product_id = _product_of(connection, product_revision_id)
    connection.execute(
        delete(SerialPattern).where(SerialPattern.product_id == product_id, SerialPattern.pattern == pattern)
    )
    record_audit(
        connection, actor=actor, deed="serial_format.withdrawn", subject=f"product:{product_id}", pattern=pattern
    )


def _product_of(connection: Connection, product_revision_id: int) -> int:
    asked = select(ProductRevision.product_id).where(ProductRevision.product_revision_id == product_revision_id)
    product_id = connection.execute(asked).scalar_one_or_none()
    if product_id is None:
        raise NotFound(
            Sentence(
                "There is no product revision %(revision)s. GET /api/v1/products lists them.",
                revision=product_revision_id,
            )
        )
    return product_id
