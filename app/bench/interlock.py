"""Verdicts of the gate over MQTT and HTTP, idle and while 1,000 boards a second are taken in.

Everything is the product's own: PostgreSQL with `fsync` on, broker, intake, gate and web are processes as `serve`
starts them. Beside them stand an empty endpoint of the same framework and an echo over the same broker. One client asks
them in turn, so that whatever else the machine does meets all of them; a unit is asked about once in each way.
"""

import contextlib
import http.client
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from app.bench import factory
from app.bench.figures import Figure, Scale, figure
from app.bench.running import Place
from app.bench.servers import cluster, new_database
from app.cfx.envelope import Envelope, decode, encode
from app.cfx.messages.information_system import ValidateUnitsRequest
from app.cfx.messages.structures import UnitPosition
from app.cfx.receipts import decode_receipts
from app.cfx.topics import StationAddress
from app.db import create_engine
from app.embedded.broker import Broker
from app.embedded.processes import MODULE_ENVIRONMENT, free_port, module_command, spawn, stop
from app.errors import Unavailable
from app.intake.link import without_delay
from app.people import create_token

_BOARDS_A_SECOND: Final = 1000
_SAMPLES: Final = {"small": 600, "full": 2000}
_PANELS: Final = {"small": 60, "full": 200}
_THINK: Final = 0.005
"""Seconds between two questions: machines ask once a cycle, not one after the other."""
_PATIENCE: Final = 60.0
_ASKED_OF: Final = factory.handle("Asked", "inspection")


@dataclass(slots=True)
class _Latencies:
    """Milliseconds, by who was asked: `bare http`, `http`, `bare mqtt`, `mqtt`."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    def p50(self, whom: str) -> float:
        """The median."""
        return statistics.median(self.taken[whom])

    def p99(self, whom: str) -> float:
        """The 99th percentile."""
        return statistics.quantiles(self.taken[whom], n=100)[98]


def measure(place: Place, scale: Scale) -> list[Figure]:
    """Measure idle and under load; raises `Unavailable` where a process does not answer."""
    with (
        cluster(place.servers) as server,
        Broker(place.servers) as broker,
        contextlib.ExitStack() as opened,
    ):
        url = new_database(server, "interlock")
        engine = create_engine(url, pool_size=2)
        opened.callback(engine.dispose)
        token = _prepare(engine, scale)
        place.say(f"{_PANELS[scale]} panels of {factory.BOARDS} boards stand before the inspection")
        ports = free_port(), free_port()
        environment = {
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_DATABASE_URL": url,
            "BIRTHMARK_BROKER_URL": broker.url,
            "BIRTHMARK_DATA_DIR": str(place.servers),
            "BIRTHMARK_HTTP_PORT": str(ports[0]),
            "BIRTHMARK_LOG_LEVEL": "warning",
        }
        bare = {**environment, "BIRTHMARK_HTTP_PORT": str(ports[1])}
        for command, settings in (
            (module_command("app", "web"), environment),
            (module_command("app", "gate"), environment),
            (module_command("app", "intake"), environment),
            (module_command("app.bench.bare", "http"), bare),
            (module_command("app.bench.bare", "mqtt"), bare),
        ):
            opened.callback(stop, spawn(command, environment=settings))
        asker = opened.enter_context(contextlib.closing(_Asker(broker.url, ports, token, scale)))
        asker.wait_until_answered()
        idle = asker.ask_in_turn(_SAMPLES[scale])
        place.say(_told("idle", idle))
        with _Load(broker.url) as load:
            load.wait_until_steady()
            loaded = asker.ask_in_turn(_SAMPLES[scale])
            rate = load.rate()
        place.say(_told(f"while {rate:,.0f} boards/s are taken in", loaded))
    return _figures(idle, loaded, rate)


def _figures(idle: _Latencies, loaded: _Latencies, rate: float) -> list[Figure]:
    found = [figure("boards taken in meanwhile", rate, "boards/s", _BOARDS_A_SECOND).ratio_at_least(0.95)]
    for way in ("mqtt", "http"):
        empty, name = idle.p50("bare http"), way.upper()
        found += [
            figure(f"{name} verdict, idle p50, beside an empty endpoint", idle.p50(way), "ms", empty).ratio_at_most(5),
            figure(
                f"{name} verdict, p50 under load, beside idle", loaded.p50(way), "ms", idle.p50(way)
            ).ratio_at_most(1.5),
            figure(
                f"{name} verdict, p99 under load, beside an empty endpoint", loaded.p99(way), "ms",
                loaded.p99("bare http"),
            ).ratio_at_most(3),
        ]  # fmt: skip
    found += [
        figure("MQTT verdict, idle p50, beside an echo over the broker", idle.p50("mqtt"), "ms", idle.p50("bare mqtt")),
        figure("empty endpoint, p50 under load, beside idle", loaded.p50("bare http"), "ms", idle.p50("bare http")),
    ]
    return found


def _told(when: str, taken: _Latencies) -> str:
    each = (f"{whom} {taken.p50(whom):.2f}/{taken.p99(whom):.2f}" for whom in taken.taken)
    return f"{when}: p50/p99 in ms: {', '.join(each)}"


def _prepare(engine: Engine, scale: Scale) -> str:
    """Plan the line that is asked about and the one that builds; the token to ask with."""
    with engine.begin() as connection:
        factory.plan(connection, "Asked", _PANELS[scale])
        factory.plan(connection, "Built", 1_000_000)
        token = create_token(connection, name="bench", role="line_equipment", station=_ASKED_OF, actor="bench")
    factory.bring_to_inspection(engine, "Asked", _PANELS[scale])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return token


class _Asker:
    """Asks all four in turn."""

    def __init__(self, broker_url: str, ports: tuple[int, int], token: str, scale: Scale) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self._web, self._bare = (http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE) for port in ports)
        self._station = StationAddress.from_handle(_ASKED_OF)
        self._answered = threading.Event()
        self._answer = b""
        self._client = _client(broker_url, "bench-asker")
        self._client.on_message = self._on_message
        self._client.subscribe([(self._station.responses_topic, 1), ("bare/1/answer", 1)])
        self._serials = [
            factory.serial("Asked", number, position)
            for number in range(_PANELS[scale])
            for position in range(1, factory.BOARDS + 1)
        ]
        self._next = 0

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()
        self._web.close()
        self._bare.close()

    def wait_until_answered(self) -> None:
        """Return once everybody answers, and has answered often enough to be warm."""
        deadline = time.monotonic() + _PATIENCE
        for whom, ask in self._ways().items():
            answered = 0
            while answered < 50:
                try:
                    ask(1.0)
                    answered += 1
                except (OSError, http.client.HTTPException, Unavailable):
                    self._web.close()
                    self._bare.close()
                    if time.monotonic() > deadline:
                        raise Unavailable(f"Nobody answers ({whom}).") from None
                    time.sleep(0.2)

    def ask_in_turn(self, samples: int) -> _Latencies:
        """Ask each so many times."""
        ways, taken = self._ways(), _Latencies({whom: [] for whom in self._ways()})
        for connection in (self._web, self._bare):
            connection.close()  # the servers close what was idle for five seconds
        for ask in ways.values():
            ask(_PATIENCE)
        for _ in range(samples):
            for whom, ask in ways.items():
                time.sleep(_THINK)
                began = time.perf_counter()
                ask(_PATIENCE)
                taken.taken[whom].append(1000 * (time.perf_counter() - began))
        return taken

    def _ways(self) -> Mapping[str, Callable[[float], None]]:
        return {
            "bare http": lambda _: self._get(self._bare, "/empty"),
            "http": lambda _: self._get(
                self._web, f"/api/v1/interlock?station={_ASKED_OF}&serial={quote(self._one())}"
            ),
            "bare mqtt": self._echo,
            "mqtt": self._validate,
        }

    def _one(self) -> str:
        self._next = (self._next + 1) % len(self._serials)
        return self._serials[self._next]

    def _get(self, connection: http.client.HTTPConnection, path: str) -> None:
        connection.request("GET", path, headers=self._headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.client.OK or b'"allowed":true' not in answer.replace(b" ", b""):
            raise Unavailable(f"{path}: {response.status} {answer[:300]!r}")

    def _echo(self, patience: float) -> None:
        self._exchange("bare/1/ask", b"x" * 300, patience)

    def _validate(self, patience: float) -> None:
        serial = self._one()
        asked = ValidateUnitsRequest(primary_identifier=serial, units=[UnitPosition(unit_identifier=serial)])
        payload = encode(asked, source=_ASKED_OF, request_id=str(uuid4()))
        self._exchange(self._station.publish_topic(asked.message_name), payload, patience)
        envelope = decode(self._answer)[0]
        if not isinstance(envelope, Envelope) or b'"PrimaryResult"' not in envelope.raw or b"Failed" in envelope.raw:
            raise Unavailable(f"The gate answered {self._answer[:300]!r}.")

    def _exchange(self, topic: str, payload: bytes, patience: float) -> None:
        self._answered.clear()
        self._client.publish(topic, payload, qos=1)
        if not self._answered.wait(patience):
            raise Unavailable(f"Nobody answers on {topic}.")

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        self._answer = bytes(message.payload)
        self._answered.set()


class _Load:
    """Publishes panels at a steady rate, and counts the boards whose receipts have come."""

    def __init__(self, broker_url: str) -> None:
        self._client = _client(broker_url, "bench-load")
        self._client.on_message = self._on_message
        self._boards: dict[str, int] = {}
        self._settled: deque[tuple[float, int]] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def __enter__(self) -> "_Load":
        for operation in ("marking", "placement"):
            topic = StationAddress.from_handle(factory.handle("Built", operation)).receipts_topic
            self._client.subscribe(topic, 1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def wait_until_steady(self) -> None:
        """Let the rate settle, then count anew."""
        time.sleep(3.0)
        self._settled.clear()
        self._began = time.monotonic()

    def rate(self) -> float:
        """Boards a second whose reports were confirmed since `wait_until_steady`."""
        return sum(boards for _, boards in self._settled) / (time.monotonic() - self._began)

    def _publish(self) -> None:
        began, number = time.monotonic(), 0
        while not self._stopping.is_set():
            due = int((time.monotonic() - began) * _BOARDS_A_SECOND / factory.BOARDS)
            for station, payload, unique_id in factory.building("Built", range(number, due)):
                if b"MaterialsInstalled" in payload[:100]:
                    self._boards[str(unique_id)] = factory.BOARDS
                self._client.publish(f"{StationAddress.from_handle(station).root}/CFX", payload, qos=1)
            number = due
            self._stopping.wait(0.02)

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        boards = sum(
            self._boards.pop(str(receipt.unique_id), 0)
            for receipt in decode_receipts(bytes(message.payload))
            if receipt.status == "stored"
        )
        if boards:
            self._settled.append((time.monotonic(), boards))


def _client(broker_url: str, name: str) -> mqtt.Client:
    address = urlsplit(broker_url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-{uuid4().hex[:8]}")
    client.username_pw_set(address.username, address.password)
    client.max_inflight_messages_set(200)
    client.on_socket_open = without_delay
    client.connect(address.hostname or "127.0.0.1", address.port or 1883)
    client.loop_start()
    return client
