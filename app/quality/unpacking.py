"""Columns of measured values read out of their bytes: see `app.quality.formats`."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.quality.formats import (
    BASE_SHIFT,
    BASE_STEP,
    BASES,
    BITS,
    INT8,
    INT10,
    INT16,
    MASK,
    MISSING,
    NEGATIVE_ZERO,
    POWERS,
    RESERVED,
    SAME,
    SHIFTS,
    TEN_BITS,
    TEXT,
    TYPE_BITS,
    TYPES,
    Floats,
    Value,
    scale_of,
    words,
    written,
)


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
    if lowest == MISSING[kind]:
        return None
    whole = np.where(raw == lowest, raw.dtype.type(0), raw) if lowest == NEGATIVE_ZERO[kind] else raw
    return whole.reshape(-1, written(form, count))


def values_of_runs(form: int, cells: Sequence[bytes], count: int, row: int) -> list[Value]:
    """Read the value in one row of a column, run by run, from the bytes at `cell_at`; of texts, from whole columns."""
    if form & TYPE_BITS == TEXT:
        return [values(form, cell, count)[row] for cell in cells]
    data = b"".join(cells)
    if form & TYPE_BITS == INT10:
        third = np.frombuffer(data, TYPES[INT10]) >> TEN_BITS * (row // words(count)) & MASK
        return _told(form, INT16, _as_16_bits(form, third.astype(np.int16)))
    return _told(form, *_raw(form & ~SAME, data, len(cells)))


def _raw(form: int, data: bytes | memoryview, count: int) -> tuple[int, NDArray[Any]]:
    """Read what is written, as it is, and of which type that is: 10 bits become 16. `data` may be many runs'."""
    kind = form & TYPE_BITS
    if kind not in TYPES:
        raise ValueError("a column of texts holds no numbers")
    raw = np.frombuffer(data, dtype=TYPES[kind])
    if kind != INT10:
        return kind, raw
    rows = raw.reshape(-1, words(count))
    size = rows.shape[1]
    codes = np.empty((len(rows), len(SHIFTS) * size), dtype=np.int16)
    for third, shift in enumerate(SHIFTS):  # each at its place: an eighth of what putting them together takes
        np.right_shift(rows, shift, out=codes[:, third * size : (third + 1) * size], casting="unsafe")
    codes &= MASK
    return INT16, _as_16_bits(form, codes[:, :count].ravel())


def _as_16_bits(form: int, codes: NDArray[np.int16]) -> NDArray[np.int16]:
    base = ((form >> BASE_SHIFT) + BASES.start) * BASE_STEP
    raw = codes + np.int16(base - RESERVED)
    if codes.min(initial=RESERVED) < RESERVED:
        raw[codes == MISSING[INT10]] = MISSING[INT16]
        raw[codes == NEGATIVE_ZERO[INT10]] = NEGATIVE_ZERO[INT16]
    return raw


def _floats(form: int, kind: int, raw: NDArray[Any]) -> Floats:
    scale = scale_of(form)
    read: Floats = raw / POWERS[scale] if scale else raw.astype(np.float64)
    read[_missing(kind, raw)] = np.nan
    if zero := NEGATIVE_ZERO.get(kind):
        read[raw == zero] = -0.0
    return read


def _told(form: int, kind: int, raw: NDArray[Any]) -> list[Value]:
    read = _floats(form, kind, raw)
    told: list[Value] = read.tolist()
    if np.isnan(read).any():  # seldom: a missing value, or a NaN
        for row in np.flatnonzero(_missing(kind, raw)).tolist():
            told[row] = None
    return told


def _missing(kind: int, raw: NDArray[Any]) -> NDArray[np.bool_]:
    bits = BITS.get(kind, raw.dtype)
    missing: NDArray[np.bool_] = raw.view(bits) == MISSING[kind].view(bits)
    return missing
