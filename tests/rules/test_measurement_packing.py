"""What is packed comes back to the last bit, and stands where its format says."""

import math
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.quality.formats import (
    FLOAT32,
    FLOAT64,
    INT8,
    INT10,
    INT16,
    INT32,
    SAME,
    TEXT,
    VALUE_WIDTHS,
    Value,
    cell_at,
    column_size,
    scale_of,
    type_of,
)
from app.quality.packing import pack, pack_column
from app.quality.unpacking import floats, integers_of_runs, values, values_of_runs

# What machines send: decimals of a few digits, as a JSON parser makes floats of them.
decimals = st.builds(lambda digits, scale: digits / 10**scale, st.integers(-(10**9), 10**9), st.integers(0, 9))
any_float = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
single = st.floats(width=32)
numbers = st.one_of(
    st.lists(st.one_of(st.none(), decimals)),
    st.lists(st.one_of(st.none(), any_float)),
    st.lists(st.one_of(st.none(), single)),
    st.lists(st.one_of(st.none(), decimals, any_float, st.just(-0.0), st.just(0.0))),
)


def bits(value: Any) -> Any:
    """A float by its bits, so that -0.0 is not 0.0; all NaNs are one."""
    if isinstance(value, float) and not math.isnan(value):
        return struct.pack("<d", value)
    return "nan" if isinstance(value, float) else value


@given(numbers)
def test_floats_come_back_to_the_last_bit(column: list[float | None]) -> None:
    form, data = pack_column(column)

    assert [bits(value) for value in values(form, data, len(column))] == [bits(value) for value in column]
    assert len(data) == column_size(form, len(column))


@given(st.lists(any_float, min_size=1))
def test_an_array_is_packed_as_the_list_is_and_not_written_to(column: list[float]) -> None:
    array = np.array(column)
    before = array.tobytes()

    assert pack_column(array) == pack_column(column)
    assert array.tobytes() == before


@given(numbers.filter(bool), st.data())
def test_a_single_value_stands_where_its_format_says(column: list[float | None], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(column) - 1))
    form, packed = pack_column(column)
    start = cell_at(form, len(column), row)

    (value,) = values_of_runs(form, [packed[start : start + VALUE_WIDTHS[type_of(form)]]], len(column), row)

    assert bits(value) == bits(column[row])


@given(
    st.lists(
        st.one_of(st.none(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), decimals, st.booleans())
    )
)
def test_numbers_no_float_holds_keep_every_digit(column: list[Value]) -> None:
    form, data = pack_column(column)

    for came_back, sent in zip(values(form, data, len(column)), column, strict=True):
        if sent is None:
            assert came_back is None
        elif type_of(form) == TEXT:
            assert not isinstance(came_back, str)
            assert came_back == (Decimal(repr(sent)) if isinstance(sent, float) else sent)
        else:
            assert Decimal(repr(came_back)) == (Decimal(repr(sent)) if isinstance(sent, float) else sent)


@given(st.lists(st.one_of(st.none(), st.text(), st.booleans()), min_size=1))
def test_texts_come_back(column: list[Value]) -> None:
    form, data = pack_column(column)

    assert values(form, data, len(column)) == column


@given(st.lists(numbers, max_size=6))
def test_columns_of_a_run_lie_one_after_the_other(columns: list[list[float | None]]) -> None:
    packed = pack(columns)

    ends = [*packed.offsets[1:], len(packed.data)]
    for column, form, start, end in zip(columns, packed.formats, packed.offsets, ends, strict=True) if columns else ():
        read = values(form, packed.data[start:end], len(column))
        assert [bits(value) for value in read] == [bits(value) for value in column]


@pytest.mark.parametrize(
    ("column", "kind", "scale"),
    [
        ([0.5, 0.25, 0.1], INT8, 2),
        ([0.1234, 0.1, 0.1666], INT10, 4),
        ([0.1234, 1.5, 0.9999], INT16, 4),
        ([98.75, 102.3, 100.0], INT16, 2),
        ([120.4567, 0.1], INT32, 4),
        ([-0.0, 0.0012, 0.0, -0.0003], INT8, 4),
        ([1.8e-05, 1.9e-05], INT8, 6),
        ([327.67, -327.66], INT32, 2),  # the 16 bits are taken up to a margin of reserved values
        ([327.66, -327.66], INT16, 2),
        ([float(np.float32(0.1)), float(np.float32(0.7))], FLOAT32, 0),
        ([0.1 + 0.2, 0.5], FLOAT64, 0),
        ([math.nan, 1.0], FLOAT32, 0),
        ([5e-324, 1.0], FLOAT64, 0),
        ([1e300, 2.0], FLOAT64, 0),
    ],
)
def test_the_smallest_exact_form_is_taken(column: list[float], kind: int, scale: int) -> None:
    form, _ = pack_column(column)

    assert (type_of(form), scale_of(form)) == (kind, scale)


def test_a_late_value_with_more_decimals_widens_the_column_rather_than_being_rounded() -> None:
    column = [0.5] * 999 + [0.12345]

    form, data = pack_column(column)

    assert (type_of(form), scale_of(form)) == (INT32, 5)
    assert values(form, data, 1000) == column


def test_a_column_that_is_all_the_same_is_written_once() -> None:
    form, data = pack_column([0] * 3000)

    assert form & SAME
    assert len(data) == 1
    assert values(form, data, 3000) == [0.0] * 3000


def test_three_deposits_of_an_spi_take_four_bytes() -> None:
    heights = np.round(np.random.default_rng(7).normal(0.12, 0.008, 3000), 4)

    _, data = pack_column(heights)

    assert len(data) == 4000


@pytest.mark.parametrize("lowest", [-1024, -1023, -1, 0, 1, 127, 128, 7040, 7167])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 1023])
def test_ten_bits_hold_what_lies_close_together(lowest: int, count: int) -> None:
    column: list[float | None] = np.linspace(lowest, lowest + 894, count).round().tolist()
    if count > 2 and lowest in (-1, 0):
        column[1] = -0.0
    if count > 3:
        column[2] = None

    form, data = pack_column(column)

    assert type_of(form) == INT10
    assert [bits(value) for value in values(form, data, count)] == [bits(value) for value in column]
    assert len(data) == column_size(form, count) == 4 * -(-count // 3)


@pytest.mark.parametrize(("column", "kind"), [([-1025, 0], INT16), ([7168, 7169], INT16), ([128, 1150], INT16)])
def test_wider_columns_take_sixteen_bits(column: list[float], kind: int) -> None:
    assert type_of(pack_column(column)[0]) == kind


def test_columns_written_before_there_were_ten_bits_are_read_as_ever() -> None:
    told = values(INT16 | 4 << 4, bytes.fromhex("d204 0080 0180 983a"), 4)

    assert [bits(value) for value in told] == [bits(value) for value in (0.1234, None, -0.0, 1.5)]


def test_integers_for_statistics_are_given_only_where_they_are_the_whole_truth() -> None:
    form, data = pack_column([0.01, -0.0, 0.02])
    integers = integers_of_runs(form, data + data, 3)
    assert integers is not None
    assert integers.tolist() == [[1, 0, 2], [1, 0, 2]]

    assert integers_of_runs(*pack_column([0.01, None, 0.02]), 3) is None
    assert integers_of_runs(*pack_column([0.1 + 0.2, 1.0]), 2) is None


def test_texts_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="texts"):
        floats(*pack_column(["OK"]), 1)
