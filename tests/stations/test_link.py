"""From the spool to the product and back, over a real broker that fails."""

import contextlib
import gzip
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.cfx.envelope import decode, encode
from app.cfx.messages.information_system import ValidateUnitsRequest, ValidateUnitsResponse
from app.cfx.messages.production import UnitsArrived, UnitsDeparted
from app.cfx.receipts import Receipt, encode_receipts
from app.cfx.topics import StationAddress
from app.embedded.broker import Broker
from app.people import broker_hash
from stations.connection import LinkError
from stations.faults import NO_FAULTS, Faults, Traffic
from stations.link import Link, LinkSettings, batches
from stations.spool import Event, Spool, Spooled
from stations.window import Window
from tests.stations.consumer import Consumer

HANDLE = "Birthmark.AOI.TEST1"
STATION = StationAddress.from_handle(HANDLE)
QUICK = LinkSettings(heartbeat=None, receipt_timeout=0.4, longest_timeout=1.0, longest_backoff=0.3)


def event(number: int, size: int = 0) -> Event:
    unique_id = UUID(int=number + (4 << 76) + (8 << 60))
    message = UnitsArrived(primary_identifier=f"P{number}" + "x" * size)
    payload = encode(message, source=HANDLE, unique_id=unique_id)
    return Event(str(unique_id), message.message_name, payload)


def trouble_of(link: Link, *, but: str | None = None) -> str:
    """What keeps the link from delivering, within ten seconds."""
    deadline = time.monotonic() + 10
    while (link.trouble is None or (but and but in link.trouble)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert link.trouble is not None
    return link.trouble


@pytest.fixture
def line(broker: Broker) -> Broker:
    """The broker, with the station admitted."""
    broker.set_credentials({HANDLE: broker_hash("secret")})
    return broker


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool.db") as spool:
        yield spool


@pytest.fixture
def connect(line: Broker, spool: Spool) -> Iterator[Callable[..., Link]]:
    with contextlib.ExitStack() as stack:

        def make(settings: LinkSettings = QUICK, token: str = "secret", traffic: Traffic | None = None) -> Link:
            link = Link(
                STATION, spool, broker_url=f"mqtt://{line.address}", token=token, settings=settings, traffic=traffic
            )
            stack.callback(link.stop)
            link.start()
            return link

        yield make


def test_everything_arrives_once_and_leaves_the_spool(line: Broker, spool: Spool, connect: Callable[..., Link]) -> None:
    spool.store([event(number) for number in range(1, 301)])
    with Consumer(line.url) as product:
        link = connect()
        assert link.wait_until_drained(20)
        spool.store([event(301)])
        link.notify()
        assert link.wait_until_drained(5)
        assert link.delivered == 301
    assert set(product.copies.values()) == {1}
    assert [envelope.unique_id.int & 0xFFFF for envelope in product.events] == list(range(1, 302))
    assert len(spool) == 0


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_receipts_sent_while_the_station_was_away_are_heard(
    line: Broker, spool: Spool, connect: Callable[..., Link], version: str
) -> None:
    settings = LinkSettings(heartbeat=None, receipt_timeout=60, mqtt_version="5" if version == "5" else "3.1.1")
    with Consumer(line.url) as product:
        product.silent = True
        spool.store([event(1)])
        link = connect(settings)
        assert product.wait_for(1)
        link.stop()
        product.silent = False
        product._client.publish(
            STATION.receipts_topic, encode_receipts([Receipt(UUID(event(1).unique_id), "stored")]), qos=1
        ).wait_for_publish(5)
        assert connect(settings).wait_until_drained(5)
    assert sum(product.copies.values()) <= 2


def test_what_gets_no_receipt_is_published_again_and_said_aloud(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    with Consumer(line.url) as product, capture_logs() as logs:
        product.silent = True
        spool.store([event(number) for number in range(20)])
        link = connect()
        # A broker that is busy reads the tokens it was just given a little later.
        assert "Is intake running" in trouble_of(link, but="Not authorized")
        assert len(spool) == 20
        product.silent = False
        assert link.wait_until_drained(10)
        assert link.trouble is None
    assert product.copies.total() >= 4 * 20
    said = [entry["reason"] for entry in logs if entry["event"] == "link.trouble"]
    waiting = [reason for reason in said if "Not authorized" not in reason]
    assert len(waiting) == 1, "one sentence for all that wait, not one for each"


def test_a_rejected_event_is_kept_aside_and_the_rest_goes_on(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    bad = UUID(event(2).unique_id)
    with Consumer(line.url, verdict=lambda one: "It cannot be so." if one.unique_id == bad else None) as product:
        spool.store([event(number) for number in range(1, 4)])
        link = connect()
        assert link.wait_until_drained(10)
    assert [(kept.unique_id, kept.reason) for kept in spool.rejected()] == [(str(bad), "It cannot be so.")]
    assert len(product.events) == 2
    assert product.copies[HANDLE, str(bad)] == 1, "it is not sent again"


def test_a_broker_killed_again_and_again_loses_nothing(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    with Consumer(line.url) as product:
        link = connect()
        for round_ in range(6):
            spool.store([event(number) for number in range(round_ * 50 + 1, round_ * 50 + 51)])
            link.notify()
            time.sleep(0.05)
            line.kill()
            time.sleep(0.05)
            line.start()
        assert link.wait_until_drained(30)
    assert len(product.events) == 300
    assert len({envelope.unique_id for envelope in product.events}) == 300


def test_a_station_that_may_not_in_says_so_and_comes_in_once_it_may(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    spool.store([event(1)])
    with Consumer(line.url), capture_logs() as logs:
        link = connect(token="late")
        assert f"refuses {HANDLE}" in trouble_of(link)
        assert "token create" in trouble_of(link)
        time.sleep(0.8)
        line.set_credentials({HANDLE: broker_hash("late")})
        assert link.wait_until_drained(10)
    troubles = [entry for entry in logs if entry["event"] == "link.trouble"]
    assert len(troubles) == 1, "a trouble is said once, not at every try"


def test_without_a_broker_events_wait_on_disk(spool: Spool) -> None:
    link = Link(STATION, spool, broker_url="mqtt://127.0.0.1:1", token="x", settings=QUICK)
    spool.store([event(number) for number in range(1, 50)])
    link.start()
    assert "cannot be reached" in trouble_of(link)
    link.stop()
    assert len(spool) == 49


def test_faults_of_the_network_delay_repeat_and_shuffle_and_lose_nothing(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    faults = Faults(repeated=0.2, late=0.2, shuffled=1.0, late_seconds=0.5)
    spool.store([event(number) for number in range(1, 201)])
    with Consumer(line.url) as product:
        link = connect(QUICK, traffic=Traffic(faults, random.Random(5)))
        assert link.wait_until_drained(20)
        heard = [envelope.unique_id.int & 0xFFFF for envelope in product.events]
        assert sorted(heard) == list(range(1, 201))
        assert heard != sorted(heard)
        deadline = time.monotonic() + 5
        while product.copies.total() < 225 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert product.copies.total() >= 225


def test_small_events_travel_together_and_a_large_one_alone(
    line: Broker, spool: Spool, connect: Callable[..., Link]
) -> None:
    departed = encode(UnitsDeparted(primary_identifier="P"), source=HANDLE, unique_id=UUID(int=7 << 64))
    spool.store([event(number) for number in range(1, 11)])
    spool.store([event(11, size=94_000), Event(str(UUID(int=7 << 64)), "CFX.Production.UnitsDeparted", departed)])
    spool.store([event(12)])
    with Consumer(line.url) as product:
        assert connect(LinkSettings(heartbeat=None, compress_above=50_000)).wait_until_drained(10)
    arrived = "Birthmark/AOI/TEST1/CFX/Production/UnitsArrived"
    # Ten of one kind, one alone, two of two kinds on the topic above both.
    assert product.topics == {arrived: 11, "Birthmark/AOI/TEST1/CFX": 2}
    assert len({bytes(payload) for payload in product.payloads}) == 3
    large = next(payload for payload in product.payloads if payload.startswith(b"\x1f\x8b"))
    assert len(large) < 2_000
    assert len(gzip.decompress(large)) > 94_000


def test_a_heartbeat_is_said_and_not_kept(line: Broker, spool: Spool, connect: Callable[..., Link]) -> None:
    with Consumer(line.url) as product:
        connect(LinkSettings(heartbeat=0.1))
        assert product.wait_for(3)
    assert {envelope.message_name for envelope in product.events} == {"CFX.Heartbeat"}
    assert len(spool) == 0


def test_a_request_gets_its_answer(line: Broker, spool: Spool, connect: Callable[..., Link]) -> None:
    with Consumer(line.url) as product:
        link = connect()

        def answer() -> None:
            assert product.wait_for(1)
            (question,) = product.events
            response = encode(
                ValidateUnitsResponse(), source="Birthmark.Traceability.1", request_id=question.request_id
            )
            product._client.publish(STATION.responses_topic, response, qos=1)

        thread = threading.Thread(target=answer)
        thread.start()
        response = link.ask(ValidateUnitsRequest(primary_identifier="P1"), timeout=10)
        thread.join()
        assert response.message_name == "CFX.InformationSystem.UnitValidation.ValidateUnitsResponse"
        with pytest.raises(TimeoutError):
            link.ask(ValidateUnitsRequest(primary_identifier="P1"), timeout=0.2)


def test_the_fallback_broker_serves_a_station_too(tmp_path: Path, spool: Spool) -> None:
    with Broker(tmp_path / "broker", {HANDLE: broker_hash("secret")}, kind="amqtt") as broker:
        with Consumer(broker.url) as product:
            link = Link(STATION, spool, broker_url=f"mqtt://{broker.address}", token="secret", settings=QUICK)
            other = encode(UnitsDeparted(primary_identifier="P"), source=HANDLE, unique_id=UUID(int=7 << 64))
            spool.store([event(1), Event(str(UUID(int=7 << 64)), "CFX.Production.UnitsDeparted", other)])
            link.start()
            try:
                assert link.wait_until_drained(15)
            finally:
                link.stop()
        assert len(product.events) == 2


@pytest.mark.parametrize("url", ["http://localhost", "localhost:1883", "mqtt://"])
def test_an_address_that_is_no_broker_is_refused(spool: Spool, url: str) -> None:
    with pytest.raises(LinkError, match="mqtt://host:port"):
        Link(STATION, spool, broker_url=url, token="x")


def spooled(number: int, size: int = 10) -> Spooled:
    return Spooled(number, f"id {number}", "CFX.Heartbeat", b"x" * size)


def test_the_window_bounds_what_is_under_way_and_doubles_the_wait() -> None:
    window = Window(most_events=3, most_bytes=1000)
    window.take([spooled(1), spooled(2), spooled(3)], now=0.0)
    assert window.room() == 0
    assert [one.sequence for one in window.due(0.0, timeout=10, longest=25)] == [1, 2, 3]
    assert window.due(9.9, 10, 25) == []
    window.settled("id 2")
    assert window.room() == 1
    assert [one.sequence for one in window.due(10.0, 10, 25)] == [1, 3]
    assert window.seconds_to_next(10.0) == 20
    assert [one.sequence for one in window.due(30.0, 10, 25)] == [1, 3]
    assert window.seconds_to_next(30.0) == 25, "the longest wait"
    assert [flight.event.sequence for flight in window.overdue(60.0)] == [1, 3]
    assert list(window.overdue(60.0)) == [], "each is told once"
    window.connection_lost()
    assert [one.sequence for one in window.due(60.0, 10, 25)] == [1, 3]
    large = Window(most_events=3, most_bytes=1000)
    large.take([spooled(1, size=1000)], now=0.0)
    assert large.room() == 0


def test_late_events_do_not_stop_the_others() -> None:
    window = Window(2, 1000, Traffic(Faults(late=1.0, late_seconds=10), random.Random(1)))
    window.take([spooled(number) for number in range(1, 6)], now=0.0)
    assert window.room() == 2
    assert window.due(0.0, 1, 1) == []
    assert len(window.due(10.0, 1, 1)) == 5
    assert window.holding == 5


def test_batches_keep_the_order_and_the_bounds() -> None:
    cut = batches([spooled(1), spooled(2), spooled(3, 100), spooled(4), spooled(5), spooled(6)], 2, 50)
    assert [[one.sequence for one in batch] for batch in cut] == [[1, 2], [3], [4, 5], [6]]


def test_a_rate_is_a_rate() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        Faults(late=5.0)
    assert Traffic(NO_FAULTS, random.Random(1)).plan(spooled(1)) == (0.0, ())


def test_decode_reads_what_a_batch_holds() -> None:
    payload = b"[" + event(1).payload + b"," + event(2).payload + b"]"
    assert len(decode(payload)) == 2
