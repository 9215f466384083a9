"""Columns of measured values into bytes, each in the smallest of `app.quality.formats` that is exactly it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import NoneType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.quality.formats import (
    BASE_SHIFT,
    BASE_STEP,
    BASES,
    FLOAT32,
    FLOAT64,
    INT8,
    INT10,
    INT16,
    INT32,
    MISSING,
    NEGATIVE_ZERO,
    POWERS,
    RESERVED,
    SAME,
    SCALE_SHIFT,
    SPAN,
    TEN_BITS,
    TEXT,
    TYPE_BITS,
    TYPES,
    Floats,
    Value,
    words,
)

_LARGEST: Final = float(2**31 - 2)  # two reserved values below, and as much room above
_SAMPLES: Final = 2
_EXACT: Final = 2**53  # every integer up to here is a float
_PLAIN: Final = {float, int, bool, NoneType}  # what numpy makes floats of, unharmed


@dataclass(frozen=True, slots=True)
class Packed:
    """The columns of one run: the format of each, where it starts in `data` (bytes from 0), and the bytes.

    A long column takes none of `data`: its bytes stand in `long`, by its number.
    """

    formats: Sequence[int]
    offsets: Sequence[int]
    data: bytes
    long: Mapping[int, bytes] = field(default_factory=dict)

    def column(self, number: int) -> bytes:
        """The bytes of one column."""
        if number in self.long:
            return self.long[number]
        return self.data[self.offsets[number] : self.offsets[number + 1] if number + 1 < len(self.offsets) else None]


def pack(columns: Iterable[Sequence[Value] | NDArray[Any]], long: Collection[int] = ()) -> Packed:
    """Pack columns of any lengths. A column holds numbers, or booleans, or texts; None is a missing value.

    A column given as a numpy array has no missing values: its NaNs are NaNs. `long` has the numbers of columns that are
    to stand by themselves.
    """
    formats: list[int] = []
    offsets: list[int] = []
    parts: list[bytes] = []
    apart: dict[int, bytes] = {}
    at = 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for number, column in enumerate(columns):
            form, data = _pack_column(column)
            formats.append(form)
            offsets.append(at)
            if number in long:
                apart[number] = data
            else:
                parts.append(data)
                at += len(data)
    return Packed(formats, offsets, b"".join(parts), apart)


def pack_column(column: Sequence[Value] | NDArray[Any]) -> tuple[int, bytes]:
    """Pack one column: its format and its bytes."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return _pack_column(column)


def _pack_column(column: Sequence[Value] | NDArray[Any]) -> tuple[int, bytes]:
    if isinstance(column, np.ndarray):
        return _pack_array(column)
    types = set(map(type, column))
    if not (types <= _PLAIN or all(map(_is_float, column))):
        return TEXT, _pack_texts(column)
    if int in types and not all(map(_is_float, column)):
        return TEXT, _pack_texts(column)
    numbers = np.array(column, dtype=np.float64)  # NaN for None
    if NoneType not in types:
        return _pack_floats(numbers, None)
    missing = np.array([value is None for value in column])
    if missing.all():
        return INT8 | SAME, MISSING[INT8].tobytes()
    numbers[missing] = numbers[np.argmin(missing)]
    return _pack_floats(numbers, missing)


def _pack_array(column: NDArray[Any]) -> tuple[int, bytes]:
    if column.dtype == np.int8 and len(column) and np.minimum.reduce(column) > NEGATIVE_ZERO[INT8]:
        return _all_the_same_or_not(INT8, column)
    return _pack_floats(column.astype(np.float64, copy=False), None)


def _is_float(value: Value) -> bool:
    """Is this a number that 64 bits hold, in the sense that the float's shortest decimal is the same number?"""
    if isinstance(value, int):
        return -_EXACT <= value <= _EXACT or _survives(Decimal(value))
    return not isinstance(value, str) and (not isinstance(value, Decimal) or _survives(value))


def _survives(number: Decimal) -> bool:
    if not number.is_finite():
        return False
    return Decimal(repr(float(number))) == number  # past the largest float: "inf", which is no number's equal


def _pack_texts(column: Sequence[Value]) -> bytes:
    # A number goes as a JSON number, so that it is told from a text of digits.
    parts = (str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False) for value in column)
    return f"[{','.join(parts)}]".encode()


def _pack_floats(values: Floats, missing: NDArray[np.bool_] | None) -> tuple[int, bytes]:
    if len(values) == 0:
        return INT8 | SAME, b""
    form, packed = _as_integers(values) or _as_floats(values)
    if missing is not None:
        packed[missing] = MISSING[form & TYPE_BITS]
    if form & TYPE_BITS == INT10:
        return form, _three_in_a_word(packed)
    return _all_the_same_or_not(form, packed)


def _all_the_same_or_not(form: int, packed: NDArray[Any]) -> tuple[int, bytes]:
    data = packed.tobytes()
    first = data[: packed.itemsize]
    return (form | SAME, first) if data == first * len(packed) else (form, data)


def _as_integers(values: Floats) -> tuple[int, NDArray[Any]] | None:
    """Give the column as the smallest integers that are exactly it, or None.

    n / 10**s is correctly rounded, so it is the very float a parser makes of the decimal text: being equal tells
    whether the value is that decimal. A few samples give the number of decimals to start from.
    """
    step = max(1, len(values) // _SAMPLES)
    scale = max(map(_decimals, values[::step].tolist()))
    if scale < len(POWERS) and (found := _at_scale(values, scale)) is not None:
        return found
    largest = float(np.abs(values).max())
    for more in range(scale + 1, len(POWERS)):
        if not largest * POWERS[more] <= _LARGEST:  # NaN and infinity are not either
            return None
        if (found := _at_scale(values, more)) is not None:
            return found
    return None


def _at_scale(values: Floats, scale: int) -> tuple[int, NDArray[Any]] | None:
    """The same for one number of decimals. A number that no 32 bits hold is cast to one beyond the largest."""
    power = POWERS[scale]
    whole = np.multiply(values, power)
    np.rint(whole, out=whole)
    if not np.logical_and.reduce(np.divide(whole, power) == values):
        return None
    integers = whole.astype(TYPES[INT32])
    low, high = int(np.minimum.reduce(integers)), int(np.maximum.reduce(integers))
    largest = max(-low, high)
    if largest > _LARGEST:
        return None
    kind, zero, step = INT8, 0, 0
    if largest >= 2**7 - 1:
        base = _base(low, high)
        if base is not None:
            kind, zero, step = INT10, RESERVED - base * BASE_STEP, base - BASES.start
            integers += zero
        else:
            kind = INT16 if largest < 2**15 - 1 else INT32
    written = integers.astype(TYPES[kind], copy=False)
    if low <= 0 <= high:
        (zeros,) = (written == zero).nonzero()
        written[zeros[np.signbit(values[zeros])]] = NEGATIVE_ZERO[kind]
    return kind | scale << SCALE_SHIFT | step << BASE_SHIFT, written


def _base(low: int, high: int) -> int | None:
    """The base of a column of 10 bits, in steps; None where it takes more bits, or is all the same.

    The coarsest that holds the column: runs that differ a little then have one format, and are read together.
    """
    for coarse in (4, 2, 1):
        base = low // (coarse * BASE_STEP) * coarse
        if low < high < base * BASE_STEP + SPAN and base in BASES:
            return base
    return None


def _three_in_a_word(codes: NDArray[np.int32]) -> bytes:
    size = words(len(codes))
    if len(codes) < 3 * size:
        codes = np.concatenate((codes, np.zeros(3 * size - len(codes), codes.dtype)))
    packed = codes[2 * size :] << TEN_BITS
    packed |= codes[size : 2 * size]
    packed <<= TEN_BITS
    packed |= codes[:size]
    return packed.tobytes()


def _decimals(value: float) -> int:
    """Count the digits behind the point of a float's shortest decimal text."""
    digits = repr(value)
    if "e" not in digits:
        return 0 if digits.endswith(".0") else len(digits) - 1 - digits.find(".")
    digits, _, exponent = digits.partition("e")
    return max(0, len(digits.partition(".")[2]) - int(exponent))


def _as_floats(values: Floats) -> tuple[int, NDArray[Any]]:
    own = values.astype(TYPES[FLOAT64])  # a copy: the caller's array is not written to
    # A NaN that looks like a missing value becomes the common one: both only say "not a number".
    own[own.view(np.uint64) == MISSING[FLOAT64].view(np.uint64)] = np.nan
    narrow = own.astype(TYPES[FLOAT32])
    if bool((narrow.astype(np.float64).view(np.uint64) == own.view(np.uint64)).all()):
        narrow[narrow.view(np.uint32) == MISSING[FLOAT32].view(np.uint32)] = np.nan
        return FLOAT32, narrow
    return FLOAT64, own
