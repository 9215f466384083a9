"""Intake's side of MQTT: a persistent session, messages handed on un-acknowledged, acknowledged on demand.

What paho 2 does that would lose messages, and what is done about it:

* it acknowledges when the callback returns: `manual_ack`, and the acknowledgement is sent after the COMMIT;
* an exception in a callback ends its thread while `is_connected()` stays true: the callback only queues;
* after a lost session an old acknowledgement may hit another message: each message carries the epoch of its connection,
  and acknowledgements of older epochs are left out (the broker sends the message again);
* it says that it is connected when it is not: a canary message through the broker is what counts.

Source: MQTT 3.1.1 (OASIS), 3.1.2.4 clean session, 4.3.2 QoS 1.
"""

import queue
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

log = structlog.get_logger()

_KEEPALIVE = 30
_SESSION_SECONDS = 7 * 24 * 3600
"""How long an MQTT 5 broker keeps the session of an intake that is away."""
_QUEUED = 10_000
"""Messages handed on and not taken yet. The broker's window of un-acknowledged messages is far smaller."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came, with what is needed to acknowledge it."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    epoch: int


def without_delay(_client: mqtt.Client, _user: Any, sock: Any) -> None:
    """Send small packets at once: an answer behind an acknowledgement else waits 40 ms for the broker (Nagle)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Link:
    """The connection of one intake process to the broker."""

    def __init__(
        self,
        broker_url: str,
        *,
        client_id: str,
        filters: Sequence[str],
        version: Literal["3.1.1", "5"] = "3.1.1",
    ) -> None:
        address = urlsplit(broker_url)
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        self._filters = filters
        self._canary_topic = f"birthmark/canary/{client_id}"
        self._arrived: queue.Queue[Arrived] = queue.Queue(_QUEUED)
        self._epoch = 0
        self._session_epoch = 0
        self._canary_seen = 0.0
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False if version == "3.1.1" else None,
            protocol=mqtt.MQTTv311 if version == "3.1.1" else mqtt.MQTTv5,
            manual_ack=True,
        )
        if address.username:
            self._client.username_pw_set(unquote(address.username), unquote(address.password or ""))
        if address.scheme == "mqtts":
            self._client.tls_set()
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(1, 5)
        self._client.on_socket_open = without_delay
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._version = version
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Connect, and keep connecting."""
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect in good order; the broker keeps the session, and what is not acknowledged."""
        self._stopping.set()
        self._client.disconnect()
        if self._thread:
            self._thread.join(5)

    def take(self, most: int, most_bytes: int, wait: float) -> list[Arrived]:
        """What has arrived, oldest first: at most `most` messages or about `most_bytes`; waits for the first."""
        try:
            taken = [self._arrived.get(timeout=wait)]
        except queue.Empty:
            return []
        size = len(taken[0].payload)
        while len(taken) < most and size < most_bytes:
            try:
                one = self._arrived.get_nowait()
            except queue.Empty:
                break
            size += len(one.payload)
            taken.append(one)
        return taken

    def acknowledge(self, messages: Sequence[Arrived]) -> None:
        """PUBACK, for messages of the connection that still stands; the broker repeats the others."""
        for one in messages:
            if one.epoch == self._epoch and one.qos > 0:
                self._client.ack(one.mid, one.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a receipt or an answer. Lost with the connection at worst: then its station asks again."""
        self._client.publish(topic, payload, qos=1)

    def send_canary(self) -> None:
        """Send ourselves a message through the broker."""
        self._client.publish(self._canary_topic, b"", qos=0)

    @property
    def canary_age(self) -> float:
        """Seconds since our own message came back; readiness is this, never `is_connected()`."""
        return time.monotonic() - self._canary_seen

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._connect()
                self._client.loop_forever(retry_first_connection=True)
            except Exception:
                log.exception("intake.link_failed")
            if not self._stopping.is_set():
                time.sleep(1)

    def _connect(self) -> None:
        if self._version == "5":
            # paho wipes a version 5 session at each start unless told both of these.
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_SECONDS
            self._client.connect_async(self._host, self._port, _KEEPALIVE, clean_start=False, properties=properties)
        else:
            self._client.connect_async(self._host, self._port, _KEEPALIVE)

    def _on_connect(self, client: mqtt.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("intake.refused_by_broker", reason=str(reason), host=self._host, port=self._port)
            return
        self._epoch += 1
        topics = [(topic, 1) for topic in self._filters] + [(self._canary_topic, 0)]
        error, _ = client.subscribe(topics)
        if error != MQTTErrorCode.MQTT_ERR_SUCCESS:
            log.error("intake.subscribe_failed", error=str(error))
        log.info("intake.connected", host=self._host, port=self._port, filters=list(self._filters))

    def _on_disconnect(self, _client: mqtt.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._epoch += 1
        if not self._stopping.is_set():
            log.warning("intake.disconnected", reason=str(reason))

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._canary_topic:
            self._canary_seen = time.monotonic()
            return
        self._arrived.put(Arrived(message.topic, bytes(message.payload), message.mid, message.qos, self._epoch))
