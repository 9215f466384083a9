"""Ten thousand payloads, most of them broken, through a real broker into the real intake process."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text

from app.cfx.envelope import decode, encode
from app.cfx.messages.production import UnitsArrived
from app.cfx.messages.structures import UnitPosition
from app.cfx.receipts import decode_receipts
from app.cfx.topics import StationAddress
from app.embedded.broker import Broker
from app.embedded.processes import MODULE_ENVIRONMENT, module_command, spawn, stop
from app.people import broker_hash
from tests.cfx.malformed import payloads

PAYLOADS = 10_000
STATION = StationAddress.from_handle("Acme.Mounter.1")
TOKEN = "not-a-secret"


class Machine:
    """A station that publishes whatever it is given and counts its receipts."""

    def __init__(self, broker: Broker) -> None:
        host, port = broker.address.removeprefix("mqtt://").split(":")
        self.receipts: Counter[str] = Counter()
        self.ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="machine", clean_session=False)
        self._client.username_pw_set(STATION.handle, TOKEN)
        self._client.on_connect = lambda client, *_: client.subscribe(STATION.receipts_topic, 1)
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.on_message = self._on_message
        self._client.connect(host, int(port))
        self._client.loop_start()
        assert self.ready.wait(10)

    def _on_message(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        for receipt in decode_receipts(bytes(message.payload)):
            assert receipt.status != "rejected" or receipt.reason
            self.receipts[receipt.status] += 1

    def publish(self, payload: bytes) -> mqtt.MQTTMessageInfo:
        return self._client.publish(f"{STATION.root}/CFX", payload, qos=1)

    def wait_for(self, receipts: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.receipts.total() < receipts and time.monotonic() < deadline:
            time.sleep(0.1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def intake(database: str, broker: Broker, folder: Path) -> Iterator[int]:
    """The real intake process; gives its process id and holds that it is alive to the end."""
    process = spawn(
        module_command("app", "intake"),
        environment={
            **MODULE_ENVIRONMENT,
            "BIRTHMARK_DATABASE_URL": database,
            "BIRTHMARK_BROKER_URL": broker.url,
            "BIRTHMARK_DATA_DIR": str(folder),
            "BIRTHMARK_LOG_LEVEL": "warning",
        },
    )
    try:
        yield process.pid
        assert process.poll() is None, "intake died"
    finally:
        stop(process)


def test_ten_thousand_payloads_are_taken_in_or_kept_with_a_reason(
    database: str, engine: Engine, broker: Broker, data_dir: Path
) -> None:
    broker.set_credentials({STATION.handle: broker_hash(TOKEN)})
    with intake(database, broker, data_dir):
        machine = Machine(broker)
        try:
            _subscribe_first(machine)
            received = 1
            published = [
                machine.publish(payload)
                for payload in payloads(seed=20261122, n=PAYLOADS, source=STATION.handle)
                if (received := received + len(decode(payload)))
            ]
            assert len(published) == PAYLOADS
            machine.wait_for(received, seconds=240)
            counted = dict(machine.receipts)
            assert sum(counted.values()) == received
            assert min(counted[status] for status in ("stored", "duplicate", "rejected")) > PAYLOADS // 100
            with engine.connect() as connection:
                stored = connection.execute(text("SELECT count(*) FROM event")).scalar_one()
                kept = connection.execute(
                    text(
                        "SELECT coalesce(sum(times), 0) AS times, count(*) FILTER (WHERE length(trim(reason)) < 10) "
                        "AS without, count(*) FILTER (WHERE code IN ('refused', 'fault')) AS late FROM quarantine"
                    )
                ).one()
            assert stored == counted["stored"]
            assert kept.times == counted["rejected"]
            assert kept.without == 0
            before = machine.receipts["stored"]
            machine.publish(_sound())
            machine.wait_for(received + 1, seconds=30)
            assert machine.receipts["stored"] == before + 1
            assert kept.late == 0
        finally:
            machine.close()


def _subscribe_first(machine: Machine) -> None:
    """Messages published before intake's first subscription find no session to wait in: ask until one is answered."""
    deadline = time.monotonic() + 60
    payload = _sound()
    while not machine.receipts and time.monotonic() < deadline:
        machine.publish(payload)
        machine.wait_for(1, seconds=1)
    time.sleep(1)  # repetitions of the question that were on their way
    assert machine.receipts["stored"] == 1
    machine.receipts = Counter({"stored": 1})


def _sound() -> bytes:
    arrived = UnitsArrived(units=[UnitPosition(unit_identifier=f"SN-{uuid4()}", position_number=1)])
    return encode(arrived, source=STATION.handle)
