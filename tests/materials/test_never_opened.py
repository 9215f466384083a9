"""A sealed package that was scanned as opened by mistake: it is as it was, unless something says that it was open."""

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Invalid
from app.materials.happenings import Happened
from app.materials.never_opened import never_opened
from tests.inbox.messages import stored
from tests.materials.test_moisture_events import AGO, HOUR, condition, left, msd
from tests.materials.test_wrong_clocks import stated
from tests.trace.reels import board, described, loaded, split


@pytest.fixture
def opened(engine: Engine) -> Engine:
    """Scanned as opened a hundred hours ago, by a machine and by a person."""
    stored(engine, described("P-1", initial=100, MaterialData={"MSDLevel": "MSL3"}, when=AGO * HOUR))
    stored(engine, msd("Opened", "P-1", when=AGO + 1))
    stated(engine, "P-1", Happened.opened, when=AGO + 2)
    assert left(engine, "P-1", when=AGO + 101) == 68
    return engine


def withdraw(engine: Engine, reason: str = "the bag is sealed") -> None:
    with engine.begin() as connection:
        never_opened(connection, package="P-1", reason=reason, actor="person:quinn")


def test_it_has_all_of_its_floor_life_and_the_record_says_who_said_so(opened: Engine) -> None:
    withdraw(opened)
    assert condition(opened, "P-1", when=AGO + 101).usable_until is None
    with opened.connect() as connection:
        told = connection.execute(text("SELECT details FROM audit WHERE deed = 'package.never_opened'")).scalar_one()
        assert connection.execute(text("SELECT count(*) FROM package_event WHERE kind = 'opened'")).scalar_one() == 2
    assert (told["reason"], len(told["events"])) == ("the bag is sealed", 2)
    with pytest.raises(Conflict, match="Nobody said"):
        withdraw(opened)


def test_opened_after_it_counts_again(opened: Engine) -> None:
    withdraw(opened)
    stated(opened, "P-1", Happened.opened, when=AGO + 50)
    assert left(opened, "P-1", when=AGO + 101) == 117


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (loaded("P-1", when=(AGO + 3) * HOUR), "was loaded"),
        (split("P-1", "P-1A", 50, when=(AGO + 3) * HOUR), "was split"),
        (msd("PlacedInDryStorage", "P-1", when=AGO + 3), "dry storage"),
        (msd("Restored", "P-1", when=AGO + 3), "was baked"),
        (board("SN-1", "P-1", when=(AGO + 3) * HOUR), "gave parts"),
    ],
)
def test_what_was_really_open_stays_so(opened: Engine, told: bytes, why: str) -> None:
    stored(opened, told)
    with pytest.raises(Conflict, match=why):
        withdraw(opened)


def test_the_level_that_the_opening_told_is_the_packages_all_the_same(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100, when=AGO * HOUR), msd("Opened", "P-1", level="MSL5A", when=AGO + 1))
    withdraw(engine)
    told = condition(engine, "P-1", when=AGO + 2)
    assert (told.moisture_level, told.usable_until) == ("5a", None)


def test_nobody_says_so_without_a_reason(opened: Engine) -> None:
    with pytest.raises(Invalid):
        withdraw(opened, " ")
    assert left(opened, "P-1", when=AGO + 101) == 68
