"""Columns of measured values as bytes: lossless, and each value at a known place.

- A column of numbers is written as integers of 8, 16 or 32 bits with a power of ten where every number of the column is
  exactly such a decimal (SPI machines send 0.1234, never 0.12340001), otherwise as 32 bit floats where that is exact
  (many machines measure in them), otherwise as 64 bit floats. Exact means to the last bit: what is read back is the
  number the machine sent.
- A column whose values are all the same is written once.
- A value that is missing is written as one reserved value of the column's type, and so is the negative zero among
  integers: machines round to it, and it should not cost a column its integers.
- Texts, and numbers that no 64 bit float holds, are written as a JSON list.

A *format* is one small number: bits 0-2 the type, bit 3 "all the same", from bit 4 on the power of ten. It is kept
beside the bytes, so that SQL can cut one value out of them: see `VALUE_WIDTHS`.
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

INT8, INT16, INT32, FLOAT32, FLOAT64, TEXT = 1, 2, 3, 4, 5, 6
TYPE_BITS: Final = 7
SAME: Final = 8
SCALE_SHIFT: Final = 4

# Bytes of one value by type: index 1..5 in SQL, where arrays count from one, and here.
VALUE_WIDTHS: Final = {INT8: 1, INT16: 2, INT32: 4, FLOAT32: 4, FLOAT64: 8}

_TYPES: Final[dict[int, np.dtype[Any]]] = {
    INT8: np.dtype("<i1"),
    INT16: np.dtype("<i2"),
    INT32: np.dtype("<i4"),
    FLOAT32: np.dtype("<f4"),
    FLOAT64: np.dtype("<f8"),
}
# The reserved value: the lowest integer, and for floats a NaN that no arithmetic produces.
_MISSING: Final[dict[int, Any]] = {
    INT8: np.int8(-(2**7)),
    INT16: np.int16(-(2**15)),
    INT32: np.int32(-(2**31)),
    FLOAT32: np.uint32(0x7FC0_07A2).view(np.float32),
    FLOAT64: np.uint64(0x7FF8_0000_0000_07A2).view(np.float64),
}
_NEGATIVE_ZERO: Final = {kind: _MISSING[kind] + 1 for kind in (INT8, INT16, INT32)}
_BITS: Final[dict[int, Any]] = {FLOAT32: np.uint32, FLOAT64: np.uint64}

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
    for column in columns:
        form, data = pack_column(column)
        formats.append(form)
        offsets.append(at)
        parts.append(data)
        at += len(data)
    return Packed(tuple(formats), tuple(offsets), b"".join(parts))


def pack_column(column: Sequence[Value] | NDArray[Any]) -> tuple[int, bytes]:
    """Pack one column: its format and its bytes."""
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
    with np.errstate(invalid="ignore"):
        largest = float(np.abs(values).max())
    for more in range(scale + 1, len(_POWERS)):
        if not largest * _POWERS[more] <= _LARGEST:  # NaN and infinity are not either
            return None
        if (found := _at_scale(values, more)) is not None:
            return found
    return None


def _at_scale(values: Floats, scale: int) -> tuple[int, NDArray[Any]] | None:
    """The same for one number of decimals. A number that no 32 bits hold is cast to anything, which is not it."""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(values * _POWERS[scale]).astype(np.int32)
    if not bool((whole / _POWERS[scale] == values).all()):
        return None
    low, high = int(whole.min()), int(whole.max())
    largest = max(-low, high)
    if largest > _LARGEST:
        return None
    kind = INT8 if largest < 2**7 - 1 else INT16 if largest < 2**15 - 1 else INT32
    written = whole.astype(_TYPES[kind])
    if low <= 0 <= high:
        zeros = np.flatnonzero(written == 0)
        written[zeros[np.signbit(values[zeros])]] = _NEGATIVE_ZERO[kind]
    return kind | scale << SCALE_SHIFT, written


def _decimals(value: float) -> int:
    """Count the digits behind the point of a float's shortest decimal text."""
    digits, _, exponent = repr(value).partition("e")
    fraction = digits.partition(".")[2]
    return max(0, (0 if fraction == "0" else len(fraction)) - int(exponent or 0))


def _as_floats(values: Floats) -> tuple[int, NDArray[Any]]:
    own = values.astype(_TYPES[FLOAT64])  # a copy: the caller's array is not written to
    # A NaN that looks like a missing value becomes the common one: both only say "not a number".
    own[own.view(np.uint64) == _MISSING[FLOAT64].view(np.uint64)] = np.nan
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        narrow = own.astype(_TYPES[FLOAT32])
        if bool((narrow.astype(np.float64).view(np.uint64) == own.view(np.uint64)).all()):
            narrow[narrow.view(np.uint32) == _MISSING[FLOAT32].view(np.uint32)] = np.nan
            return FLOAT32, narrow
    return FLOAT64, own


def floats(form: int, data: bytes | memoryview, count: int | None = None) -> Floats:
    """Read a column of numbers: float64, missing values as NaN; `count` spreads a column that is all the same.

    Raises `ValueError` for a column of texts: those are read by `values`.
    """
    raw, missing = _raw(form, data)
    scale = form >> SCALE_SHIFT
    read = raw / _POWERS[scale] if scale else raw.astype(np.float64)
    read[missing] = np.nan
    if zero := _NEGATIVE_ZERO.get(form & TYPE_BITS):
        read[raw == zero] = -0.0
    return _spread(read, form, count)


def small_integers(form: int, data: bytes | memoryview) -> NDArray[Any] | None:
    """Read a column as its scaled integers of 8 or 16 bits (value = integer / 10**scale).

    None where it is not so written or has missing values. A column that is all the same gives one.
    """
    kind = form & TYPE_BITS
    if kind not in (INT8, INT16):
        return None
    raw = np.frombuffer(data, dtype=_TYPES[kind])
    lowest = raw.min() if len(raw) else 0
    if lowest == _MISSING[kind]:
        return None
    return np.where(raw == lowest, raw.dtype.type(0), raw) if lowest == _NEGATIVE_ZERO[kind] else raw


def values(form: int, data: bytes | memoryview, count: int) -> list[Value]:
    """Read a column as it was packed: numbers, texts, None. Booleans come back as 1.0 and 0.0."""
    if form & TYPE_BITS == TEXT:
        read: list[Value] = json.loads(bytes(data), parse_float=Decimal)
        return read
    _, missing = _raw(form, data)
    absent = _spread(missing, form, count)
    return [
        None if gone else value for value, gone in zip(floats(form, data, count).tolist(), absent.tolist(), strict=True)
    ]


def type_of(form: int) -> int:
    """The type of a format: INT8 .. TEXT."""
    return form & TYPE_BITS


def scale_of(form: int) -> int:
    """The power of ten of a format of integers."""
    return form >> SCALE_SHIFT


def written(form: int, count: int) -> int:
    """How many values are written for a column of `count`: one where all are the same."""
    return min(count, 1) if form & SAME else count


def column_size(form: int, count: int) -> int:
    """Say how many bytes a column of `count` values takes. Not for texts: those end where the next column starts."""
    return VALUE_WIDTHS[form & TYPE_BITS] * written(form, count)


def _raw(form: int, data: bytes | memoryview) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    kind = form & TYPE_BITS
    if kind not in _TYPES:
        raise ValueError("a column of texts holds no numbers")
    raw = np.frombuffer(data, dtype=_TYPES[kind])
    if bits := _BITS.get(kind):
        return raw, raw.view(bits) == _MISSING[kind].view(bits)
    return raw, raw == _MISSING[kind]


def _spread(read: NDArray[Any], form: int, count: int | None) -> NDArray[Any]:
    return np.repeat(read, count) if count is not None and form & SAME and count != len(read) else read
