"""What a unit or a work order is to be made from: the bill of its product revision, with approved parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from app.trace.planned import BILL_THEN, ORDER_VERSION
from app.units.places import ORDER_THEN


@dataclass(frozen=True, slots=True)
class BillItem:
    """The part that belongs at a reference designator, and those that may be used in its place."""

    part_number: str
    alternates: frozenset[str] = frozenset()

    @property
    def allowed(self) -> frozenset[str]:
        """Every part number that may be there."""
        return self.alternates | {self.part_number}


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of material by reference designator. Without items, none is known."""

    items: Mapping[str, BillItem] = field(default_factory=dict)


_REVISIONS = {
    "serial": f"""
        SELECT planned.product_revision_id FROM serial
        JOIN unit USING (unit_id) JOIN work_order ON work_order.work_order_id = {ORDER_THEN}
        CROSS JOIN {ORDER_VERSION} AS planned
        WHERE serial.serial = :name
    """,
    "order": f"""
        SELECT planned.product_revision_id FROM work_order CROSS JOIN {ORDER_VERSION} AS planned WHERE number = :name
    """,
}
_BILLS = {
    of: text(
        f"""
        -- Which part belongs at each designator, and which may be there in its place?
        WITH {BILL_THEN}
        SELECT reference_designator, bill_then.part_number,
            array_remove(array_agg(alternate_part_number), NULL) AS alternates
        FROM bill_then
        LEFT JOIN approved_then USING (product_revision_id, part_number)
        WHERE product_revision_id = ({revision})
        GROUP BY reference_designator, bill_then.part_number
        """
    )
    for of, revision in _REVISIONS.items()
}


def bill_of_unit(connection: Connection, serial: str, as_of: datetime | None = None) -> Bill:
    """The bill of the product revision that the unit's work order builds, all as it was known at `as_of`."""
    return _read(connection, _BILLS["serial"], serial, as_of)


def bill_of_order(connection: Connection, work_order: str, as_of: datetime | None = None) -> Bill:
    """The bill of the product revision that the work order builds, as it was known at `as_of`."""
    return _read(connection, _BILLS["order"], work_order, as_of)


def _read(connection: Connection, question: TextClause, name: str, as_of: datetime | None) -> Bill:
    rows = connection.execute(question, {"name": name, "as_of": as_of})
    return Bill({row.reference_designator: BillItem(row.part_number, frozenset(row.alternates)) for row in rows})
