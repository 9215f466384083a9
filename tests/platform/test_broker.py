"""The embedded broker, both kinds: who gets in, what they may say, and what outlives a kill."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from app.cfx.topics import TopicError
from app.embedded.broker import Broker, Kind
from app.embedded.credentials import covers, matches_hash, topics_of
from app.people import broker_hash
from app.system_packages import mosquitto_program
from tests.platform.mqtt_client import Client

HANDLE = "Acme.Placer.0001"
OTHER = "Acme.Oven.0002"


def intake(broker: Broker, **options: object) -> Client:
    url = urlsplit(broker.url)
    return Client(broker, str(url.username), str(url.password), **options)  # type: ignore[arg-type]


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "mosquitto" and not mosquitto_program():
        pytest.skip("mosquitto is not installed: apt-get install -y mosquitto")
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def guarded(kind: Kind, data_dir: Path) -> Iterator[Broker]:
    hashes = {HANDLE: broker_hash("right"), OTHER: broker_hash("other")}
    with Broker(data_dir, hashes, kind=kind) as broker:
        yield broker


def test_a_station_is_heard_on_its_own_topics_only(guarded: Broker) -> None:
    listener, station = intake(guarded), Client(guarded, HANDLE, "right")
    listener.subscribe("+/+/+/CFX/#")
    station.say("Acme/Oven/0002/CFX/Heartbeat", "somebody else's")
    station.say("Acme/Placer/0001/CFX/CFX/Production/UnitsArrived", "mine")
    assert listener.arrived.wait(5)
    assert listener.heard == ["Acme/Placer/0001/CFX/CFX/Production/UnitsArrived mine"]
    listener.close()
    station.close()


def test_a_station_hears_its_own_receipts_only(guarded: Broker) -> None:
    station, other, sender = Client(guarded, HANDLE, "right"), Client(guarded, OTHER, "other"), intake(guarded)
    station.subscribe("Acme/Placer/0001/receipts")
    other.subscribe("Acme/Placer/0001/receipts")  # refused or silent, never heard
    other.subscribe("#")
    sender.say("Acme/Placer/0001/receipts", "[]")
    assert station.arrived.wait(5)
    assert station.heard == ["Acme/Placer/0001/receipts []"]
    assert not other.heard
    for client in (station, other, sender):
        client.close()


def test_a_wrong_password_is_refused(guarded: Broker) -> None:
    for user, password in ((HANDLE, "wrong"), ("Nobody.At.All", "right"), (HANDLE, "")):
        client = Client(guarded, user, password)
        assert client.codes[0] != "Success", (user, password)
        client.close()


def test_new_credentials_hold_without_a_restart(guarded: Broker) -> None:
    pid = guarded.pid
    guarded.set_credentials({"Acme.Printer.0003": broker_hash("new")})
    deadline = time.monotonic() + 5
    while True:
        client = Client(guarded, "Acme.Printer.0003", "new")
        client.close()
        if client.codes[0] == "Success" or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert client.codes[0] == "Success"
    assert guarded.pid == pid
    former = Client(guarded, HANDLE, "right")
    former.close()
    assert former.codes[0] != "Success"


def test_who_is_admitted_no_longer_is_dropped_and_nobody_else(guarded: Broker) -> None:
    listener, station, other = intake(guarded), Client(guarded, HANDLE, "right"), Client(guarded, OTHER, "other")
    listener.subscribe("+/+/+/CFX/#")
    dropped = threading.Event()
    station.mqtt.on_disconnect = lambda *_: dropped.set()
    guarded.set_credentials({OTHER: broker_hash("other")})
    assert dropped.wait(5)
    station.mqtt.publish("Acme/Placer/0001/CFX/Heartbeat", "after all", qos=1)
    other.say("Acme/Oven/0002/CFX/Heartbeat", "still here")
    assert listener.arrived.wait(5)
    deadline = time.monotonic() + 10
    while len(station.codes) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert station.codes[1] != "Success"  # it has tried again
    assert listener.heard == ["Acme/Oven/0002/CFX/Heartbeat still here"]
    assert other.codes == listener.codes == ["Success"]
    for client in (station, other, listener):
        client.close()


def test_a_station_with_another_password_is_dropped_and_comes_back_with_it(guarded: Broker) -> None:
    station = Client(guarded, HANDLE, "right")
    station.mqtt.username_pw_set(HANDLE, "new")  # for its next connection
    guarded.set_credentials({HANDLE: broker_hash("new")})
    deadline = time.monotonic() + 10
    while len(station.codes) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert station.codes == ["Success", "Success"]
    station.close()


def test_the_port_stays_after_a_kill(guarded: Broker) -> None:
    port = guarded.port
    guarded.kill()
    assert not guarded.running
    guarded.start()
    assert guarded.port == port
    station = Client(guarded, HANDLE, "right")
    assert station.codes == ["Success"]
    station.close()


def test_mosquitto_keeps_what_a_persistent_session_missed_over_a_restart(data_dir: Path) -> None:
    if not mosquitto_program():
        pytest.skip("mosquitto is not installed: apt-get install -y mosquitto")
    with Broker(data_dir, kind="mosquitto") as broker:
        absent = intake(broker, client_id="intake-1", clean=False)
        absent.subscribe("line/#")
        absent.close()
        sender = intake(broker, client_id="sender")
        for number in range(2_000):  # more than Mosquitto's own limit of 1,000
            sender.mqtt.publish("line/x", str(number), qos=1)
        sender.say("line/x", "last")
        broker.restart()
        back = intake(broker, client_id="intake-1", clean=False)
        deadline = time.monotonic() + 20
        while len(back.heard) < 2_001 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert back.heard[-1] == "line/x last"
        assert len(back.heard) == 2_001
        back.close()
        sender.close()


def test_two_processes_share_one_broker(broker: Broker, data_dir: Path) -> None:
    with Broker(data_dir) as second:
        assert not second.owned
        assert second.running
        client = intake(second)
        assert client.codes == ["Success"]
        client.close()
    assert broker.running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that the parent died")
def test_no_broker_outlives_a_killed_owner(data_dir: Path) -> None:
    program = (
        "import sys, time, pathlib, structlog; from app.embedded.broker import Broker\n"
        "structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))\n"
        "b = Broker(pathlib.Path(sys.argv[1])); b.start(); print(b.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_a_handle_may_be() -> None:
    assert topics_of("Acme.Placer.0001") == (
        "Acme/Placer/0001/CFX/#",
        (
            "Acme/Placer/0001/receipts",
            "Acme/Placer/0001/CFX/responses",
            "Acme/Placer/0001/CFX/requests",
            "Acme/Placer/0001/gate",
        ),
    )
    for wrong in ("", "intake", "Acme.+.1", "Acme.#", "a/b.c.d", "a.b.c\ntopic readwrite #", "a:b.c.d"):
        with pytest.raises(TopicError):
            topics_of(wrong)


def test_one_odd_handle_shuts_out_nobody_else(data_dir: Path) -> None:
    with Broker(data_dir, {"no handle": broker_hash("x"), HANDLE: broker_hash("right")}) as broker:
        station = Client(broker, HANDLE, "right")
        assert station.codes == ["Success"]
        station.close()


def test_a_filter_is_covered_only_by_a_wider_one() -> None:
    assert covers(["a/b/CFX/#"], "a/b/CFX/x/y")
    assert covers(["a/b/CFX/#"], "a/b/CFX")  # MQTT 3.1.1, 4.7.1.2: # includes the parent
    assert not covers(["a/b/CFX/#"], "a/#")
    assert not covers(["a/b/receipts"], "a/+/receipts")
    assert not covers(["a/b/receipts"], "a/b/receipts/more")


def test_a_hash_matches_its_password_only() -> None:
    hashed = broker_hash("sécret")
    assert matches_hash("sécret", hashed)
    assert not matches_hash("secret", hashed)
    assert not matches_hash("secret", "$6$not-ours")


def test_mosquitto_agrees_about_the_hash(tmp_path: Path) -> None:
    if not shutil.which("mosquitto_passwd"):
        pytest.skip("mosquitto is not installed: apt-get install -y mosquitto")
    file = tmp_path / "passwords"
    file.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(file), "user", "sécret"], check=True)
    assert matches_hash("sécret", file.read_text().strip().partition(":")[2])
