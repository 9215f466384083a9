"""Statements are planned for the values they come with, and find their index before anything was analysed."""

from collections.abc import Mapping
from typing import Any, Self

import pytest
from psycopg import RawCursor
from sqlalchemy import Connection, Engine, event, text

from app import db
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.inbox.messages import entry, installed, stored

UNITS = 20_000
FILLED = {"installation", "unit", "serial"}


def test_a_prepared_statement_never_falls_into_a_generic_plan(engine: Engine) -> None:
    statement = text("SELECT serial FROM serial WHERE serial LIKE :pattern LIMIT 1")
    with engine.connect() as connection:
        for number in range(20):  # PostgreSQL would take a generic plan after five
            connection.execute(statement, {"pattern": f"SN-{number}%"})

        plans = connection.execute(
            text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%LIKE $1%'")
        ).one()

    assert plans.generic_plans == 0
    assert plans.custom_plans >= 10, "it was prepared: parsing is saved, planning is not"


@pytest.fixture
def never_analysed(engine: Engine) -> Engine:
    """Many units, none of which carries the reel, in tables that nobody has analysed since they were empty."""
    stored(engine, installed(entry("SN-1", "REEL-1", ["R1"])), installed(entry("SN-2", "REEL-2", ["R1"])))
    tables = ("installation", "unit", "serial", "work_record", "panel_position", "material_set", "material_chunk")
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
        connection.execute(
            text(
                "WITH made AS (INSERT INTO serial (serial) SELECT 'X' || n FROM generate_series(1, :n) AS n"
                " RETURNING serial, unit_id)"
                " INSERT INTO unit (unit_id, serial, registered_at) SELECT unit_id, serial, now() FROM made"
            ),
            {"n": UNITS},
        )
        connection.execute(
            text(
                "INSERT INTO installation (unit_id, position_number, event_id, station_id, set_id, recorded_at,"
                " received_at) SELECT unit_id, 0, unit_id + 1000000, 1, 1000000 + unit_id % 50, now(), now()"
                " FROM unit WHERE serial LIKE 'X%'"
            )
        )
        analysed = connection.execute(
            text("SELECT count(*) FROM pg_stats WHERE tablename = ANY (:tables)"), {"tables": list(tables)}
        ).scalar_one()
    assert analysed == 0
    return engine


def test_where_used_reads_no_table_of_boards_from_end_to_end(
    never_analysed: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(never_analysed, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    class Noting(RawCursor[Any]):
        def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
            asked.append((query.decode(), params))
            return super().execute(query, params, **how)

    monkeypatch.setattr(db, "RawCursor", Noting)
    with never_analysed.connect() as connection:
        units = [unit.serial for unit in stream_where_used(connection, Question(package="REEL-1"))]
        assert units == ["SN-1"]
        monkeypatch.undo()
        statements = list(asked)
        assert len(statements) >= 2  # what holds it, and which boards
        for statement, parameters in statements:
            read = scanned_whole(connection, statement, parameters)
            assert not read & FILLED, statement


def scanned_whole(connection: Connection, statement: str, parameters: Any) -> set[str]:
    """Tables that the statement's plan reads from end to end."""
    driver = connection.connection.driver_connection
    assert driver is not None
    cursor = driver.cursor() if isinstance(parameters, Mapping) else RawCursor(driver)
    (((plan,),),) = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    found = set()
    remaining = [plan["Plan"]]
    while remaining:
        node = remaining.pop()
        if node["Node Type"] == "Seq Scan":
            found.add(node["Relation Name"])
        remaining += node.get("Plans", [])
    return found
