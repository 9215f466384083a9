"""A station whose clock was seen off by more than clocks are: what it tells is only ordered beyond that."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.lines.clocks import measure_clocks
from app.trace.balance import mass_balance
from app.trace.evidence import Evidence
from app.trace.question import Question
from app.trace.two_places import Sign, contradiction
from app.trace.where_used import stream_where_used
from app.units.families import built_into as built_into_now
from tests.flows.story import ASSEMBLY, BENCH, built_into
from tests.inbox.messages import at, completed, entry, installed, started, stored, uninstalled
from tests.trace.reels import described, loaded, recounted

EXACT, BOUNDED = Evidence.exact, Evidence.bounded
MOUNTER = "Acme.Mounter.1"
FAR = 600.0
"""Seconds that a clock is off."""


def is_off(engine: Engine, *stations: str) -> None:
    with engine.begin() as connection:
        measure_clocks(connection, {station: timedelta(seconds=FAR) for station in stations})


def told(engine: Engine, **terms: object) -> dict[str, Evidence]:
    with engine.connect() as connection:
        return {unit.serial: unit.evidence for unit in stream_where_used(connection, Question(**terms))}  # type: ignore[arg-type]


def test_what_was_built_in_by_a_wrong_clock_may_hold_what_was_taken_out_before(engine: Engine) -> None:
    stored(
        engine,
        installed(entry("SN-1", "R-1", ["R1"]), when=0),
        uninstalled("SN-1", ["R1"], package="R-1", when=1000, source=BENCH),
        built_into("BX", "SN-1", when=1300),
        built_into("BX2", "SN-2", when=3000),
        installed(entry("SN-2", "R-1", ["R1"]), when=100),
    )
    assert told(engine, package="R-1") == {"SN-1": EXACT, "SN-2": EXACT, "BX2": EXACT}
    is_off(engine, ASSEMBLY)
    assert told(engine, package="R-1") == {"SN-1": EXACT, "SN-2": EXACT, "BX": BOUNDED, "BX2": EXACT}


def test_a_removal_by_a_wrong_clock_may_have_been_before_the_unit_came_back(engine: Engine) -> None:
    """SN-1 was taken out at 150, which the bench tells as 750, and built in again at 200."""
    stored(
        engine,
        built_into("BX", "SN-1", when=100),
        uninstalled("BX", ["A1"], when=150 + FAR, source=BENCH),
        built_into("BX", "SN-1", when=200),
        installed(entry("SN-1", "R-1", ["R1"]), when=5000),
    )
    assert told(engine, package="R-1") == {"SN-1": EXACT}
    with engine.connect() as connection:
        unit = connection.execute(text("SELECT unit_id FROM unit WHERE serial = 'SN-1'")).scalar_one()
        assert built_into_now(connection, [unit]) == {}
    is_off(engine, BENCH)
    assert told(engine, package="R-1") == {"SN-1": EXACT, "BX": BOUNDED}
    with engine.connect() as connection:
        assert built_into_now(connection, [unit]) == {unit: "BX"}


@pytest.mark.parametrize("by", ["station", "package"])
def test_a_time_asked_for_is_the_true_one(engine: Engine, by: str) -> None:
    stored(engine, *(installed(entry(f"SN-{when}", "R-1", ["R1"]), when=when) for when in (0, 900, 2000, 2900, 4000)))
    terms = {"station": MOUNTER, "since": at(1000), "until": at(3000)} | ({"package": "R-1"} if by == "package" else {})
    assert told(engine, **terms) == {"SN-2000": EXACT, "SN-2900": EXACT}
    is_off(engine, MOUNTER)
    assert told(engine, **terms) == {"SN-900": BOUNDED, "SN-2000": EXACT, "SN-2900": BOUNDED}
    with engine.connect() as connection:
        reasons = {unit.serial: unit.reason for unit in stream_where_used(connection, Question(**terms))}  # type: ignore[arg-type]
    assert "clock of Acme.Mounter.1 was seen off by up to 600 s" in reasons["SN-900"]
    assert "clock" not in reasons["SN-2000"]


def test_a_work_that_surely_reached_into_the_time_is_certain(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started("SN-1", transaction=work, when=100, source=MOUNTER),
        completed("SN-1", transaction=work, when=5000, source=MOUNTER),
    )
    is_off(engine, MOUNTER)
    assert told(engine, station=MOUNTER, since=at(1000), until=at(3000)) == {"SN-1": EXACT}


def test_a_reel_that_went_on_is_in_no_two_places_where_a_clock_is_wrong() -> None:
    """Loaded at 1, whose clock is an hour ahead, and then at 2: it never was at both."""
    hour = timedelta(hours=1)
    off = {1: hour}
    signs = [
        Sign(2, at(1200), at(1200), arrives=True),
        Sign(2, at(2400), at(2400)),
        Sign(1, at(3600), at(3600), arrives=True),
        Sign(1, at(4200), at(4200)),
        Sign(2, at(7000), at(7000)),
    ]
    assert contradiction(signs, {}) is not None
    assert contradiction(signs, off) is None


def test_a_reel_at_two_machines_is_told_though_a_clock_is_wrong() -> None:
    signs = [
        Sign(1, at(0), at(0), arrives=True),
        Sign(2, at(1000), at(1000), arrives=True),
        Sign(1, at(9000), at(9000)),
    ]
    found = contradiction(signs, {1: timedelta(seconds=FAR)})
    assert found is not None
    assert (found.station_id, found.other_id) == (1, 2)


def test_what_a_wrong_clock_tells_near_a_count_is_before_or_after_it(engine: Engine) -> None:
    """100 pieces came, 20 were placed, then 80 were counted: the placement is told as after the count."""
    stored(
        engine,
        described("R-1", initial=100, when=0, source="Acme.Tower.1"),
        loaded("R-1", when=10, source=MOUNTER),
        installed(entry("SN-1", "R-1", [f"R{n}" for n in range(20)]), when=500),
        recounted("R-1", initial=100, quantity=80, when=300, source="Acme.Tower.1"),
    )
    with engine.connect() as connection:
        assert mass_balance(connection, package="R-1").findings
    is_off(engine, MOUNTER)
    with engine.connect() as connection:
        balance = mass_balance(connection, package="R-1")
    assert not balance.findings
    assert "clock of Acme.Mounter.1 was seen off by up to 600 s" in balance.sentence
