"""Messages that could not be taken in: kept with raw bytes and reason, listed, replayed, dismissed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from app.errors import Conflict, NotFound
from app.sentences import Sentence

MALFORMED = "malformed"
"""No CFX message can be read in it."""
CONTRADICTION = "contradiction"
"""The key of another event, with other content."""
UNREGISTERED = "unregistered"
"""It names what nobody registered, and the factory wants everything registered first."""
REFUSED = "refused"
"""The database's constraints refused it."""
FAULT = "fault"
"""This product failed over it; it is replayed once that is put right."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not taken in."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is not taken in."""

    raw: bytes
    refusal: Refusal
    source: str | None
    unique_id: UUID | None
    message_name: str | None
    again: bool = False
    """It was in quarantine already and tried once more: no new arrival."""


_PUT = text(
    """
    INSERT INTO quarantine AS kept (
        source, unique_id, message_name, code, reason, raw, digest, received_at, last_received_at
    )
    VALUES (:source, :unique_id, :message_name, :code, :reason, :raw, :digest, :received_at, :received_at)
    ON CONFLICT ON CONSTRAINT uq_quarantine_source_digest DO UPDATE SET
        times = kept.times + CASE WHEN :again THEN 0 ELSE 1 END,
        last_received_at = CASE WHEN :again THEN kept.last_received_at ELSE excluded.last_received_at END,
        code = excluded.code,
        reason = excluded.reason,
        resolved_at = NULL,
        resolution = NULL
    """
)


def put_in_quarantine(connection: Connection, refused: Sequence[Refused], received_at: datetime) -> None:
    """Keep messages that are not taken in. The same bytes of the same source are one row that counts."""
    for one in sorted(refused, key=lambda one: one.raw):  # one order for all: no deadlock
        connection.execute(
            _PUT,
            {
                "source": one.source,
                "unique_id": one.unique_id,
                "message_name": one.message_name,
                "code": one.refusal.code,
                "reason": one.refusal.reason,
                "raw": one.raw,
                "digest": blake2b(one.raw, digest_size=16).digest(),
                "received_at": received_at,
                "again": one.again,
            },
        )


_LIST = text(
    """
    SELECT quarantine_id, source, unique_id, message_name, code, reason, substring(raw FOR 4096) AS raw, times,
        received_at, last_received_at, resolved_at, resolution
    FROM quarantine
    WHERE (:resolved OR resolved_at IS NULL)
      AND quarantine_id > :after
      AND (CAST(:code AS text) IS NULL OR code = :code)
    ORDER BY quarantine_id
    LIMIT :limit
    """
)
_GET = text(
    """
    SELECT quarantine_id, source, unique_id, message_name, code, reason, raw, times, received_at, last_received_at,
        resolved_at, resolution
    FROM quarantine WHERE quarantine_id = :quarantine_id FOR UPDATE
    """
)
_RESOLVE = text(
    """
    UPDATE quarantine SET resolved_at = now(), resolution = :resolution
    WHERE quarantine_id = :quarantine_id AND resolved_at IS NULL
    """
)


def quarantined(
    connection: Connection,
    *,
    resolved: bool = False,
    code: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> Sequence[Row[Any]]:
    """Messages in quarantine, oldest first, from number `after` on; open ones, or with `resolved` all.

    Of the raw bytes only the first 4,096, however many there are: one message tells the whole.
    """
    given = {"resolved": resolved, "code": code, "after": after, "limit": limit}
    return connection.execute(_LIST, given).all()


def open_quarantine(connection: Connection, quarantine_id: int) -> Row[Any]:
    """One message in quarantine, locked, to be resolved. Raises `NotFound`, or `Conflict` when it is resolved."""
    row = connection.execute(_GET, {"quarantine_id": quarantine_id}).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no message %(number)s in quarantine.", number=quarantine_id))
    if row.resolved_at is not None:
        raise Conflict(
            Sentence(
                "Message %(number)s is resolved already: %(resolution)s.",
                number=quarantine_id,
                resolution=row.resolution,
            )
        )
    return row


def resolve(connection: Connection, quarantine_id: int, resolution: str) -> None:
    """Close one message, saying how; what was said of it first stands."""
    connection.execute(_RESOLVE, {"quarantine_id": quarantine_id, "resolution": resolution})


_COUNT_OPEN = text("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL")


def count_open(connection: Connection) -> int:
    """How many messages nobody has resolved yet."""
    return int(connection.execute(_COUNT_OPEN).scalar_one())


_COUNT_WAITING = text("SELECT count(DISTINCT event_id) FROM waiting_event")


def count_waiting(connection: Connection) -> int:
    """How many events wait for the `WorkStarted` that names their unit."""
    return int(connection.execute(_COUNT_WAITING).scalar_one())


_SHOW = text(
    """
    SELECT quarantine_id, source, unique_id, message_name, code, reason, raw, times, received_at, last_received_at,
        resolved_at, resolution
    FROM quarantine WHERE quarantine_id = :quarantine_id
    """
)


def message(connection: Connection, quarantine_id: int) -> Row[Any]:
    """One message in quarantine, resolved or not. Raises `NotFound`."""
    row = connection.execute(_SHOW, {"quarantine_id": quarantine_id}).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no message %(number)s in quarantine.", number=quarantine_id))
    return row
