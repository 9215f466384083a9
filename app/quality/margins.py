"""How far a measured value is from its limits, and which of a run's values are the worst. Pure.

The margin of a value between two limits is 1 in their middle, 0 on a limit, negative beyond it. With one limit and an
expected value the way from the one to the other counts as 1. An SPI sends no limits: there the deviation from the
expected value, as a part of it, says what is worst.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.quality.layout import exact
from app.quality.measurements import Comparison, Measured
from app.quality.unit_of_measure import factor

_BEYOND = frozenset({Comparison.below, Comparison.above})
_FAILED = frozenset({"failed", "error"})
BAR = 0.25
"""How much of the range between the limits a bar shows beyond each of them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A measured value beside its limits, those in the value's unit. `deviation` is from the expected value."""

    step: str | None
    name: str | None
    designators: str | None
    characteristic: str
    value: Any
    unit: str | None
    expected: Any
    lower: float | None
    upper: float | None
    result: str | None
    comparison: Comparison | None
    margin: float | None = None
    deviation: float | None = None

    @property
    def is_bad(self) -> bool:
        """Whether the machine failed it, or the value is beyond a limit."""
        return self.result in _FAILED or self.comparison in _BEYOND

    @property
    def at(self) -> float | None:
        """Where the value stands on a bar from a quarter below the lower limit to a quarter above the upper, 0..1."""
        if self.lower is None or self.upper is None or self.margin is None or self.upper <= self.lower:
            return None
        span = self.upper - self.lower
        place = (float(self.value) - self.lower + BAR * span) / (span * (1 + 2 * BAR))
        return round(min(max(place, 0.0), 1.0), 4)


def judged(measured: Measured) -> Judged:
    """One value with its margin."""
    lower = _converted(measured.lower, measured.lower_unit, measured)
    upper = _converted(measured.upper, measured.upper_unit, measured)
    expected = measured.expected
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        expected = _converted(expected, measured.expected_unit, measured)
    return Judged(
        measured.step, measured.name, measured.designators, measured.characteristic, measured.value, measured.unit,
        measured.expected if expected is None else expected, lower, upper, measured.result, measured.comparison,
        _margin(measured, lower, upper, expected), _deviation(measured.value, expected),
    )  # fmt: skip


def _converted(number: float | None, said: str | None, measured: Measured) -> float | None:
    if number is None:
        return None
    multiplier = factor(said or measured.expected_unit or measured.unit, measured.unit)
    return None if multiplier is None else exact(float(number), multiplier)


def _margin(measured: Measured, lower: float | None, upper: float | None, expected: object) -> float | None:
    if measured.comparison not in {Comparison.within, *_BEYOND} or not _is_number(measured.value):
        return None
    value = float(measured.value)  # type: ignore[arg-type]
    if lower is not None and upper is not None:
        half = (upper - lower) / 2
        return min(value - lower, upper - value) / half if half > 0 else None
    limit = lower if lower is not None else upper
    if limit is None or not _is_number(expected) or expected == limit:
        return None
    return (value - limit) / (float(expected) - limit)  # type: ignore[arg-type]


def _deviation(value: object, expected: object) -> float | None:
    if not _is_number(value) or not _is_number(expected) or not expected:
        return None
    return (float(value) - float(expected)) / abs(float(expected))  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def worst_first(values: Iterable[Judged]) -> list[Judged]:
    """What failed, then by margin (without limits: by deviation); results without a value last, after the values."""
    return sorted(values, key=_badness)


def _badness(one: Judged) -> tuple[bool, bool, bool, float]:
    margin = one.margin if one.margin is not None else 1 - abs(one.deviation or 0.0)
    return not one.is_bad, one.value is None, one.margin is None and one.deviation is None, margin
