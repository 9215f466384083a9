"""Answers as Parquet, streamed row group by row group.

A writer of the few things a table needs, in place of a library of 40 MB and its own columnar engine: flat columns of
texts, whole numbers and moments, and lists of texts; every value may be null. One page a column and row group, PLAIN,
gzip. Memory holds one row group, and the places of those before it for the footer.

Source: the Parquet format (`parquet.thrift`, Encodings.md, LogicalTypes.md) and Thrift's compact protocol.
"""

import gzip
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import groupby, islice
from typing import Any
from urllib.parse import quote

from fastapi.responses import StreamingResponse

MEDIA_TYPE = "application/vnd.apache.parquet"
ROWS_IN_GROUP = 20_000
_MAGIC = b"PAR1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GZIP, _PLAIN, _RLE = 2, 0, 3
_INT32, _INT64, _BYTES = 1, 2, 6
_OPTIONAL, _REPEATED = 1, 2


class Kind(Enum):
    """What a column holds."""

    text = "text"
    integer = "integer"
    moment = "moment"
    texts = "texts"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, and what it holds (texts are a list)."""

    name: str
    kind: Kind = Kind.text


def parquet_answer(columns: Sequence[Column], rows: Iterable[Sequence[Any]], name: str) -> StreamingResponse:
    """Stream rows as a Parquet file called `name`."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return StreamingResponse(
        parquet_chunks(columns, rows), media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition}
    )


def parquet_chunks(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], rows_in_group: int = ROWS_IN_GROUP
) -> Iterator[bytes]:
    """The bytes of a Parquet file, in pieces of a row group each; the last piece is the footer."""
    yield _MAGIC
    offset = len(_MAGIC)
    groups: list[bytes] = []
    total = 0
    remaining = iter(rows)
    while block := list(islice(remaining, rows_in_group)):
        pages, group = _row_group(columns, block, offset)
        groups.append(group)
        total += len(block)
        offset += len(pages)
        yield pages
    footer = _struct((1, _i32(1)), (2, _list(_STRUCT, _schema(columns))), (3, _i64(total)),
                     (4, _list(_STRUCT, groups)), (6, _text("birthmark")))  # fmt: skip
    yield footer + struct.pack("<I", len(footer)) + _MAGIC


# --- columns ---


def _schema(columns: Sequence[Column]) -> list[bytes]:
    """SchemaElements, depth first."""
    elements = [_struct((4, _text("table")), (5, _i32(len(columns))))]
    utf8 = ((6, _i32(0)), (10, (_STRUCT, _struct((1, (_STRUCT, _struct()))))))
    for column in columns:
        name, optional = (4, _text(column.name)), (3, _i32(_OPTIONAL))
        match column.kind:
            case Kind.text:
                elements.append(_struct((1, _i32(_BYTES)), optional, name, *utf8))
            case Kind.integer:
                elements.append(_struct((1, _i32(_INT32)), optional, name))
            case Kind.moment:
                micros = _struct((1, _TRUE), (2, (_STRUCT, _struct((2, (_STRUCT, _struct()))))))
                in_utc = (10, (_STRUCT, _struct((8, (_STRUCT, micros)))))
                elements.append(_struct((1, _i32(_INT64)), optional, name, (6, _i32(10)), in_utc))
            case Kind.texts:
                listed = (10, (_STRUCT, _struct((3, (_STRUCT, _struct())))))
                elements += [
                    _struct(optional, name, (5, _i32(1)), (6, _i32(3)), listed),
                    _struct((3, _i32(_REPEATED)), (4, _text("list")), (5, _i32(1))),
                    _struct((1, _i32(_BYTES)), (3, _i32(0)), (4, _text("element")), *utf8),
                ]
    return elements


def _row_group(columns: Sequence[Column], rows: Sequence[Sequence[Any]], offset: int) -> tuple[bytes, bytes]:
    """The pages of a row group that begins at `offset`, and its description."""
    pages = bytearray()
    described: list[bytes] = []
    unpacked = 0
    for number, column in enumerate(columns):
        count, content = _page([row[number] for row in rows], column.kind)
        packed = gzip.compress(content, 5, mtime=0)
        head = _struct((1, _i32(0)), (2, _i32(len(content))), (3, _i32(len(packed))),
                       (5, (_STRUCT, _struct((1, _i32(count)), (2, _i32(_PLAIN)), (3, _i32(_RLE)), (4, _i32(_RLE))))),
                       )  # fmt: skip
        begins = offset + len(pages)
        physical = {Kind.integer: _INT32, Kind.moment: _INT64}.get(column.kind, _BYTES)
        path = [column.name, "list", "element"] if column.kind is Kind.texts else [column.name]
        meta = _struct(
            (1, _i32(physical)),
            (2, _list(_I32, [_zigzag(_PLAIN), _zigzag(_RLE)])),
            (3, _list(_BINARY, [_text(step)[1] for step in path])),
            (4, _i32(_GZIP)),
            (5, _i64(count)),
            (6, _i64(len(head) + len(content))),
            (7, _i64(len(head) + len(packed))),
            (9, _i64(begins)),
        )
        described.append(_struct((2, _i64(begins)), (3, (_STRUCT, meta))))
        unpacked += len(head) + len(content)
        pages += head + packed
    group = _struct((1, _list(_STRUCT, described)), (2, _i64(unpacked)), (3, _i64(len(rows))))
    return bytes(pages), group


def _page(values: Sequence[Any], kind: Kind) -> tuple[int, bytes]:
    """The number of values, nulls included, and a data page's content: levels, then the values that are there."""
    if kind is not Kind.texts:
        present = [value for value in values if value is not None]
        return len(values), _levels([int(value is not None) for value in values]) + _plain(present, kind)
    repetition: list[int] = []
    definition: list[int] = []
    elements: list[str] = []
    for listed in values:
        repetition += [0, *([1] * (len(listed) - 1))] if listed else [0]
        definition += [2] * len(listed) if listed else [0 if listed is None else 1]
        elements += listed or ()
    return len(repetition), _levels(repetition) + _levels(definition) + _plain(elements, Kind.text)


def _levels(levels: Sequence[int]) -> bytes:
    """Levels of at most 8 bits as runs (RLE), with their length before them."""
    runs = b"".join(_varint(len(list(same)) << 1) + bytes([level]) for level, same in groupby(levels))
    return struct.pack("<I", len(runs)) + runs


def _plain(values: Sequence[Any], kind: Kind) -> bytes:
    match kind:
        case Kind.integer:
            return struct.pack(f"<{len(values)}i", *values)
        case Kind.moment:
            return struct.pack(f"<{len(values)}q", *((value - _EPOCH) // timedelta(microseconds=1) for value in values))
        case _:
            texts = [str(value).encode() for value in values]
            return b"".join(struct.pack("<I", len(text)) + text for text in texts)


# --- Thrift's compact protocol: (type, content) of a field ---

_TRUE_TYPE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 5, 6, 8, 9, 12
_Typed = tuple[int, bytes]
_TRUE: _Typed = (_TRUE_TYPE, b"")


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _i32(number: int) -> _Typed:
    return _I32, _zigzag(number)


def _i64(number: int) -> _Typed:
    return _I64, _zigzag(number)


def _text(text: str) -> _Typed:
    encoded = text.encode()
    return _BINARY, _varint(len(encoded)) + encoded


def _list(kind: int, elements: Sequence[bytes]) -> _Typed:
    count = len(elements)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + _varint(count)
    return _LIST, head + b"".join(elements)


def _struct(*fields: tuple[int, _Typed]) -> bytes:
    """Fields in order of their numbers, which here are never 15 apart."""
    content = bytearray()
    before = 0
    for number, (kind, value) in fields:
        content.append((number - before) << 4 | kind)
        content += value
        before = number
    return bytes(content) + b"\0"
