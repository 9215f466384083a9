"""What comes first, the end of the order or of the package? Told in boards an hour."""

from datetime import UTC, datetime, timedelta

import pytest

from app.setup.outlook import Outlook, Pace, Supply, order_ends_at, outlook

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
HUNDRED_AN_HOUR = Pace(100, timedelta(hours=1))


def look(
    left: float | None = 5000, *, each: float | None = 2, until: float | None = None, remaining: int = 1000,
    pace: Pace | None = HUNDRED_AN_HOUR, behind: float = 0,
) -> Outlook:  # fmt: skip
    usable_until = None if until is None else NOW + timedelta(hours=until)
    supply = Supply("F1", "P-1182", left, each, usable_until, behind)
    return outlook(supply, remaining=remaining, pace=pace, at=NOW)


def test_a_reel_that_expires_before_the_order_ends_is_told_of() -> None:
    found = look(until=7)  # the order takes ten hours
    assert found.unusable_before_end == timedelta(hours=3)
    assert found.sentences == (
        "Package P-1182 in slot F1 can be used until 2026-11-20 13:00 UTC, 3 h before this order ends.",
    )


@pytest.mark.parametrize(("until", "before"), [(10, None), (10.01, None), (9.5, timedelta(minutes=30)), (None, None)])
def test_the_very_end_is_in_time(until: float | None, before: timedelta | None) -> None:
    assert look(until=until).unusable_before_end == before


@pytest.mark.parametrize(
    ("left", "behind", "units", "short"),
    [(2000, 0, 1000, None), (1999, 0, 999, 1), (0, 0, 0, 1000), (1000, 1000, 1000, None), (1000, 999, 999, 1)],
)
def test_it_runs_out_when_no_other_unit_can_be_made(left: float, behind: float, units: int, short: int | None) -> None:
    found = look(left, behind=behind)
    assert (found.units_left, found.runs_short_by) == (units, short)


def test_when_it_runs_out_is_told_in_a_sentence() -> None:
    found = look(1500)
    assert found.runs_out_at == NOW + timedelta(hours=7.5)
    assert found.sentences == (
        "Package P-1182 in slot F1 runs out at 2026-11-20 13:30 UTC, 250 units before this order ends.",
    )


def test_what_nobody_counted_or_planned_is_not_guessed() -> None:
    assert look(None).runs_short_by is None
    assert look(10, each=None).units_left is None
    unknown = look(1500, until=1, pace=None)
    assert (unknown.runs_out_at, unknown.unusable_before_end, unknown.runs_short_by) == (None, None, 250)


def test_an_order_that_is_done_ends_now() -> None:
    assert order_ends_at(0, None, at=NOW) == NOW
    assert order_ends_at(5, Pace(0, timedelta(hours=1)), at=NOW) is None
    assert order_ends_at(5, Pace(5, timedelta(0)), at=NOW) is None
