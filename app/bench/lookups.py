"""The lookups of a recall, put to this product's tables and to the row-per-placement reference.

Both sides get a name and give names back, in one statement over the same driver, planned once for a connection and by
index as the product's trace is. Both look units up by an array of ids: that was the fastest form for either (a join
takes up to twice as long). Serials come as lines of one text: ten thousand rows to hand over cost both sides the same
millisecond and a half in the driver, and say nothing of the tables.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

from app.db import KEYED

Connection: TypeAlias = psycopg.Connection[Any]
Lookup: TypeAlias = Callable[[Connection, str], set[str]]

_OWN_UNITS = """
    SELECT string_agg(serial, E'\\n') FROM unit WHERE unit_id = ANY(ARRAY(
        SELECT unit_id FROM installation WHERE set_id = ANY(ARRAY(
            SELECT set_id FROM (
                SELECT array_agg(chunk_id) AS few FROM (
                    SELECT chunk_id, row_number() OVER () / 16 AS few_at_once FROM material_chunk
                    WHERE package_ids && ARRAY({packages})
                ) AS chunk GROUP BY few_at_once
            ) AS chunks CROSS JOIN LATERAL (
                SELECT set_id FROM material_set WHERE chunk_ids && few
            ) AS holding
        )) ORDER BY unit_id
    ))
"""
# A GIN index compares each row it finds with all keys asked for: a thousand chunks at once take ten times as long. What
# is in order already is sorted fastest by the index that looks the units up; of the reference, it takes longer.
_OWN_PACKAGE = _OWN_UNITS.format(packages="SELECT package_id FROM package WHERE identifier = %s")
_OWN_LOT = _OWN_UNITS.format(packages="SELECT package_id FROM package JOIN lot USING (lot_id) WHERE lot_code = %s")
_OWN_UNIT = """
    SELECT DISTINCT package.identifier
    FROM serial JOIN installation USING (unit_id) JOIN material_set USING (set_id)
    CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(package_ids) AS held (package_id)
    JOIN package USING (package_id)
    WHERE serial.serial = %s
"""
_ROWS_OF_PACKAGES = """
    SELECT string_agg(serial, E'\\n') FROM unit WHERE unit_id = ANY(ARRAY(
        SELECT unit_id FROM placement
        WHERE package_id = ANY(ARRAY(SELECT package_id FROM package WHERE {name} = %s))
    ))
"""
_ROWS_OF_UNIT = """
    SELECT package.identifier FROM (
        SELECT DISTINCT package_id FROM placement JOIN unit USING (unit_id) WHERE serial = %s
    ) AS held JOIN package USING (package_id)
"""


def _names(connection: Connection, statement: str, asked: str) -> set[str]:
    return {name for (name,) in connection.execute(statement, [asked]).fetchall()}


def _serials(connection: Connection, statement: str, asked: str) -> set[str]:
    ((lines,),) = connection.execute(statement, [asked]).fetchall()
    return set(lines.split("\n")) if lines else set()


def own_units_of_package(connection: Connection, identifier: str) -> set[str]:
    """Serials that carry a package, from this product's tables."""
    return _serials(connection, _OWN_PACKAGE, identifier)


def own_units_of_lot(connection: Connection, lot: str) -> set[str]:
    """Serials that carry a package of a lot."""
    return _serials(connection, _OWN_LOT, lot)


def own_packages_of_unit(connection: Connection, serial: str) -> set[str]:
    """Packages in a unit."""
    return _names(connection, _OWN_UNIT, serial)


def rows_units_of_package(connection: Connection, identifier: str) -> set[str]:
    """Serials that carry a package, from the reference."""
    return _serials(connection, _ROWS_OF_PACKAGES.format(name="identifier"), identifier)


def rows_units_of_lot(connection: Connection, lot: str) -> set[str]:
    """Serials that carry a package of a lot, from the reference."""
    return _serials(connection, _ROWS_OF_PACKAGES.format(name="lot_code"), lot)


def rows_packages_of_unit(connection: Connection, serial: str) -> set[str]:
    """Packages in a unit, from the reference."""
    return _names(connection, _ROWS_OF_UNIT, serial)


@dataclass(frozen=True, slots=True)
class Asked:
    """A lookup on both sides, and the names to ask for."""

    what: str
    own: Lookup
    rows: Lookup
    names: Sequence[str]


def lookups(packages: Sequence[str], lots: Sequence[str], serials: Sequence[str]) -> list[Asked]:
    """The lookups with a sample of names, the same at each run."""
    rng = random.Random(7)  # noqa: S311  (a sample, not a secret)

    def some(names: Sequence[str], count: int) -> list[str]:
        return rng.sample(list(names), min(count, len(names)))

    return [
        Asked("one reel to serials", own_units_of_package, rows_units_of_package, some(packages, 40)),
        Asked("a lot of 20 reels to serials", own_units_of_lot, rows_units_of_lot, some(lots, 12)),
        Asked("one serial to reels", own_packages_of_unit, rows_packages_of_unit, some(serials, 200)),
    ]


def connect(url: str) -> Connection:
    """A connection that plans as those do that answer trace."""
    connection: Connection = psycopg.connect(
        url.replace("+psycopg", ""), autocommit=True, prepare_threshold=0, options=KEYED
    )
    return connection


def warm(asked: Asked, own: Connection, rows: Connection) -> tuple[float, float]:
    """Median milliseconds of both sides over the names, each asked once, on servers that have been running.

    Raises AssertionError where the two sides do not answer alike.
    """
    times: list[tuple[float, float]] = []
    for name in asked.names:
        started = time.perf_counter()
        ours = asked.own(own, name)
        between = time.perf_counter()
        theirs = asked.rows(rows, name)
        times.append((1000 * (between - started), 1000 * (time.perf_counter() - between)))
        assert ours == theirs, f"{asked.what}: {name} is answered differently"
    return statistics.median(one for one, _ in times), statistics.median(other for _, other in times)
