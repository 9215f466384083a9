"""What one run measured, read back whole: values, units, limits, results. For many runs see `app.quality.readings`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan, nan

from sqlalchemy import Connection, text

from app.quality.layout import Column, Kind, Layout, Place
from app.quality.layouts import load_layouts
from app.quality.outcome import CFX_RESULTS
from app.quality.packing import Value, values


class Comparison(StrEnum):
    """A number against its limits.

    `not_comparable`: the limits are in a unit that does not convert into the value's, so nothing is said.
    """

    within = "within"
    below = "below"
    above = "above"
    no_limits = "no_limits"
    not_comparable = "not_comparable"
    missing = "missing"


@dataclass(frozen=True, slots=True)
class Measured:
    """One item at one characteristic in one run, everything as the machine sent it but for `comparison`.

    `result` is the item's own result in the machine's word, whatever the limits say.
    """

    step: str | None
    name: str | None
    designators: str | None
    characteristic: str
    value: Value
    unit: str | None
    expected: Value
    expected_unit: str | None
    lower: float | None
    lower_unit: str | None
    upper: float | None
    upper_unit: str | None
    comparison: Comparison | None
    result: str | None


_RUN = text(
    """
    -- What did this run measure?
    SELECT layout_id, formats, offsets, packed FROM measurement
    WHERE unit_id = :unit_id AND position_number = :position_number AND event_id = :event_id AND run = :run
    """
)


def measurements_of(
    connection: Connection, unit_id: int, position_number: int, event_id: int, run: int
) -> list[Measured]:
    """Everything one run measured, in the machine's order, its steps first. Empty where it measured nothing.

    An item's result stands beside each of its values; an item that has a result only is a row of its own.
    """
    row = connection.execute(
        _RUN, {"unit_id": unit_id, "position_number": position_number, "event_id": event_id, "run": run}
    ).one_or_none()
    if row is None:
        return []
    layout = load_layouts(connection, [row.layout_id])[row.layout_id]
    columns = unpack(layout, row.formats, row.offsets, bytes(row.packed))
    results = {
        id(place.group): column
        for place, column in zip(layout.places, columns, strict=True)
        if place.column.kind is Kind.result
    }
    return [
        _measured(place, at, value, results.get(id(place.group)))
        for place, column in zip(layout.places, columns, strict=True)
        for at, value in enumerate(column)
        if place.column.kind is not Kind.result or len(place.group.columns) == 1
    ]


def unpack(layout: Layout, formats: Sequence[int], offsets: Sequence[int], packed: bytes) -> list[list[Value]]:
    """The columns of a run as they were given to `pack`, booleans as booleans, results as CFX's numbers."""
    ends = [*offsets[1:], len(packed)]
    columns = []
    for place, form, start, end in zip(layout.places, formats, offsets, ends, strict=True):
        column = values(form, packed[start:end], place.count)
        columns.append([as_sent(value, place.column.kind) for value in column])
    return columns


def as_sent(value: Value, kind: Kind) -> Value:
    """A packed number as what its column holds: a boolean, a result's number, or a number."""
    if isinstance(value, float):
        if kind is Kind.boolean:
            return bool(value)
        if kind is Kind.result:
            return int(value)
    return value


def _measured(place: Place, row: int, value: Value, results: Sequence[Value] | None) -> Measured:
    group, column = place.group, place.column
    code = results[row] if results else None
    is_result = column.kind is Kind.result
    return Measured(
        step=group.steps[row],
        name=group.names[row],
        designators=group.designators[row],
        characteristic=column.characteristic,
        value=None if is_result else value,
        unit=column.unit,
        expected=column.expected[row] if column.expected else None,
        expected_unit=column.expected_unit or (column.unit if column.expected else None),
        lower=column.lower[row] if column.lower else None,
        lower_unit=column.lower_unit,
        upper=column.upper[row] if column.upper else None,
        upper_unit=column.upper_unit,
        comparison=compare(column, row, value) if column.kind is Kind.number else None,
        result=CFX_RESULTS[code].casefold() if isinstance(code, int) else None,
    )


def compare(column: Column, row: int, value: Value) -> Comparison:
    """Hold a value against the limits of an item."""
    if value is None:
        return Comparison.missing
    if not column.has_limit(row):
        return Comparison.no_limits
    limits, number = column.comparable, float(value)
    lower = nan if limits.lower is None else float(limits.lower[row])
    upper = nan if limits.upper is None else float(limits.upper[row])
    if number < lower:
        return Comparison.below
    if number > upper:
        return Comparison.above
    # One side that cannot be compared leaves open whether the value is beyond it.
    sides = ((column.lower, lower), (column.upper, upper))
    open_side = any(said is not None and said[row] is not None and isnan(known) for said, known in sides)
    return Comparison.not_comparable if open_side else Comparison.within
