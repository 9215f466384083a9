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
    """An event that `find_events` did not find, and the id it gave."""

    event_id: int
    key: EventKey
    message_name: str
    recorded_at: datetime
    digest: bytes
    body: bytes


_FIND = text(
    """
    SELECT station_id, unique_id, event.digest,
        CASE WHEN event.digest IS NULL THEN nextval(pg_get_serial_sequence('event', 'event_id')) END AS new_id
    FROM unnest(CAST(:stations AS integer[]), CAST(:unique_ids AS uuid[])) AS given (station_id, unique_id)
    LEFT JOIN event USING (station_id, unique_id)
    """
)
_COLUMNS: Columns = {
    "event_id": "int8", "station_id": "int4", "unique_id": "uuid", "message_name": "text", "recorded_at": "timestamptz",
    "received_at": "timestamptz", "digest": "bytea", "body": "bytea",
}  # fmt: skip


def find_events(connection: Connection, keys: Sequence[EventKey]) -> tuple[dict[EventKey, bytes], list[int]]:
    """The digests of those of the events that are stored; and a new event id for each of the others, ascending."""
    if not keys:
        return {}, []
    stations, unique_ids = zip(*keys, strict=True)
    rows = connection.execute(_FIND, {"stations": list(stations), "unique_ids": list(unique_ids)}).all()
    stored = {(row[0], row[1]): row[2] for row in rows if row[3] is None}
    return stored, sorted(row[3] for row in rows if row[3] is not None)


def enter_events(connection: Connection, events: Sequence[NewEvent], received_at: datetime) -> None:
    """Enter events.

    Where another process was faster with a key, COPY waits for it and fails on the unique constraint; see
    `app.inbox.failures.may_pass`: the next attempt finds what the other stored.
    """
    rows = (
        (one.event_id, *one.key, one.message_name, one.recorded_at, received_at, one.digest, one.body) for one in events
    )
    copy_rows(connection, "event", _COLUMNS, rows)
