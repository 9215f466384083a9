"""Floor life at stations whose clocks are wrong, or were: never longer than may be, and exact where they are right."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.lines.clocks import measure_clocks
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Handling
from tests.inbox.messages import START, STATION, at, stored
from tests.materials.test_moisture_events import HOUR, condition, left, msd
from tests.setup.plant import reel
from tests.trace.reels import described, loaded, split

SEEN = 0.0
"""Hours from the story's beginning until now, when clocks are measured."""


def hours_until_now() -> float:
    """From the story's beginning. Now is when a test begins: until a whole run comes to it, minutes have passed."""
    return (datetime.now(UTC) - START) / timedelta(hours=1)


@pytest.fixture(autouse=True)
def seen_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SEEN", hours_until_now())


def seen(engine: Engine, off: float, *, ago: float = 0, live: bool = True) -> None:
    """The station's clock was seen off by so many hours, so many hours ago."""
    with engine.begin() as connection:
        measure_clocks(connection, {STATION: timedelta(hours=off)}, live=live)
        for column in ("station_clock SET right_at", "wrong_clock SET right_after"):
            moved = f"UPDATE {column} = now() - :ago * interval '1 hour' WHERE {column.partition(' SET ')[2]} = now()"
            connection.execute(text(moved), {"ago": ago})


def stated(engine: Engine, package: str, happened: Happened, *, when: float) -> None:
    """By a person, whose time is right."""
    with engine.begin() as connection:
        state_packages(connection, [package], happened, at=at(when * HOUR), actor="person:ann")


@pytest.fixture
def rated(engine: Engine) -> Engine:
    stored(engine, described("P-1", initial=100, MaterialData={"MSDLevel": "MSL3"}, when=0))
    return engine


@pytest.mark.parametrize("how", ["opened", "loaded", "removed"])
def test_set_right_before_it_delivers_it_opened_the_package_when_it_did(rated: Engine, how: str) -> None:
    begins = SEEN - 20
    seen(rated, 3)
    seen(rated, 0, ago=10)
    told = {
        "opened": msd("Opened", "P-1", when=begins),
        "loaded": loaded("P-1", when=begins * HOUR),
        "removed": msd("RemovedFromDryStorage", "P-1", when=begins),
    }
    stored(rated, told[how])
    assert left(rated, "P-1", when=begins + 10) == pytest.approx(155)


def test_what_stands_does_not_become_longer_when_the_clock_is_set_right(rated: Engine) -> None:
    stored(rated, msd("Opened", "P-1", when=SEEN - 20))
    seen(rated, 3)
    assert left(rated, "P-1", when=SEEN) == pytest.approx(145)
    seen(rated, 0)
    assert left(rated, "P-1", when=SEEN) == pytest.approx(145)


def test_what_a_clock_tells_after_it_was_set_right_is_believed(rated: Engine) -> None:
    seen(rated, 3)
    seen(rated, 0, ago=30)
    stored(rated, msd("Opened", "P-1", when=SEEN - 20))
    assert left(rated, "P-1", when=SEEN) == pytest.approx(148)


def test_what_it_told_while_it_was_right_is_believed(rated: Engine) -> None:
    seen(rated, 0, ago=10)
    stored(rated, msd("Opened", "P-1", when=SEEN - 20))
    seen(rated, 3)
    assert left(rated, "P-1", when=SEEN) == pytest.approx(148)


def test_it_was_wrong_no_longer_than_since_it_was_seen_right(rated: Engine) -> None:
    seen(rated, 0, ago=22)
    stored(rated, msd("Opened", "P-1", when=SEEN - 20))
    seen(rated, 3)
    assert left(rated, "P-1", when=SEEN) == pytest.approx(146, abs=0.1)


def test_a_message_that_was_late_tells_the_least_that_a_clock_is_ahead(rated: Engine) -> None:
    stored(rated, msd("Opened", "P-1", when=SEEN + 2))  # three hours ahead, an hour on its way
    assert left(rated, "P-1", when=SEEN + 10) == pytest.approx(158, abs=0.1)
    seen(rated, 3, live=False)
    seen(rated, 0.0001, live=False)
    assert left(rated, "P-1", when=SEEN + 10) == pytest.approx(157, abs=0.1), "and proves it never right"


def test_told_at_once_it_happened_then_whatever_was_before(rated: Engine) -> None:
    seen(rated, 3, live=False)
    now = (datetime.now(UTC) - START) / timedelta(hours=1)
    stored(rated, msd("Opened", "P-1", when=now))
    assert left(rated, "P-1", when=now + 10) == pytest.approx(158, abs=0.01)


@pytest.mark.parametrize(("off", "ends"), [(3, 158), (-3, 155)])
def test_dry_storage_began_at_the_latest_moment(rated: Engine, off: float, ends: float) -> None:
    stated(rated, "P-1", Happened.opened, when=0)
    stored(rated, msd("PlacedInDryStorage", "P-1", when=10))
    seen(rated, off)
    seen(rated, 0)
    assert left(rated, "P-1", when=40) == pytest.approx(ends)


def test_dry_storage_between_is_not_believed_where_the_clocks_may_have_it_after(rated: Engine) -> None:
    seen(rated, 3)
    stored(rated, msd("RemovedFromDryStorage", "P-1", when=13))
    stated(rated, "P-1", Happened.dry_stored, when=12)
    assert left(rated, "P-1", when=40) == pytest.approx(168 - 2 - 27), "taken out at 10 or at 13, or at both"


def test_of_what_one_clock_told_and_sent_in_order_the_order_is_known(rated: Engine) -> None:
    seen(rated, 3)
    stored(rated, msd("Opened", "P-1", when=8), msd("PlacedInDryStorage", "P-1", when=10))
    assert left(rated, "P-1", when=40) == pytest.approx(168 - 5)


def test_a_clock_set_back_between_two_messages_hides_no_exposure(rated: Engine) -> None:
    seen(rated, 3)
    # stored at 6 by a clock that said 9; set right; taken out at 8
    stored(rated, msd("PlacedInDryStorage", "P-1", when=9), msd("RemovedFromDryStorage", "P-1", when=8))
    assert left(rated, "P-1", when=40) == pytest.approx(168 - 35)


@pytest.mark.parametrize("off", [3, -3])
def test_baking_counts_from_the_earliest_moment(rated: Engine, off: float) -> None:
    stated(rated, "P-1", Happened.opened, when=0)
    stored(rated, msd("Restored", "P-1", when=30))
    seen(rated, off)
    seen(rated, 0)
    assert left(rated, "P-1", when=40) == pytest.approx(155 if off > 0 else 158)


def test_baked_while_it_may_have_been_found_expired_after_it_is_expired(rated: Engine) -> None:
    seen(rated, 3)
    stored(rated, msd("Expired", "P-1", when=13))
    stated(rated, "P-1", Happened.restored, when=12)
    assert [one.code for one in condition(rated, "P-1", when=14).reasons] == ["floor_life_over"]
    stated(rated, "P-1", Happened.restored, when=13.5)
    assert condition(rated, "P-1", when=14).usable


@pytest.mark.parametrize(("off", "ready"), [(3, 14), (-3, 17)])
def test_thawing_takes_from_the_latest_and_its_time_outside_from_the_earliest(
    engine: Engine, off: float, ready: float
) -> None:
    stored(engine, described("P-1", initial=100, InternalPartNumber="SAC305", when=0))
    with engine.begin() as connection:
        set_handling(connection, [Handling("SAC305", kind="paste", thaw_hours=4, thawed_hours=24)], actor="test")
    stored(engine, msd("RemovedFromDryStorage", "P-1", when=0))
    with engine.begin() as connection:
        connection.execute(text("UPDATE package_event SET kind = 'thawed', recorded_at = :at"), {"at": at(10 * HOUR)})
    seen(engine, off)
    seen(engine, 0)
    assert [one.code for one in condition(engine, "P-1", when=ready - 0.1).reasons] == ["not_thawed"]
    assert condition(engine, "P-1", when=ready).usable
    over = 31 if off > 0 else 34
    assert condition(engine, "P-1", when=over - 0.1).usable
    assert [one.code for one in condition(engine, "P-1", when=over).reasons] == ["thawed_too_long"]


def test_what_was_split_off_before_the_rest_was_put_away_was_not(rated: Engine) -> None:
    now = (datetime.now(UTC) - START) / timedelta(hours=1)
    stated(rated, "P-1", Happened.opened, when=now - 20)
    stored(rated, split("P-1", "P-1A", 50, when=(now + 2) * HOUR))  # two hours ahead: split off by now
    stated(rated, "P-1", Happened.dry_stored, when=(datetime.now(UTC) - START) / timedelta(hours=1))
    assert left(rated, "P-1A", when=now + 10) == pytest.approx(138, abs=0.1)


def test_a_clock_around_what_is_an_alarm_is_wrong_all_the_time(rated: Engine) -> None:
    """The gate looks each second: a row for every other look would be 40,000 a day."""
    for seconds in (2.1, 1.9, -2.2, 0.1, 30, 1.9, 2.1):
        seen(rated, seconds / 3600)
    with rated.connect() as connection:
        kept = connection.execute(text("SELECT ahead, behind, right_after FROM wrong_clock")).all()
    assert [tuple(row) for row in kept] == [(timedelta(seconds=30), timedelta(seconds=2.2), None)]


def test_a_clock_that_was_hours_off_and_is_off_by_seconds_now_is_off_by_seconds(rated: Engine) -> None:
    for hours in (3, 0, 0.001, 0):
        seen(rated, hours)
    with rated.connect() as connection:
        ahead = connection.execute(text("SELECT ahead FROM wrong_clock ORDER BY seen_at")).scalars().all()
    assert ahead == [timedelta(hours=3), timedelta(hours=0.001)]


YEARS = 50 * 365 * 24.0
"""Hours by which a clock falls back whose battery is empty."""


def goods_in(engine: Engine, package: str, *, ago: float) -> None:
    """Somebody received it so many hours ago, and nothing was known of it before."""
    reel(engine, package)
    with engine.begin() as connection:
        for moved in ("package SET registered_at", "package_description SET received_at"):
            connection.execute(
                text(f"UPDATE {moved} = now() - :ago * interval '1 hour'"
                     " WHERE package_id = (SELECT package_id FROM package WHERE identifier = :package)"),
                {"ago": ago, "package": package},
            )  # fmt: skip


def test_a_clock_that_fell_back_by_decades_opened_nothing_before_it_was_right_last(rated: Engine) -> None:
    seen(rated, 0, ago=10)
    seen(rated, -YEARS)
    stored(rated, loaded("P-1", when=(SEEN - YEARS) * HOUR))
    assert left(rated, "P-1", when=SEEN + 1) == pytest.approx(157, abs=0.1)


@pytest.mark.parametrize("known", [True, False], ids=["seen", "never seen"])
def test_a_clock_that_fell_back_by_decades_opened_nothing_before_it_came(rated: Engine, known: bool) -> None:
    goods_in(rated, "P-1", ago=10)
    if known:
        seen(rated, -YEARS)
    stored(rated, msd("Opened", "P-1", when=SEEN - YEARS))
    assert left(rated, "P-1", when=SEEN + 1) == pytest.approx(168 - 35, abs=0.1), "received within a day"


def test_what_a_fallen_clock_stored_dry_was_stored_when_it_was_heard(rated: Engine) -> None:
    stated(rated, "P-1", Happened.opened, when=SEEN - 20)
    seen(rated, 0, ago=10)
    seen(rated, -YEARS)
    stored(rated, msd("PlacedInDryStorage", "P-1", when=SEEN - YEARS))
    assert left(rated, "P-1", when=SEEN + 30) == pytest.approx(148, abs=0.1)


def test_what_is_told_of_long_ago_by_a_clock_that_was_never_wrong_was_then(rated: Engine) -> None:
    goods_in(rated, "P-1", ago=10)
    stored(rated, msd("Opened", "P-1", when=SEEN - 24 * 400))
    assert [one.code for one in condition(rated, "P-1", when=SEEN + 1).reasons] == ["floor_life_over"]


def test_a_clock_that_was_ahead_opened_nothing_before_it_came(rated: Engine) -> None:
    goods_in(rated, "P-1", ago=10)
    seen(rated, YEARS, live=False)
    stored(rated, msd("Opened", "P-1", when=SEEN - 5))
    assert left(rated, "P-1", when=SEEN + 1) == pytest.approx(168 - 35, abs=0.1)


@pytest.mark.parametrize("fell", [True, False])
def test_what_was_in_use_before_it_was_received_may_have_been_here_for_long(rated: Engine, fell: bool) -> None:
    """What was named first may have been opened days before that was heard: goods-in gives nothing back."""
    if fell:
        seen(rated, -YEARS)
        seen(rated, 0, ago=48)
    stored(rated, msd("Opened", "P-1", when=SEEN - 120))
    before = condition(rated, "P-1", when=SEEN)
    reel(rated, "P-1")
    assert condition(rated, "P-1", when=SEEN).floor_life_left == before.floor_life_left


def test_a_week_after_a_clock_was_set_right_it_has_told_all_of_before(rated: Engine) -> None:
    seen(rated, YEARS)
    seen(rated, 0, ago=7 * 24 + 1)
    stored(rated, msd("Opened", "P-1", when=SEEN - 20))
    assert left(rated, "P-1", when=SEEN) == pytest.approx(148)


def test_a_clock_may_be_wrong_right_and_wrong_again_at_one_moment(rated: Engine) -> None:
    with rated.begin() as connection:
        for hours in (3, 0, 0.001):
            measure_clocks(connection, {STATION: timedelta(hours=hours)})
        assert connection.execute(text("SELECT count(*) FROM wrong_clock")).scalar_one() == 2
