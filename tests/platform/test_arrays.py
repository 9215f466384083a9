"""Lists arrive in PostgreSQL as they left, whichever way they were written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import DataError
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format
from psycopg.types.array import ListDumper
from sqlalchemy import Connection, text

from app.arrays import ListsOfOneKind

ODD = ["", "NULL", "null", " ", "a,b", "{}", 'say "so"', "back\\slash", "Lötstopp 10 µF", "\u2003", "line\nend", "😀"]


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        ("text", ODD),
        ("text", ["plain"]),
        ("text", ["one", None]),
        ("text", []),
        ("bigint", [0, -1, 2**62]),
        ("boolean", [True, False]),
        ("uuid", [uuid4(), UUID(int=0)]),
        ("timestamptz", [datetime(2026, 11, 22, 14, 27, tzinfo=UTC), datetime(999, 1, 1, microsecond=1, tzinfo=UTC)]),
        ("timestamptz", [datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))]),
        ("double precision", [0.1, float("inf")]),
        ("bytea", [b"\x00\xff", b""]),
    ],
)
def test_a_list_comes_back_as_it_was(connection: Connection, kind: str, items: list[Any]) -> None:
    assert connection.execute(text(f"SELECT CAST(:items AS {kind}[])"), {"items": items}).scalar_one() == items


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_texts_say_what_the_driver_says(items: list[str]) -> None:
    """Quotes more or less are the same to PostgreSQL: read back by the driver, both are the items."""
    assert _read(_written(ListsOfOneKind, items)) == _read(_written(ListDumper, items)) == items


def test_what_cannot_be_stored_is_refused_as_by_the_driver() -> None:
    with pytest.raises(DataError, match="NUL"):
        _written(ListsOfOneKind, ["a\0b"])


def _written(dumper: type[ListDumper], items: list[str]) -> bytes:
    ready = dumper(list, Transformer()).upgrade(items, PyFormat.TEXT)
    return bytes(ready.dump(items) or b"")


def _read(written: bytes) -> object:
    loaded = Transformer()
    return loaded.get_loader(1009, Format.TEXT).load(written)  # text[], as text
