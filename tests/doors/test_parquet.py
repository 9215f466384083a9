"""Parquet: what is written is read back by somebody else's reader, value for value, and streams."""

import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.http.parquet import MEDIA_TYPE, Column, Kind, parquet_chunks
from tests.doors.story import address

COLUMNS = (
    Column("serial"),
    Column("position", Kind.integer),
    Column("designators", Kind.texts),
    Column("recorded_at", Kind.moment),
)
START = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def rows(number: int) -> Iterator[tuple[Any, ...]]:
    """Every combination of values there, null and empty; times on both sides of 1970."""
    for n in range(number):
        yield (
            f"SN-{n} µ%/+" if n % 7 else None,
            n - 2 if n % 3 else None,
            [f"R{i}" for i in range(n % 4)] if n % 5 else None,
            START + timedelta(microseconds=n) if n % 11 else None,
        )


def read(content: bytes, folder: Path) -> list[tuple[Any, ...]]:
    duckdb = pytest.importorskip("duckdb", reason="duckdb reads Parquet back; it is a test dependency")
    file = folder / "table.parquet"
    file.write_bytes(content)
    with duckdb.connect() as reader:
        reader.execute("SET TimeZone = 'UTC'")
        chosen = "serial, position, designators, epoch_us(recorded_at)"
        read: list[tuple[Any, ...]] = reader.execute(f"SELECT {chosen} FROM read_parquet('{file}')").fetchall()
    return read


@pytest.mark.parametrize(("number", "in_group"), [(0, 10), (1, 10), (10, 10), (385, 100)])
def test_what_is_written_is_read_back(tmp_path: Path, number: int, in_group: int) -> None:
    content = b"".join(parquet_chunks(COLUMNS, rows(number), in_group))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    told = [
        (*row[:3], None if row[3] is None else (row[3] - epoch) // timedelta(microseconds=1)) for row in rows(number)
    ]
    assert read(content, tmp_path) == told


def test_a_file_begins_and_ends_as_the_format_says() -> None:
    first, group, footer = parquet_chunks(COLUMNS, rows(3), 10)
    assert (first, footer[-4:]) == (b"PAR1", b"PAR1")
    [length] = struct.unpack("<I", footer[-8:-4])
    assert length == len(footer) - 8
    page = zlib.decompressobj(wbits=31).decompress(group[group.index(b"\x1f\x8b") :])  # the first column's
    assert b"SN-1" in page


def test_memory_holds_one_row_group() -> None:
    endless = parquet_chunks(COLUMNS, rows(10**9), 1000)
    list(islice(endless, 20))
    tracemalloc.start()
    for _ in islice(endless, 100):
        pass
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 500_000, "100,000 rows went by, their places in the file remain"


@pytest.mark.parametrize("asked", [{"headers": {"Accept": MEDIA_TYPE}}, {"params": {"format": "parquet"}}])
def test_where_used_as_parquet(admin: TestClient, built: list[str], tmp_path: Path, asked: dict[str, Any]) -> None:
    query = {"package": "R-1182"} | asked.get("params", {})
    answer = admin.get(address("trace/where-used", **query), headers=asked.get("headers"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert (answer.content[:4], answer.content[-4:]) == (b"PAR1", b"PAR1")
    duckdb = pytest.importorskip("duckdb", reason="duckdb reads Parquet back; it is a test dependency")
    file = tmp_path / "where-used.parquet"
    file.write_bytes(answer.content)
    with duckdb.connect() as reader:
        found = reader.execute(f"SELECT serial, evidence, reference_designators FROM '{file}'").fetchall()
    assert found == [(serial, "exact", ["R1", "R2", "R3"]) for serial in built]


def test_an_error_is_told_before_the_file_begins(admin: TestClient, built: list[str]) -> None:
    answer = admin.get(address("trace/where-used", package="nope"), headers={"Accept": MEDIA_TYPE})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
