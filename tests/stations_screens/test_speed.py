"""How long an operator waits for a verdict, while the line runs: the product's own processes, its disk waited for."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db import create_engine
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.schema import upgrade
from tests.interlock.running_line import RunningLine
from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter, Wedge
from tests.stations_screens.shop import Shop
from tests.stations_screens.test_capture import drained, through

SCANS = 220
CACHES = 20  # the first ones fill them, as each morning's do
NOTHING = """async () => {
    const begun = performance.now();
    await fetch("/healthz", { method: "HEAD" });
    return performance.now() - begun;
}"""  # there and back: what the machine itself takes


@pytest.fixture
def database(data_dir: Path) -> Iterator[str]:
    """A server that waits for its disk, as a factory's does."""
    with Postgres(data_dir) as server:
        engine = create_engine(server.url)
        upgrade(engine)
        engine.dispose()
        yield server.url


@pytest.fixture
def running(engine: Engine, database: str, broker: Broker, data_dir: Path) -> Iterator[str]:
    """The address of a product whose line builds two boards every four seconds."""
    with RunningLine(engine, database, broker, data_dir) as line:
        line.run(1000, takt=4.0)
        line.wait_for("SELECT count(*) > 8 FROM work_record")
        yield line.web_url


@pytest.mark.slow
def test_from_enter_to_the_verdict(enter: Enter, opened: Shop, engine: Engine) -> None:
    serials = [shop.serial(number) for number in range(1, SCANS + 1)]
    shop.tell(engine, shop.arrivals(serials[len(opened.serials) :], reels=False))
    page = enter("work", shop.BENCH)
    trips = []
    through(page)
    wedge = Wedge(page)
    for number, serial in enumerate(serials):
        wedge.scan(serial)
        time.sleep(0.15)
        if number == CACHES:
            drained(page)
            page.evaluate("performance.clearMeasures(); performance.clearResourceTimings()")
        if number % 10 == 0:
            trips.append(page.evaluate(NOTHING))
    drained(page)
    times = sorted(page.evaluate("performance.getEntriesByName('verdict').map(one => one.duration)"))
    assert len(times) >= SCANS - CACHES - 1
    p95 = times[int(0.95 * len(times))]
    print(  # noqa: T201
        f"Enter to verdict: median {times[len(times) // 2]:.1f} ms, p95 {p95:.1f} ms, most {times[-1]:.1f} ms; "
        f"an empty request from the same page: median {sorted(trips)[len(trips) // 2]:.1f} ms"
    )
    assert p95 <= 50
