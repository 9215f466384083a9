"""Long columns are rows of their own: every value comes back to the last bit, from one run and through many."""

import math
import struct
from collections.abc import Sequence
from itertools import count, cycle, islice
from typing import Any

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from app.quality.facts import Measurements
from app.quality.formats import Value
from app.quality.layout import LONG, Column, Group, Kind, Layout
from app.quality.measurements import measured_run
from app.quality.readings import Window, capabilities, series
from app.schema import MIGRATIONS
from tests.quality.recording import DAY, NOON, Recording

SPI = "Maker.SPI.1"
UNITS = count(1)

decimals = st.builds(lambda digits, scale: digits / 10**scale, st.integers(-(10**9), 10**9), st.integers(0, 9))
numbers = st.one_of(
    st.none(), decimals, st.just(-0.0), st.floats(width=32), st.floats(), st.integers(-(10**20), 10**20)
)
columns = st.lists(st.one_of(st.lists(numbers, min_size=1), st.lists(decimals, min_size=1)), min_size=1, max_size=4)


@pytest.fixture
def line(connection: Connection) -> Recording:
    return Recording(connection)


def layout_of(items: int) -> Layout:
    """Volumes, a text for each, results: of these, only the volumes are long."""
    names = tuple(f"R{number}" for number in range(items))
    none = (None,) * items
    kinds = (
        Column("Z", Kind.number, "mm"),
        Column("image", Kind.text),
        Column("Vol", Kind.number, "%"),
        Column("result", Kind.result),
    )
    return Layout((Group(none, names, none, kinds),))


def run_of(pattern: Sequence[Value], items: int = LONG) -> Measurements:
    """A run whose volumes are these again and again."""
    volumes = list(islice(cycle(pattern), items))
    return Measurements(layout_of(items), ([0.125] * items, ["x.png"] * items, volumes, [0] * items))


def told(value: Any) -> Any:
    """A value as it can be compared: -0.0 is not 0.0, a NaN is a NaN, an integer is the number it is."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    return value if value is None or abs(value) > 2**53 else struct.pack("<d", float(value))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(runs=columns, row=st.integers(0, LONG - 1))
def test_every_value_comes_back(line: Recording, runs: list[list[Value]], row: int) -> None:
    unit_id = next(UNITS)
    station = f"Maker.SPI.{unit_id}"
    facts = [line.inspection(unit_id, measurements=run_of(pattern), station=station) for pattern in runs]

    for fact, pattern in zip(facts, runs, strict=True):
        run = measured_run(line.connection, unit_id, 0, fact.report.event_id, 1)
        assert run is not None
        place = next(place for place in run.layout.places if place.column.characteristic == "Vol")
        assert list(map(told, run.values(place))) == list(map(told, islice(cycle(pattern), LONG)))
    window = Window(line.station(station), NOON, NOON + DAY)
    readings = series(line.connection, window, f"R{row}", "Vol")
    assert [told(one.value) for one in readings] == [told(pattern[row % len(pattern)]) for pattern in reversed(runs)]
    assert [one.event_id for one in readings] == [fact.report.event_id for fact in reversed(facts)]


def test_a_pad_is_followed_through_long_columns_and_short_ones(line: Recording) -> None:
    for items, volume in ((LONG, 1.0), (3, 2.0), (LONG + 1, 3.0), (LONG, 4.0)):
        line.inspection(7, measurements=run_of([9.5, volume, 9.5], items), station=SPI)
    window = Window(line.station(SPI), NOON, NOON + DAY)

    for _ in range(2):  # with and without the layouts read before
        assert [one.value for one in series(line.connection, window, "R1", "Vol")] == [4.0, 3.0, 2.0, 1.0]
    assert [one.value for one in series(line.connection, window, "R1", "image")] == ["x.png"] * 4
    latest = Window(window.station_id, NOON, NOON + DAY, limit=3)
    assert [one.value for one in series(line.connection, latest, "R1", "Vol")] == [4.0, 3.0, 2.0]


def test_capability_of_long_columns_and_short_ones_together(line: Recording) -> None:
    patterns: list[list[Value]] = [[1.5, 2.25, 7.0], [1.75, None, 7.0], [2.0, 0.1 + 0.2, 7.0]]
    for pattern in patterns:
        line.inspection(7, measurements=run_of(pattern), station=SPI)
    line.inspection(7, measurements=run_of([3.0, 4.0, 7.0], 3), station=SPI)

    found = capabilities(line.connection, Window(line.station(SPI), NOON, NOON + DAY), "Vol")

    figures = {item.name: at for at, item in enumerate(found.items)}
    assert len(figures) == LONG
    first, second, fourth = figures["R0"], figures["R1"], figures["R3"]
    assert (found.count[first], found.count[second], found.count[fourth]) == (4, 3, 3)
    assert found.mean[first] == pytest.approx(np.mean([1.5, 1.75, 2.0, 3.0]))
    assert found.deviation[first] == pytest.approx(np.std([1.5, 1.75, 2.0, 3.0], ddof=1))
    assert found.mean[second] == pytest.approx((2.25 + 0.3 + 4.0) / 3)
    assert found.mean[fourth] == pytest.approx(1.75)


def test_what_was_stored_in_one_row_is_carried_along(line: Recording) -> None:
    """Back to the schema before long columns had rows of their own, and here again: the same values."""
    patterns: list[list[Value]] = [[1.5, None, -0.0], [0.1 + 0.2], [10**20, 0.5]]
    facts = [line.inspection(7, measurements=run_of(pattern), station=SPI) for pattern in patterns]
    facts.append(line.inspection(7, measurements=run_of([1.0, 2.0], 3), station=SPI))
    line.inspection(7)
    runs = [line_run(line.connection, fact.report.event_id) for fact in facts]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = line.connection

    command.downgrade(config, "0018")
    stored = line.connection.execute(text("SELECT length(packed) FROM measurement ORDER BY event_id")).scalars().all()
    command.upgrade(config, "head")

    assert min(stored[:3]) > LONG
    assert [line_run(line.connection, fact.report.event_id) for fact in facts] == runs
    kept = line.connection.execute(text("SELECT length(packed) FROM measurement ORDER BY event_id")).scalars().all()
    assert max(kept) < min(stored[:3])
    columns_kept = line.connection.execute(text("SELECT count(*) FROM measurement_column")).scalar_one()
    assert columns_kept == 2 * len(patterns)


def line_run(connection: Connection, event_id: int) -> list[list[Any]]:
    run = measured_run(connection, 7, 0, event_id, 1)
    assert run is not None
    return [[repr(value) for value in run.values(place)] for place in run.layout.places]
