"""A station's clock is measured where it speaks live, and what is said of it follows how wrong it is."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict
from app.lines.clocks import ALARM, SUSPECT, clock_errors, clock_warning, measure_clocks, note_heard
from app.lines.clocks_set import clock_was_set
from tests.inbox import messages
from tests.inbox.messages import STATION, received, stored
from tests.setup.plant import station


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


def hours_pass(engine: Engine, hours: float) -> None:
    with engine.begin() as connection:
        passed = {"passed": hours}
        back = "{0} = {0} - :passed * interval '1 hour'".format
        connection.execute(text(f"UPDATE station_clock SET {back('measured_at')}"), passed)
        connection.execute(text(f"UPDATE wrong_clock SET {back('seen_at')}, {back('last_seen_at')}"), passed)


def seen_off(engine: Engine, error: float) -> None:
    with engine.begin() as connection:
        measure_clocks(connection, {STATION: seconds(error)}, live=False)


def was_set(engine: Engine, ago: timedelta) -> datetime:
    with engine.begin() as connection:
        return clock_was_set(
            connection, station=STATION, reason="The battery was empty.", actor="test", at=datetime.now(UTC) - ago
        )


def test_a_clock_was_not_set_before_it_was_last_seen_wrong(engine: Engine) -> None:
    """Wrong for five hours; a message that came late looks right then, and hides what was measured before."""
    station(engine)
    for _ in range(5):
        seen_off(engine, 3600)
        hours_pass(engine, 1)
    seen_off(engine, 1)
    with pytest.raises(Conflict, match="still wrong at"):
        was_set(engine, timedelta(hours=4))
    was_set(engine, timedelta(minutes=30))
    assert not wrong_still(engine)


def test_a_clock_that_is_seen_wrong_while_somebody_says_it_was_set_stays_wrong(engine: Engine) -> None:
    station(engine)
    seen_off(engine, 3 * 3600)
    hours_pass(engine, 1)
    with engine.begin() as seeing, ThreadPoolExecutor() as pool:
        measure_clocks(seeing, {STATION: seconds(4 * 3600)})
        saying = pool.submit(was_set, engine, timedelta(minutes=5))
        while not count_waiting(engine):
            assert not saying.done()
            time.sleep(0.01)
        seeing.commit()
        with pytest.raises(Conflict, match="still wrong at"):
            saying.result(timeout=10)
    assert wrong_still(engine)


def count_waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname ="
        return int(connection.execute(text(f"{waiting} current_database()")).scalar_one())


def minutes_pass(engine: Engine, minutes: float) -> None:
    with engine.begin() as connection:
        for column in ("close_since", "close_at"):
            passed = f"UPDATE station_clock SET {column} = {column} - :passed * interval '1 minute'"
            connection.execute(text(passed), {"passed": minutes})


def says_for(engine: Engine, minutes: int) -> None:
    """Messages that come when they say, every other minute."""
    for _ in range(0, minutes, 2):
        says(engine, 0)
        minutes_pass(engine, 2)


def says(engine: Engine, ahead: float) -> None:
    """A message whose time is so many seconds ahead, taken in by a process that just started."""
    stored(
        engine,
        received(("REEL-1", "RES-10K", "LOT-7"), when=(datetime.now(UTC) - messages.START).total_seconds() + ahead),
    )


def wrong_still(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM wrong_clock WHERE right_after IS NULL")).scalar_one())


def test_messages_that_come_when_they_say_for_a_time_prove_a_clock_right_again(engine: Engine) -> None:
    says(engine, 3600 * 24 * 365)
    says(engine, 0)
    assert wrong_still(engine), "one message may be as late as its clock is ahead"
    says_for(engine, 12)
    says(engine, 0)
    assert not wrong_still(engine)
    assert measured(engine)[0] == pytest.approx(3600 * 24 * 365, abs=1), "what was measured is not measured again"


def test_one_message_ahead_begins_the_proof_anew(engine: Engine) -> None:
    says(engine, 30)
    says_for(engine, 12)
    says(engine, 30)
    says(engine, 0)
    assert wrong_still(engine)


def test_what_comes_late_proves_nothing(engine: Engine) -> None:
    says(engine, 30)
    says_for(engine, 10)
    says(engine, -30)
    assert wrong_still(engine)


def test_a_clock_was_right_before_as_long_as_its_messages_came_when_they_say(engine: Engine) -> None:
    says_for(engine, 12)
    says(engine, 0)
    says(engine, 30)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT right_before FROM wrong_clock")).scalar_one() is not None


def test_a_few_messages_that_were_as_late_as_their_clock_is_ahead_prove_nothing(engine: Engine) -> None:
    says(engine, 3600)
    for _ in range(3):
        says(engine, 0)
        minutes_pass(engine, 6)
    says(engine, 0)
    assert wrong_still(engine)


def test_two_that_hear_of_the_same_stations_at_once_do_not_wait_for_one_another(engine: Engine) -> None:
    both = ("Acme.Mounter.1", "Acme.Mounter.2")
    for handle in both:
        station(engine, handle)

    def hear(ahead: str, close: str) -> None:
        for _ in range(50):
            with engine.begin() as connection:
                note_heard(connection, {ahead: seconds(5)}, [close])

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(hear, *both), pool.submit(hear, *reversed(both))]:
            done.result(timeout=60)
