"""Inspections: SPI, AOI, X-ray, a person's eyes. A machine's message and a person's form end in the same deed."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.copying import Columns, copy_rows
from app.quality.facts import Inspection
from app.quality.runs import KEY, ORIGIN, key, origin, record_findings

_COLUMNS: Columns = {
    **KEY, **ORIGIN, "transaction_id": "uuid", "method": "text", "outcome": "text", "machine_outcome": "text",
    "verification": "text", "recipe_id": "int4", "inspector": "text", "steps": "int4",
}  # fmt: skip


def record_inspections(connection: Connection, inspections: Sequence[Inspection]) -> None:
    """Keep inspections with what they found and measured, in the caller's transaction. Ids are known."""
    copy_rows(
        connection,
        "inspection",
        _COLUMNS,
        (
            (
                *key(one), *origin(one), one.run.transaction_id, one.run.method, one.run.outcome.value,
                one.run.machine_outcome.value, one.run.verification, one.recipe_id, one.run.inspector, one.run.steps,
            )
            for one in inspections
        ),
    )  # fmt: skip
    record_findings(connection, inspections)
