"""Rows of `event`: each message of each station once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Connection, text

from app.copying import Columns, copy_rows

EventKey: TypeAlias = tuple[int, UUID]
"""(station id, UniqueID)."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that `stored_digests` did not find."""

    key: EventKey
    message_name: str
    recorded_at: datetime
    digest: bytes
    body: bytes


_STORED = text(
    """
    SELECT event.station_id, event.unique_id, event.digest
    FROM unnest(CAST(:stations AS integer[]), CAST(:unique_ids AS uuid[])) AS given (station_id, unique_id)
    JOIN event USING (station_id, unique_id)
    """
)
_NUMBERS = text("SELECT nextval(pg_get_serial_sequence('event', 'event_id')) FROM generate_series(1, :count)")
_COLUMNS: Columns = {
    "event_id": "int8", "station_id": "int4", "unique_id": "uuid", "message_name": "text", "recorded_at": "timestamptz",
    "received_at": "timestamptz", "digest": "bytea", "body": "bytea",
}  # fmt: skip


def stored_digests(connection: Connection, keys: Sequence[EventKey]) -> dict[EventKey, bytes]:
    """The digests of those of the events that are stored."""
    if not keys:
        return {}
    stations, unique_ids = (_array(part) for part in zip(*keys, strict=True))
    rows = connection.execute(_STORED, {"stations": stations, "unique_ids": unique_ids})
    return {(row[0], row[1]): row[2] for row in rows}


def _array(items: Sequence[object]) -> str:
    """An array's text, of items without blanks and quotes: the driver takes three times as long over a list."""
    return "{" + ",".join(map(str, items)) + "}"


def enter_events(connection: Connection, events: Sequence[NewEvent], received_at: datetime) -> list[int]:
    """Enter events; their ids, in order.

    Where another process was faster with a key, COPY waits for it and fails on the unique constraint; see
    `app.inbox.failures.may_pass`: the next attempt finds what the other stored.
    """
    numbers = list(connection.execute(_NUMBERS, {"count": len(events)}).scalars())
    rows = (
        (number, *event.key, event.message_name, event.recorded_at, received_at, event.digest, event.body)
        for number, event in zip(numbers, events, strict=True)
    )
    copy_rows(connection, "event", _COLUMNS, rows)
    return numbers
