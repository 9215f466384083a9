"""What one run measured, read back whole: values, units, limits, results. For many runs see `app.quality.readings`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from math import isnan, nan
from typing import NamedTuple

from sqlalchemy import Connection

from app.copying import driver_cursor
from app.quality.formats import Floats, Value
from app.quality.layout import Column, Kind, Layout, Place
from app.quality.layouts import load_layouts
from app.quality.outcome import CFX_RESULTS
from app.quality.packing import Packed
from app.quality.unpacking import floats, values


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


class Measured(NamedTuple):
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


_KEY = "unit_id = %(unit_id)s AND position_number = %(position_number)s AND event_id = %(event_id)s AND run = %(run)s"
_RUN = f"""
    -- What did this run measure?
    SELECT layout_id, formats, offsets, packed,
        ARRAY(SELECT number FROM measurement_column WHERE {_KEY} ORDER BY number),
        ARRAY(SELECT packed FROM measurement_column WHERE {_KEY} ORDER BY number)
    FROM measurement WHERE {_KEY}
"""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """What one run measured, packed: columns are read one by one, and items only made where somebody looks at them."""

    layout: Layout
    packed: Packed

    def __len__(self) -> int:
        """How many `items` there are."""
        return sum(place.count for place in self.layout.places if _has_items(place))

    def numbers(self, place: Place) -> Floats:
        """A column of numbers: float64, missing values as NaN."""
        return floats(self.packed.formats[place.number], self.packed.column(place.number), place.count)

    def values(self, place: Place) -> list[Value]:
        """A column as it was given to `pack`: booleans as booleans, results as CFX's numbers."""
        column = values(self.packed.formats[place.number], self.packed.column(place.number), place.count)
        kind = place.column.kind
        return [as_sent(value, kind) for value in column] if kind in (Kind.boolean, Kind.result) else column

    def items(self) -> list[Measured]:
        """Everything, in the machine's order, the run's steps first.

        An item's result stands beside each of its values; an item that has a result only is a row of its own.
        """
        places = self.layout.places
        results = {id(place.group): self.values(place) for place in places if place.column.kind is Kind.result}
        return [
            one
            for place in places
            if _has_items(place)
            for one in _items(place, self.values(place), results.get(id(place.group)))
        ]


def measured_run(
    connection: Connection, unit_id: int, position_number: int, event_id: int, run: int
) -> MeasuredRun | None:
    """What one run measured; None where that is nothing."""
    asked = {"unit_id": unit_id, "position_number": position_number, "event_id": event_id, "run": run}
    with driver_cursor(connection, binary=True) as cursor:
        row = cursor.execute(_RUN, asked).fetchone()
    if row is None:
        return None
    layout_id, formats, offsets, packed, numbers, columns = row
    layout = load_layouts(connection, [layout_id])[layout_id]
    return MeasuredRun(layout, Packed(formats, offsets, packed, dict(zip(numbers, columns, strict=True))))


def measurements_of(
    connection: Connection, unit_id: int, position_number: int, event_id: int, run: int
) -> list[Measured]:
    """The items of one run. Empty where it measured nothing."""
    measured = measured_run(connection, unit_id, position_number, event_id, run)
    return measured.items() if measured else []


def as_sent(value: Value, kind: Kind) -> Value:
    """A packed number as what its column holds: a boolean, a result's number, or a number."""
    if isinstance(value, float):
        if kind is Kind.boolean:
            return bool(value)
        if kind is Kind.result:
            return int(value)
    return value


def _has_items(place: Place) -> bool:
    """A result stands beside the values of its item, where it has any."""
    return place.column.kind is not Kind.result or len(place.group.columns) == 1


def _items(place: Place, values: Sequence[Value], results: Sequence[Value] | None) -> Iterator[Measured]:
    """One column item by item. A zip, since an SPI has 15,000 of them."""
    group, column = place.group, place.column
    nothing = repeat(None)
    parts = zip(
        group.steps,
        group.names,
        group.designators,
        repeat(column.characteristic),
        nothing if column.kind is Kind.result else values,
        repeat(column.unit),
        column.expected or nothing,
        repeat(column.expected_unit or (column.unit if column.expected else None)),
        column.lower or nothing,
        repeat(column.lower_unit),
        column.upper or nothing,
        repeat(column.upper_unit),
        _comparisons(column, values) if column.kind is Kind.number else nothing,
        map(_WORDS.get, results) if results else nothing,
        strict=False,
    )
    return map(Measured._make, parts)


_WORDS: dict[Value, str] = {code: word.casefold() for code, word in enumerate(CFX_RESULTS)}


def _comparisons(column: Column, values: Sequence[Value]) -> list[Comparison]:
    if column.lower is None and column.upper is None:
        missing, no_limits = Comparison.missing, Comparison.no_limits
        return [missing if value is None else no_limits for value in values]
    return [compare(column, row, value) for row, value in enumerate(values)]


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
