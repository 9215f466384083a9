"""What ended a stay is as uncertain as the clock that told it, also where it ended it only possibly."""

from datetime import UTC, datetime, timedelta

from app.trace.evidence import Evidence
from app.trace.spans import Reading, Span, merged, stay

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(station: int, second: float, error: float = 2) -> Reading:
    return Reading(station, _NOON + timedelta(seconds=second), timedelta(seconds=error))


def surely_met(spans: tuple[Span, ...], second: float) -> bool:
    part = Span(Evidence.exact, _NOON + timedelta(seconds=second))
    return any(common.evidence is Evidence.exact for span in spans if (common := span.common(part)))


def test_a_next_place_told_by_a_wrong_clock_may_have_been_earlier() -> None:
    spans = stay(told(1, 53), Evidence.exact, (), [told(2, 84, error=30)])
    assert surely_met(spans, 20)
    assert not surely_met(spans, 79), "it may have been moved at 54 s"


def test_a_removal_that_may_have_been_before_is_as_uncertain() -> None:
    spans = stay(told(1, 16, error=5), Evidence.exact, [told(2, 46, error=30)])
    assert not surely_met(spans, 39)


def test_of_several_ends_that_of_the_worst_clock_may_have_been_the_first() -> None:
    spans = stay(told(1, 0), Evidence.exact, [told(2, 100), told(3, 101, error=30)])
    assert surely_met(spans, 50)
    assert not surely_met(spans, 90)


def test_what_is_less_sure_counts_where_a_wrong_clock_may_have_told_it_too_late() -> None:
    """A lot's reel that was perhaps placed by a machine ahead, and another of the lot that was surely put in later."""
    mended = stay(told(1, 140), Evidence.exact, ())
    placed = stay(told(2, 290, error=260), Evidence.inferred, ())
    before = Span(Evidence.exact, _NOON + timedelta(seconds=97), _NOON + timedelta(seconds=109))
    assert any(span.common(before) for span in merged((*mended, *placed)))
    assert merged((*mended, *stay(told(2, 290), Evidence.inferred, ()))) == mended
