"""The station's link: from the spool to the product over MQTT, until a receipt says that it arrived.

* MQTT 3.1.1 (5 by setting), QoS 1, a persistent session under a fixed client id, the station's
  CFX handle, so that receipts sent while the station was away are still heard.
* A PUBACK is the broker's word and deletes nothing. What has no receipt after a while is published
  again, each time after twice the wait; what was under way when a connection broke, at once after
  the next. The product knows an event by its identifier and answers a repetition with `duplicate`.
* A bounded window is under way at a time. While the broker is away everything stays on disk.
* When several small events wait they travel as one JSON list; a large one travels alone.

One thread does it all and owns the connection (`stations.connection`).
"""

import contextlib
import gzip
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import uuid4

import structlog

from app.cfx.envelope import Envelope, encode
from app.cfx.messages import Message
from app.cfx.messages.endpoint import Heartbeat, NotSupportedResponse
from app.cfx.messages.structures import RequestResult
from app.cfx.scalars import format_timespan
from app.cfx.topics import StationAddress
from stations.connection import BrokerAddress, Connection, ConnectionLost
from stations.faults import Traffic
from stations.spool import Spool, Spooled
from stations.window import Window

log = structlog.get_logger()

_SETTLED_LOGIN: Final = 5.0  # a connection that held so many seconds starts the backoff anew


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How the link behaves; the defaults suit a factory network.

    `receipt_timeout` and `longest_timeout` are seconds; `compress_above` is a payload size in
    bytes, None never compresses; `ca_file` the certificate authority of a broker with TLS, None
    the system's; `heartbeat` the seconds between two signs of life, None sends none.
    """

    mqtt_version: Literal["3.1.1", "5"] = "3.1.1"
    window_events: int = 100
    window_bytes: int = 4 * 1024 * 1024
    batch_events: int = 32
    batch_bytes: int = 32 * 1024
    receipt_timeout: float = 10.0
    longest_timeout: float = 120.0
    compress_above: int | None = None
    ca_file: str | None = None
    keepalive: int = 20
    heartbeat: float | None = 30.0
    longest_backoff: float = 15.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to send; after the deadline nobody waits for its answer."""

    topic: str
    payload: bytes
    deadline: float


class Link:
    """Publishes a spool's events for one station. `start` once, `stop` once.

    `broker_url` is ``mqtt://host:port`` or ``mqtts://host:port``; `token` the station's password.
    `trouble` is a sentence while something keeps events from arriving, else None.
    """

    def __init__(
        self,
        station: StationAddress,
        spool: Spool,
        *,
        broker_url: str,
        token: str,
        settings: LinkSettings | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.station = station
        self.settings = settings or LinkSettings()
        self._spool = spool
        self._token = token
        self._broker = BrokerAddress.parse(
            broker_url,
            version=self.settings.mqtt_version,
            ca_file=self.settings.ca_file,
            keepalive=self.settings.keepalive,
        )
        self._window = Window(self.settings.window_events, self.settings.window_bytes, traffic)
        self._asked: deque[_Asked] = deque()
        self._next_beat = 0.0
        self._questions: dict[str, Future[Envelope]] = {}
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"link {station.handle}", daemon=True)
        self.connected = False
        self.trouble: str | None = None
        self.on_gate: Callable[[bytes], None] | None = None
        self.on_request: Callable[[Envelope], Message] | None = None
        self.delivered = 0

    def start(self) -> None:
        """Begin to connect and publish."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Disconnect and end the thread. What is in the spool stays there."""
        self._stopping.set()
        self.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        for question in self._questions.values():
            question.cancel()
        if not self._thread.is_alive():
            self._wake_read.close()
            self._wake_write.close()

    def notify(self) -> None:
        """Say that the spool has something new."""
        with contextlib.suppress(BlockingIOError, OSError):  # already awake, or already stopped
            self._wake_write.send(b"!")

    def wait_until_drained(self, timeout: float) -> bool:
        """Wait until every event has its receipt (and faults hold nothing back). False: not in time."""
        with self._changed:
            return self._changed.wait_for(self._drained, timeout)

    def _drained(self) -> bool:
        return len(self._spool) == 0 and not self._window.holding

    def ask(self, message: Message, *, timeout: float = 2.0) -> Envelope:
        """Send a CFX request and give the response's envelope. Raises TimeoutError."""
        request_id = str(uuid4())
        answer: Future[Envelope] = Future()
        self._questions[request_id] = answer
        topic = self.station.publish_topic(message.message_name)
        payload = encode(message, source=self.station.handle, request_id=request_id)
        self._asked.append(_Asked(topic, payload, time.monotonic() + timeout))
        self.notify()
        try:
            return answer.result(timeout)
        finally:
            self._questions.pop(request_id, None)

    # --- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        backoff = 0.1
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._connect_and_serve()
            except ConnectionLost as lost:
                self._say_trouble(str(lost))
            except Exception as error:
                # A fault of ours must not end the station; the events are safe on disk.
                log.exception("link.failed", station=self.station.handle)
                self._say_trouble(f"The link failed ({error}); it starts again.")
            if time.monotonic() - began > _SETTLED_LOGIN:
                backoff = 0.1
            self._stopping.wait(backoff * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
            backoff = min(backoff * 2, self.settings.longest_backoff)

    def _connect_and_serve(self) -> None:
        connection = Connection(self.station, self._token, self._broker, self._wake_read)
        try:
            connection.open()
            self.connected = True
            if self.trouble is not None:
                log.info("link.restored", station=self.station.handle, waiting=len(self._spool))
            self.trouble = None
            while not self._stopping.is_set():
                self._settle(connection)
                self._answer(connection)
                self._obey(connection)
                self._beat(connection)
                self._publish_questions(connection)
                self._publish_events(connection)
                connection.turn(min(1.0, self._window.seconds_to_next(time.monotonic())))
        finally:
            self.connected = False
            self._settle(connection)  # receipts the broker has handed over come no second time
            self._window.connection_lost()
            connection.close()

    def _settle(self, connection: Connection) -> None:
        """Let go of what has its receipt: delivered events leave, rejected ones are moved aside."""
        if not connection.receipts:
            return
        receipts, connection.receipts = connection.receipts, []
        rejected = {}
        accepted = []
        for receipt in receipts:
            unique_id = str(receipt.unique_id)
            if receipt.status == "rejected":
                rejected[unique_id] = receipt.reason or "The product gave no reason."
            else:
                accepted.append(unique_id)
        settled = self._spool.settle(accepted, rejected.items())
        for unique_id in (*accepted, *rejected):
            self._window.settled(unique_id)
        for unique_id, reason in rejected.items():
            log.warning("link.event_rejected", station=self.station.handle, event_id=unique_id, reason=reason)
        self.trouble = None
        with self._changed:
            self.delivered += settled.delivered
            self._changed.notify_all()

    def _answer(self, connection: Connection) -> None:
        responses, connection.responses = connection.responses, []
        for response in responses:
            question = self._questions.pop(response.request_id or "", None)
            if question is not None and question.set_running_or_notify_cancel():
                question.set_result(response)

    def _obey(self, connection: Connection) -> None:
        """Take down what the product says is to be done without it, and answer what it asks of the station."""
        snapshots, connection.snapshots = connection.snapshots, []
        requests, connection.requests = connection.requests, []
        for payload in snapshots:
            if self.on_gate is not None:
                self.on_gate(payload)
        for request in requests:
            answer = _not_supported(request) if self.on_request is None else self.on_request(request)
            topic = self.station.publish_topic(answer.message_name)
            target, source = request.source, self.station.handle
            connection.publish(topic, encode(answer, source=source, target=target, request_id=request.request_id))

    def _beat(self, connection: Connection) -> None:
        """Say that the station is alive: once, QoS 0 and not spooled, because it is worth nothing later."""
        every = self.settings.heartbeat
        if every is None or time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + every
        frequency = format_timespan(timedelta(seconds=every))
        beat = Heartbeat(cfx_handle=self.station.handle, heartbeat_frequency=frequency)
        connection.publish(self.station.publish_topic(beat.cfx_name), encode(beat, source=self.station.handle), qos=0)

    def _publish_questions(self, connection: Connection) -> None:
        while self._asked:
            asked = self._asked.popleft()
            if time.monotonic() < asked.deadline:
                connection.publish(asked.topic, asked.payload)

    def _publish_events(self, connection: Connection) -> None:
        now = time.monotonic()
        if unanswered := list(self._window.overdue(now)):  # one sentence, not one for each of a full window
            first = unanswered[0]
            self._say_trouble(
                f"No receipt after {first.tries} tries for {first.event.message_name} and {len(unanswered) - 1} more, "
                "although the broker takes them. Is intake running, and does the access list let this station publish?"
            )
        while room := self._window.room():
            fresh = self._spool.pending(after=self._window.read_up_to, limit=room)
            if not fresh:
                break
            self._window.take(fresh, now)
        settings = self.settings
        due = self._window.due(now, settings.receipt_timeout, settings.longest_timeout)
        for batch in batches(due, settings.batch_events, settings.batch_bytes):
            self._publish_batch(connection, batch)
        if not self._window.holding:
            with self._changed:
                self._changed.notify_all()

    def _publish_batch(self, connection: Connection, batch: Sequence[Spooled]) -> None:
        payload = batch[0].payload
        if len(batch) > 1:
            payload = b"[" + b",".join(event.payload for event in batch) + b"]"
        if self.settings.compress_above is not None and len(payload) > self.settings.compress_above:
            payload = gzip.compress(payload, 1)
        names = {event.message_name for event in batch}
        # A list of several kinds goes to the topic above them all; the envelopes say what they are.
        topic = self.station.publish_topic(names.pop()) if len(names) == 1 else f"{self.station.root}/CFX"
        connection.publish(topic, payload)

    def _say_trouble(self, sentence: str) -> None:
        """Log a trouble once, when it begins or changes."""
        if sentence != self.trouble:
            log.warning("link.trouble", station=self.station.handle, waiting=len(self._spool), reason=sentence)
        self.trouble = sentence


def _not_supported(request: Envelope) -> Message:
    reason = f"This station does not understand {request.message_name}."
    return NotSupportedResponse(request_result=RequestResult(result="Failed", result_code=1, message=reason))


def batches(events: Sequence[Spooled], most_events: int, most_bytes: int) -> list[list[Spooled]]:
    """Cut events, in order, into what travels together: small ones in one list, large ones alone."""
    found: list[list[Spooled]] = []
    size = 0
    for event in events:
        if not found or len(found[-1]) >= most_events or size + len(event.payload) > most_bytes:
            found.append([])
            size = 0
        found[-1].append(event)
        size += len(event.payload) + 1
    return found
