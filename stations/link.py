"""The station's link: from the spool to the product over MQTT, until a receipt says that it arrived.

* MQTT 3.1.1 (5 by setting), QoS 1, a persistent session under a fixed client id, the station's
  CFX handle, so that receipts sent while the station was away are still heard.
* A PUBACK is the broker's word and deletes nothing. What has no receipt after a while is published
  again, each time after twice the wait; what was under way when a connection broke, at once after
  the next. The product knows an event by its identifier and answers a repetition with `duplicate`.
* A bounded window is under way at a time. While the broker is away everything stays on disk: the
  MQTT library is given nothing that it would queue in memory.
* When several small events wait they travel as one JSON list; a large one travels alone.

One thread does it all and owns the MQTT client: no callback runs beside it, no exception is lost in
the library's thread, and a new connection gets a new client, so that nothing of an old session
(packet identifiers, half-sent messages) can leak into it.
"""

import contextlib
import gzip
import random
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.cfx.envelope import Envelope, decode, encode
from app.cfx.messages import Message
from app.cfx.messages.endpoint import Heartbeat
from app.cfx.receipts import Receipt, ReceiptError, decode_receipts
from app.cfx.scalars import format_timespan
from app.cfx.topics import StationAddress
from stations.faults import Traffic
from stations.spool import Spool, Spooled
from stations.window import Window

log = structlog.get_logger()

_SESSION_SECONDS: Final = 7 * 24 * 3600  # how long a version 5 broker keeps receipts for us
_CONNACK_SECONDS: Final = 10.0
_SETTLED_LOGIN: Final = 5.0  # a connection that held this long starts the backoff anew


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


class LinkError(Exception):
    """The link cannot be made as asked; the message says what clears it."""


class _Lost(Exception):
    """This connection has ended; the message says why and what clears it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to send; after the deadline nobody waits for its answer."""

    topic: str
    payload: bytes
    deadline: float


@dataclass(slots=True)
class _Heard:
    """What the broker brought, taken up after the library has returned."""

    receipts: list[Receipt] = field(default_factory=list)
    responses: list[Envelope] = field(default_factory=list)


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
        url = urlsplit(broker_url)
        if url.scheme not in {"mqtt", "mqtts"} or not url.hostname:
            raise LinkError(f"The broker address {broker_url!r} must read mqtt://host:port or mqtts://host:port.")
        self._tls = url.scheme == "mqtts"
        self._host, self._port = url.hostname, url.port or (8883 if self._tls else 1883)
        self._window = Window(self.settings.window_events, self.settings.window_bytes, traffic)
        self._heard = _Heard()
        self._asked: deque[_Asked] = deque()
        self._next_beat = 0.0
        self._questions: dict[str, Future[Envelope]] = {}
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"link {station.handle}", daemon=True)
        self._suback: list[ReasonCode] | None = None
        self._connack: ReasonCode | None = None
        self.connected = False
        self.trouble: str | None = None
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
            except _Lost as lost:
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
        client = self._new_client()
        try:
            try:
                client.connect(self._host, self._port, self.settings.keepalive, **self._session())
            except (OSError, ssl.SSLError) as error:
                raise _Lost(
                    f"The broker {self._host}:{self._port} cannot be reached ({error}). "
                    "Start it or correct the address; events are kept on disk."
                ) from error
            self._log_in(client)
            self._serve(client)
            client.disconnect()
        finally:
            self.connected = False
            self._window.connection_lost()
            client.on_disconnect = None
            sock = client.socket()
            if sock is not None:
                sock.close()

    def _new_client(self) -> Client:
        version = MQTTProtocolVersion.MQTTv5 if self.settings.mqtt_version == "5" else MQTTProtocolVersion.MQTTv311
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.station.handle,
            clean_session=None if version is MQTTProtocolVersion.MQTTv5 else False,
            protocol=version,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self.station.handle, self._token)
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(2 * self.settings.window_events)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if self._tls:
            client.tls_set(ca_certs=self.settings.ca_file)
        self._connack = self._suback = None
        return client

    def _session(self) -> dict[str, Any]:
        """Version 5 forgets the session at every start unless told otherwise, both ways."""
        if self.settings.mqtt_version != "5":
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_SECONDS
        return {"clean_start": False, "properties": properties}

    def _log_in(self, client: Client) -> None:
        deadline = time.monotonic() + _CONNACK_SECONDS
        while self._connack is None:
            self._turn(client, deadline)
        if self._connack.is_failure:
            raise _Lost(
                f"The broker refuses {self.station.handle} ({self._connack}): its token is wrong or revoked. "
                f"Create one with `token create --role line_equipment --station {self.station.handle}`."
            )
        client.subscribe([(self.station.receipts_topic, 1), (self.station.responses_topic, 1)])
        while self._suback is None:
            self._turn(client, deadline)
        if any(code.is_failure for code in self._suback):
            raise _Lost(
                f"The broker does not let {self.station.handle} hear its receipts. Its access list must grant "
                f"{self.station.receipts_topic} and {self.station.responses_topic}."
            )
        self.connected = True
        if self.trouble is not None:
            log.info("link.restored", station=self.station.handle, waiting=len(self._spool))
        self.trouble = None

    def _serve(self, client: Client) -> None:
        while not self._stopping.is_set():
            self._settle()
            self._answer()
            self._beat(client)
            self._publish_questions(client)
            self._publish_events(client)
            wait = self._window.seconds_to_next(time.monotonic())
            self._turn(client, None, min(1.0, wait))

    def _turn(self, client: Client, deadline: float | None, wait: float = 0.2) -> None:
        """Let the connection send and receive once, or `wait` seconds pass."""
        sock = client.socket()
        if sock is None:
            raise _Lost(f"The broker {self._host}:{self._port} closed the connection.")
        with selectors.DefaultSelector() as selector:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
            selector.register(sock, wanted)
            selector.register(self._wake_read, selectors.EVENT_READ)
            # What TLS has already decrypted does not show on the socket.
            pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            ready = selector.select(0 if pending else max(0.0, wait))
        for key, events in ready:
            if key.fileobj is self._wake_read:
                self._wake_read.recv(4096)
            else:
                pending = pending or bool(events & selectors.EVENT_READ)
        outcome = int(client.loop_read()) if pending else 0
        if client.want_write():
            outcome = outcome or int(client.loop_write())
        outcome = outcome or int(client.loop_misc())
        if outcome or client.socket() is None:
            if self._connack is not None and self._connack.is_failure:
                return  # the refusal says more than the closed connection
            raise _Lost(f"The connection to the broker {self._host}:{self._port} was lost.")
        if deadline is not None and time.monotonic() > deadline:
            raise _Lost(f"The broker {self._host}:{self._port} takes connections and does not answer.")

    # --- what the library calls, within _turn ----------------------------------------------------

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._connack = code

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._suback = codes

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """Only takes down what was heard: an exception here would leave the library half-way."""
        try:
            if message.topic == self.station.receipts_topic:
                self._heard.receipts += decode_receipts(bytes(message.payload))
            else:
                self._heard.responses += [one for one in decode(bytes(message.payload)) if isinstance(one, Envelope)]
        except ReceiptError as error:
            log.warning("link.unreadable_receipt", station=self.station.handle, reason=str(error))

    # --- events -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Let go of what has its receipt: delivered events leave, rejected ones are moved aside."""
        if not self._heard.receipts:
            return
        receipts, self._heard.receipts = self._heard.receipts, []
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

    def _answer(self) -> None:
        responses, self._heard.responses = self._heard.responses, []
        for response in responses:
            question = self._questions.pop(response.request_id or "", None)
            if question is not None and question.set_running_or_notify_cancel():
                question.set_result(response)

    def _beat(self, client: Client) -> None:
        """Say that the station is alive: once, QoS 0 and not spooled, because it is worth nothing later."""
        every = self.settings.heartbeat
        if every is None or time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + every
        frequency = format_timespan(timedelta(seconds=every))
        beat = Heartbeat(cfx_handle=self.station.handle, heartbeat_frequency=frequency)
        client.publish(self.station.publish_topic(beat.cfx_name), encode(beat, source=self.station.handle), qos=0)

    def _publish_questions(self, client: Client) -> None:
        while self._asked:
            asked = self._asked.popleft()
            if time.monotonic() < asked.deadline:
                client.publish(asked.topic, asked.payload, qos=1)

    def _publish_events(self, client: Client) -> None:
        now = time.monotonic()
        for unanswered in self._window.overdue(now):
            self._say_trouble(
                f"No receipt for {unanswered.event.message_name} after {unanswered.tries} tries, although the broker "
                "takes it. Is intake running, and does the access list let this station publish?"
            )
        while room := self._window.room():
            fresh = self._spool.pending(after=self._window.read_up_to, limit=room)
            if not fresh:
                break
            self._window.take(fresh, now)
        settings = self.settings
        due = self._window.due(now, settings.receipt_timeout, settings.longest_timeout)
        for batch in batches(due, settings.batch_events, settings.batch_bytes):
            self._publish_batch(client, batch)
        if not self._window.holding:
            with self._changed:
                self._changed.notify_all()

    def _publish_batch(self, client: Client, batch: Sequence[Spooled]) -> None:
        payload = batch[0].payload
        if len(batch) > 1:
            payload = b"[" + b",".join(event.payload for event in batch) + b"]"
        if self.settings.compress_above is not None and len(payload) > self.settings.compress_above:
            payload = gzip.compress(payload, 1)
        names = {event.message_name for event in batch}
        # A list of several kinds goes to the topic above them all; the envelopes say what they are.
        topic = self.station.publish_topic(names.pop()) if len(names) == 1 else f"{self.station.root}/CFX"
        published = client.publish(topic, payload, qos=1)
        if published.rc:
            raise _Lost(f"The connection to the broker {self._host}:{self._port} was lost.")

    def _say_trouble(self, sentence: str) -> None:
        """Log a trouble once, when it begins or changes."""
        if sentence != self.trouble:
            log.warning("link.trouble", station=self.station.handle, waiting=len(self._spool), reason=sentence)
        self.trouble = sentence


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
