"""The board on a wall: dark, without navigation, large, and honest about its age."""

import httpx2
from playwright.sync_api import Browser
from sqlalchemy import Engine

from app.lines.planning import StationPlan, plan_line
from app.live import announce
from app.main import Server
from app.people import create_token
from tests.doors import story
from tests.doors.test_browser import browser, log_in

__all__ = ["browser"]

SMALLEST = """() => Math.min(...[...document.querySelectorAll("[data-live] *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length)
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""

FITS = "document.documentElement.scrollHeight <= innerHeight"


def test_a_wall_is_read_from_afar_and_says_when_it_is_old(
    browser: Browser, running: str, server: Server, engine: Engine, accounts: dict[str, str]
) -> None:
    with engine.begin() as connection:
        token = create_token(connection, name="t", role="administrator", actor="test")
    state = story.payload(story.envelope("ResourcePerformance.StationStateChanged", {"NewState": 5200}, story.AOI))
    httpx2.post(f"{running}/api/v1/cfx", content=state, headers={"Authorization": f"Bearer {token}"})
    with browser.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="light") as context:
        page = log_in(context, running)
        page.goto(f"{running}/wall")
        page.get_by_text("Live", exact=True).wait_for()
        page.locator(".wall-stations .is-bad", has_text=story.AOI).get_by_text("down").wait_for()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert not page.get_by_role("navigation").count()
        assert page.evaluate(SMALLEST) >= 24, "at five metres, on a screen of 1.2 m"
        assert page.evaluate(FITS)
        page.wait_for_timeout(1500)
        assert not page.get_by_text("No news since").is_visible()
        with engine.begin() as connection:
            announce(connection)
        server.stop()
        page.get_by_text("No news since").wait_for(timeout=30_000)


def test_upright_a_wall_shows_ten_stations_at_once_and_more_in_parts(
    browser: Browser, running: str, engine: Engine, accounts: dict[str, str]
) -> None:
    with engine.begin() as connection:
        token = create_token(connection, name="t", role="administrator", actor="test")
        for name, count in (("SMT 1", 10), ("SMT 2", 30)):
            handles = [f"Vendor.Model.{count}-{number:02}" for number in range(count)]
            stations = [StationPlan(handle, f"Solder paste inspection {handle[-2:]}") for handle in handles]
            plan_line(connection, name=name, stations=stations, actor="test")
    fault = {"Fault": {"FaultCode": "E1", "Description": "The nozzle of head 2 is blocked and must be cleaned. " * 2}}
    told = story.payload(story.envelope("ResourcePerformance.FaultOccurred", fault, "Vendor.Model.10-03"))
    answer = httpx2.post(f"{running}/api/v1/cfx", content=told, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["receipts"][0]["status"] == "stored", answer.text
    with browser.new_context(viewport={"width": 768, "height": 1024}) as context:
        page = log_in(context, running)
        page.goto(f"{running}/wall?line=SMT 1")
        shown = page.locator(".wall-stations > li:visible")
        page.locator(".wall-alarm", has_text="nozzle").wait_for()
        assert shown.count() == 10
        assert page.evaluate(FITS)
        page.goto(f"{running}/wall?line=SMT 2&every=5")
        names: list[str] = []
        for part in (1, 2):
            page.get_by_text(f"{part} / 2", exact=True).wait_for()
            assert page.evaluate(FITS)
            names += shown.locator("h3").all_inner_texts()
        assert len(names) == len(set(names)) == 30
