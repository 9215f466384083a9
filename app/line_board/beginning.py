"""What is still missing before a first board can go through the line, with the gate and the record knowing of it."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from app.people import Permission, roles_that_may


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to plan. `needed`: the gate or the record would not know the board; the others may come later.

    `subject` names what it is about where that is one thing: a product revision, else None.
    """

    code: str
    needed: bool
    done: bool
    subject: int | None = None


STEPS: Final = {
    "line": True, "operations": True, "product": True, "routing": True, "order": True, "people": True,
    "machines": True, "serials": False, "setups": False, "labels": False,
}  # fmt: skip
"""Code -> whether it is needed, in the order in which one follows from another."""
_ASKED = text(
    """
    -- What is planned of a first board's way through the line?
    WITH standing AS (
        SELECT station_id, handle, operation FROM station WHERE line_id IS NOT NULL
    ), routed AS (
        SELECT product_revision_id, bool_and(optional OR operation IN (SELECT operation FROM standing)) AS served
        FROM routing_operation GROUP BY product_revision_id
    ), product_first AS (
        SELECT product_revision_id FROM bom_item
        LEFT JOIN routed USING (product_revision_id)
        ORDER BY served IS TRUE DESC, product_revision_id LIMIT 1
    )
    SELECT
        EXISTS (SELECT FROM standing) AS line,
        EXISTS (SELECT FROM standing) AND NOT EXISTS (SELECT FROM standing WHERE operation IS NULL) AS operations,
        EXISTS (SELECT FROM product_first) AS product,
        EXISTS (SELECT FROM routed WHERE served) AS routing,
        EXISTS (SELECT FROM work_order JOIN routed USING (product_revision_id) WHERE served AND NOT unplanned)
            AS "order",
        EXISTS (SELECT FROM person WHERE role = ANY (CAST(:workers AS text[])) AND disabled_at IS NULL) AS people,
        EXISTS (SELECT FROM standing) AND NOT EXISTS (
            SELECT FROM standing
            WHERE NOT EXISTS (
                SELECT FROM token
                WHERE role = 'line_equipment' AND revoked_at IS NULL AND coalesce(station, handle) = handle
            ) AND NOT EXISTS (SELECT FROM station_event WHERE station_event.station_id = standing.station_id)
        ) AS machines,
        EXISTS (SELECT FROM serial_pattern) AS serials,
        EXISTS (SELECT FROM required_setup) AS setups,
        EXISTS (SELECT FROM audit WHERE subject IN ('station', 'serial') AND deed = 'labels.printed') AS labels,
        (SELECT product_revision_id FROM product_first) AS revision
    """
)
_OF_A_PRODUCT = frozenset({"routing", "serials"})


def steps(connection: Connection) -> list[Step]:
    """Everything there is to plan for a first board, and whether it is."""
    workers = [role.value for role in roles_that_may(Permission.work_at_stations) if role != "administrator"]
    found = connection.execute(_ASKED, {"workers": workers}).mappings().one()
    return [
        Step(code, needed, found[code], found["revision"] if code in _OF_A_PRODUCT else None)
        for code, needed in STEPS.items()
    ]


def missing(connection: Connection) -> int:
    """How many of the things that are needed nobody planned yet."""
    return sum(step.needed and not step.done for step in steps(connection))
