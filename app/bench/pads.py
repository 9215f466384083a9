"""The reference of `app.bench.measurements`: a row for each pad, as lean as it can be.

A row is the run and the pad, which are its key, a result, and five double precision values, without a byte of padding
between. The key refuses what is told twice; an index by pad finds one pad in many boards, and gives each board 3,000
more places to be written to. A second table is without it: its key alone has to find one pad, run by run.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, text

from app.bench.deposits import PADS
from app.cfx.messages.inspection import UnitsInspected
from app.copying import copy_rows
from app.quality.facts import Inspection

ROWS, BY_KEY, MESSAGES = "reference", "reference_by_key", "reference_message"
_COLUMNS: Final = {
    "event_id": "int8", "run": "int2", "pad": "int2", "result": "int2",
    **dict.fromkeys(("z", "dx", "dy", "vol", "a"), "float8"),
}  # fmt: skip
_WINDOW = "station_id = :station_id AND recorded_at >= :since AND recorded_at < :until"
CPK = text(
    f"""
    SELECT pad, count(*), avg(vol), stddev_samp(vol),
        least(:upper - avg(vol), avg(vol) - :lower) / (3 * stddev_samp(vol)) AS cpk
    FROM inspection JOIN reference USING (event_id, run)
    WHERE {_WINDOW} GROUP BY pad ORDER BY pad
    """  # noqa: S608 (a constant)
)
ONE_PAD = {
    table: text(
        f"""
        SELECT unit_id, position_number, event_id, run, recorded_at, vol
        FROM inspection JOIN {table} USING (event_id, run)
        WHERE {_WINDOW} AND pad = :pad ORDER BY recorded_at DESC
        """  # noqa: S608 (constants)
    )
    for table in (ROWS, BY_KEY)
}
ONE_BOARD = text(
    """
    SELECT reference.* FROM inspection JOIN reference USING (event_id, run)
    WHERE unit_id = 7 AND station_id = :station_id ORDER BY pad
    """
)


def create(connection: Connection) -> None:
    """Make the tables."""
    columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in _COLUMNS.items())
    for table in (ROWS, BY_KEY):
        connection.execute(text(f"CREATE TABLE {table} ({columns}, PRIMARY KEY (event_id, run, pad))"))
    connection.execute(text(f"CREATE INDEX ON {ROWS} (pad, event_id, run)"))
    connection.execute(text(f"CREATE TABLE {MESSAGES} (event_id bigint PRIMARY KEY, body bytea NOT NULL)"))


def copy_measured(connection: Connection, table: str, facts: Iterable[Inspection]) -> None:
    """Enter the rows of understood messages."""
    copy_rows(connection, table, _COLUMNS, (row for fact in facts for row in _rows(fact)))


def _rows(fact: Inspection) -> Iterator[tuple[Any, ...]]:
    assert fact.run.measurements is not None
    _, *values, results = (np.asarray(column).tolist() for column in fact.run.measurements.columns)
    return zip(repeat(fact.report.event_id), repeat(fact.run.number), range(PADS), results, *values, strict=False)


def copy_parsed(connection: Connection, events: Sequence[int], parsed: Sequence[UnitsInspected]) -> None:
    """Enter the rows of parsed messages."""
    rows: list[tuple[Any, ...]] = []
    for event_id, message in zip(events, parsed, strict=True):
        deposits = ((message.inspected_units or [])[0].inspections or [])[0].measurements or []
        rows += [(event_id, 1, pad, 0, one.z, one.dx, one.dy, one.vol, one.a) for pad, one in enumerate(deposits)]
    copy_rows(connection, ROWS, _COLUMNS, rows)


def keep(connection: Connection, boards: Sequence[int], messages: Sequence[bytes]) -> None:
    """Keep the texts of messages beside their rows."""
    copy_rows(connection, MESSAGES, {"event_id": "int8", "body": "bytea"}, zip(boards, messages, strict=True))
