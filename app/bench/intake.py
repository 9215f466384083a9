"""Boards of 1,000 placements from the broker to commit and receipt: what does a board cost the processor?

Three processes hear the same broker in turn, round after round, so that other work on the machine meets all of them:
the product's own intake, one that only receives and parses, and the reference (pydantic, row per placement, commit per
message; see `app.bench.subjects`). This process publishes what was made beforehand. Counted is the CPU time, user and
system, of the process alone, and that of all processes of PostgreSQL beside it.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import text

from app.bench.figures import Figure, Scale, figure
from app.bench.rows import SCHEMA
from app.bench.running import Place
from app.bench.servers import Processor, cluster, new_database
from app.bench.subjects import DONE, MARK
from app.bench.workload import Line, envelope
from app.cfx.receipts import decode_receipts
from app.cfx.topics import StationAddress
from app.db import create_engine
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.embedded.processes import MODULE_ENVIRONMENT, module_command, spawn, stop
from app.errors import Unavailable

_WARM_UP = 250
_PATIENCE = 300.0
_ROUNDS = {"small": 4, "full": 10}
_BOARDS = {"intake": 1500, "counting": 300, "parsing": 1500, "reference": 150}
"""Boards of one round."""


@dataclass(slots=True)
class _Subject:
    """A process under measurement, the line it hears, and what it has used so far."""

    kind: str
    line: Line
    cpu: Processor
    boards: int = 0
    seconds: float = 0.0
    own: float = 0.0
    database: float = 0.0

    @property
    def receipts(self) -> bool:
        """Whether it answers with CFX receipts, as the product does."""
        return self.kind in {"intake", "counting"}

    @property
    def station(self) -> StationAddress:
        """The one station it hears."""
        return StationAddress.from_handle(self.line.stations[0])

    @property
    def topic(self) -> str:
        """Where that station publishes its boards."""
        return self.station.publish_topic("Production.Assembly.MaterialsInstalled")

    @property
    def answers(self) -> str:
        """Where it answers."""
        return self.station.receipts_topic if self.receipts else DONE

    def mark(self) -> tuple[tuple[str, bytes], str]:
        """A message (topic, payload) that it answers once it has worked off what came before, and the answer."""
        token = uuid4()
        if not self.receipts:
            return (f"{self.station.root}/CFX/{MARK}", str(token).encode()), str(token)
        payload = envelope("Heartbeat", self.station.handle, token, datetime.now(UTC), b"{}")
        return (self.station.publish_topic("Heartbeat"), payload), str(token)

    @property
    def own_ms(self) -> float:
        """Milliseconds of its own CPU a board."""
        return 1000 * self.own / self.boards

    @property
    def whole_ms(self) -> float:
        """Milliseconds of CPU a board, PostgreSQL's included."""
        return 1000 * (self.own + self.database) / self.boards


def measure(place: Place, scale: Scale) -> list[Figure]:
    """Run all rounds; raises `Unavailable` where a subject does not get done."""
    with (
        cluster(place.servers) as server,
        Broker(place.servers) as broker,
        contextlib.closing(_Publisher(broker.url)) as publisher,
        contextlib.ExitStack() as running,
    ):
        database_cpu = Processor(server.pid, family=True)
        subjects = [
            running.enter_context(_subject(kind, server, broker.url))
            for kind in ("parsing", "intake", "reference", "counting")
        ]
        for subject in subjects:
            _wait_until_heard(subject, publisher)
            _round(subject, publisher, database_cpu, _WARM_UP)
            subject.boards, subject.seconds, subject.own, subject.database = 0, 0.0, 0.0, 0.0
        for number in range(1, _ROUNDS[scale] + 1):
            for subject in subjects:
                _round(subject, publisher, database_cpu, _BOARDS[subject.kind])
            told = ", ".join(f"{one.kind} {one.own_ms:.3f} ms" for one in subjects)
            place.say(f"round {number} of {_ROUNDS[scale]}: CPU per board {told}")
        _check(server, subjects)
    return _figures(*subjects)


def _figures(parsing: _Subject, intake: _Subject, reference: _Subject, counting: _Subject) -> list[Figure]:
    return [
        figure("CPU per board, beside receiving and parsing", intake.own_ms, "ms", parsing.own_ms).ratio_at_most(2),
        figure("CPU per board, beside the reference", intake.own_ms, "ms", reference.own_ms).ratio_at_most(1 / 5),
        figure(
            "CPU per board with PostgreSQL's, beside the reference", intake.whole_ms, "ms", reference.whole_ms
        ).ratio_at_most(1 / 5),
        figure(
            "PostgreSQL's CPU per board, beside the reference",
            1000 * intake.database / intake.boards,
            "ms",
            1000 * reference.database / reference.boards,
        ),
        figure(
            "boards per second, beside the reference",
            intake.boards / intake.seconds,
            "boards/s",
            reference.boards / reference.seconds,
        ),
        figure(
            "CPU per board where machines count quantities down, beside parsing", counting.own_ms, "ms", parsing.own_ms
        ),
    ]  # fmt: skip


@contextlib.contextmanager
def _subject(kind: str, server: Postgres, broker_url: str) -> Iterator[_Subject]:
    """A subject on a database of its own, hearing a line of its own."""
    line = Line(quantities="counting" if kind == "counting" else "constant", name=kind.capitalize())
    url = new_database(server, kind, migrated=kind in {"intake", "counting"})
    if kind == "reference":
        engine = create_engine(url, pool_size=1)
        with engine.begin() as connection:
            connection.execute(text(SCHEMA))
        engine.dispose()
    process = spawn(
        module_command("app.bench.subjects", "intake" if kind == "counting" else kind),
        environment={
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_BROKER_URL": broker_url,
            "BIRTHMARK_DATABASE_URL": url,
            "BIRTHMARK_INTAKE_FILTERS": f'["{StationAddress.from_handle(line.stations[0]).intake_filter}"]',
            "BIRTHMARK_INTAKE_CLIENT_ID": f"bench-{kind}",
            "BIRTHMARK_LOG_LEVEL": "warning",
        },
    )
    try:
        yield _Subject(kind, line, Processor(process.pid))
    finally:
        stop(process)


def _round(subject: _Subject, publisher: "_Publisher", database_cpu: Processor, count: int) -> None:
    """Publish some boards and wait until the subject is done with them."""
    batch = [message for board in subject.line.boards(count) for message in board.messages]
    sending = [(subject.topic, message.payload) for message in batch]
    expected = {str(message.unique_id) for message in batch}
    if not subject.receipts:
        mark, token = subject.mark()
        sending, expected = [*sending, mark], {token}
    own, database, started = subject.cpu.seconds(), database_cpu.seconds(), time.perf_counter()
    if not publisher.exchange(sending, expected, _PATIENCE):
        raise Unavailable(f"{subject.kind} did not get done with {count} boards in {_PATIENCE:.0f} s.")
    subject.seconds += time.perf_counter() - started
    time.sleep(0.3)  # acknowledgements, and what PostgreSQL does behind a commit
    subject.own += subject.cpu.seconds() - own
    subject.database += database_cpu.seconds() - database
    subject.boards += count


def _wait_until_heard(subject: _Subject, publisher: "_Publisher") -> None:
    """A message that comes before the subject has subscribed is lost."""
    publisher.listen(subject.answers)
    deadline = time.monotonic() + _PATIENCE
    probe, token = subject.mark()
    while not publisher.exchange([probe], {token}, 0.5):
        if time.monotonic() > deadline:
            raise Unavailable(f"{subject.kind} does not hear the broker.")


def _check(server: Postgres, subjects: Sequence[_Subject]) -> None:
    """Nobody was fast by leaving something out."""
    wanted = {
        "intake": "SELECT count(*) FROM installation",
        "counting": "SELECT count(*) FROM installation",
        "reference": "SELECT count(DISTINCT unit_id) FROM placement",
    }
    for subject in subjects:
        if subject.kind in wanted:
            engine = create_engine(server.url_of(subject.kind), pool_size=1)
            with engine.connect() as connection:
                stored = connection.execute(text(wanted[subject.kind])).scalar_one()
            engine.dispose()
            if stored != subject.boards + _WARM_UP:
                raise Unavailable(f"{subject.kind} stored {stored} of {subject.boards + _WARM_UP} boards.")


class _Publisher:
    """Publishes prepared messages and waits for the answers."""

    def __init__(self, broker_url: str) -> None:
        address = urlsplit(broker_url)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-publisher-{uuid4().hex[:8]}")
        self._client.username_pw_set(address.username, address.password)
        self._client.max_inflight_messages_set(100)
        self._client.on_message = self._on_message
        self._answered = threading.Event()
        self._missing: set[str] = set()
        self._client.connect(address.hostname or "127.0.0.1", address.port or 1883)
        self._client.loop_start()

    def listen(self, topic: str) -> None:
        """Hear answers on one more topic."""
        self._client.subscribe(topic, 1)

    def exchange(self, sending: Sequence[tuple[str, bytes]], expected: set[str], patience: float) -> bool:
        """Publish, QoS 1; whether all answers came within `patience` seconds: UniqueIDs stored, or marks repeated."""
        self._missing = set(expected)
        self._answered.clear()
        for topic, payload in sending:
            self._client.publish(topic, payload, qos=1)
        return self._answered.wait(patience)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if message.topic == DONE:
            self._missing.discard(payload.decode())
        else:
            stored = (receipt for receipt in decode_receipts(payload) if receipt.status != "rejected")
            self._missing.difference_update(str(receipt.unique_id) for receipt in stored)
        if not self._missing:
            self._answered.set()
