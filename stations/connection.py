"""One connection of a station to the broker: from the first packet to its end, in one thread.

A new connection gets a new MQTT client, so that nothing of an old session (packet identifiers,
half-sent messages, what the library queued) can leak into it. The library's own thread is not
used: `turn` lets it read and write, and what the broker brought is taken down in `receipts` and
`responses` for the caller. An exception therefore surfaces here and ends the connection; it cannot
leave a dead thread behind a client that says it is connected.
"""

import selectors
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.cfx.envelope import Envelope, decode
from app.cfx.receipts import Receipt, ReceiptError, decode_receipts
from app.cfx.topics import StationAddress

log = structlog.get_logger()

_SESSION_SECONDS: Final = 7 * 24 * 3600  # how long a version 5 broker keeps receipts for us
_ANSWER_SECONDS: Final = 10.0
_MOST_UNACKNOWLEDGED: Final = 200  # more was measured to be slower


class LinkError(Exception):
    """The link cannot be made as asked; the message says what clears it."""


class ConnectionLost(Exception):
    """The connection has ended or could not be made; the message says why and what clears it."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker listens and how to speak to it; `ca_file` None trusts the system's authorities."""

    host: str
    port: int
    tls: bool
    version: Literal["3.1.1", "5"] = "3.1.1"
    ca_file: str | None = None
    keepalive: int = 20

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str, **more: Any) -> "BrokerAddress":
        """Read ``mqtt://host:port`` or ``mqtts://host:port``. Raises LinkError."""
        at = urlsplit(url)
        if at.scheme not in {"mqtt", "mqtts"} or not at.hostname:
            raise LinkError(f"The broker address {url!r} must read mqtt://host:port or mqtts://host:port.")
        tls = at.scheme == "mqtts"
        return cls(at.hostname, at.port or (8883 if tls else 1883), tls, **more)


def _without_delay(_client: Client, _data: object, sock: Any) -> None:
    """Send small packets at once: a question behind an acknowledgement otherwise waits 40 ms for the broker's."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Connection:
    """A connection under a station's name, with a persistent session; close it in any case."""

    def __init__(self, station: StationAddress, token: str, broker: BrokerAddress, wake: socket.socket) -> None:
        self.receipts: list[Receipt] = []
        self.responses: list[Envelope] = []
        self.requests: list[Envelope] = []
        self.snapshots: list[bytes] = []
        self._station = station
        self._broker = broker
        self._wake = wake
        self._connack: ReasonCode | None = None
        self._suback: list[ReasonCode] | None = None
        self._client = self._new_client(token)

    def _new_client(self, token: str) -> Client:
        five = self._broker.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._station.handle,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._station.handle, token)
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(_MOST_UNACKNOWLEDGED)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if self._broker.tls:
            client.tls_set(ca_certs=self._broker.ca_file)
        return client

    def open(self) -> None:
        """Connect, log in and ask for receipts and responses. Raises ConnectionLost."""
        try:
            self._client.connect(self._broker.host, self._broker.port, self._broker.keepalive, **self._session())
        except (OSError, ssl.SSLError) as error:
            raise ConnectionLost(
                f"The broker {self._broker} cannot be reached ({error}). "
                "Start it or correct the address; events are kept on disk."
            ) from error
        self._log_in()

    def _session(self) -> dict[str, Any]:
        """Version 5 forgets the session at every start unless told otherwise, both ways."""
        if self._broker.version != "5":
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_SECONDS
        return {"clean_start": False, "properties": properties}

    def _log_in(self) -> None:
        handle = self._station.handle
        deadline = time.monotonic() + _ANSWER_SECONDS
        while self._connack is None:
            self._turn_until(deadline)
        if self._connack.is_failure:
            raise ConnectionLost(
                f"The broker refuses {handle} ({self._connack}): its token is wrong or revoked. "
                f"Create one with `token create --role line_equipment --station {handle}`."
            )
        topics = self._station.receipts_topic, self._station.responses_topic
        more = self._station.requests_topic, self._station.gate_topic
        self._client.subscribe([(topic, 1) for topic in (*topics, *more)])
        while self._suback is None:
            self._turn_until(deadline)
        # A broker whose access list is older grants the first two only: then nobody asks this station anything.
        if any(code.is_failure for code in self._suback[: len(topics)]):
            raise ConnectionLost(
                f"The broker does not let {handle} hear its receipts. Its access list must grant "
                f"{topics[0]} and {topics[1]}."
            )

    def _turn_until(self, deadline: float) -> None:
        self.turn(0.2)
        if time.monotonic() > deadline:
            raise ConnectionLost(f"The broker {self._broker} takes connections and does not answer.")

    def turn(self, wait: float) -> None:
        """Let the connection read and write until something came, somebody woke us, or `wait` seconds passed."""
        sock = self._client.socket()
        if sock is None:
            raise ConnectionLost(f"The broker {self._broker} closed the connection.")
        readable = self._select(sock, wait)
        outcome = int(self._client.loop_read()) if readable else 0
        if self._client.want_write():
            outcome = outcome or int(self._client.loop_write())
        outcome = outcome or int(self._client.loop_misc())
        if outcome or self._client.socket() is None:
            if self._connack is not None and self._connack.is_failure:
                return  # the refusal says more than the closed connection
            raise ConnectionLost(f"The connection to the broker {self._broker} was lost.")

    def _select(self, sock: Any, wait: float) -> bool:
        # What TLS has already decrypted does not show on the socket.
        readable = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        with selectors.DefaultSelector() as selector:
            writing = selectors.EVENT_WRITE if self._client.want_write() else 0
            selector.register(sock, selectors.EVENT_READ | writing)
            selector.register(self._wake, selectors.EVENT_READ)
            for key, events in selector.select(0 if readable else max(0.0, wait)):
                if key.fileobj is self._wake:
                    self._wake.recv(4096)
                elif events & selectors.EVENT_READ:
                    readable = True
        return readable

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish now. Raises ConnectionLost where that cannot be, instead of queueing in memory."""
        if self._client.publish(topic, payload, qos=qos).rc:
            raise ConnectionLost(f"The connection to the broker {self._broker} was lost.")

    def close(self) -> None:
        """Say goodbye where the broker still listens, and close the socket."""
        self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    # --- what the library calls, within `turn`

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._connack = code

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._suback = codes

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        try:
            if message.topic == self._station.receipts_topic:
                self.receipts += decode_receipts(payload)
            elif message.topic == self._station.gate_topic:
                self.snapshots.append(payload)
            elif message.topic == self._station.requests_topic:
                self.requests += [one for one in decode(payload) if isinstance(one, Envelope)]
            else:
                self.responses += [one for one in decode(payload) if isinstance(one, Envelope)]
        except ReceiptError as error:
            log.warning("link.unreadable_receipt", station=self._station.handle, reason=str(error))
