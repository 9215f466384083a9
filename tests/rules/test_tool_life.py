"""May this tool be used? Limits, one below, at and beyond them; calibrations the day before and the day itself."""

from datetime import UTC, datetime, timedelta

import pytest

from app.lines.tool_life import Limits, ToolFacts, ToolJudged, judge_tool

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def judged(limits: Limits, *, cycles: int = 0, since: int = 0, **facts: object) -> ToolJudged:
    known = ToolFacts("STENCIL-1", "stencil", cycles, since, **facts)  # type: ignore[arg-type]
    return judge_tool(known, limits, at=NOW)


def codes(found: ToolJudged) -> tuple[list[str], list[str]]:
    return [reason.code for reason in found.reasons], [warning.code for warning in found.warnings]


@pytest.mark.parametrize(
    ("cycles", "since", "expected"),
    [
        (89_999, 8, ([], [])),
        (90_000, 8, ([], ["tool_worn_out"])),
        (99_999, 8, ([], ["tool_worn_out"])),
        (100_000, 8, (["tool_worn_out"], [])),
        (5, 9, ([], ["cleaning_due"])),
        (5, 10, (["cleaning_due"], [])),
        (200_000, 99, (["tool_worn_out", "cleaning_due"], [])),
    ],
)
def test_cycles(cycles: int, since: int, expected: tuple[list[str], list[str]]) -> None:
    assert codes(judged(Limits(cycles=100_000, cleaning=10), cycles=cycles, since=since)) == expected


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [(0, ([], [])), (22, ([], [])), (23, ([], ["calibration_due"])), (29, ([], ["calibration_due"])),
     (30, (["calibration_due"], [])), (400, (["calibration_due"], []))],
)  # fmt: skip
def test_days_since_a_calibration(days_ago: int, expected: tuple[list[str], list[str]]) -> None:
    assert codes(judged(Limits(calibration_days=30), calibrated_at=NOW - timedelta(days=days_ago))) == expected


def test_the_certificate_comes_before_the_limit() -> None:
    long_ago, later = NOW - timedelta(days=400), NOW + timedelta(days=30)
    assert codes(judged(Limits(calibration_days=30), calibrated_at=long_ago, due_at=later)) == ([], [])
    assert codes(judged(Limits(), calibrated_at=NOW - timedelta(days=1), due_at=NOW)) == (["calibration_due"], [])


def test_never_calibrated_is_due_where_it_must_be() -> None:
    assert codes(judged(Limits(calibration_days=30))) == (["calibration_due"], [])
    assert codes(judged(Limits())) == ([], [])


def test_without_limits_nothing_stops_it_but_its_end() -> None:
    assert codes(judged(Limits(), cycles=10**9, since=10**9)) == ([], [])
    assert codes(judged(Limits(), retired=True)) == (["tool_retired"], [])


def test_the_sentence_says_what_clears_it() -> None:
    (reason,) = judged(Limits(cleaning=10), since=12).reasons
    assert reason.sentence == "The stencil STENCIL-1 did 12 cycles since it was cleaned; 10 are allowed."
    assert reason.clears == "Clean it and record that."
