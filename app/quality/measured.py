"""CFX measurements into layout and values.

Each kind of measurement says which members were measured, in which unit, and against which expectation. Measurements of
a kind that is not known here are taken apart by their members: numbers stay numbers, everything else is kept as text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.cfx.messages.inspection import Measurement
from app.quality.facts import Measurements
from app.quality.formats import Value
from app.quality.layout import Column, Group, Kind, Layout, Nominal
from app.quality.outcome import result_code

Members: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Sequence[Value] | NDArray[Any]


class Listed(NamedTuple):
    """A list of measurements as it stands in a message, and the step it belongs to.

    `members` gives the members of the measurement at an index as they were sent, where they can be had.
    """

    step: str | None
    ones: Sequence[Measurement]
    members: Callable[[int], Members | None]


@dataclass(slots=True)
class _Family:
    """Measurements of one kind, and where each has a unit of its own, of the same units: one group of the layout."""

    kind: str
    steps: list[str | None] = field(default_factory=list)
    ones: list[Measurement] = field(default_factory=list)
    members: list[Members] = field(default_factory=list)

    def column(self, attribute: str) -> tuple[Any, ...]:
        return tuple(map(attrgetter(attribute), self.ones))


class StepResult(NamedTuple):
    """How one inspection or test within a run ended."""

    name: str | None
    result: str | None
    verification: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Member:
    characteristic: str
    attribute: str
    unit: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    """The members of a kind: what is measured, and what is known of the item beforehand."""

    measured: tuple[_Member, ...]
    nominal: tuple[_Member, ...] = ()


# Units as the CFX SDK documents them. Sizes of a deposit in mm, volumes in ml, areas in mm2, rotations in degrees.
# PX, PY, RXY and AR belong to the design of a pad (`InspectionMeasurementExpected`), not to this board.
_DEPOSIT: Final = _Shape(
    measured=(
        _Member("X", "x", "mm", "ex"),
        _Member("Y", "y", "mm", "ey"),
        _Member("Z", "z", "mm", "ez"),
        _Member("DX", "dx", "mm"),
        _Member("DY", "dy", "mm"),
        _Member("Vol", "vol", "ml", "evol"),
        _Member("A", "a", "mm2", "ea"),
    ),
    nominal=(
        _Member("PX", "px", "mm"),
        _Member("PY", "py", "mm"),
        _Member("RXY", "rxy", "deg"),
        _Member("AR", "ar"),
    ),
)
_SHAPES: Final = {
    "SolderPasteMeasurement": _DEPOSIT,
    "InspectionMeasurementLean": _DEPOSIT,
    "OffsetMeasurement": _Shape(
        measured=(
            _Member("DX", "dx", "mm"),
            _Member("DY", "dy", "mm"),
            _Member("DZ", "dz", "mm"),
            _Member("RXY", "rxy", "deg"),
            _Member("RZX", "rzx", "deg"),
            _Member("RZY", "rzy", "deg"),
        )
    ),
}
_NUMERIC, _VALUED = "NumericMeasurement", ("TextMeasurement", "BooleanMeasurement")
_KNOWN_KINDS: Final = frozenset({*_SHAPES, _NUMERIC, *_VALUED})

# What every kind has, and what is kept with the event's body only: identity and time of the single measurement.
_COMMON = frozenset(
    {"$type", "UniqueIdentifier", "MeasurementName", "TimeRecorded", "Sequence", "Result", "CRDs", "Image"}
)


def _kind_of(one: Measurement) -> str:
    return _last_word(one.type_) if one.type_ else _guessed_kind(one)


@lru_cache(maxsize=256)
def _last_word(type_name: str) -> str:
    """The kind of measurement a `$type` names: `CFX.Structures.NumericMeasurement, CFX`."""
    return type_name.partition(",")[0].rpartition(".")[2].strip()


def _guessed_kind(one: Measurement) -> str:
    """A station that leaves `$type` out: the members tell."""
    if one.measured_value is not None:
        return _NUMERIC
    if one.vol is not None or one.x is not None:
        return "SolderPasteMeasurement"
    return "TextMeasurement" if one.value is not None else ""


def measurements_of(steps: Sequence[StepResult], lists: Iterable[Listed]) -> Measurements | None:
    """Make one layout and one list of columns of all that a run says in numbers: results of steps, measurements."""
    groups: list[Group] = []
    columns: list[Values] = []
    for group, values in _all_groups(steps, lists):
        if values:
            groups.append(group)
            columns.extend(values)
    if not groups:
        return None
    return Measurements(_known_layout(tuple(groups)), tuple(columns))


@lru_cache(maxsize=16)
def _known_layout(groups: tuple[Group, ...]) -> Layout:
    """The same layout as last time: its digest and limits are worked out once a program, not once a board."""
    return Layout(groups)


def _all_groups(steps: Sequence[StepResult], lists: Iterable[Listed]) -> Iterator[tuple[Group, list[Values]]]:
    yield _steps(steps)
    for family in _families(lists):
        if shape := _SHAPES.get(family.kind):
            yield _shaped(shape, family)
        elif family.kind == _NUMERIC:
            yield _numeric(family)
        elif family.kind in _VALUED:
            yield _valued(family)
        else:
            yield _taken_apart(family)


def _families(lists: Iterable[Listed]) -> Iterable[_Family]:
    families: dict[tuple[Any, ...], _Family] = {}
    for step, ones, members_of in lists:
        types = {one.type_ for one in ones}
        shared = _last_word(types.pop() or "") if len(types) == 1 else ""
        if shared in _SHAPES:  # the thousands of an SPI: no question to each of them
            family = families.setdefault((shared,), _Family(shared))
            family.ones.extend(ones)
            family.steps.extend([step] * len(ones))
            continue
        for index, one in enumerate(ones):
            kind = _kind_of(one)
            members = {} if kind in _KNOWN_KINDS else members_of(index) or {}
            key = (kind, *_distinction(kind, one, members))
            family = families.setdefault(key, _Family(kind))
            family.ones.append(one)
            family.steps.append(step)
            family.members.append(members)
    return families.values()


def _distinction(kind: str, one: Measurement, members: Members) -> Iterable[Any]:
    """What tells measurements of one kind apart, as far as they cannot share columns."""
    value = one.measured_value
    if kind == _NUMERIC and value is not None:
        return (
            value.value_units or None,
            value.expected_value_units or None,
            value.minimum_acceptable_value_units or None,
            value.maximum_acceptable_value_units or None,
        )
    return (type(one.value),) if kind in _VALUED else sorted(members)


def _steps(steps: Sequence[StepResult]) -> tuple[Group, list[Values]]:
    names = tuple(step.name for step in steps)
    columns: list[Column] = []
    values: list[Values] = []
    if any(step.result is not None for step in steps):
        columns.append(Column("result", Kind.result))
        values.append(_results([step.result for step in steps]))
    for characteristic in ("verification", "error"):
        texts: list[Value] = [getattr(step, characteristic) for step in steps]
        if any(text is not None for text in texts):
            columns.append(Column(characteristic, Kind.text))
            values.append(texts)
    return Group(names, names, (None,) * len(names), tuple(columns)), values


def _results(results: Sequence[str | None]) -> Values:
    codes = {result: None if result is None else result_code(result) for result in set(results)}
    if len(codes) == 1 and None not in codes:
        return np.full(len(results), codes[results[0]], dtype=np.int8)
    return [codes[result] for result in results]


def _shaped(shape: _Shape, family: _Family) -> tuple[Group, list[Values]]:
    """Measurements whose kind fixes members and units."""
    columns: list[Column] = []
    values: list[Values] = []
    for member in shape.measured:
        numbers = _numbers(family.column(member.attribute))
        if numbers is not None:
            expected = _if_said(family.column(member.expected)) if member.expected else None
            columns.append(Column(member.characteristic, Kind.number, member.unit, expected=expected))
            values.append(numbers)
    nominals = tuple(
        Nominal(member.characteristic, member.unit, said)
        for member in shape.nominal
        if (said := _if_said(family.column(member.attribute))) is not None
    )
    return _group(family, columns, values, nominals)


def _numbers(column: tuple[float | None, ...]) -> Values | None:
    """A column of numbers, as an array where none is missing; None where no item has any."""
    if _if_said(column) is None:  # to make an array of nothing but None takes four times as long as of numbers
        return None
    numbers = np.array(column, dtype=np.float64)  # NaN for None; a decoded body holds no other
    return column if np.isnan(numbers).any() else numbers


_V = TypeVar("_V")


def _if_said(column: tuple[_V, ...]) -> tuple[_V, ...] | None:
    some = bool(column) and (column[0] is not None or column.count(None) < len(column))
    return column if some else None


def _numeric(family: _Family) -> tuple[Group, list[Values]]:
    """`NumericMeasurement`s of the same units."""
    given = [one.measured_value for one in family.ones if one.measured_value is not None]
    if not given:  # those without a value: their results are all they say
        return _group(family, [], [])
    first = given[0]
    column = Column(
        "value",
        Kind.number,
        first.value_units or None,
        expected=_if_said(tuple(value.expected_value for value in given)),
        lower=_if_said(tuple(value.minimum_acceptable_value for value in given)),
        upper=_if_said(tuple(value.maximum_acceptable_value for value in given)),
        expected_unit=first.expected_value_units or None,
        lower_unit=first.minimum_acceptable_value_units or None,
        upper_unit=first.maximum_acceptable_value_units or None,
    )
    return _group(family, [column], [[value.value for value in given]])


def _valued(family: _Family) -> tuple[Group, list[Values]]:
    """`TextMeasurement` and `BooleanMeasurement`, told apart by what their values are."""
    values = family.column("value")
    column = Column("value", _kind(values), expected=_if_said(family.column("expected_value")))
    return _group(family, [column], [values])


def _taken_apart(family: _Family) -> tuple[Group, list[Values]]:
    """Measurements of an unknown kind: each of their members is a characteristic. Structures are kept as JSON text."""
    columns: list[Column] = []
    values: list[Values] = []
    for name in family.members[0]:
        if name not in _COMMON:
            column = [_plain(members[name]) for members in family.members]
            columns.append(Column(name, _kind(column)))
            values.append(column)
    return _group(family, columns, values)


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return msgspec.json.encode(value).decode()


def _kind(values: Iterable[Value]) -> Kind:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Kind.boolean
    return Kind.number if kinds and kinds <= {int, float} else Kind.text


def _group(
    family: _Family,
    columns: list[Column],
    values: list[Values],
    nominals: tuple[Nominal, ...] = (),
) -> tuple[Group, list[Values]]:
    """Put items and columns together, with each item's own result as the last column."""
    results = family.column("result")
    if _if_said(results):
        columns = [*columns, Column("result", Kind.result)]
        values = [*values, _results(results)]
    names, designators = family.column("measurement_name"), family.column("crds")
    return Group(tuple(family.steps), names, designators, tuple(columns), nominals), values
