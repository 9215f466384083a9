"""Process capability from packed columns: count, mean and spread of every item at once.

Cpk = min(upper - mean, mean - lower) / 3 s, Cp = (upper - lower) / 6 s, with s the sample standard deviation of the
values given (ISO 22514-2: these are performance indices where the process was not shown to be stable).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.quality.formats import Floats, scale_of
from app.quality.unpacking import floats_of_runs, integers_of_runs

Counts = NDArray[np.int64]
_EXACT_RUNS = 2**16  # runs times the sum of squares of 16 bit integers stays below 2**63


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of each item; items without a value have count 0 and mean 0."""

    count: Counts
    mean: Floats
    squares: Floats

    def __add__(self, other: "Moments") -> "Moments":
        """Both samples together (Chan, Golub, LeVeque: no cancellation, whatever the sizes)."""
        count = self.count + other.count
        share = np.divide(other.count, count, out=np.zeros(len(count)), where=count > 0)
        difference = other.mean - self.mean
        return Moments(
            count,
            self.mean + difference * share,
            self.squares + other.squares + difference**2 * self.count * share,
        )

    def at(self, rows: NDArray[np.intp], size: int) -> "Moments":
        """The same moments in another order of `size` items: row i goes to `rows[i]`, the others have no values."""
        spread = Moments(np.zeros(size, dtype=np.int64), np.zeros(size), np.zeros(size))
        spread.count[rows], spread.mean[rows], spread.squares[rows] = self.count, self.mean, self.squares
        return spread

    @property
    def deviation(self) -> Floats:
        """Sample standard deviation; NaN below two values."""
        freedom = self.count - 1
        variance = np.divide(self.squares, freedom, out=np.full(len(freedom), np.nan), where=freedom > 0)
        deviation: Floats = np.sqrt(variance)
        return deviation


def moments_of(form: int, data: bytes | memoryview, items: int) -> Moments:
    """Moments of a column over runs that wrote it in the same format: `data` is their bytes, one run after the other.

    A column that is "all the same" has one value a run. Raises `ValueError` for texts.
    """
    whole = integers_of_runs(form, data, items)
    if whole is not None and len(whole) <= _EXACT_RUNS:
        moments = _of_small_integers(whole, 10.0 ** scale_of(form))
    else:
        moments = _of_floats(floats_of_runs(form, data, items))
    if len(moments.count) == items:
        return moments
    return Moments(np.repeat(moments.count, items), np.repeat(moments.mean, items), np.repeat(moments.squares, items))


def _of_small_integers(values: NDArray[Any], scale: float) -> Moments:
    """Sums of 8 and 16 bit integers and of their squares are exact in 64 bits: one pass, nothing is rounded."""
    runs = len(values)
    sums = values.sum(axis=0, dtype=np.int64)
    squares = np.einsum("ij,ij->j", values, values, dtype=np.int64)
    deviations = squares * runs - sums * sums  # runs times the sum of squared deviations
    return Moments(np.full(len(sums), runs, dtype=np.int64), sums / runs / scale, deviations / runs / scale**2)


def _of_floats(values: Floats) -> Moments:
    present = np.isfinite(values)
    count = present.sum(axis=0)
    zeroed = np.where(present, values, 0.0)
    mean = np.divide(zeroed.sum(axis=0), count, out=np.zeros(len(count)), where=count > 0)
    apart = np.where(present, values - mean, 0.0)
    return Moments(count, mean, np.einsum("ij,ij->j", apart, apart))


def indices(moments: Moments, lower: Floats | None, upper: Floats | None) -> tuple[Floats, Floats]:
    """Give (Cp, Cpk) of each item. Cp is NaN without both limits, Cpk without any; no spread at all is infinite."""
    deviation = moments.deviation
    nan = np.full(len(deviation), np.nan)
    low, high = nan if lower is None else lower, nan if upper is None else upper
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = np.fmin(high - moments.mean, moments.mean - low)
        return (high - low) / (6 * deviation), sides / (3 * deviation)


def rolled_yield(yields: Sequence[float]) -> float:
    """Chance to pass every operation at first try: the product of the yields (0..1)."""
    return float(np.prod(yields)) if yields else 1.0
