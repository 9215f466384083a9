"""A station's clock is measured where it speaks live, and what is said of it follows how wrong it is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.lines.clocks import ALARM, SUSPECT, clock_errors, clock_warning, measure_clocks
from tests.inbox import messages
from tests.inbox.messages import STATION, received, stored


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def measured(engine: Engine) -> tuple[float, float]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT error, largest_error FROM station_clock")).one()
    return row.error.total_seconds(), row.largest_error.total_seconds()


def test_a_message_from_the_future_tells_that_the_clock_is_ahead(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "START", datetime.now(UTC) + seconds(30))
    stored(engine, received(("REEL-1", "RES-10K", "LOT-7"), when=0))
    error, largest = measured(engine)
    assert 20 < error <= 30
    assert largest == error


def test_a_message_that_came_late_tells_nothing_of_the_clock(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "RES-10K", "LOT-7")))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM station_clock")).scalar_one() == 0


def test_of_several_measures_the_one_that_came_quickest_counts_and_the_furthest_is_kept(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "RES-10K", "LOT-7")))
    for error in (-5.0, -3.0, -4.0):
        with engine.begin() as connection:
            measure_clocks(connection, {STATION: seconds(error), "Nobody.Knows.It": seconds(9)})
    assert measured(engine) == (-3.0, 5.0)
    with engine.begin() as connection:
        connection.execute(text("UPDATE station_clock SET measured_at = now() - interval '61 seconds'"))
        measure_clocks(connection, {STATION: seconds(-0.1)})
    assert measured(engine) == (-0.1, 5.0), "the clock was set"
    with engine.connect() as connection:
        (largest,) = clock_errors(connection, [1, 2, 3]).values()
    assert largest == seconds(5)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, None),
        (SUSPECT, None),
        (-SUSPECT, None),
        (SUSPECT + seconds(0.1), "0.6 s ahead: its times are suspect"),
        (-ALARM, "2.0 s behind: its times are suspect"),
        (ALARM + seconds(0.1), "2.1 s ahead: its times prove nothing"),
    ],
)
def test_suspect_above_half_a_second_and_an_alarm_above_two(error: timedelta | None, said: str | None) -> None:
    warning = clock_warning("Acme.Mounter.1", error)
    assert warning is None if said is None else said in str(warning)
