"""The one deed behind every door for machines: messages in, one transaction, receipts out.

A batch of messages becomes facts in one transaction: the event rows that make repetitions harmless, what the messages
say, the quarantine rows of those that cannot be understood, the audit row, the notification. Receipts are true when
`Recorder.record` returns, because the transaction is committed then; before that nothing is promised.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.cfx.described import InstalledError
from app.cfx.envelope import MAX_IDENTIFIER, Envelope, Malformed, decode
from app.cfx.receipts import Receipt
from app.errors import Conflict, Unavailable
from app.facts import Report
from app.inbox.apply import apply
from app.inbox.bodies import body_digest
from app.inbox.clocks import Clocks
from app.inbox.events import EventKey, NewEvent, enter_events, find_events
from app.inbox.failures import database_reason, fault_reason, first_line, is_away, is_broken, may_pass
from app.inbox.installed import storable_bodies, understand
from app.inbox.memory import Ids, Memory
from app.inbox.quarantine import (
    CONTRADICTION,
    FAULT,
    MALFORMED,
    REFUSED,
    UNREGISTERED,
    Refusal,
    Refused,
    put_in_quarantine,
)
from app.inbox.said import Said
from app.inbox.translate import UnreadableBody
from app.inbox.unregistered import names_unregistered
from app.lines.stations import find_stations, register_stations
from app.live import CHANNEL
from app.sentences import Sentence

log = structlog.get_logger()

_RETRIES = 5
_BROKEN = 2
"""How often a batch over which the connection broke is repeated whole: a server restarted meanwhile takes it then."""
_PAUSE = 0.1
_RUN_BYTES = 32 * 1024 * 1024
"""Unpacked bytes of one transaction: PostgreSQL takes no statement of 1 GB, and 36 small gzips unpack to that."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes as a door received them.

    `source` is the CFX handle the door knows the sender by (from the topic, or the token); an envelope without a
    `Source` is taken as that station's. `sender`, where given, is the only station the sender may speak for.
    """

    payload: bytes
    source: str | None = None
    sender: str | None = None


@dataclass(slots=True)
class _Item:
    """One envelope on its way through a batch."""

    raw: bytes
    source: str | None
    envelope: Envelope | None = None
    said: Said | None = None
    refusal: Refusal | None = None
    unique_id: UUID | None = None
    digest: bytes = b""
    turned_away: Refusal | None = None
    """A refusal that holds only if the transaction that found it commits."""
    receipt: Receipt | None = field(default=None)
    again: bool = False
    """Taken out of quarantine: refused again, it is the same arrival."""

    def refuse(self, code: str, reason: str) -> None:
        self.refusal = Refusal(code, reason)

    def turn_away(self, code: str, reason: str) -> None:
        self.turned_away = Refusal(code, reason)

    def start_over(self) -> None:
        """Forget what a transaction that was rolled back found out."""
        self.turned_away = self.receipt = None

    @property
    def refused(self) -> Refusal | None:
        return self.refusal or self.turned_away


class Recorder:
    """Takes deliveries in. One per process; `record` may be called from several threads."""

    def __init__(self, engine: Engine, *, register_unknown: bool = True, actor: str = "intake") -> None:
        self._engine = engine
        self._register_unknown = register_unknown
        self._actor = actor
        self._memory = Memory()
        self._clocks = Clocks()

    def record(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        """Take deliveries in; for each the receipts of its envelopes, in order. True once it returns.

        Raises `Unavailable` when the database cannot be reached: then nothing is promised, and the same call may be
        repeated later; what was taken in nevertheless is a duplicate then.
        """
        return self._record(deliveries, again=False)

    def retry(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        """`record` what lies in quarantine once more: what is refused again has not arrived once more."""
        return self._record(deliveries, again=True)

    def record_within(self, connection: Connection, payload: bytes) -> Ids:
        """Take messages in with the transaction of the deed that tells them; `keep` what it learned after its COMMIT.

        They stand or fall with the deed. Raises `Conflict` where one would not be stored, or what the database raises.
        """
        items = self._read(Delivery(payload), self._memory.open(), again=False)
        ids = self._enter_all(connection, items)
        refused = next((item.refused for item in items if item.refused is not None), None)
        if refused is not None:
            raise Conflict(Sentence("What was done could not be recorded: %(refusal)s", refusal=refused.reason))
        return ids

    def _record(self, deliveries: Sequence[Delivery], *, again: bool) -> list[list[Receipt]]:
        ids = self._memory.open()
        receipts: list[list[Receipt]] = []
        run: list[list[_Item]] = []
        size = 0
        for delivery in deliveries:
            items = self._read(delivery, ids, again=again)
            more = sum(len(item.raw) for item in items)
            if run and size + more > _RUN_BYTES:
                receipts += self._take_in_run(run)
                run, size = [], 0
            run.append(items)
            size += more
        return receipts + self._take_in_run(run)

    def _take_in_run(self, run: Sequence[Sequence[_Item]]) -> list[list[Receipt]]:
        self._take_in([item for items in run for item in items])
        return [[_receipt(item) for item in items] for items in run]

    def _read(self, delivery: Delivery, ids: Ids, *, again: bool) -> list[_Item]:
        items = []
        for decoded in decode(delivery.payload):
            source = decoded.source or delivery.source
            item = _Item(decoded.raw, source, unique_id=decoded.unique_id, again=again)
            if source is not None and len(source) > MAX_IDENTIFIER:
                item.source = source[:MAX_IDENTIFIER]
                item.refuse(
                    MALFORMED,
                    f"The station's handle has {len(source)} characters; more than {MAX_IDENTIFIER} cannot be stored.",
                )
            elif isinstance(decoded, Malformed):
                item.refuse(MALFORMED, decoded.reason)
            else:
                item.envelope = decoded
                self._understand(item, decoded, delivery, ids)
            items.append(item)
        return items

    def _understand(self, item: _Item, envelope: Envelope, delivery: Delivery, ids: Ids) -> None:
        if item.source is None:
            item.refuse(MALFORMED, "The envelope names no Source, and the topic names no station.")
            return
        if delivery.sender is not None and item.source != delivery.sender:
            item.refuse(
                MALFORMED,
                f"Station {delivery.sender} may not speak for {item.source}. Send it with that station's own token.",
            )
            return
        try:
            item.said = understand(envelope, ids)
        except UnreadableBody as unreadable:
            item.refuse(MALFORMED, str(unreadable))
            return
        except Exception as fault:
            log.exception("inbox.fault", message=envelope.message_name, source=item.source)
            item.refuse(FAULT, fault_reason(fault))
            return
        item.digest = body_digest(envelope.message_name, bytes(envelope.body))

    def _take_in(self, items: Sequence[_Item]) -> None:
        """One transaction for all; where one message makes it fail, the batch is halved until that one stands alone."""
        if not items:
            return
        for attempt in range(_RETRIES):
            try:
                self._transact(items)
            except (InstalledError, UnreadableBody) as refused:
                self._isolate(items, MALFORMED, str(refused))
            except PoolTimeout as busy:
                raise Unavailable(
                    Sentence("Nothing was taken in; the database is too busy: %(problem)s", problem=str(busy))
                ) from busy
            except (DBAPIError, psycopg.Error) as error:  # COPY goes to the driver itself
                said = error.orig if isinstance(error, DBAPIError) else error
                if may_pass(said) and attempt < _RETRIES - 1:
                    continue
                if is_broken(said) and self._answers():
                    # The server is there: the connection broke over what was sent, unless it was just restarted.
                    if attempt < _BROKEN:
                        time.sleep(_PAUSE * (attempt + 1))
                        continue
                    self._isolate(items, REFUSED, f"The connection breaks over it: {first_line(said)}")
                    return
                if may_pass(said) or is_away(said):
                    raise Unavailable(
                        Sentence("Nothing was taken in; the database says: %(problem)s", problem=first_line(said))
                    ) from error
                self._isolate(items, REFUSED, database_reason(said))
            except (StatementError, UnicodeError, OverflowError) as error:
                self._isolate(items, REFUSED, f"A value cannot be stored: {error}")
            except Exception as fault:
                # A fault of ours in one message must not stop the line, nor the others of its batch.
                log.exception("inbox.fault", messages=len(items))
                self._isolate(items, FAULT, fault_reason(fault))
            return

    def _answers(self) -> bool:
        try:
            with self._engine.connect() as connection:
                connection.execute(_ANYBODY)
        except (SQLAlchemyError, psycopg.Error):
            return False
        return True

    def _isolate(self, items: Sequence[_Item], code: str, reason: str) -> None:
        if len(items) > 1:
            half = len(items) // 2
            self._take_in(items[:half])
            self._take_in(items[half:])
            return
        if items[0].refusal is not None:
            raise Unavailable(Sentence("A message cannot even be put in quarantine: %(refusal)s", refusal=reason))
        items[0].refuse(code, reason)
        self._take_in(items)

    def _transact(self, items: Sequence[_Item]) -> None:
        with self._engine.begin() as connection:
            ids = self._enter_all(connection, items)
        ids.keep()
        for item in items:
            if item.refused is not None:
                item.receipt = Receipt(item.unique_id, "rejected", item.refused.reason)
            elif item.receipt is None:
                item.receipt = Receipt(item.unique_id, "stored")

    def _enter_all(self, connection: Connection, items: Sequence[_Item]) -> Ids:
        """Events with what they say, quarantine, audit, notification. Returns what was learned of the database."""
        received_at = datetime.now(UTC)
        ids = self._memory.open()
        for item in items:
            item.start_over()
        fresh, event_ids = self._sort_out(connection, [item for item in items if item.refusal is None], ids)
        entered = self._enter(connection, fresh, event_ids, ids, received_at)
        refused = [item for item in items if item.refused is not None]
        put_in_quarantine(connection, [_refused(item) for item in refused], received_at)
        _sign_off(connection, self._actor, len(items), len(entered), len(refused), entered)
        return ids

    def _sort_out(self, connection: Connection, items: Sequence[_Item], ids: Ids) -> tuple[list[_Item], list[int]]:
        """Those that are new, and ids for them; repetitions get their receipt, contradictions their refusal."""
        handles = {item.source for item in items if item.source is not None}
        if self._register_unknown:
            register_stations(connection, handles, ids.stations)
        else:
            unknown = set(find_stations(connection, handles, ids.stations))
            for item in items:
                if item.source in unknown:
                    item.turn_away(
                        UNREGISTERED, f"Station {item.source} is not registered. Register it; this is replayed then."
                    )
            items = [item for item in items if item.refused is None]
        stored, event_ids = find_events(connection, [_key(item, ids) for item in items])
        fresh: dict[EventKey, _Item] = {}
        repeated: list[_Item] = []
        for item in items:
            key = _key(item, ids)
            known = stored.get(key)
            if known is None:
                stored[key] = item.digest
                fresh[key] = item
            elif known == item.digest:
                item.receipt = Receipt(item.unique_id, "duplicate")
                repeated.append(item)
            else:
                _contradicts(item)
        if self._register_unknown:
            return list(fresh.values()), event_ids
        registered = _registered_only(connection, fresh.values(), ids)
        for item in repeated:  # a station deletes what it is told is a duplicate
            first = fresh.get(_key(item, ids))
            if first is not None and first.turned_away is not None:
                item.turned_away = first.turned_away
        return registered, event_ids

    def _enter(
        self, connection: Connection, items: Sequence[_Item], event_ids: Sequence[int], ids: Ids, received_at: datetime
    ) -> list[int]:
        """Event rows, then what they say. Returns the ids of the events."""
        if not items:
            return []
        saids = [item.said for item in items if item.said is not None]
        bodies = storable_bodies(connection, _both(items), ids)
        events = [
            NewEvent(event_id, _key(item, ids), said.message_name, said.recorded_at, item.digest, body)
            for event_id, item, said, body in zip(event_ids[: len(items)], items, saids, bodies, strict=True)
        ]
        enter_events(connection, events, received_at)
        told = [
            (said, Report(event.event_id, event.key[0], event.recorded_at, received_at))
            for event, said in zip(events, saids, strict=True)
        ]
        apply(connection, told, ids)
        self._clocks.heard(connection, _times(items), received_at)
        return [event.event_id for event in events]


_ANYBODY = text("SELECT 1")
_SIGN_OFF = text(
    """
    WITH noted AS (
        INSERT INTO audit (actor, deed, details) VALUES (:actor, 'events.recorded', CAST(:details AS jsonb))
    )
    SELECT pg_notify(:channel, CAST(:details AS text))
    """
)


def _times(items: Sequence[_Item]) -> list[tuple[str, datetime]]:
    """Who told of which time."""
    return [(item.source, item.said.recorded_at) for item in items if item.source is not None and item.said is not None]


def _key(item: _Item, ids: Ids) -> EventKey:
    assert item.source is not None  # understood items have both
    assert item.unique_id is not None
    return ids.stations[item.source], item.unique_id


def _contradicts(item: _Item) -> None:
    item.turn_away(
        CONTRADICTION,
        f"Station {item.source} used UniqueID {item.unique_id} before, for other content. "
        "Every event needs a UniqueID of its own.",
    )


def _registered_only(connection: Connection, items: Iterable[_Item], ids: Ids) -> list[_Item]:
    registered = []
    coming: set[str] = set()
    for item in items:
        assert item.said is not None
        missing = names_unregistered(connection, item.said, ids, coming)
        if missing:
            item.turn_away(UNREGISTERED, f"{missing} is not registered. Register it; this message is replayed then.")
        else:
            registered.append(item)
    return registered


def _both(items: Iterable[_Item]) -> list[tuple[Envelope, Said]]:
    return [(item.envelope, item.said) for item in items if item.envelope and item.said]


def _refused(item: _Item) -> Refused:
    assert item.refused is not None
    name = item.envelope.message_name if item.envelope else None
    return Refused(item.raw, item.refused, item.source, item.unique_id, name, again=item.again)


def _receipt(item: _Item) -> Receipt:
    assert item.receipt is not None  # `_take_in` gives every item one, or raises
    return item.receipt


def _sign_off(
    connection: Connection, actor: str, received: int, stored: int, quarantined: int, events: Sequence[int]
) -> None:
    details = {"received": received, "stored": stored, "quarantined": quarantined}
    if events:
        details |= {"first_event": min(events), "last_event": max(events)}
    given = {"actor": actor, "channel": CHANNEL, "details": msgspec.json.encode(details).decode()}
    connection.execute(_SIGN_OFF, given)
