"""A browser that can keep nothing more: what is scanned is recorded at once or refused aloud, never lost in silence."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route
from sqlalchemy import Engine

from app.interlock.plans import plan_policy
from app.scanning.codes import CodeKind, make_code
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import Enter, Wedge, verdict
from tests.stations_screens.shop import Shop
from tests.stations_screens.test_capture import drained, through

PASS = make_code(CodeKind.control, "PASS")


def full(page: Page) -> None:
    """Every transaction that writes is given up when it ends, as where the disk is full."""
    page.evaluate(
        """() => {
            const add = IDBObjectStore.prototype.add;
            IDBObjectStore.prototype.add = function (...what) {
                const request = add.apply(this, what);
                request.addEventListener("success", () => this.transaction.abort());
                return request;
            };
        }"""
    )


def refused_aloud(page: Page) -> None:
    verdict(page, "NOT RECORDED")
    page.locator("[data-verdict-reasons]", has_text="cannot keep scans").wait_for()
    page.locator("[data-link]", has_text="keeps no scans").wait_for()


def test_while_the_server_answers_everything_is_recorded_in_order(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("work", shop.BENCH)
    through(page)
    origin = re.match(r"https?://[^/]+", page.url)
    assert origin is not None
    browser = page.context.new_cdp_session(page)
    browser.send("Storage.overrideQuotaForOrigin", {"origin": origin.group(), "quotaSize": 1})
    wedge = Wedge(page)
    for serial in opened.serials[:6]:  # faster than they are answered
        wedge.scan(serial)
    page.locator("[data-count]", has_text="6").wait_for()
    page.locator("[data-link]", has_text="keeps no scans").wait_for()
    assert facts.works(engine, shop.BENCH) == [(serial, "Completed") for serial in opened.serials[:6]]
    browser.send("Storage.overrideQuotaForOrigin", {"origin": origin.group()})
    wedge.scan(opened.serials[6])
    page.locator("[data-link][data-state=online]").wait_for()


def test_without_a_server_each_scan_is_refused_aloud_and_what_was_kept_is_sent(
    enter: Enter, context: BrowserContext, opened: Shop, engine: Engine
) -> None:
    page = enter("work", shop.BENCH)
    through(page)
    wedge = Wedge(page)
    context.set_offline(True)
    page.locator("[data-link][data-state=offline]").wait_for()
    wedge.scan(opened.serials[0])
    page.get_by_text("1 waiting").wait_for()
    full(page)
    wedge.scan(opened.serials[1])
    refused_aloud(page)
    context.set_offline(False)
    drained(page)
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], "Completed")]
    wedge.scan(opened.serials[1])
    verdict(page, "GO")
    assert facts.works(engine, shop.BENCH) == [(serial, "Completed") for serial in opened.serials[:2]]


def unsent(route: Route) -> None:
    route.abort()


def unanswered(route: Route) -> None:
    """The server gets it and does it; its answer is lost on the way."""
    route.fetch()
    route.abort()


@pytest.mark.parametrize("lost", [unsent, unanswered], ids=["nothing arrived", "the answer was lost"])
@pytest.mark.parametrize("loaded_again", [False, True], ids=["", "the page is loaded again"])
def test_what_may_be_recorded_is_not_known_until_the_server_is_asked_again(
    enter: Enter, opened: Shop, engine: Engine, lost: Callable[[Route], None], *, loaded_again: bool
) -> None:
    page = enter("work", shop.BENCH)
    wedge = Wedge(page)
    wedge.scan(opened.serials[0])
    verdict(page, "GO")
    full(page)
    page.route("**/station/deeds", lost)
    wedge.scan(PASS)
    verdict(page, "NOT KNOWN YET")
    page.locator("[data-verdict-reasons]", has_text="asked again by itself").wait_for()
    page.get_by_text("1 waiting").wait_for()
    wedge.scan(opened.serials[1])
    refused_aloud(page)
    if loaded_again:  # before the answer can come: else the former page may show it
        page.reload()
    page.unroute_all(behavior="ignoreErrors")
    verdict(page, "PASSED", timeout=20_000)
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], "Completed")]
    if not loaded_again:
        page.locator("[data-count]", has_text=re.compile("^1$")).wait_for()
    page.locator("[data-waiting]").wait_for(state="hidden")
    wedge.scan(opened.serials[1])
    verdict(page, "GO")


def test_a_station_that_may_go_on_alone_does_not_where_nothing_tells_of_it(
    enter: Enter, context: BrowserContext, opened: Shop, engine: Engine
) -> None:
    with engine.begin() as connection:
        plan_policy(connection, station=shop.BENCH, policy="fail_open_record", actor="test")
    page = enter("work", shop.BENCH)
    context.set_offline(True)
    page.locator("[data-link][data-state=offline]").wait_for()
    full(page)
    Wedge(page).scan(opened.serials[0])
    refused_aloud(page)
    assert page.locator("[data-prompt-serial]").inner_text() == ""
