"""Tests: in circuit, flying probe, functional, boundary scan."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.copying import Columns, copy_rows
from app.quality.facts import Test
from app.quality.runs import KEY, ORIGIN, key, origin, record_findings

_COLUMNS: Columns = {
    **KEY, **ORIGIN, "transaction_id": "uuid", "method": "text", "outcome": "text", "recipe_id": "int4",
    "tester": "text", "steps": "int4",
}  # fmt: skip


def record_tests(connection: Connection, tests: Sequence[Test]) -> None:
    """Keep tests with what they found and measured, in the caller's transaction. Ids are known."""
    copy_rows(
        connection,
        "test",
        _COLUMNS,
        (
            (
                *key(one), *origin(one), one.run.transaction_id, one.run.method, one.run.outcome.value, one.recipe_id,
                one.run.tester, one.run.steps,
            )
            for one in tests
        ),
    )  # fmt: skip
    record_findings(connection, tests)
