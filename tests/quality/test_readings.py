"""One pad through many runs, and the capability of all, without unpacking the rest."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import Connection

from app.errors import NotFound
from app.quality.capability import indices, moments_of
from app.quality.facts import Measurements
from app.quality.formats import Value
from app.quality.layout import Column, Group, Kind, Layout
from app.quality.packing import pack_column
from app.quality.readings import Window, capabilities, series
from tests.quality.recording import DAY, NOON, Recording

SPI = "Maker.SPI.1"


@pytest.fixture
def line(connection: Connection) -> Recording:
    return Recording(connection)


def window(line: Recording, limit: int = 10_000) -> Window:
    return Window(line.station(SPI), NOON, NOON + DAY, limit)


def volumes(values: Sequence[Value], upper: float | None = None, pads: Sequence[str] = ()) -> Measurements:
    """An SPI run: heights that do not matter, volumes of pads, serial texts, results."""
    names = tuple(pads) or tuple(f"R{number}.1" for number in range(1, len(values) + 1))
    none = (None,) * len(names)
    limits = None if upper is None else (upper,) * len(names)
    columns = (
        Column("Z", Kind.number, "mm"),
        Column("image", Kind.text),
        Column("Vol", Kind.number, "%", upper=limits),
        Column("result", Kind.result),
    )
    heights = [0.12 + 0.001 * number for number in range(len(names))]
    texts = [f"{name}.png" for name in names]
    return Measurements(Layout((Group(none, names, none, columns),)), (heights, texts, list(values), [0] * len(names)))


def test_one_pad_run_by_run_the_latest_first(line: Recording) -> None:
    # Each run writes its volumes in another format: 8, 16, 32 bits, floats, all the same, one missing.
    sent: list[list[Value]] = [
        [1.0, 2.0, 3.0],
        [1.11, 99.25, 3.0],
        [1.0, 123456.75, 3.0],
        [1.0, 0.1 + 0.2, 3.0],
        [5.5, 5.5, 5.5],
        [1.0, None, 3.0],
        [1.0, -0.0, 3.0],
    ]
    facts = [line.inspection(7, measurements=volumes(values), station=SPI) for values in sent]

    readings = series(line.connection, window(line), "R2.1", "Vol")

    assert [reading.value for reading in readings] == [values[1] for values in reversed(sent)]
    assert str(readings[0].value) == "-0.0"
    assert [reading.event_id for reading in readings] == [fact.report.event_id for fact in reversed(facts)]
    assert len(series(line.connection, window(line, limit=2), "R2.1", "Vol")) == 2


def test_one_pad_through_layouts_that_changed(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0, 20.0]), station=SPI)
    line.inspection(2, measurements=volumes([21.0, 11.0], pads=("R2.1", "R1.1")), station=SPI)

    readings = series(line.connection, window(line), "R1.1", "Vol")

    assert [reading.value for reading in readings] == [11.0, 10.0]


def test_a_program_that_changes_between_two_questions_is_seen(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0, 20.0]), station=SPI)
    assert [reading.value for reading in series(line.connection, window(line), "R2.1", "Vol")] == [20.0]

    line.inspection(2, measurements=volumes([7.0, 11.0, 21.0], pads=("R9.1", "R1.1", "R2.1")), station=SPI)
    line.inspection(3, measurements=volumes([5.0], pads=("R7.1",)), station=SPI)
    line.inspection(4, measurements=volumes([12.0, 22.0]), station=SPI)

    readings = series(line.connection, window(line), "R2.1", "Vol")
    assert [(reading.unit_id, reading.value) for reading in readings] == [(4, 22.0), (2, 21.0), (1, 20.0)]
    assert [reading.value for reading in series(line.connection, window(line, limit=1), "R9.1", "Vol")] == [7.0]


def test_a_pad_known_from_elsewhere_was_not_measured_here(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0]), station=SPI)
    line.inspection(2, measurements=volumes([3.0], pads=("R5.1",)), station="Maker.SPI.2")
    elsewhere = Window(line.station("Maker.SPI.2"), NOON, NOON + DAY)
    assert [reading.value for reading in series(line.connection, elsewhere, "R5.1", "Vol")] == [3.0]

    with pytest.raises(NotFound, match="Vol of R5"):
        series(line.connection, window(line), "R5.1", "Vol")


def test_a_pad_measured_twice_in_a_run_has_two_readings(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0, 20.0], pads=("R1.1", "R1.1")), station=SPI)
    line.inspection(2, measurements=volumes([11.0, 21.0], pads=("R1.1", "R1.1")), station=SPI)

    readings = series(line.connection, window(line), "R1.1", "Vol")

    assert [reading.value for reading in readings] == [11.0, 21.0, 10.0, 20.0]


def test_texts_and_results_of_one_pad(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0, 20.0]), station=SPI)

    assert [reading.value for reading in series(line.connection, window(line), "R2.1", "image")] == ["R2.1.png"]
    assert [reading.value for reading in series(line.connection, window(line), "R2.1", "result")] == [0]


def test_a_pad_nobody_measured_is_said_to_be_none(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0]), station=SPI)

    with pytest.raises(NotFound, match="Vol of R99"):
        series(line.connection, window(line), "R99.1", "Vol")


def test_capability_of_all_pads(line: Recording) -> None:
    boards: list[list[Value]] = [[100.25, 90.0, 1.5], [101.5, None, 1.5], [99.75, 95.0, 1.5], [100.0, 0.1 + 0.2, 1.5]]
    for unit_id, values in enumerate(boards):
        line.inspection(unit_id, measurements=volumes(values, upper=105.0), station=SPI)

    found = capabilities(line.connection, window(line), "Vol", lower=95.0)

    assert [item.name for item in found.items] == ["R1.1", "R2.1", "R3.1"]
    assert found.count.tolist() == [4, 3, 4]
    first = [100.25, 101.5, 99.75, 100.0]
    mean, deviation = statistics.mean(first), statistics.stdev(first)
    assert found.mean[0] == pytest.approx(mean)
    assert found.deviation[0] == pytest.approx(deviation)
    assert found.cp[0] == pytest.approx(10 / (6 * deviation))
    assert found.cpk[0] == pytest.approx(min(105 - mean, mean - 95) / (3 * deviation))
    assert found.mean[1] == pytest.approx((90.0 + 95.0 + 0.3) / 3)
    assert found.deviation[2] == 0
    assert found.cpk[2] == -math.inf  # all alike, all below the limit


def test_capability_takes_pads_together_whatever_layout_they_came_in(line: Recording) -> None:
    line.inspection(1, measurements=volumes([10.0, 20.0], upper=50.0), station=SPI)
    line.inspection(2, measurements=volumes([22.0, 12.0, 7.0], upper=40.0, pads=("R2.1", "R1.1", "R9.1")), station=SPI)

    found = capabilities(line.connection, window(line), "Vol")

    figures = {
        item.name: (count, mean, upper)
        for item, count, mean, upper in zip(
            found.items, found.count.tolist(), found.mean.tolist(), found.upper.tolist(), strict=True
        )
    }
    assert figures == {"R1.1": (2, 11.0, 40.0), "R2.1": (2, 21.0, 40.0), "R9.1": (1, 7.0, 40.0)}
    assert np.isnan(found.lower).all()


def test_a_window_without_measurements_has_no_capabilities(line: Recording) -> None:
    assert capabilities(line.connection, window(line), "Vol").items == []


@pytest.mark.parametrize("missing", [False, True])
def test_moments_agree_with_the_textbook(missing: bool) -> None:
    values = np.round(np.random.default_rng(3).normal(5e-4, 2e-5, (200, 40)), 7)
    columns: list[list[Value]] = values.tolist()
    if missing:
        columns[7][3] = None
    packed = [pack_column(column) for column in columns]
    by_format = {form: b"".join(data for other, data in packed if other == form) for form, _ in packed}

    parts = [moments_of(form, data, 40) for form, data in by_format.items()]
    total = sum(parts[1:], start=parts[0])

    expected = values.copy()
    if missing:
        expected[7, 3] = np.nan
    assert total.count.tolist() == (200 - np.isnan(expected).sum(axis=0)).tolist()
    np.testing.assert_allclose(total.mean, np.nanmean(expected, axis=0), rtol=1e-12)
    np.testing.assert_allclose(total.deviation, np.nanstd(expected, axis=0, ddof=1), rtol=1e-9)


def test_indices_say_nothing_where_nothing_can_be_said() -> None:
    one_value = moments_of(*pack_column([1.0, 2.0]), 2)

    cp, cpk = indices(one_value, None, None)

    assert np.isnan(cp).all()
    assert np.isnan(cpk).all()
