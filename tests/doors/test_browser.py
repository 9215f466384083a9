"""The pages in a real browser: the line moves by itself, ten tabs live on one stream, everything by keyboard."""

import os
import re
import shutil
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect, sync_playwright
from sqlalchemy import Engine

from app import browser_libraries
from app.main import Server
from app.people import create_token
from tests.doors import story
from tests.doors.conftest import PASSWORD
from tests.intake.process import wait_until

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    # No name is looked up: whatever a page asks of another host fails and is seen.
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    options = [nowhere, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        except Error as error:
            pytest.skip(f"chromium does not start here: {error}")
        yield launched
        launched.close()


@pytest.fixture
def machine(running: str, engine: Engine) -> Iterator[httpx2.Client]:
    with engine.begin() as connection:
        token = create_token(connection, name="t", role="administrator", actor="test")
    with httpx2.Client(base_url=running, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def log_in(context: BrowserContext, address: str, name: str = "administrator") -> Page:
    page = context.new_page()
    page.goto(f"{address}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")
    return page


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that keeps people out (WCAG 2.2 A and AA), as "rule: elements"."""
    if not browser_libraries.AXE.exists():
        pytest.skip("axe-core was not brought from npm: python3 -m app test brings it")
    # Not add_script_tag: the page's policy lets no inline script in, and so it shall stay.
    page.evaluate(browser_libraries.AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
            .filter((one) => ["serious", "critical"].includes(one.impact))
            .map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 100)).join(" | "))"""
    )
    return list(found)


def test_the_line_moves_by_itself(
    browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str]
) -> None:
    with browser.new_context() as context:
        page = log_in(context, running)
        page.get_by_text("No station has spoken yet").wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        page.evaluate("window.here = true")
        state = story.envelope("ResourcePerformance.StationStateChanged", {"NewState": 1100}, story.AOI)
        machine.post("/api/v1/cfx", content=story.payload(state))
        page.locator(".station", has_text=story.AOI).get_by_text("producing").wait_for(timeout=5000)
        assert page.evaluate("window.here"), "the page was not loaded anew"


def test_what_a_restarted_station_left_behind_is_not_inside_and_leads_to_its_passport(
    browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str]
) -> None:
    work = {"TransactionID": str(uuid4()), "PrimaryIdentifier": "PNL-1"}
    for name, body in (("Production.WorkStarted", work), ("ResourcePerformance.StationOnline", {})):
        machine.post("/api/v1/cfx", content=story.payload(story.envelope(name, body, story.PLACER)))
    with browser.new_context() as context:
        page = log_in(context, running)
        station = page.locator(".station", has_text=story.PLACER)
        station.get_by_text("No unit inside").wait_for()
        station.get_by_text("1 left behind:").wait_for()
        station.get_by_role("link", name="PNL-1").click()
        page.get_by_role("heading", name="PNL-1").wait_for()


def test_from_a_serial_to_every_board_with_its_reel(
    browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str]
) -> None:
    machine.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", ["A+1", "A+2"])))
    with browser.new_context() as context:
        page = log_in(context, running, "quality_engineer")
        page.keyboard.type("A+1\n")  # a wedge scanner: the box has the focus
        page.get_by_role("heading", name="A+1").wait_for()
        page.get_by_role("row", name="C1").get_by_role("link", name="R/90 +5%").click()
        page.get_by_role("link", name="Where used").click()
        page.get_by_role("heading", name="package R/90 +5%").wait_for()
        serials = page.locator("tbody tr td:first-child a").all_inner_texts()
        assert [serial.strip() for serial in serials] == ["A+1", "A+2"]
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").first.click()
        assert download.value.suggested_filename == "where-used package R_90 +5%.csv"


GIVES_UP = """() => { const box = document.querySelector("[data-long-question]"), looking = setInterval(() => {
  if (box.hidden || box.querySelector("[data-waited]").textContent !== "2") return;
  clearInterval(looking);
  window.seen = box.innerText;
  box.querySelector("button").click();
}, 50); }"""


def test_a_long_question_says_that_it_is_worked_out_and_can_be_given_up(
    browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str]
) -> None:
    machine.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", ["A+1", "A+2"])))
    with browser.new_context() as context:
        page = log_in(context, running, "quality_engineer")
        page.goto(f"{running}/units?serial=A%2B1")
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)  # an answer that does not come

        context.route("**/search?**", hold)
        page.evaluate(GIVES_UP)  # by the page itself: Playwright looks at none that is on its way elsewhere
        page.locator("[name=q]").fill("R-1182")
        page.locator("[name=q]").press("Enter", no_wait_after=True)
        # Asked from here: its policy does not let a page look by itself, again and again, for what it is given as text.
        wait_until(lambda: bool(page.evaluate("window.seen")), 20)
        assert page.evaluate("window.seen").split("\n")[0] == "The answer is being worked out."
        assert held
        expect(page.locator("[data-long-question]")).to_be_hidden()
        assert page.url == f"{running}/units?serial=A%2B1"
        context.unroute("**/search?**")
        page.locator("[name=q]").press("Enter")
        page.get_by_role("heading", name="R-1182").wait_for()
        expect(page.locator("[data-long-question]")).to_be_hidden()


def test_ten_tabs_of_one_browser_live_on_one_stream(
    browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str], server: Server
) -> None:
    with browser.new_context() as context:
        pages = [log_in(context, running)] + [context.new_page() for _ in range(9)]
        for page in pages[1:]:
            page.goto(f"{running}/")
        for page in pages:
            page.get_by_text("Live", exact=True).wait_for()
        assert server.changes.watchers == 1
        state = story.envelope("ResourcePerformance.StationStateChanged", {"NewState": 1100}, story.AOI)
        machine.post("/api/v1/cfx", content=story.payload(state))
        for page in pages:
            page.bring_to_front()
            page.locator(".station", has_text=story.AOI).get_by_text("producing").wait_for(timeout=10_000)
        for page in pages[1:]:
            page.close()
        pages[0].get_by_text("Live", exact=True).wait_for()
        assert server.changes.watchers == 1


def test_language_and_theme_are_chosen_and_stay(browser: Browser, running: str, accounts: dict[str, str]) -> None:
    with browser.new_context(color_scheme="light") as context:
        page = log_in(context, running)
        page.get_by_label("Theme").select_option("dark")
        page.get_by_label("Language").select_option("de")
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("heading", name="Die Linie, wie sie steht").wait_for()
        assert page.evaluate("document.documentElement.lang") == "de"
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert sum(int(part) for part in re.findall(r"\d+", ground)) < 200, "dark"
        page.get_by_label("Farben").select_option("light")
        page.get_by_role("button", name="Anwenden").click()
        wait_until(lambda: page.evaluate("getComputedStyle(document.body).backgroundColor") != ground, 20)
    with browser.new_context() as elsewhere:  # the language follows the person, the theme stays with the screen
        page = log_in(elsewhere, running)
        page.get_by_role("heading", name="Die Linie, wie sie steht").wait_for()


def test_everything_is_reached_with_the_keyboard(browser: Browser, running: str, accounts: dict[str, str]) -> None:
    with browser.new_context() as context:
        page = log_in(context, running)
        page.goto(f"{running}/people")
        reached = set()
        for _ in range(120):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        every = page.evaluate(
            """[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")]
                .filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert set(every) <= reached
