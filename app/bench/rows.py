"""The reference: a row per placement, as a good engineer would lay it out in the same PostgreSQL.

Names are interned (bigint, integer and smallint keys, 16 bytes of columns in a row of 40), and there are the two
indexes that "what is in this unit" and "which units carry this package, and where on them" need; PostgreSQL keeps
their repeated keys once. That makes 58 bytes a placement. (With the unit in the second index, where-used without the
designators would not touch the table; it would take 70.) Times, stations and message keys stand once per board in
`message`. What was rejected, the machine's own bytes and everything else this product keeps is not in it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

SCHEMA = """
    CREATE TABLE unit (unit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial text NOT NULL UNIQUE);
    CREATE TABLE package (
        package_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, identifier text NOT NULL UNIQUE,
        part_number text, lot_code text
    );
    CREATE INDEX ON package (lot_code);
    CREATE TABLE designator (
        designator_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE
    );
    CREATE TABLE slot (slot_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE message (
        unique_id uuid PRIMARY KEY, station text NOT NULL, unit_id bigint NOT NULL, recorded_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE placement (
        unit_id bigint NOT NULL, package_id integer NOT NULL, designator_id smallint NOT NULL, slot_id smallint NOT NULL
    );
    CREATE INDEX placement_of_unit ON placement (unit_id);
    CREATE INDEX placement_of_package ON placement (package_id);
"""
COPY = "COPY placement (unit_id, package_id, designator_id, slot_id) FROM STDIN (FORMAT binary)"

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("unit_length", ">i4"),
        ("unit", ">i8"),
        ("package_length", ">i4"),
        ("package", ">i4"),
        ("designator_length", ">i4"),
        ("designator", ">i2"),
        ("slot_length", ">i4"),
        ("slot", ">i2"),
    ]
)


def binary_rows(
    units: Iterable[int],
    packages: Sequence[NDArray[np.int32]],
    designators: NDArray[np.int16],
    slots: NDArray[np.int16],
) -> bytes:
    """The stream of a binary COPY: for each unit one row a designator, with its package and slot."""
    boards = len(packages)
    rows = np.zeros((boards, len(designators)), _ROW)
    rows["columns"] = 4
    for name, length in (("unit", 8), ("package", 4), ("designator", 2), ("slot", 2)):
        rows[f"{name}_length"] = length
    rows["unit"] = np.fromiter(units, np.int64, boards)[:, None]
    rows["package"] = np.stack(packages)
    rows["designator"] = designators
    rows["slot"] = slots
    return _HEADER + rows.tobytes() + _TRAILER


class Names:
    """Ids of names in one of the reference's small tables, each looked up or entered once."""

    def __init__(self, table: str, column: str) -> None:
        key = f"{table}_id"
        self._enter = f"INSERT INTO {table} ({column}) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
        self._find = f"SELECT {column}, {key} FROM {table} WHERE {column} = ANY(%s)"  # noqa: S608  (names of our own)
        self.ids: dict[str, int] = {}

    def learn(self, connection: Connection, names: Iterable[str]) -> None:
        """Make sure that all `names` have an id."""
        missing = sorted({name for name in names if name not in self.ids})
        if missing:
            connection.execute(self._enter, [missing])
            self.ids.update(connection.execute(self._find, [missing]).fetchall())
