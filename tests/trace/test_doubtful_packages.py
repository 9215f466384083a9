"""Packages that cannot be what they are said to be: in two places at once, or made after they came."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.trace.balance import Doubt, Finding, mass_balance, suspicious_packages
from app.trace.date_codes import earliest_made
from app.trace.two_places import Sign, contradiction
from tests.inbox.messages import started, stored
from tests.trace.reels import board, boards, described, loaded

OTHER = "Acme.Mounter.2"


def findings(engine: Engine) -> list[Finding]:
    with engine.connect() as connection:
        return list(suspicious_packages(connection))


def codes(engine: Engine) -> list[tuple[str, str]]:
    return [(one.package, one.code.value) for one in findings(engine)]


def test_a_reel_on_two_machines_at_once(engine: Engine) -> None:
    stored(
        engine,
        loaded("P-1", when=0),
        *boards(3, start=10),
        loaded("P-1", when=100, source=OTHER),
        *boards(3, start=110, source=OTHER),
        *boards(2, start=150),
    )
    [found] = findings(engine)
    assert (found.code, found.figures) == (
        Doubt.two_places,
        {"station": "Acme.Mounter.1", "other": OTHER, "at": "2026-11-20T06:02:30+00:00", "times": 2},
    )
    with engine.connect() as connection:
        assert mass_balance(connection, package="P-1").findings == [found]


def test_a_reel_that_moved_and_came_back_is_one(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("P-1", when=0),
        *boards(3, start=10),
        started("SN-LAST", transaction=work, when=95),
        loaded("P-1", when=100, source=OTHER),
        board("SN-LAST", transaction=work, when=120),  # begun before the reel was taken out
        *boards(3, start=130, source=OTHER),
        loaded("P-1", when=300),
        *boards(2, start=310),
    )
    assert not findings(engine)


def test_machines_that_never_say_what_is_loaded_are_judged_by_what_they_place(engine: Engine) -> None:
    stored(engine, *boards(3, start=10), *boards(3, start=16, source=OTHER))
    assert codes(engine) == [("P-1", "two_places")]


def test_machines_that_never_say_what_is_loaded_may_pass_a_reel_on(engine: Engine) -> None:
    stored(engine, *boards(3, start=10), *boards(3, start=100, source=OTHER), *boards(3, start=400))
    assert not findings(engine)


def test_a_clock_error_is_no_second_reel() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def sign(station: int, seconds: float, *, arrives: bool = False) -> Sign:
        at = start + timedelta(seconds=seconds)
        return Sign(station, at, at, arrives)

    moved = [sign(1, 0, arrives=True), sign(2, 100, arrives=True), sign(1, 101.5), sign(2, 110)]
    assert contradiction(moved, {}) is None
    assert contradiction([*moved[:2], sign(1, 103), sign(2, 110)], {}) is not None


# --- made after it came ---


@pytest.mark.parametrize(
    ("date_code", "received_on", "late"),
    [
        ("2026-11-19", "2026-11-20", False),
        ("2026-12-01", "2026-11-20", True),
        (None, "2026-11-20", False),
    ],
)
def test_a_reel_cannot_be_made_after_it_came(
    engine: Engine, date_code: str | None, received_on: str, late: bool
) -> None:
    made: dict[str, Any] = {"ManufactureDate": f"{date_code}T00:00:00Z"} if date_code else {}
    stored(engine, described("P-1", initial=5, ReceivedDate=f"{received_on}T12:00:00Z", **made))
    assert codes(engine) == ([("P-1", "made_after_receipt")] if late else [])


@pytest.mark.parametrize(
    ("date_code", "earliest"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("20140307", date(2014, 3, 7)),
        ("231013", date(2013, 10, 23)),  # 23 October 2013, if a European typed it
        ("2346", date(2023, 11, 13)),  # week 46 of 2023
        ("2012", date(2012, 1, 1)),  # a year, a week of 2020, or week 20 of 2012
        ("202335", date(2023, 8, 28)),
        ("2023.35", date(2023, 8, 28)),
        ("2023W35", date(2023, 8, 28)),
        ("12/31/2024", date(2024, 12, 31)),
        ("02/03/2024", date(2024, 2, 3)),
        ("2399", None),
        ("B7", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_code_means_its_earliest_reading(date_code: str | None, earliest: date | None) -> None:
    assert earliest_made(date_code) == earliest
