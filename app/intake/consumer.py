"""The intake process: batches of messages from the broker, one transaction each, then acknowledgements and receipts."""

import signal
import threading
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.cfx.envelope import decode
from app.cfx.receipts import Receipt, encode_receipts
from app.cfx.topics import StationAddress, Topic, TopicError, TopicKind, parse_topic
from app.errors import Unavailable
from app.inbox.record import Delivery, Recorder
from app.inbox.registered import RegisteredSince
from app.inbox.requests import answer, is_for_the_gate, is_request
from app.intake.link import Arrived, Link
from app.live import beat, leave
from app.settings import Settings

log = structlog.get_logger()

_MOST_MESSAGES = 200
_MOST_BYTES = 16 * 1024 * 1024
_AT_MOST_EVERY = 0.04
"""Seconds from batch to batch: what comes in quick succession is taken in together, which costs half as much."""
_CANARY_EVERY = 3.0
_CANARY_LATE = 10.0
_LONGEST_BACK_OFF = 5.0


class Intake:
    """Takes what the broker delivers into the record, and tells the stations; questions are answered on `keyed`."""

    def __init__(self, engine: Engine, keyed: Engine, settings: Settings, broker_url: str) -> None:
        self._engine = engine
        self._keyed = keyed
        self._name = f"intake:{settings.intake_client_id}"
        self._recorder = Recorder(engine, register_unknown=settings.register_unknown, actor=self._name)
        # Where nothing is registered by itself, quarantine holds what somebody has yet to register.
        self._registered = (
            None if settings.register_unknown else RegisteredSince(engine, self._recorder, actor=self._name)
        )
        self._link = Link(
            broker_url,
            client_id=settings.intake_client_id,
            filters=settings.intake_filters,
            version=settings.mqtt_version,
        )
        self._stopping = threading.Event()
        self._counted = {"stored": 0, "duplicate": 0, "rejected": 0}
        self._canary_sent = 0.0

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`."""
        self._link.start()
        log.info("intake.started", name=self._name)
        began = -_AT_MOST_EVERY
        while not self._stopping.wait(began + _AT_MOST_EVERY - time.monotonic()):
            self._tend_canary()
            arrived = self._link.take(_MOST_MESSAGES, _MOST_BYTES, wait=0.5)
            began = time.monotonic()
            if arrived:
                self._take_in(arrived)
        self._link.stop()
        try:
            with self._engine.begin() as connection:
                leave(connection, self._name)
        except SQLAlchemyError:
            log.warning("intake.left_without_saying")  # the database went first
        log.info("intake.stopped", name=self._name)

    def _take_in(self, arrived: Sequence[Arrived]) -> None:
        known = [(one, _topic(one.topic)) for one in arrived]
        batch = [(one, topic) for one, topic in known if topic is None or topic.kind is TopicKind.MESSAGES]
        deliveries = [Delivery(one.payload, topic.station.handle if topic else None) for one, topic in batch]
        receipts = self._record(deliveries)
        if receipts is None:
            return  # stopping: nothing is acknowledged, the broker keeps it
        self._link.acknowledge(arrived)
        told: dict[StationAddress, list[Receipt]] = {}
        for (_, topic), own in zip(batch, receipts, strict=True):
            for receipt in own:
                self._counted[receipt.status] += 1
            if topic is not None:
                told.setdefault(topic.station, []).extend(own)
        for station, own in told.items():
            self._link.publish(station.receipts_topic, encode_receipts(own))
        for one, topic in batch:
            if topic is not None:
                self._answer(one.payload, topic)

    def _record(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]] | None:
        """Record, however long the database is away; None where intake is told to stop meanwhile."""
        back_off = 0.1
        while not self._stopping.is_set():
            started = time.perf_counter()
            try:
                receipts = self._recorder.record(deliveries)
            except Unavailable as away:
                log.warning("intake.database_away", retry_in=round(back_off, 1), reason=str(away.__cause__ or away))
                self._stopping.wait(back_off)
                back_off = min(back_off * 2, _LONGEST_BACK_OFF)
            else:
                log.debug("intake.batch", messages=len(deliveries), seconds=round(time.perf_counter() - started, 4))
                return receipts
        return None

    def _answer(self, payload: bytes, topic: Topic) -> None:
        """Answer requests; a question to the gate on its own topic is the gate's process's to answer."""
        plain = payload[:1] in {b"{", b"["}  # else packed: only what is in it says whether it asks
        if is_for_the_gate(topic.message_name) or (plain and b"Request" not in payload):
            return
        station = topic.station.handle
        for said in decode(payload):
            if not is_request(said, topic.message_name):
                continue
            try:
                response = answer(
                    said, source=station, sender=station, topic_name=topic.message_name, engine=self._keyed
                )
            except SQLAlchemyError as away:
                log.warning("intake.unanswered", reason=str(away).partition("\n")[0])
            except Exception:  # it is taken in and acknowledged: one question must not end what takes in all others
                log.exception("intake.unanswered_for_a_fault", message=said.message_name)
            else:
                if response is not None:
                    self._link.publish(topic.station.responses_topic, response)

    def _tend_canary(self) -> None:
        """A message through the broker and a row through the database: that is what working means."""
        now = time.monotonic()
        if now - self._canary_sent < _CANARY_EVERY:
            return
        self._canary_sent = now
        self._link.send_canary()
        if self._link.canary_age > _CANARY_LATE:
            return
        try:
            with self._engine.begin() as connection:
                beat(connection, self._name, **self._counted)
            if self._registered and (taken := self._registered.look()):
                log.info("intake.registered_taken_in", messages=taken)
        except (SQLAlchemyError, Unavailable) as away:
            log.warning("intake.database_away", reason=str(away).partition("\n")[0])


def _topic(topic: str) -> Topic | None:
    try:
        return parse_topic(topic)
    except TopicError:
        return None


def run(engine: Engine, keyed: Engine, settings: Settings, broker_url: str) -> None:
    """Run an intake process until SIGTERM or SIGINT; questions are answered on `keyed`."""
    intake = Intake(engine, keyed, settings, broker_url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: intake.stop())
    intake.run()
