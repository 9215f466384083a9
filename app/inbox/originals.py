"""The original of a message: what the machine said, byte for byte, behind any fact that came of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.inbox.bodies import body_digest, unpack_body
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Original:
    """One message. `intact`: its name and body have the digest that was taken when it came."""

    event: int
    message_name: str
    station: str
    unique_id: UUID
    recorded_at: datetime
    received_at: datetime
    body: bytes
    intact: bool


_EVENT = text(
    """
    SELECT message_name, handle, unique_id, recorded_at, received_at, digest, body
    FROM event JOIN station USING (station_id) WHERE event_id = :event
    """
)


def original(connection: Connection, event: int) -> Original:
    """The message of this number, as other answers name it. Raises `NotFound`."""
    row = connection.execute(_EVENT, {"event": event}).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no message %(number)s. A unit's journey names its messages.", number=event))
    body = unpack_body(connection, bytes(row.body))
    intact = body_digest(row.message_name, body) == bytes(row.digest)
    return Original(event, row.message_name, row.handle, row.unique_id, row.recorded_at, row.received_at, body, intact)
