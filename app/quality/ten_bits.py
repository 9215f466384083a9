"""Columns of 10 bits packed many at a time: what a solder paste inspection measures of the pads of a board.

`app.quality.packing` gives the same formats and bytes column by column, at half as much again: with three thousand
values in a column, much of the time goes into calls.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.quality.formats import (
    BASE_SHIFT,
    BASE_STEP,
    BASES,
    INT10,
    NEGATIVE_ZERO,
    POWERS,
    RESERVED,
    SCALE_SHIFT,
    SPAN,
    TEN_BITS,
    Floats,
    words,
)

_THIRDS: Final = 1 | 1 << TEN_BITS | 1 << 2 * TEN_BITS
_EIGHT_BITS: Final = range(2 - 2**7, 2**7 - 1)
_NEGATIVE_ZERO: Final = np.iinfo(np.int64).min  # the bits of -0.0
_WORD, _SIGN = 2**32, 2**31


def base_of(low: int, high: int) -> int | None:
    """The base, in steps, of integers from `low` to `high`; None where they are not to be written in 10 bits."""
    base = low // BASE_STEP
    if low in _EIGHT_BITS and high in _EIGHT_BITS:
        return None
    return base if low < high < base * BASE_STEP + SPAN and base in BASES else None


def pack_together(columns: Sequence[Floats], scales: Sequence[int]) -> list[tuple[int, bytes] | None]:
    """Format and bytes of each of these columns; None for one that is not of 10 bits with these decimals.

    All columns have the same length, not 0. The caller lets overflows pass (`np.errstate`).
    """
    count, size = len(columns[0]), words(len(columns[0]))
    whole, again, same = np.empty(count), np.empty(count), np.empty(count, dtype=np.bool_)
    integers = np.empty((len(columns), 3 * size), dtype=np.int32)
    numbers = integers[:, :count]
    exact = []
    for column, scale, row in zip(columns, scales, numbers, strict=True):
        power = POWERS[scale]
        np.rint(np.multiply(column, power, out=whole), out=whole)
        np.equal(np.divide(whole, power, out=again), column, out=same)
        exact.append(bool(np.logical_and.reduce(same)))
        row[:] = whole
    lows, highs = np.minimum.reduce(numbers, axis=1).tolist(), np.maximum.reduce(numbers, axis=1).tolist()
    formats: list[int | None] = []
    zeros: list[int] = []
    for number, (low, high) in enumerate(zip(lows, highs, strict=True)):
        base = base_of(low, high) if exact[number] else None
        formats.append(None if base is None else _format(scales[number], base))
        zero = 0 if base is None else RESERVED - base * BASE_STEP
        zeros.append((zero * _THIRDS + _SIGN) % _WORD - _SIGN)
        if low <= 0 <= high:
            (negative,) = (columns[number].view(np.int64) == _NEGATIVE_ZERO).nonzero()
            numbers[number, negative] = NEGATIVE_ZERO[INT10] - zero
        integers[number, count:] = -zero
    packed = integers[:, 2 * size :] << TEN_BITS
    packed += integers[:, size : 2 * size]
    packed <<= TEN_BITS
    packed += integers[:, :size]
    packed += np.array(zeros, dtype=np.int32)[:, np.newaxis]  # in all thirds at once; sums of 32 bits wrap around
    return [None if form is None else (form, row.tobytes()) for form, row in zip(formats, packed, strict=True)]


def _format(scale: int, base: int) -> int:
    return INT10 | scale << SCALE_SHIFT | base - BASES.start << BASE_SHIFT
