"""An operator's day: badge, scan, verdict, result, undo; a network that goes and comes back."""

import time

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route
from sqlalchemy import Engine

from app.embedded.processes import free_port
from app.interlock.plans import plan_policy
from app.scanning.codes import CodeKind, make_code
from tests.intake.process import wait_until
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import Enter, Wedge, noted, serving, verdict
from tests.stations_screens.shop import Shop
from tests.stations_screens.test_capture import drained, through

PASS, FAIL, UNDO = (make_code(CodeKind.control, word) for word in ("PASS", "FAIL", "UNDO"))

KEPT = """async () => navigator.serviceWorker.controller !== null
    && await (await caches.open("birthmark-files")).match("/static/station/scan.js") !== undefined"""


def test_badge_then_station_then_a_unit_there_and_back(
    context: BrowserContext, running: str, opened: Shop, engine: Engine
) -> None:
    page = context.new_page()
    page.goto(f"{running}/login/badge?to=/station")
    page.keyboard.type(opened.badge)
    page.get_by_label("PIN").fill(shop.PIN)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Which station is this?").wait_for()
    page.locator("[data-link][data-state=online]").wait_for()
    wedge = Wedge(page)
    wedge.scan(make_code(CodeKind.station, shop.BENCH))
    page.wait_for_url("**/station/work?at=*")
    page.locator("[data-link][data-state=online]").wait_for()
    wedge = Wedge(page)
    serial = opened.serials[0]
    wedge.scan(serial)
    verdict(page, "GO")
    page.get_by_text("Pin 1 is at the white dot").wait_for()
    assert page.locator(".part.accent").count() == 4  # the places the steps speak of
    wedge.scan(opened.serials[1])
    noted(page, f"{serial} is still in work here")
    wedge.scan(PASS)
    verdict(page, "PASSED")
    assert facts.works(engine, shop.BENCH) == [(serial, "Completed")]
    assert page.locator("[data-count]").inner_text() == "1"
    wedge.scan(serial)
    verdict(page, "STOP")
    page.locator("[data-verdict-reasons]", has_text="is done on").wait_for()
    wedge.scan(opened.serials[1])  # the verdict goes by itself with the next scan
    verdict(page, "GO")


def test_the_last_deed_is_undone_and_the_unit_may_start_again(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("work", shop.BENCH)
    wedge = Wedge(page)
    serial = opened.serials[0]
    wedge.scan(serial)
    verdict(page, "GO")
    wedge.scan(FAIL)
    verdict(page, "FAILED")
    wedge.scan(UNDO)
    verdict(page, "UNDONE")
    assert facts.works(engine, shop.BENCH) == [(serial, "Aborted")]
    outcomes = facts.ask(engine, "SELECT outcome, machine_outcome FROM inspection ORDER BY recorded_at")
    assert outcomes == [("failed", "failed"), ("passed", "failed")], "taken back as a statement, not erased"
    wedge.scan(serial)
    verdict(page, "GO")
    page.get_by_role("button", name="PASS", exact=True).click()
    verdict(page, "PASSED")
    assert facts.works(engine, shop.BENCH) == [(serial, "Aborted"), (serial, "Completed")]


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("policy", ["fail_closed", "fail_open_record"])
def test_offline_and_back_everything_is_done_exactly_once(
    enter: Enter, context: BrowserContext, opened: Shop, engine: Engine, policy: str, seconds: int
) -> None:
    with engine.begin() as connection:
        plan_policy(connection, station=shop.BENCH, policy=policy, actor="test")
    page = enter("work", shop.BENCH)
    through(page)
    wedge = Wedge(page)
    wedge.scan(opened.serials[0])
    verdict(page, "GO")
    context.set_offline(True)
    page.locator("[data-link][data-state=offline]").wait_for()
    began = time.monotonic()
    for serial in opened.serials[1:6]:
        wedge.scan(serial)
        verdict(page, "WAIT" if policy == "fail_closed" else "GO")
    page.get_by_text("5 waiting").wait_for()
    time.sleep(max(0, seconds - (time.monotonic() - began)))
    assert len(facts.works(engine, shop.BENCH)) == 1
    context.set_offline(False)
    page.locator("[data-link][data-state=online]").wait_for(timeout=15_000)
    drained(page)
    assert facts.works(engine, shop.BENCH) == [(serial, "Completed") for serial in opened.serials[:6]]
    unheard = facts.ask(engine, "SELECT count(*) FROM unit_event WHERE message_name LIKE '%ActivitiesExecuted'")
    assert unheard == [(0 if policy == "fail_closed" else 5,)]


def test_an_answer_that_was_lost_is_asked_for_again_and_the_deed_stays_one(
    enter: Enter, opened: Shop, engine: Engine
) -> None:
    page = enter("work", shop.BENCH)
    through(page)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if len(lost) < 3:
            lost.append(route.fetch().text())  # done, and nobody hears of it
            route.abort()
        else:
            route.continue_()

    page.route("**/station/deeds", lose)
    Wedge(page).scan(opened.serials[0])
    drained(page)
    assert len(lost) == 3
    assert len(set(lost)) == 1, "the same answer each time"
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], "Completed")]
    assert facts.ask(engine, "SELECT count(*) FROM verdict WHERE purpose = 'start'") == [(1,)]


def test_while_the_database_is_away_a_deed_waits(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("work", shop.BENCH)
    through(page)
    refused: list[Route] = []

    def away(route: Route) -> None:
        if len(refused) < 4:
            refused.append(route)
            route.fulfill(status=503, json={"type": "/problems/unavailable", "detail": "The database does not answer."})
        else:
            route.continue_()

    page.route("**/station/deeds", away)
    Wedge(page).scan(opened.serials[0])
    verdict(page, "GO", timeout=20_000)
    assert len(refused) == 4
    drained(page)
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], "Completed")]


def test_a_closed_page_loses_nothing(enter: Enter, context: BrowserContext, opened: Shop, engine: Engine) -> None:
    page = enter("work", shop.BENCH)
    through(page)
    context.set_offline(True)
    page.locator("[data-link][data-state=offline]").wait_for()
    Wedge(page).scan(opened.serials[0])
    page.get_by_text("1 waiting").wait_for()
    page.close()
    context.set_offline(False)
    assert facts.works(engine, shop.BENCH) == []
    again: Page = enter("work", shop.BENCH)
    drained(again)
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], "Completed")]


def test_a_screen_opens_without_the_server_and_what_was_scanned_is_done_when_it_is_back(
    context: BrowserContext, opened: Shop, engine: Engine
) -> None:
    port = free_port()
    with serving(engine, port) as address:
        page = context.new_page()
        page.goto(f"{address}/login/badge?to=/station/work?at={shop.BENCH}")
        page.keyboard.type(opened.badge)
        page.get_by_label("PIN").fill(shop.PIN)
        page.keyboard.press("Enter")
        page.locator("[data-link][data-state=online]").wait_for()
        wait_until(lambda: page.evaluate(KEPT), 20, lambda: "the page was not kept")
    page.reload()
    page.locator("[data-link][data-state=offline]").wait_for()
    Wedge(page).scan(opened.serials[0])
    verdict(page, "WAIT")
    page.get_by_text("1 waiting").wait_for()
    with serving(engine, port):
        page.locator("[data-link][data-state=online]").wait_for(timeout=15_000)
        drained(page)
        assert facts.works(engine, shop.BENCH) == [(opened.serials[0], None)]
        page.get_by_role("button", name="Lock").click()
        page.get_by_role("heading", name="Locked").wait_for()
    with pytest.raises(Error):  # nobody is logged in: there is nothing to see
        page.goto(f"{address}/station/work?at={shop.BENCH}")


def test_a_locked_station_keeps_what_was_scanned(
    context: BrowserContext, running: str, opened: Shop, engine: Engine
) -> None:
    page = context.new_page()
    page.goto(f"{running}/login/badge?to=/station/work?at={shop.BENCH}")
    page.keyboard.type(opened.badge)
    page.get_by_label("PIN").fill(shop.PIN)
    page.keyboard.press("Enter")
    page.locator("[data-link][data-state=online]").wait_for()
    facts.change(engine, "UPDATE login_session SET seen_at = now() - idle_after - interval '1 s'")
    Wedge(page).scan(opened.serials[0])
    page.get_by_role("heading", name="Locked").wait_for()
    page.get_by_label("PIN").fill(shop.PIN)
    page.keyboard.press("Enter")
    page.locator("[data-prompt]").wait_for()
    drained(page)
    page.locator("[data-prompt][data-state=busy]").wait_for()
    assert facts.works(engine, shop.BENCH) == [(opened.serials[0], None)]
