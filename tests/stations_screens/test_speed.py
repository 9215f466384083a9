"""How long an operator waits, and how much a tablet loads. The line runs meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Request
from sqlalchemy import Engine

from app.inbox.record import Delivery, Recorder
from tests.doors import story
from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter, Wedge
from tests.stations_screens.shop import Shop
from tests.stations_screens.test_capture import drained, through

LARGEST_LOAD = 250_000
MODES = (("work", shop.BENCH), ("inspect", shop.EYES), ("rework", shop.REPAIR), ("setup", shop.MOUNTER))


@pytest.fixture
def line(engine: Engine) -> Iterator[None]:
    """A line that builds a panel of six twice a second."""
    stop = threading.Event()

    def build() -> None:
        recorder, number = Recorder(engine), 0
        while not stop.wait(0.5):
            number += 1
            boards = [f"L{number:05d}-{place}" for place in range(1, 7)]
            recorder.record([Delivery(story.payload(story.panel(f"LP{number:05d}", boards, work_order="WO-9")))])

    thread = threading.Thread(target=build)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.slow
def test_from_enter_to_the_verdict(enter: Enter, opened: Shop, engine: Engine, line: None) -> None:
    serials = [shop.serial(number) for number in range(1, 221)]
    shop.tell(engine, shop.arrivals(serials[len(opened.serials) :], reels=False))
    page = enter("work", shop.BENCH)
    through(page)
    wedge = Wedge(page)
    for number, serial in enumerate(serials):
        wedge.scan(serial)
        time.sleep(0.15)
        if number == 19:
            drained(page)
            page.evaluate("performance.clearMeasures()")  # the first ones fill caches, as each morning's do
    drained(page)
    times = sorted(page.evaluate("performance.getEntriesByName('verdict').map(one => one.duration)"))
    assert len(times) >= 200
    p95 = times[int(0.95 * len(times))]
    print(f"Enter to verdict: median {times[100]:.1f} ms, p95 {p95:.1f} ms, most {times[-1]:.1f} ms")  # noqa: T201
    assert p95 <= 50


def _into(asked: list[Request]) -> Callable[[Request], None]:
    def note(request: Request) -> None:
        asked.append(request)

    return note


def test_operators_pages_are_small(browser: Browser, enter: Enter, running: str) -> None:
    logged_in = enter("work", shop.BENCH).context.storage_state()
    for mode, station in MODES:
        with browser.new_context(storage_state=logged_in) as fresh:  # with nothing in its cache
            page = fresh.new_page()
            asked: list[Request] = []
            page.on("requestfinished", _into(asked))
            page.goto(f"{running}/station/{mode}?at={station}")
            page.locator("[data-link][data-state=online]").wait_for()
            sent = sum(request.sizes()["responseBodySize"] for request in asked)
            assert 10_000 < sent <= LARGEST_LOAD, f"{mode}: {sent} bytes"
