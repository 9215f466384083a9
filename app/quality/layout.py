"""Layouts: what the runs of one program have in common, so that a run stores values only.

A layout is a list of *groups*. A group is a list of items (pads of an SPI, measurements of a test that share their
units, the steps of a run) and of columns: one *characteristic* of every item, such as the volume of each pad. An item
at one characteristic is a *cell*; cells are numbered through the layout, column by column.

A layout is known by its content: the same program on two lines, or before and after a restart, is one layout.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.quality.formats import Floats, Value
from app.quality.unit_of_measure import factor


class Kind(StrEnum):
    """What the values of a column are. A `result` is the number of a `TestResult` (`outcome.CFX_RESULTS`)."""

    number = "number"
    boolean = "boolean"
    text = "text"
    result = "result"


Texts = tuple[str | None, ...]
Numbers = tuple[float | None, ...]

LONG: Final = 1000
"""From so many numbers on a column is stored in a row of its own, and one of its values read without the others.

Runs are stored by it: another number needs a migration."""


@dataclass(frozen=True)
class Column:
    """One characteristic of a group's items, with unit and limits as the machine sent them.

    `expected`, `lower` and `upper` have one entry an item, or are None where the machine sends none.
    """

    characteristic: str
    kind: Kind
    unit: str | None = None
    expected: tuple[Value, ...] | None = None
    lower: Numbers | None = None
    upper: Numbers | None = None
    expected_unit: str | None = None
    lower_unit: str | None = None
    upper_unit: str | None = None

    @cached_property
    def comparable(self) -> "Comparable":
        """The limits in the unit of the values."""
        return Comparable(
            self._in_own_unit(self.lower, self.lower_unit), self._in_own_unit(self.upper, self.upper_unit)
        )

    def _in_own_unit(self, limits: Numbers | None, said: str | None) -> Floats | None:
        """Convert limits to the unit of the values: NaN where there is none, or none that can be compared.

        Older CFX has no member for the unit of a limit. Machines then write it in the unit of the expected value, as
        the published example does (28300 Ohm, expected 28.2 kOhm, limits 28.0 and 28.4). Where those units differ,
        that is believed only of limits which have the expected value between them; else the limit is not comparable.
        """
        if limits is None:
            return None
        unit = said or self.expected_unit or self.unit
        multiplier = factor(unit, self.unit)
        if multiplier is None:
            return np.full(len(limits), np.nan)
        guessed = not said and multiplier != 1
        return np.array(
            [
                np.nan if limit is None or (guessed and not self._expected_between(row)) else exact(limit, multiplier)
                for row, limit in enumerate(limits)
            ]
        )

    def _expected_between(self, row: int) -> bool:
        expected = self.expected[row] if self.expected else None
        lower = self.lower[row] if self.lower else None
        upper = self.upper[row] if self.upper else None
        if not isinstance(expected, float | int):
            return False
        return (lower is None or lower <= expected) and (upper is None or expected <= upper)

    def has_limit(self, row: int) -> bool:
        """Did the machine send a limit for this item, comparable or not?"""
        return any(limits is not None and limits[row] is not None for limits in (self.lower, self.upper))


def exact(number: float, multiplier: Fraction) -> float:
    """Multiply a decimal as it was written: 28.4 kOhm is 28400.0 Ohm, not 28399.999999999996."""
    return float(Fraction(Decimal(repr(number))) * multiplier)


@dataclass(frozen=True)
class Comparable:
    """Limits in the unit of the values, NaN where a number cannot be compared. None: no limits at all."""

    lower: Floats | None
    upper: Floats | None

    def beyond(self, values: Floats) -> NDArray[np.bool_] | None:
        """Say which values are below the lower or above the upper limit; None where there are no limits."""
        if self.lower is None and self.upper is None:
            return None
        out = np.zeros(len(values), dtype=np.bool_)
        if self.lower is not None:
            out |= values < self.lower  # a comparison with NaN is false
        if self.upper is not None:
            out |= values > self.upper
        return out


@dataclass(frozen=True)
class Nominal:
    """A property of a group's items that is not measured: where a pad is, the area ratio of its aperture."""

    characteristic: str
    unit: str | None
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Group:
    """Items and their columns. An item has the step it belongs to, a name, and the designators it is about (`CRDs`)."""

    steps: Texts
    names: Texts
    designators: Texts
    columns: tuple[Column, ...]
    nominals: tuple[Nominal, ...] = ()

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """The rows of each feature, by name and by designators."""
        rows: dict[str, list[int]] = {}
        for row, pair in enumerate(zip(self.names, self.designators, strict=True)):
            for feature in {*pair} - {None}:
                rows.setdefault(str(feature), []).append(row)
        return rows


class Item(NamedTuple):
    """What is measured again and again. `repetition` counts from 0 where one run measures it more than once."""

    step: str | None
    name: str | None
    designators: str | None
    unit: str | None
    repetition: int = 0


@dataclass(frozen=True)
class Place:
    """A column within a layout: its number, the number of its first cell, its group."""

    number: int
    first_cell: int
    group: Group
    column: Column

    @property
    def count(self) -> int:
        return len(self.group.names)

    @property
    def is_long(self) -> bool:
        """Is this column stored in a row of its own? The layout says so, whatever a run's values are."""
        return self.column.kind is Kind.number and self.count >= LONG

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The items of the column, each different from the others."""
        seen: dict[tuple[str | None, ...], int] = {}
        items = []
        for named in zip(self.group.steps, self.group.names, self.group.designators, strict=True):
            repetition = seen[named] = seen.get(named, -1) + 1
            items.append(Item(*named, self.column.unit, repetition))
        return tuple(items)


@dataclass(frozen=True)
class Layout:
    """The groups of one run's measurements."""

    groups: tuple[Group, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All columns, in the order in which values are packed."""
        pairs = [(group, column) for group in self.groups for column in group.columns]
        firsts = accumulate((len(group.names) for group, _ in pairs), initial=0)
        return tuple(
            Place(number, first, group, column)
            for number, (first, (group, column)) in enumerate(zip(firsts, pairs, strict=False))
        )

    @cached_property
    def long(self) -> frozenset[int]:
        """The numbers of the long columns."""
        return frozenset(place.number for place in self.places if place.is_long)

    @cached_property
    def content(self) -> bytes:
        """The layout as JSON; two layouts that are equal have the same."""
        return json.dumps([_plain(group) for group in self.groups], ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> bytes:
        """BLAKE2b-128 of the content: the layout's name everywhere."""
        return blake2b(self.content, digest_size=16).digest()

    @cached_property
    def deflated(self) -> bytes:
        """The content as it is stored."""
        return zlib.compress(self.content, 6)

    def find(self, feature: str, characteristic: str) -> Iterator[tuple[Place, int]]:
        """Find the cells of a feature, by its name or its designators: (column, row in it)."""
        for place in self.places:
            if place.column.characteristic == characteristic:
                for row in place.group.rows.get(feature, ()):
                    yield place, row


def inflate(deflated: bytes) -> Layout:
    """Read a stored layout."""
    return Layout(tuple(_group(plain) for plain in json.loads(zlib.decompress(deflated))))


def _plain(part: Group | Column | Nominal) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name in part.__dataclass_fields__:
        value = getattr(part, name)
        if value is None or value == ():
            continue
        nested = name in ("columns", "nominals")
        plain[name] = [_plain(inner) for inner in value] if nested else value
    return plain


def _group(plain: dict[str, Any]) -> Group:
    return Group(
        steps=tuple(plain.get("steps", ())),
        names=tuple(plain.get("names", ())),
        designators=tuple(plain.get("designators", ())),
        columns=tuple(_column(column) for column in plain.get("columns", ())),
        nominals=tuple(
            Nominal(nominal["characteristic"], nominal.get("unit"), tuple(nominal["values"]))
            for nominal in plain.get("nominals", ())
        ),
    )


def _column(plain: dict[str, Any]) -> Column:
    arrays: dict[str, Any] = {name: tuple(plain[name]) for name in ("expected", "lower", "upper") if name in plain}
    return Column(**(plain | arrays | {"kind": Kind(plain["kind"])}))
