"""What was planned then: for whom an order was built, as what, and by which bill of material. Pieces of SQL."""

ORDER_VERSION = """
    LATERAL (
        SELECT customer_id, product_revision_id FROM (
            SELECT former.customer_id, former.product_revision_id, former.known_until
            FROM former_order AS former
            WHERE former.work_order_id = work_order.work_order_id
              AND former.known_until > CAST(:as_of AS timestamptz)
            UNION ALL
            SELECT work_order.customer_id, work_order.product_revision_id, 'infinity'
        ) AS version
        ORDER BY known_until LIMIT 1
    )
"""
"""Customer and product revision of `work_order` as it was planned at `as_of` (null: now); one row."""

_THEN = """
    CAST(:as_of AS timestamptz) IS NULL OR known_from IS NULL OR known_from <= :as_of
"""
_UNTIL = "(known_from IS NULL OR known_from <= :as_of) AND known_until > CAST(:as_of AS timestamptz)"

BILL_THEN = f"""
    bill_then AS NOT MATERIALIZED (
        SELECT product_revision_id, reference_designator, part_number, side FROM bom_item WHERE {_THEN}
        UNION ALL
        SELECT product_revision_id, reference_designator, part_number, side FROM former_bom_item WHERE {_UNTIL}
    ), approved_then AS NOT MATERIALIZED (
        SELECT product_revision_id, part_number, alternate_part_number FROM approved_part WHERE {_THEN}
        UNION ALL
        SELECT product_revision_id, part_number, alternate_part_number FROM former_approved_part WHERE {_UNTIL}
    )
"""
"""CTEs in place of `bom_item` and `approved_part`: these tables as they were at `as_of` (null: now)."""
