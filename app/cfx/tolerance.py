"""The careful way to read a message body: member by member, with the field's habits allowed for.

Allowed: numbers as text, `3.0` where CFX wants a whole number, booleans as text, enumerations by
number, Guids in any spelling, times without a zone (taken as UTC) or with odd decimals; and, for
optional members, blanks and .NET's "not set" (year 1, year 9999, `NaN`), which read as None.
Everything else is refused with the path of the member and what it should have been. This way is
several times slower than the straight one and is taken only where that fails.
"""

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from app.cfx.scalars import parse_guid, parse_moment

_T = TypeVar("_T")
_Reader = Callable[[Any], Any]

#: What .NET writes for a number nobody set, or one that came to nothing.
_UNSET_NUMBERS = ("", "nan", "infinity", "-infinity")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII)
_INT_DIGITS = 18
_SHOWN = 40


class Unreadable(ValueError):
    """Something in a body cannot be read. `path` says which member: `Units[2].PositionNumber`."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path

    def within(self, step: str) -> None:
        """Called on the way out of the body: the member or element this happened in."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{step}{dot}{self.path}"

    def __str__(self) -> str:
        return f"{self.path or 'The body'} {self.problem}."


def read_tolerantly(kind: type[_T], text: bytes) -> _T:
    """The structure `kind` from its JSON text. Raises Unreadable."""
    try:
        read: _T = _reader_of(inspect.type_info(kind))(msgspec.json.decode(text))
        # Both ways of reading end in the same types: a whole number in a member for fractions is one.
        return msgspec.json.decode(msgspec.json.encode(read), type=kind)
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError) as broken:
        raise Unreadable(f"cannot be read: {broken}") from None


def _reader_of(info: inspect.Type) -> _Reader:
    """How a value of this type is read; the reader returns None for a member that is not set."""
    if isinstance(info, inspect.UnionType):
        kinds = [one for one in info.types if not isinstance(one, inspect.NoneType)]
        return _reader_of(kinds[0]) if len(kinds) == 1 else _read_scalar
    if isinstance(info, inspect.StructType):
        return _struct_reader(info.cls)
    return _MAKERS[type(info)](info)


class _StructReader:
    """Reads a structure; how its members are read is found at first use, for some hold themselves."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._kind = kind
        self._readers: dict[str, tuple[str, _Reader, bool]] | None = None

    def __call__(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _unlike("an object in braces", value)
        if self._readers is None:
            self._readers = {
                member.encode_name: (member.name, _reader_of(inspect.type_info(member.type)), member.required)
                for member in msgspec.structs.fields(self._kind)
            }
        members: dict[str, Any] = {}
        for name, (attribute, reader, required) in self._readers.items():
            try:
                read_value = reader(value.get(name))
            except Unreadable as unreadable:
                unreadable.within(name)
                raise
            if read_value is not None:
                members[attribute] = read_value
            elif required:
                raise Unreadable("is missing", name)
        return self._kind(**members)


@cache
def _struct_reader(kind: type[msgspec.Struct]) -> _Reader:
    return _StructReader(kind)


def _list_reader(read_element: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise _unlike("a list in square brackets", value)
        elements = []
        for index, element in enumerate(value):
            try:
                read_value = read_element(element)
            except Unreadable as unreadable:
                unreadable.within(f"[{index}]")
                raise
            if read_value is None:
                raise Unreadable("is empty", f"[{index}]")
            elements.append(read_value)
        return elements

    return read


def _text_reader(max_length: int | None) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise _unlike("text in quotes", value)
        if max_length is not None and len(value) > max_length:
            raise Unreadable(f"has {len(value)} characters; more than {max_length} cannot be stored")
        return value

    return read


def _enumeration_reader(members: tuple[str, ...]) -> _Reader:
    read_text = _text_reader(256)

    def read(value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return members[value] if 0 <= value < len(members) else str(value)[:_SHOWN]
        return read_text(value)

    return read


def _integer_reader(low: int, high: int) -> _Reader:
    def read(value: Any) -> int | None:
        number = _read_number(value)
        if number is None:
            return None
        if number != (whole := int(number)):
            raise _unlike("a whole number", value)
        if not low <= whole <= high:
            raise Unreadable(f"must be between {low} and {high}, but is {_shown(value)}")
        return whole

    return read


def _read_number(value: Any) -> float | int | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _unlike("a number", value)
    text = value.strip().lower()
    if text in _UNSET_NUMBERS:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _unlike("a number", value)
    number = float(text)
    if not math.isfinite(number):
        raise _unlike("a number a computer can hold", value)
    return int(text) if len(text) <= _INT_DIGITS and text.lstrip("+-").isdecimal() else number


def _read_float(value: Any) -> float | None:
    number = _read_number(value)
    try:
        return None if number is None else float(number)
    except OverflowError:
        raise _unlike("a number a computer can hold", value) from None


def _read_boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else str(value)
    known = {"true": True, "1": True, "false": False, "0": False, "": None}
    if text not in known:
        raise _unlike("true or false", value)
    return known[text]


def _read_moment(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _unlike("a time as text", value)
    if not value.strip():
        return None
    if value.lstrip()[:5] in ("0001-", "9999-"):
        return None
    try:
        return parse_moment(value)
    except ValueError as problem:
        raise Unreadable(f"is {_shown(value)}: {problem}") from None


def _read_guid(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _unlike("a GUID as text", value)
    if not value.strip():
        return None
    try:
        return parse_guid(value)
    except ValueError:
        raise _unlike("a GUID", value) from None


def _read_scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise _unlike("a single value", value)
    return value


def _read_object(value: Any) -> Any:
    if value is not None and not isinstance(value, dict):
        raise _unlike("an object in braces", value)
    return value


_MAKERS: dict[type[inspect.Type], Callable[[Any], _Reader]] = {
    inspect.Metadata: lambda info: _enumeration_reader(info.extra["members"]),
    inspect.ListType: lambda info: _list_reader(_reader_of(info.item_type)),
    inspect.StrType: lambda info: _text_reader(info.max_length),
    inspect.IntType: lambda info: _integer_reader(info.ge, info.le),
    inspect.FloatType: lambda _: _read_float,
    inspect.BoolType: lambda _: _read_boolean,
    inspect.DateTimeType: lambda _: _read_moment,
    inspect.UUIDType: lambda _: _read_guid,
    inspect.DictType: lambda _: _read_object,
}


def _unlike(wanted: str, value: Any) -> Unreadable:
    return Unreadable(f"must be {wanted}, but is {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
