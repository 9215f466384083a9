"""Columns of measured values as bytes: lossless, and each value at a known place.

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

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Number = float | int | Decimal
Value = Number | bool | str | None
Floats = NDArray[np.float64]

INT8, INT16, INT32, FLOAT32, FLOAT64, TEXT, INT10 = 1, 2, 3, 4, 5, 6, 7
TYPE_BITS: Final = 7
SAME: Final = 8
_SCALE_SHIFT, _SCALE_BITS = 4, 31
_BASE_SHIFT: Final = 9

# Bytes to read for one value by type, in turn; of texts, all are read.
VALUE_WIDTHS: Final = {INT8: 1, INT16: 2, INT32: 4, FLOAT32: 4, FLOAT64: 8, TEXT: 0, INT10: 4}

_TYPES: Final[dict[int, np.dtype[Any]]] = {
    INT8: np.dtype("<i1"),
    INT10: np.dtype("<i4"),
    INT16: np.dtype("<i2"),
    INT32: np.dtype("<i4"),
    FLOAT32: np.dtype("<f4"),
    FLOAT64: np.dtype("<f8"),
}
# The reserved value: the lowest integer, and for floats a NaN that no arithmetic produces.
_MISSING: Final[dict[int, Any]] = {
    INT8: np.int8(-(2**7)),
    INT10: np.int32(0),
    INT16: np.int16(-(2**15)),
    INT32: np.int32(-(2**31)),
    FLOAT32: np.uint32(0x7FC0_07A2).view(np.float32),
    FLOAT64: np.uint64(0x7FF8_0000_0000_07A2).view(np.float64),
}
_NEGATIVE_ZERO: Final = {kind: _MISSING[kind] + 1 for kind in (INT8, INT10, INT16, INT32)}
_BITS: Final[dict[int, Any]] = {FLOAT32: np.uint32, FLOAT64: np.uint64}

# Of 10 bits the lowest two are the reserved values. Bases are multiples of a step, from the lowest on.
_TEN_BITS: Final = 10
_MASK: Final = 2**_TEN_BITS - 1
_SHIFTS: Final = (0, _TEN_BITS, 2 * _TEN_BITS)
_RESERVED: Final = 2
_SPAN: Final = 2**_TEN_BITS - _RESERVED
_BASE_STEP: Final = 128
_BASES: Final = range(-8, 56)  # times the step; the first is written as 0

_POWERS: Final = tuple(10.0**scale for scale in range(23))  # each is exact in 64 bits
_LARGEST: Final = float(2**31 - 2)  # two reserved values below, and as much room above
_SAMPLES: Final = 2
_EXACT: Final = 2**53  # every integer up to here is a float
_PLAIN: Final = {float, int, bool, NoneType}  # what numpy makes floats of, unharmed


@dataclass(frozen=True, slots=True)
class Packed:
    """The columns of one run: the format of each, where it starts in `data` (bytes from 0), and the bytes."""

    formats: tuple[int, ...]
    offsets: tuple[int, ...]
    data: bytes


def pack(columns: Iterable[Sequence[Value] | NDArray[Any]]) -> Packed:
    """Pack columns of any lengths. A column holds numbers, or booleans, or texts; None is a missing value.

    A column given as a numpy array has no missing values: its NaNs are NaNs.
    """
    formats: list[int] = []
    offsets: list[int] = []
    parts: list[bytes] = []
    at = 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for column in columns:
            form, data = _pack_column(column)
            formats.append(form)
            offsets.append(at)
            parts.append(data)
            at += len(data)
    return Packed(tuple(formats), tuple(offsets), b"".join(parts))


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
        return INT8 | SAME, _MISSING[INT8].tobytes()
    numbers[missing] = numbers[np.argmin(missing)]
    return _pack_floats(numbers, missing)


def _pack_array(column: NDArray[Any]) -> tuple[int, bytes]:
    if column.dtype == np.int8 and len(column) and column.min() > _NEGATIVE_ZERO[INT8]:
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
        packed[missing] = _MISSING[form & TYPE_BITS]
    if form & TYPE_BITS == INT10:
        return form, _three_in_a_word(packed)
    return _all_the_same_or_not(form, packed)


def _all_the_same_or_not(form: int, packed: NDArray[Any]) -> tuple[int, bytes]:
    bits = packed.view(_BITS.get(form & TYPE_BITS, packed.dtype))
    if bits[0] == bits[-1] and bool((bits == bits[0]).all()):
        return form | SAME, packed[:1].tobytes()
    return form, packed.tobytes()


def _as_integers(values: Floats) -> tuple[int, NDArray[Any]] | None:
    """Give the column as the smallest integers that are exactly it, or None.

    n / 10**s is correctly rounded, so it is the very float a parser makes of the decimal text: being equal tells
    whether the value is that decimal. A few samples give the number of decimals to start from.
    """
    step = max(1, len(values) // _SAMPLES)
    scale = max(map(_decimals, values[::step].tolist()))
    if scale < len(_POWERS) and (found := _at_scale(values, scale)) is not None:
        return found
    largest = float(np.abs(values).max())
    for more in range(scale + 1, len(_POWERS)):
        if not largest * _POWERS[more] <= _LARGEST:  # NaN and infinity are not either
            return None
        if (found := _at_scale(values, more)) is not None:
            return found
    return None


def _at_scale(values: Floats, scale: int) -> tuple[int, NDArray[Any]] | None:
    """The same for one number of decimals. A number that no 32 bits hold is cast to one beyond the largest."""
    power = _POWERS[scale]
    whole = np.multiply(values, power)
    np.rint(whole, out=whole)
    if not np.logical_and.reduce(np.divide(whole, power) == values):
        return None
    integers = whole.astype(_TYPES[INT32])
    low, high = int(np.minimum.reduce(integers)), int(np.maximum.reduce(integers))
    largest = max(-low, high)
    if largest > _LARGEST:
        return None
    kind, zero, step = INT8, 0, 0
    if largest >= 2**7 - 1:
        base = low // _BASE_STEP
        if low < high < base * _BASE_STEP + _SPAN and base in _BASES:
            kind, zero, step = INT10, _RESERVED - base * _BASE_STEP, base - _BASES.start
            integers += zero
        else:
            kind = INT16 if largest < 2**15 - 1 else INT32
    written = integers.astype(_TYPES[kind], copy=False)
    if low <= 0 <= high:
        (zeros,) = (written == zero).nonzero()
        written[zeros[np.signbit(values[zeros])]] = _NEGATIVE_ZERO[kind]
    return kind | scale << _SCALE_SHIFT | step << _BASE_SHIFT, written


def _three_in_a_word(codes: NDArray[np.int32]) -> bytes:
    words = _words(len(codes))
    if len(codes) < 3 * words:
        codes = np.concatenate((codes, np.zeros(3 * words - len(codes), codes.dtype)))
    packed = codes[2 * words :] << _TEN_BITS
    packed |= codes[words : 2 * words]
    packed <<= _TEN_BITS
    packed |= codes[:words]
    return packed.tobytes()


def _words(count: int) -> int:
    return -(-count // 3)


def _decimals(value: float) -> int:
    """Count the digits behind the point of a float's shortest decimal text."""
    digits, _, exponent = repr(value).partition("e")
    fraction = digits.partition(".")[2]
    return max(0, (0 if fraction == "0" else len(fraction)) - int(exponent or 0))


def _as_floats(values: Floats) -> tuple[int, NDArray[Any]]:
    own = values.astype(_TYPES[FLOAT64])  # a copy: the caller's array is not written to
    # A NaN that looks like a missing value becomes the common one: both only say "not a number".
    own[own.view(np.uint64) == _MISSING[FLOAT64].view(np.uint64)] = np.nan
    narrow = own.astype(_TYPES[FLOAT32])
    if bool((narrow.astype(np.float64).view(np.uint64) == own.view(np.uint64)).all()):
        narrow[narrow.view(np.uint32) == _MISSING[FLOAT32].view(np.uint32)] = np.nan
        return FLOAT32, narrow
    return FLOAT64, own


def values(form: int, data: bytes | memoryview, count: int) -> list[Value]:
    """Read a column of `count` values as it was packed: numbers, texts, None. Booleans come back as 1.0 and 0.0."""
    if form & TYPE_BITS == TEXT:
        read: list[Value] = json.loads(bytes(data), parse_float=Decimal)
        return read
    told = _told(form, *_raw(form, data, count))
    return told if len(told) == count else told * count


def floats(form: int, data: bytes | memoryview, count: int) -> Floats:
    """Read a column of `count` numbers: float64, missing values as NaN.

    Raises `ValueError` for a column of texts: those are read by `values`.
    """
    read = _floats(form, *_raw(form, data, count))
    return read if len(read) == count else np.repeat(read, count)


def floats_of_runs(form: int, data: bytes | memoryview, count: int) -> Floats:
    """Read a column that many runs wrote in one format, their bytes one after the other: a row of floats a run.

    A column that is "all the same" has one value a run. Raises `ValueError` for texts.
    """
    return _floats(form, *_raw(form, data, count)).reshape(-1, written(form, count))


def integers_of_runs(form: int, data: bytes | memoryview, count: int) -> NDArray[Any] | None:
    """The same as scaled integers of 8 or 16 bits (value = integer / 10**scale).

    None where it is not so written or has missing values.
    """
    if form & TYPE_BITS not in (INT8, INT10, INT16):
        return None
    kind, raw = _raw(form, data, count)
    lowest = raw.min() if len(raw) else 0
    if lowest == _MISSING[kind]:
        return None
    whole = np.where(raw == lowest, raw.dtype.type(0), raw) if lowest == _NEGATIVE_ZERO[kind] else raw
    return whole.reshape(-1, written(form, count))


def values_of_runs(form: int, cells: Sequence[bytes], count: int, row: int) -> list[Value]:
    """Read the value in one row of a column, run by run, from the bytes at `cell_at`; of texts, from whole columns."""
    if form & TYPE_BITS == TEXT:
        return [values(form, cell, count)[row] for cell in cells]
    data = b"".join(cells)
    if form & TYPE_BITS == INT10:
        third = np.frombuffer(data, _TYPES[INT10]) >> _TEN_BITS * (row // _words(count)) & _MASK
        return _told(form, INT16, _as_16_bits(form, third.astype(np.int16)))
    return _told(form, *_raw(form & ~SAME, data, len(cells)))


def cell_at(form: int, count: int, row: int) -> int:
    """Say where in the bytes of a column of `count` values one stands; `VALUE_WIDTHS` says how long it is."""
    if form & SAME:
        return 0
    return VALUE_WIDTHS[form & TYPE_BITS] * (row % _words(count) if form & TYPE_BITS == INT10 else row)


def column_size(form: int, count: int) -> int:
    """Say how many bytes a column of `count` values takes. None of texts: those end where the next column starts."""
    places = _words(count) if form & TYPE_BITS == INT10 else written(form, count)
    return VALUE_WIDTHS.get(form & TYPE_BITS, 0) * places


def type_of(form: int) -> int:
    """The type of a format: INT8 .. INT10."""
    return form & TYPE_BITS


def scale_of(form: int) -> int:
    """The power of ten of a format of integers."""
    return form >> _SCALE_SHIFT & _SCALE_BITS


def written(form: int, count: int) -> int:
    """How many values are written for a column of `count`: one where all are the same."""
    return min(count, 1) if form & SAME else count


def _raw(form: int, data: bytes | memoryview, count: int) -> tuple[int, NDArray[Any]]:
    """Read what is written, as it is, and of which type that is: 10 bits become 16. `data` may be many runs'."""
    kind = form & TYPE_BITS
    if kind not in _TYPES:
        raise ValueError("a column of texts holds no numbers")
    raw = np.frombuffer(data, dtype=_TYPES[kind])
    if kind != INT10:
        return kind, raw
    words = raw.reshape(-1, _words(count))
    codes = np.concatenate([words >> shift & _MASK for shift in _SHIFTS], axis=1, dtype=np.int16, casting="unsafe")
    return INT16, _as_16_bits(form, codes[:, :count].ravel())


def _as_16_bits(form: int, codes: NDArray[np.int16]) -> NDArray[np.int16]:
    base = ((form >> _BASE_SHIFT) + _BASES.start) * _BASE_STEP
    raw = codes + np.int16(base - _RESERVED)
    if codes.min(initial=_RESERVED) < _RESERVED:
        raw[codes == _MISSING[INT10]] = _MISSING[INT16]
        raw[codes == _NEGATIVE_ZERO[INT10]] = _NEGATIVE_ZERO[INT16]
    return raw


def _floats(form: int, kind: int, raw: NDArray[Any]) -> Floats:
    scale = scale_of(form)
    read: Floats = raw / _POWERS[scale] if scale else raw.astype(np.float64)
    read[_missing(kind, raw)] = np.nan
    if zero := _NEGATIVE_ZERO.get(kind):
        read[raw == zero] = -0.0
    return read


def _told(form: int, kind: int, raw: NDArray[Any]) -> list[Value]:
    told: list[Value] = _floats(form, kind, raw).tolist()
    for row in np.flatnonzero(_missing(kind, raw)).tolist():
        told[row] = None
    return told


def _missing(kind: int, raw: NDArray[Any]) -> NDArray[np.bool_]:
    bits = _BITS.get(kind, raw.dtype)
    missing: NDArray[np.bool_] = raw.view(bits) == _MISSING[kind].view(bits)
    return missing
