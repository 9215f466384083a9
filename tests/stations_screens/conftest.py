"""A real server on a real database, a real browser, and a shop to work in."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page, sync_playwright
from sqlalchemy import Engine

from app.main import Server
from tests.stations_screens import shop
from tests.stations_screens.shop import Shop

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@pytest.fixture
def opened(engine: Engine) -> Shop:
    return shop.open_shop(engine)


@pytest.fixture
def running(engine: Engine) -> Iterator[str]:
    """The web application as a real server: its address."""
    with serving(engine) as address:
        yield address


@contextmanager
def serving(engine: Engine, port: int = 0) -> Iterator[str]:
    """The web application as a real server for the block: its address."""
    server = Server(engine, "127.0.0.1", port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server ended before it listened"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        thread.join(timeout=10)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched([])


def launched(more: list[str]) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *more])
        except Error as error:
            pytest.skip(f"chromium does not start here: {error}")
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as made:
        yield made


Enter = Callable[..., Page]


@pytest.fixture
def enter(context: BrowserContext, running: str, opened: Shop) -> Iterator[Enter]:
    """`enter("work", shop.BENCH)`: a page of that screen, logged in; faults of scripts fail the test."""
    wrong: list[str] = []
    context.on("weberror", lambda thrown: wrong.append(str(thrown.error)))

    def page(mode: str, station: str, name: str = "ann") -> Page:
        made = context.new_page()
        made.goto(f"{running}/login")
        if "/login" in made.url:
            made.get_by_label("Name").fill(name)
            made.get_by_label("Password").fill(shop.PASSWORD)
            made.get_by_role("button", name="Log in").click()
        made.goto(f"{running}/station/{mode}?at={station}")
        made.locator("[data-link][data-state=online]").wait_for()
        return made

    yield page
    assert not wrong


class Wedge:
    """A keyboard wedge scanner: keystrokes as the operating system hands them on, whatever has the focus."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._keys: CDPSession = page.context.new_cdp_session(page)

    def scan(self, text: str, *, suffix: str = "\r", gaps: Iterator[float] | None = None) -> None:
        for character in text + suffix:
            self.press(character)
            if gaps is not None:
                time.sleep(next(gaps))

    def press(self, character: str) -> None:
        if character == "\r":
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        elif character < " ":
            key = {
                "key": chr(ord(character) + 64).lower(),
                "modifiers": 2,
                "windowsVirtualKeyCode": ord(character) + 64,
            }
        else:
            key = {"key": character, "text": character}
        self._keys.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
        self._keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **{k: v for k, v in key.items() if k != "text"}})


def verdict(page: Page, word: str, timeout: float = 8000) -> None:
    """Wait until this word covers the screen."""
    page.locator("[data-verdict]:not([hidden]) [data-verdict-word]", has_text=word).wait_for(timeout=timeout)


def noted(page: Page, sentence: str) -> None:
    """Wait until the screen says this below what was scanned."""
    page.locator("[data-note]", has_text=sentence).wait_for()
