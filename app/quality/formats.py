"""The formats in which columns of measured values are written: lossless, and each value at a known place.

- A column of numbers is written as integers of 8, 10, 16 or 32 bits with a power of ten where every number of the
  column is exactly such a decimal (SPI machines send 0.1234, never 0.12340001), otherwise as 32 bit floats where that
  is exact (many machines measure in them), otherwise as 64 bit floats. Exact means to the last bit: what is read back
  is the number the machine sent.
- Integers of 10 bits lie three in a word of 32 bits, counted from a *base* below the lowest: what an SPI measures
  seldom spreads over more. Word i holds the values i, i + m and i + 2 m of a column of m words, lowest bits first.
- A column whose values are all the same is written once.
- A value that is missing is written as one reserved value of the column's type, and so is the negative zero among
  integers: machines round to it, and it should not cost a column its integers.
- Texts, and numbers that no 64 bit float holds, are written as a JSON list.

A *format* is one small number: bits 0-2 the type, bit 3 "all the same", bits 4-8 the power of ten, bits 9-14 the base.
It is kept beside the bytes, so that SQL can cut one value out of them: see `cell_at` and `VALUE_WIDTHS`.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Number = float | int | Decimal
Value = Number | bool | str | None
Floats = NDArray[np.float64]

INT8, INT16, INT32, FLOAT32, FLOAT64, TEXT, INT10 = 1, 2, 3, 4, 5, 6, 7
TYPE_BITS: Final = 7
SAME: Final = 8
SCALE_SHIFT, SCALE_BITS = 4, 31
BASE_SHIFT: Final = 9

# Bytes to read for one value by type, in turn; of texts, all are read.
VALUE_WIDTHS: Final = {INT8: 1, INT16: 2, INT32: 4, FLOAT32: 4, FLOAT64: 8, TEXT: 0, INT10: 4}

TYPES: Final[dict[int, np.dtype[Any]]] = {
    INT8: np.dtype("<i1"),
    INT10: np.dtype("<i4"),
    INT16: np.dtype("<i2"),
    INT32: np.dtype("<i4"),
    FLOAT32: np.dtype("<f4"),
    FLOAT64: np.dtype("<f8"),
}
# The reserved value: the lowest integer, and for floats a NaN that no arithmetic produces.
MISSING: Final[dict[int, Any]] = {
    INT8: np.int8(-(2**7)),
    INT10: np.int32(0),
    INT16: np.int16(-(2**15)),
    INT32: np.int32(-(2**31)),
    FLOAT32: np.uint32(0x7FC0_07A2).view(np.float32),
    FLOAT64: np.uint64(0x7FF8_0000_0000_07A2).view(np.float64),
}
NEGATIVE_ZERO: Final = {kind: MISSING[kind] + 1 for kind in (INT8, INT10, INT16, INT32)}
BITS: Final[dict[int, Any]] = {FLOAT32: np.uint32, FLOAT64: np.uint64}

# Of 10 bits the lowest two are the reserved values. Bases are multiples of a step, from the lowest on.
TEN_BITS: Final = 10
MASK: Final = 2**TEN_BITS - 1
SHIFTS: Final = (0, TEN_BITS, 2 * TEN_BITS)
RESERVED: Final = 2
SPAN: Final = 2**TEN_BITS - RESERVED
BASE_STEP: Final = 128
BASES: Final = range(-8, 56)  # times the step; the first is written as 0

POWERS: Final = tuple(10.0**scale for scale in range(23))  # each is exact in 64 bits


def cell_at(form: int, count: int, row: int) -> int:
    """Say where in the bytes of a column of `count` values one stands; `VALUE_WIDTHS` says how long it is."""
    if form & SAME:
        return 0
    return VALUE_WIDTHS[form & TYPE_BITS] * (row % words(count) if form & TYPE_BITS == INT10 else row)


def column_size(form: int, count: int) -> int:
    """Say how many bytes a column of `count` values takes. None of texts: those end where the next column starts."""
    places = words(count) if form & TYPE_BITS == INT10 else written(form, count)
    return VALUE_WIDTHS.get(form & TYPE_BITS, 0) * places


def type_of(form: int) -> int:
    """The type of a format: INT8 .. INT10."""
    return form & TYPE_BITS


def scale_of(form: int) -> int:
    """The power of ten of a format of integers."""
    return form >> SCALE_SHIFT & SCALE_BITS


def written(form: int, count: int) -> int:
    """How many values are written for a column of `count`: one where all are the same."""
    return min(count, 1) if form & SAME else count


def words(count: int) -> int:
    """How many words a column of `count` integers of 10 bits takes."""
    return -(-count // 3)
