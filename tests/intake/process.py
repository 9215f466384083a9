"""A real intake process between a test's broker and its database, and a station that speaks to it."""

import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from app.cfx.envelope import Envelope, decode
from app.cfx.receipts import Receipt, decode_receipts
from app.cfx.topics import StationAddress
from app.embedded.broker import Broker
from app.embedded.processes import MODULE_ENVIRONMENT, module_command, spawn, stop, tail
from app.people import broker_hash


class IntakeProcess:
    """`python -m app intake` inside a ``with`` block; `settings` are more of its settings, without the prefix."""

    def __init__(self, database_url: str, broker: Broker, folder: Path, **settings: str) -> None:
        self.log = folder / "intake.log"
        self._environment = {
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_DATABASE_URL": database_url,
            "BIRTHMARK_BROKER_URL": broker.url,
            "BIRTHMARK_DATA_DIR": str(folder),
            "BIRTHMARK_LOG_FORMAT": "json",
            **{f"BIRTHMARK_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._logged = 0

    def start(self) -> None:
        """Start it, and wait until it hears the broker."""
        self.log.touch()
        self._logged = self.log.stat().st_size
        self._process = spawn(
            module_command("app", "intake"), death_signal=signal.SIGKILL, log=self.log, environment=self._environment
        )
        self.wait_for("intake.connected")

    def wait_for(self, event: str, *, times: int = 1, patience: float = 60.0) -> None:
        """Wait until it has logged an event, since its start."""
        wanted = f'"{event}"'.encode()
        wait_until(lambda: self.log.read_bytes()[self._logged :].count(wanted) >= times, patience, self.why)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def why(self) -> str:
        """The end of its log."""
        return tail(self.log, 30)

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            stop(self._process)


def wait_until(holds: Callable[[], bool], patience: float, why: Callable[[], str] = str) -> None:
    """Wait until something holds; fails with what `why` says."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


class Speaker:
    """A station without a spool: says anything, keeps what it is answered."""

    def __init__(self, broker: Broker, handle: str) -> None:
        self.address = StationAddress.from_handle(handle)
        self.receipts: list[Receipt] = []
        self.responses: list[Envelope] = []
        token = secrets.token_hex(16)
        broker.set_credentials({handle: broker_hash(token)})
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=handle, clean_session=False)
        self._client.username_pw_set(handle, token)
        self._client.max_inflight_messages_set(100)
        self._client.on_message = self._heard
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(self.address.receipts_topic, 1), (self.address.responses_topic, 1)]
        )
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        # The broker reads its credentials anew a moment after it is told to; until then it refuses.
        assert self._subscribed.wait(20), "the broker does not admit the station"

    def _heard(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic == self.address.receipts_topic:
            self.receipts += decode_receipts(bytes(message.payload))
        else:
            self.responses += [one for one in decode(bytes(message.payload)) if isinstance(one, Envelope)]

    def say(self, *payloads: bytes, topic: str | None = None) -> None:
        """Publish, at least once each; without a topic on the one for all messages of the station."""
        for payload in payloads:
            self._client.publish(topic or f"{self.address.root}/CFX", payload, qos=1)

    def say_all(self, payloads: Iterable[bytes]) -> None:
        """Publish many, waiting for the broker now and then."""
        for number, payload in enumerate(payloads, start=1):
            published = self._client.publish(f"{self.address.root}/CFX", payload, qos=1)
            if number % 500 == 0:
                published.wait_for_publish(60)

    def wait_for_receipts(self, number: int, patience: float = 30.0, why: Callable[[], str] = str) -> None:
        """Wait until so many receipts have come."""
        wait_until(
            lambda: len(self.receipts) >= number,
            patience,
            lambda: f"{len(self.receipts)} of {number} receipts after {patience} s\n{why()}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
