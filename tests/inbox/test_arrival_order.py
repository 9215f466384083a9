"""Late, repeated, shuffled, in any batches, by one process or several: the same messages make the same record."""

from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, inspect, text

from app.inbox.record import Recorder
from tests.inbox.canonical import dump
from tests.inbox.checks import assert_sound
from tests.inbox.messages import count, record, statuses
from tests.inbox.story import told

Dump: TypeAlias = dict[str, list[tuple[object, ...]]]
STORY = told()


def emptied(engine: Engine) -> None:
    """Every table but the audit trail. What is evidence refuses that, and is told not to for the moment."""
    tables = [f'"{name}"' for name in inspect(engine).get_table_names() if name not in {"audit", "alembic_version"}]
    with engine.begin() as connection:
        for switched in ("DISABLE", "ENABLE"):
            for table in tables:
                connection.execute(text(f"ALTER TABLE {table} {switched} TRIGGER USER"))
            if switched == "DISABLE":
                connection.execute(text(f"TRUNCATE {', '.join(tables)}"))


def record_of(engine: Engine) -> Dump:
    with engine.connect() as connection:
        return dump(connection)


class Told:
    """The record as it must be; short to print."""

    def __init__(self, record: Dump) -> None:
        self.record = record


@pytest.fixture
def expected(engine: Engine) -> Told:
    """The record of the story told in order, each message a batch of its own."""
    recorder = Recorder(engine)
    for payload in STORY:
        (receipt,) = record(recorder, payload)
        assert receipt.status == "stored", (receipt.reason, payload)
    assert_sound(engine)
    return Told(record_of(engine))


def test_the_story_leaves_nothing_waiting_and_fills_the_tables(engine: Engine, expected: Told) -> None:
    """Else the other tests here would compare nothing with nothing."""
    assert count(engine, "waiting_event") == 0
    told_by_machines = {
        "defect", "event", "inspection", "installation", "installed_unit", "loading_event", "lot", "material_child",
        "material_chunk", "material_set", "measurement", "measurement_layout", "package", "package_description",
        "package_event", "package_link", "panel_position", "placement", "recipe", "removal", "scrapped_unit", "serial",
        "spoken_position", "station", "station_event", "test", "tool", "tool_count", "tool_event", "tool_use", "unit",
        "unit_event", "unit_package", "work_order", "work_record",
    }  # fmt: skip
    assert told_by_machines == {table for table, rows in expected.record.items() if rows}


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """The story's messages (their numbers), some twice, in any order, in batches for one of two processes."""
    numbers = list(range(len(STORY)))
    order = draw(st.permutations(numbers + draw(st.lists(st.sampled_from(numbers), max_size=5))))
    borders = sorted({0, len(order), *draw(st.lists(st.integers(1, len(order) - 1), max_size=12))})
    return [(draw(st.integers(0, 1)), order[start:end]) for start, end in pairwise(borders)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=arrivals())
def test_any_order_in_any_batches(engine: Engine, expected: Told, batches: list[tuple[int, list[int]]]) -> None:
    emptied(engine)
    recorders = [Recorder(engine), Recorder(engine)]
    for process, batch in batches:
        receipts = record(recorders[process], *(STORY[number] for number in batch))
        assert "rejected" not in statuses(receipts), receipts
    found = record_of(engine)
    for table, rows in expected.record.items():
        assert found[table] == rows, table


def test_backwards(engine: Engine, expected: Told) -> None:
    """Every message that needs another comes before it."""
    for batches in ([[one] for one in reversed(STORY)], [STORY[::-1]]):
        emptied(engine)
        recorder = Recorder(engine)
        for batch in batches:
            record(recorder, *batch)
        assert record_of(engine) == expected.record
