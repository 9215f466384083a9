"""How much a tablet loads the first time."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Request

from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter

LARGEST_LOAD = 250_000


@pytest.mark.parametrize(
    ("mode", "station"),
    [("work", shop.BENCH), ("inspect", shop.EYES), ("rework", shop.REPAIR), ("setup", shop.MOUNTER)],
)
def test_operators_pages_are_small(browser: Browser, enter: Enter, running: str, mode: str, station: str) -> None:
    logged_in = enter("work", shop.BENCH).context.storage_state()
    with browser.new_context(storage_state=logged_in) as fresh:  # with nothing in its cache
        page = fresh.new_page()
        asked: list[Request] = []
        page.on("requestfinished", _into(asked))
        page.goto(f"{running}/station/{mode}?at={station}")
        page.locator("[data-link][data-state=online]").wait_for()
        sent = sum(request.sizes()["responseBodySize"] for request in asked)
        assert 10_000 < sent <= LARGEST_LOAD, f"{sent} bytes"


def _into(asked: list[Request]) -> Callable[[Request], None]:
    def note(request: Request) -> None:
        asked.append(request)

    return note
