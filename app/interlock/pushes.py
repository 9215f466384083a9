"""What stations must be told: packages and slots not to use, and that they are locked.

What should be blocked follows from facts: packages that are on hold or no longer usable and sit in a slot, slots that a
refused scan blocked, stations that a person locked. `write_due` compares that with what was asked before; a request is
sent until its station answers, and a station that answers `NotSupported` is left alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import OperationalError

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope, encode
from app.cfx.messages import Message, message_type
from app.cfx.messages.blocking import BlockMaterialLocationsRequest, UnblockMaterialLocationsRequest
from app.cfx.messages.materials import BlockMaterialsRequest, UnblockMaterialsRequest
from app.cfx.messages.production import LockStationRequest, UnlockStationRequest
from app.cfx.messages.structures import MaterialLocation
from app.cfx.topics import StationAddress, TopicError
from app.materials.conditions import conditions
from app.materials.loaded import identifiers, loaded_at
from app.materials.splices import joined_behind
from app.quality.package_holds import held_packages
from app.setup.checks import blocks_at

log = structlog.get_logger()

SOURCE: Final = "Birthmark.Traceability.1"
_NOT_SUPPORTED: Final = "CFX.NotSupportedResponse"
_UNDO: Final[dict[str, str]] = {
    BlockMaterialsRequest.cfx_name: UnblockMaterialsRequest.cfx_name,
    BlockMaterialLocationsRequest.cfx_name: UnblockMaterialLocationsRequest.cfx_name,
    LockStationRequest.cfx_name: UnlockStationRequest.cfx_name,
}
ANSWERS: Final = frozenset(
    {name.removesuffix("Request") + "Response" for pair in _UNDO.items() for name in pair} | {_NOT_SUPPORTED}
)
"""Full names of the messages that stations answer with."""

_EXPIRED: Final = "ExpiredMaterial"


@dataclass(frozen=True, slots=True)
class Due:
    """A request to publish."""

    request_id: UUID
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Block:
    """Something a station must not use, and why. `reason` is CFX's word for it."""

    station_id: int
    message_name: str
    about: str
    sentence: str
    message: Message


_HOLDING = text(
    """
    SELECT station_id FROM station
    WHERE EXISTS (SELECT FROM loading_event WHERE loading_event.station_id = station.station_id)
       OR EXISTS (SELECT FROM setup_check WHERE setup_check.station_id = station.station_id)
    """
)
_LOCKED = text("SELECT station_id, reason FROM station_lock WHERE unlocked_at IS NULL")
_STANDING = text(
    """
    SELECT request_id, station_id, message_name, about, outcome, sent_at, package.package_id
    FROM station_request LEFT JOIN package ON package.identifier = station_request.about
    WHERE withdrawn_at IS NULL
    """
)
_ENTER = text(
    """
    INSERT INTO station_request (request_id, station_id, message_name, about, reason, body)
    SELECT :request_id, :station_id, :message_name, :about, :reason, CAST(:body AS jsonb)
    WHERE NOT EXISTS (
        SELECT FROM station_request AS earlier
        WHERE earlier.station_id = :station_id AND earlier.message_name = :message_name
          AND earlier.outcome = 'not_supported' AND earlier.answered_at > now() - interval '1 day'
    )
    ON CONFLICT DO NOTHING
    """
)
_WITHDRAW = text("UPDATE station_request SET withdrawn_at = now() WHERE request_id = ANY (CAST(:ids AS uuid[]))")
_UNANSWERED = text(
    """
    SELECT request_id, station.handle, message_name, body
    FROM station_request JOIN station USING (station_id)
    WHERE (answered_at IS NULL OR outcome = 'Failed') AND withdrawn_at IS NULL
      AND (sent_at IS NULL OR sent_at < now() - CASE
           WHEN answered_at IS NULL AND requested_at > now() - interval '1 day' THEN interval '10 seconds'
           ELSE interval '10 minutes' END)
    ORDER BY requested_at
    """
)
_SENT = text("UPDATE station_request SET sent_at = now() WHERE request_id = ANY (CAST(:ids AS uuid[]))")
# What undoes a block has done its work once it is answered.
_ANSWERED = text(
    """
    UPDATE station_request SET answered_at = now(), outcome = :outcome, answer = :answer,
        withdrawn_at = CASE WHEN message_name = ANY (CAST(:undoing AS text[])) THEN now() ELSE withdrawn_at END
    WHERE request_id = :request_id AND (answered_at IS NULL OR outcome = 'Failed')
      AND station_id = (SELECT station_id FROM station WHERE handle = :station)
    """
)


def write_due(connection: Connection, *, at: datetime | None = None) -> None:
    """Write down what stations must be told and were not; withdraw what holds no longer.

    Each station by itself: what fails over one of them keeps nothing from the others.
    """
    at = at or datetime.now(UTC)
    standing: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_STANDING):
        standing[row.station_id].append(row)
    locked = {row.station_id: row.reason for row in connection.execute(_LOCKED)}
    holding = connection.execute(_HOLDING).scalars().all()
    for station_id in sorted({*holding, *standing, *locked}):
        try:
            with connection.begin_nested():
                wanted = _wanted(connection, station_id, standing[station_id], locked.get(station_id), at)
                _write_station(connection, standing[station_id], list(wanted))
        except OperationalError:
            raise  # the database is away, for every station
        except Exception:
            log.exception("gate.push_failed", station_id=station_id)


def _write_station(connection: Connection, standing: Sequence[Row[Any]], blocks: Sequence[_Block]) -> None:
    wanted = {(block.message_name, block.about): block for block in blocks}
    for row in standing:
        if row.message_name in _UNDO and (row.message_name, row.about) not in wanted:
            connection.execute(_WITHDRAW, {"ids": [row.request_id]})
            # What was sent and is not answered yet may have been done, or be on its way.
            if row.outcome == "Success" or (row.outcome is None and row.sent_at is not None):
                _enter(connection, _undoing(row))
    asked = {(row.message_name, row.about) for row in standing}
    for key, block in wanted.items():
        if key not in asked:
            undo = _UNDO[block.message_name], block.about
            undoing = [row.request_id for row in standing if (row.message_name, row.about) == undo]
            connection.execute(_WITHDRAW, {"ids": undoing})
            _enter(connection, block)


def _wanted(
    connection: Connection, station_id: int, standing: Sequence[Row[Any]], locked: str | None, at: datetime
) -> Iterator[_Block]:
    """Everything that a station must not use now, whether it is loaded there, waits behind a splice or was blocked."""
    here = loaded_at(connection, station_id, at=at)
    blocked = (row.package_id for row in standing if row.package_id is not None)
    packages = dict.fromkeys([*(one.package_id for one in here), *blocked])
    packages |= dict.fromkeys(chain.from_iterable(joined_behind(connection, packages, at=at).values()))
    held = held_packages(connection, packages)
    for package_id, condition in conditions(connection, packages, at=at).items():
        against = held.get(package_id) or next(iter(condition.reasons), None)
        if against is not None:
            why = "SuspectedProblem" if package_id in held else _EXPIRED
            message = BlockMaterialsRequest(
                material_package_identifiers=[condition.identifier], reason=why, comments=str(against.sentence)
            )
            yield _Block(station_id, message.cfx_name, condition.identifier, against.sentence, message)
    for slot in blocks_at(connection, station_id, at=at, known=identifiers(here)).values():
        place = MaterialLocation(location_identifier=slot.slot)
        sentence = str(slot.reason.sentence)
        location = BlockMaterialLocationsRequest(reason="SuspectedProblem", comments=sentence, locations=[place])
        yield _Block(station_id, location.cfx_name, slot.slot, sentence, location)
    if locked is not None:
        lock = LockStationRequest(reason="QualityIssue")
        yield _Block(station_id, lock.cfx_name, "station", locked, lock)


def _undoing(row: Any) -> _Block:
    undo: Message
    if row.message_name == BlockMaterialsRequest.cfx_name:
        undo = UnblockMaterialsRequest(material_package_identifiers=[row.about])
    elif row.message_name == BlockMaterialLocationsRequest.cfx_name:
        undo = UnblockMaterialLocationsRequest(locations=[MaterialLocation(location_identifier=row.about)])
    else:
        undo = UnlockStationRequest()
    return _Block(row.station_id, undo.message_name, row.about, "What it was blocked for is cleared.", undo)


def _enter(connection: Connection, block: _Block) -> None:
    body = msgspec.json.encode(block.message).decode()
    connection.execute(
        _ENTER,
        {
            "request_id": uuid4(),
            "station_id": block.station_id,
            "message_name": block.message_name,
            "about": block.about,
            "reason": block.sentence,
            "body": body,
        },
    )


def unanswered(connection: Connection) -> Sequence[Due]:
    """Requests to send now: those never sent, and every ten seconds those not answered; after a day, every ten minutes,
    for a line may stand still over a weekend. So are those that the station could not obey.
    """
    due = []
    for row in connection.execute(_UNANSWERED):
        try:
            topic = StationAddress.from_handle(row.handle).requests_topic
        except TopicError:
            continue  # it speaks over REST alone
        due.append(Due(row.request_id, topic, _payload(row.request_id, row.handle, row.message_name, row.body)))
    return due


def _payload(request_id: UUID, handle: str, message_name: str, body: Mapping[str, Any]) -> bytes:
    kind = message_type(message_name)
    assert kind is not None  # written by `_enter`
    return encode(msgspec.convert(body, kind), source=SOURCE, target=handle, request_id=str(request_id))


def mark_sent(connection: Connection, due: Sequence[Due]) -> None:
    """Note that these were published."""
    connection.execute(_SENT, {"ids": [one.request_id for one in due]})


def record_answer(connection: Connection, station: str, envelope: Envelope) -> None:
    """Keep what a station answered; what answers none of our requests is passed over."""
    try:
        request_id = UUID(envelope.request_id or "")
        answered: Any = decode_body(envelope)
    except (ValueError, BodyError):
        return
    result = getattr(answered, "result", None) or getattr(answered, "request_result", None)
    outcome = "not_supported" if envelope.message_name == _NOT_SUPPORTED else (result and result.result) or "Success"
    connection.execute(
        _ANSWERED,
        {
            "request_id": request_id,
            "station": station,
            "outcome": outcome,
            "answer": result and result.message,
            "undoing": list(_UNDO.values()),
        },
    )
