"""A product that does one thing: it keeps every event it hears by its key and sends receipts."""

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from app.cfx.envelope import Envelope, decode
from app.cfx.receipts import Receipt, encode_receipts
from app.cfx.topics import INTAKE_FILTER, StationAddress, TopicKind, parse_topic


class Consumer:
    """Intake in fifty lines, without a database: `events` in order of arrival, `copies` by key."""

    def __init__(self, url: str, *, verdict: Callable[[Envelope], str | None] | None = None) -> None:
        self.events: list[Envelope] = []
        self.copies: Counter[tuple[str | None, str]] = Counter()
        self.topics: Counter[str] = Counter()
        self.payloads: list[bytes] = []
        self.silent = False
        self._verdict = verdict
        self._heard = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="test-intake", clean_session=False)
        at = urlsplit(url)
        self._client.username_pw_set(at.username, at.password)
        self._client.on_connect = lambda client, *_: client.subscribe(INTAKE_FILTER, qos=1)
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect(at.hostname or "", at.port or 1883)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        if parse_topic(message.topic).kind is not TopicKind.MESSAGES:
            return
        station = StationAddress.from_topic(message.topic)
        receipts = []
        payload = bytes(message.payload)
        for envelope in decode(payload):
            assert isinstance(envelope, Envelope), envelope
            assert envelope.source == station.handle
            key = envelope.source, str(envelope.unique_id)
            reason = self._verdict(envelope) if self._verdict else None
            with self._heard:
                if reason is None and not self.copies[key]:
                    self.events.append(envelope)
                self.copies[key] += 1
                self.topics[message.topic] += 1
                self.payloads.append(payload)
                self._heard.notify_all()
            seen = self.copies[key] > 1
            receipts.append(
                Receipt(envelope.unique_id, "rejected", reason)
                if reason
                else Receipt(envelope.unique_id, "duplicate" if seen else "stored")
            )
        if not self.silent:
            client.publish(station.receipts_topic, encode_receipts(receipts), qos=1)

    def wait_for(self, events: int, timeout: float = 20.0) -> bool:
        """Wait until so many different events were heard."""
        with self._heard:
            return self._heard.wait_for(lambda: len(self.events) >= events, timeout)
