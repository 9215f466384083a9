"""The pages in a real browser: nothing from outside, nothing refused by the policy, the line moves by itself."""

import os
import re
import shutil
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright
from sqlalchemy import Engine

from app import browser_libraries
from app.main import Server
from app.people import create_token
from tests.doors import story
from tests.doors.conftest import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = [(width, height, theme) for width, height in ((1280, 800), (768, 1024)) for theme in ("light", "dark")]
SHOTS = os.environ.get("BIRTHMARK_SCREENSHOTS")  # a folder for pictures of every page, to be looked at
PAGES = (
    "/", "/wall", "/yield", "/stations", "/packages", "/packages/receive", "/work-orders", "/quarantine",
    "/quarantine/1", "/people",
    "/search?q=nothing", "/units?serial=PNL-1", "/package?identifier=R-1182", "/where-used?package=R-1182",
    "/graph?package=R-1182", "/containments", "/contain?package=R-1182", "/labels", "/photo", "/docs",
    "/gate", "/gate/rights", "/account",
)  # fmt: skip
# Everything that can be clicked or typed into must be large enough for a gloved finger.
SMALL = """() => [...document.querySelectorAll("button, input:not([type=hidden]), select, textarea, .button, .nav a")]
  .filter((e) => e.getClientRects().length && e.getBoundingClientRect().height < 43.5)
  .map((e) => e.outerHTML.slice(0, 80))"""
# WCAG 2.2, 1.4.3: the contrast of every text with the ground it is on.
FAINT = """() => {
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(parts(style.color)), light(ground(e))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) found.push(e.outerHTML.slice(0, 80));
  }
  return found;
}"""


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


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_every_page_stands_on_its_own(
    browser: Browser,
    running: str,
    machine: httpx2.Client,
    accounts: dict[str, str],
    width: int,
    height: int,
    scheme: str,
) -> None:
    machine.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", ["A+1", "A+2"], failed="A+2")))
    machine.post("/api/v1/cfx", content=b"nonsense")
    wrong: list[str] = []
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        context.on("request", lambda sent: _outside(sent.url, running, wrong))
        context.on("weberror", lambda thrown: wrong.append(str(thrown.error)))
        page = log_in(context, running)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        for address in PAGES:
            page.goto(running + address, wait_until="load")
            if "nothing" in address:
                wrong = [fault for fault in wrong if "404" not in fault]  # the browser reports the answer itself
            assert not wrong, address
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{address} is {wide} px too wide"
            _keep(page, f"{width} {scheme} {address}")
            if address != "/docs":
                assert page.evaluate(SMALL) == [], address
                assert page.evaluate(FAINT) == [], address
                assert serious(page) == [], address


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


def _keep(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}.png", full_page=True)


def _outside(url: str, running: str, wrong: list[str]) -> None:
    if not url.startswith((running, "data:")):
        wrong.append(f"asked for {url}")


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


def test_the_login_pages_stand_on_their_own(browser: Browser, running: str, accounts: dict[str, str]) -> None:
    for width, height, scheme in SIZES:
        with browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:  # type: ignore[arg-type]
            page = context.new_page()
            for address in ("/login", "/login/badge"):
                page.goto(running + address)
                _keep(page, f"{width} {scheme} {address}")
                assert page.evaluate(SMALL) == [], address
                assert page.evaluate(FAINT) == [], address
                assert serious(page) == [], address


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
        page.wait_for_function("getComputedStyle(document.body).backgroundColor !== " + repr(ground))
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
