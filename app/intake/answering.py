"""The gate's process: questions from the broker answered at once, and what stations must be told.

It is a process of its own because a verdict must not wait behind a batch of messages, nor for the interpreter that
takes them in. It keeps no session: a question that was asked while it was away is answered by nobody, and the station
goes by its policy. Stations are told what to block and lock (`app.interlock.pushes`) and, retained, what they may do
while the product cannot be reached (`app.interlock.snapshots`).
"""

import queue
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.cfx.envelope import Envelope, decode
from app.cfx.names import short_name
from app.cfx.topics import Topic, TopicError, parse_topic
from app.inbox.requests import GATE_REQUESTS, answer
from app.intake.link import without_delay
from app.interlock import pushes, snapshots
from app.interlock.settling import Settling
from app.lines.clocks import measure_clocks
from app.live import beat, leave

log = structlog.get_logger()

CLIENT_ID: Final = "birthmark-gate"
_THREADS: Final = 2
_WAITING: Final = 1000
_LOOK_EVERY: Final = 1.0
_BEAT_EVERY: Final = 3.0


def filters() -> list[str]:
    """The topics it hears: each question to the gate by its full and its short name, and answers to what it asked."""
    heard: list[str] = []
    for name in sorted(GATE_REQUESTS | pushes.ANSWERS):
        heard += [f"+/+/+/CFX/{name.removeprefix('CFX.').replace('.', '/')}", f"+/+/+/CFX/{short_name(name)}"]
    return sorted(set(heard))


class Answering:
    """Hears the questions, answers them in a few threads, and looks every second what stations must be told."""

    def __init__(self, engine: Engine, keyed: Engine, broker_url: str, client_id: str = CLIENT_ID) -> None:
        self._engine = engine
        self._keyed = keyed
        self._name = f"gate:{client_id}"
        self._questions: queue.Queue[tuple[Topic, bytes, datetime]] = queue.Queue(_WAITING)
        self._clocks = _Clocks()
        self._stopping = threading.Event()
        self.settling = Settling()
        self._answered = 0
        self._issuer = snapshots.Issuer()
        self._reconciler = snapshots.Reconciler()
        address = urlsplit(broker_url)
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        if address.username:
            self._client.username_pw_set(unquote(address.username), unquote(address.password or ""))
        if address.scheme == "mqtts":
            self._client.tls_set()
        self._client.reconnect_delay_set(1, 5)
        self._client.on_socket_open = without_delay
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def stop(self) -> None:
        """End after the questions at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`."""
        threads = [threading.Thread(target=self._work, name=f"gate {n}", daemon=True) for n in range(_THREADS)]
        for thread in threads:
            thread.start()
        self._client.connect_async(self._host, self._port, keepalive=30)
        self._client.loop_start()
        log.info("gate.started", name=self._name)
        next_beat = 0.0
        while not self._stopping.wait(_LOOK_EVERY):
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + _BEAT_EVERY
                self._guarded(self._beat)
            if self._client.is_connected():
                for deed in (self._tell_stations, self._issue_snapshots, self._reconcile, self._note_clocks):
                    self._guarded(deed)
        self._guarded(self._leave)
        self._client.disconnect()
        self._client.loop_stop()
        log.info("gate.stopped", name=self._name)

    def _on_connect(self, client: mqtt.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("gate.refused_by_broker", reason=str(reason), host=self._host, port=self._port)
            return
        self.settling.begin()
        client.subscribe([(topic, 1) for topic in filters()])
        log.info("gate.connected", host=self._host, port=self._port)

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        # paho ends its thread where a callback raises: nothing here may.
        try:
            self._questions.put_nowait((parse_topic(message.topic), bytes(message.payload), datetime.now(UTC)))
        except TopicError:
            log.warning("gate.strange_topic", topic=message.topic)
        except queue.Full:
            log.warning("gate.too_many_questions", waiting=self._questions.qsize())

    def _work(self) -> None:
        while True:
            topic, payload, arrived = self._questions.get()
            try:
                self._answer(topic, payload, arrived)
            except SQLAlchemyError as away:
                self.settling.begin()
                log.warning("gate.database_away", reason=str(away).partition("\n")[0])
            except Exception:
                log.exception("gate.fault", topic=topic.station.handle)

    def _answer(self, topic: Topic, payload: bytes, arrived: datetime) -> None:
        station = topic.station.handle
        for said in decode(payload):
            if isinstance(said, Envelope) and said.message_name in pushes.ANSWERS:
                with self._engine.begin() as connection:
                    pushes.record_answer(connection, station, said)
                continue
            if isinstance(said, Envelope):
                self._clocks.heard(station, said.time_stamp - arrived)
            response = answer(
                said, source=station, sender=station, topic_name=topic.message_name, engine=self._keyed,
                settling=bool(self.settling),
            )  # fmt: skip
            if response is not None:
                self._client.publish(topic.station.responses_topic, response, qos=1)
                self._answered += 1

    def _tell_stations(self) -> None:
        with self._engine.begin() as connection:
            pushes.write_due(connection)
            asked = pushes.unanswered(connection)
        for request in asked:
            self._client.publish(request.topic, request.payload, qos=1)
        if asked:
            with self._engine.begin() as connection:
                pushes.mark_sent(connection, asked)

    def _issue_snapshots(self) -> None:
        for snapshot in self._issuer.due(self._engine):
            self._client.publish(snapshot.topic, snapshot.payload, qos=1, retain=True)

    def _reconcile(self) -> None:
        with self._engine.begin() as connection:
            self._reconciler.look(connection)

    def _note_clocks(self) -> None:
        with self._engine.begin() as connection:
            measure_clocks(connection, self._clocks.taken())

    def _beat(self) -> None:
        if self._client.is_connected():
            with self._engine.begin() as connection:
                beat(connection, self._name, answered=self._answered)

    def _leave(self) -> None:
        with self._engine.begin() as connection:
            leave(connection, self._name)

    def _guarded(self, deed: Any) -> None:
        try:
            deed()
        except SQLAlchemyError as away:
            log.warning("gate.database_away", reason=str(away).partition("\n")[0])
        except Exception:  # a fault of ours must not end the gate
            log.exception("gate.fault")


class _Clocks:
    """How far stations' clocks were ahead when they asked: of a second's questions, the one that came quickest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, timedelta] = {}

    def heard(self, station: str, error: timedelta) -> None:
        """A question was asked at this distance from the server's time."""
        with self._lock:
            self._errors[station] = max(error, self._errors.get(station, error))

    def taken(self) -> dict[str, timedelta]:
        """What was measured since this was asked last."""
        with self._lock:
            errors, self._errors = self._errors, {}
        return errors


def run(engine: Engine, keyed: Engine, broker_url: str) -> None:
    """Run the gate's process until SIGTERM or SIGINT; questions are answered on `keyed`."""
    answering = Answering(engine, keyed, broker_url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: answering.stop())
    answering.run()
