"""One box for any identifier: what could this text be? Select only."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.materials.labels import UnreadableLabelError, read_label
from app.trace.question import Question
from app.trace.where_used import stream_where_used

MOST_MATCHES = 50


@dataclass(frozen=True, slots=True)
class Match:
    """Something known under the text.

    `kind` is unit, package, lot, part, work_order, product, containment, shipment, tool or station.

    `part_number` goes with a lot, which is only unique together with it.
    """

    kind: str
    identifier: str
    says: str
    part_number: str | None = None


# What is known under exactly one of these texts? A customer finds what is theirs.
_RECOGNISE = text(
    """
    SELECT 'unit' AS kind, serial.serial AS identifier,
        coalesce(product.part_number || ' · ', '') || coalesce(work_order.number, 'no work order') AS says,
        NULL AS part_number, 1 AS rank
    FROM serial JOIN unit USING (unit_id)
    LEFT JOIN work_order USING (work_order_id)
    LEFT JOIN product_revision USING (product_revision_id)
    LEFT JOIN product USING (product_id)
    WHERE serial.serial = ANY(CAST(:texts AS text[]))
      AND (CAST(:customer_id AS integer) IS NULL OR unit.customer_id = :customer_id)
    UNION ALL
    SELECT 'package', identifier, coalesce(package.part_number, 'part unknown'), NULL, 2
    FROM package WHERE identifier = ANY(CAST(:texts AS text[]))
    UNION ALL
    SELECT 'lot', lot_code,
        coalesce(part_number, 'part unknown') || coalesce(' · ' || manufacturer, ''), part_number, 3
    FROM lot WHERE lot_code = ANY(CAST(:texts AS text[]))
    UNION ALL
    SELECT 'work_order', number, coalesce(customer.name, 'no customer'), NULL, 4
    FROM work_order LEFT JOIN customer USING (customer_id)
    WHERE number = ANY(CAST(:texts AS text[]))
      AND (CAST(:customer_id AS integer) IS NULL OR work_order.customer_id = :customer_id)
    UNION ALL
    SELECT DISTINCT 'part', part_number, 'part number', part_number, 5
    FROM package WHERE part_number = ANY(CAST(:texts AS text[]))
    UNION ALL
    SELECT 'product', product.part_number, coalesce(name, ''), NULL, 6
    FROM product WHERE product.part_number = ANY(CAST(:texts AS text[]))
      AND (CAST(:customer_id AS integer) IS NULL OR product.customer_id = :customer_id)
    UNION ALL
    SELECT 'containment', containment.number,
        nonconformance.number || CASE WHEN released_at IS NULL THEN ' · on hold' ELSE ' · released' END, NULL, 7
    FROM containment JOIN nonconformance USING (nonconformance_id)
    WHERE (containment.number = ANY(CAST(:texts AS text[])) OR nonconformance.number = ANY(CAST(:texts AS text[])))
      AND (CAST(:customer_id AS integer) IS NULL OR EXISTS (
          SELECT FROM unit_hold JOIN unit USING (unit_id)
          WHERE unit_hold.nonconformance_id = containment.nonconformance_id AND unit.customer_id = :customer_id
      ))
    UNION ALL
    SELECT 'shipment', shipment.number,
        customer.name || CASE WHEN shipped_at IS NULL THEN ' · being packed' ELSE ' · shipped' END, NULL, 8
    FROM shipment JOIN customer USING (customer_id)
    WHERE shipment.number = ANY(CAST(:texts AS text[]))
      AND (CAST(:customer_id AS integer) IS NULL OR shipment.customer_id = :customer_id)
    UNION ALL
    -- What stands in the factory is the factory's own affair.
    SELECT 'tool', identifier, coalesce(name, kind, 'tool'), NULL, 9
    FROM tool WHERE identifier = ANY(CAST(:texts AS text[])) AND CAST(:customer_id AS integer) IS NULL
    UNION ALL
    SELECT 'station', handle, coalesce(name, operation, 'station'), NULL, 10
    FROM station
    WHERE (handle = ANY(CAST(:texts AS text[])) OR name = ANY(CAST(:texts AS text[])))
      AND CAST(:customer_id AS integer) IS NULL
    ORDER BY rank, identifier
    LIMIT :most
    """
)


def matches(connection: Connection, typed: str, *, customer_id: int | None = None) -> Sequence[Match]:
    """What is known under a text that was typed or scanned, most specific first.

    The text is taken as it is, then without blanks around it, then in capitals and small letters;
    the first of these under which something is known counts. A reel's label is read, and searched
    by the identifiers in it.
    """
    for texts in _readings(typed):
        given = {"texts": texts, "customer_id": customer_id, "most": MOST_MATCHES}
        rows = connection.execute(_RECOGNISE, given)
        found = [Match(row.kind, row.identifier, row.says, row.part_number) for row in rows]
        if customer_id is not None:
            found = [match for match in found if _may_see(connection, match, customer_id)]
        if found:
            return found
    return ()


def _may_see(connection: Connection, match: Match, customer_id: int) -> bool:
    """Material is shared between customers: one sees it where a unit of theirs carries it."""
    match match.kind:
        case "package":
            asked = Question(package=match.identifier)
        case "lot":
            asked = Question(lot=match.identifier, part_number=match.part_number)
        case "part":
            asked = Question(part_number=match.identifier)
        case _:
            return True  # narrowed by the query
    try:
        return next(stream_where_used(connection, asked, customer_id=customer_id), None) is not None
    except NotFound:
        return False


def _readings(typed: str) -> Sequence[list[str]]:
    bare = typed.strip()
    readings = [[typed], [bare], list({bare.upper(), bare.lower()})]
    try:
        label = read_label(typed)
    except UnreadableLabelError:
        return readings
    named = (
        label.package_identifier,
        label.lot_code,
        label.customer_part_number,
        label.manufacturer_part_number,
        label.vendor_part_number,
    )
    return [*readings, [name for name in named if name]]
