"""The first minute of the demo: what a visitor sees and clicks, in a real browser, on a line that really runs."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.architecture.sources import ROOT
from tests.doors.test_browser import browser, serious
from tests.folders import data_folder
from tests.platform.test_running import left_in, until

__all__ = ["browser"]

_PATIENCE = 240_000  # ms; half a minute alone, but other tests run beside it


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The demo; gives the address at which a visitor begins."""
    environment = {**os.environ, "BIRTHMARK_DATA_DIR": str(folder), "BIRTHMARK_HTTP_PORT": "0"}
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "demo"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        began = next((line.split()[-1] for line in lines if line.startswith("Begin at:")), "")
        assert began, (folder / "demo.log").read_text()
        yield began
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        assert process.wait(60) == 0
        assert until(lambda: not left_in(folder))


@pytest.mark.slow
def test_three_stories_to_click_through(browser: Browser) -> None:
    with data_folder() as folder, demo(folder) as began, browser.new_context() as context:
        page = context.new_page()
        page.goto(began)
        assert "key" not in page.url, "the key does not stay in the address bar"
        page.get_by_role("button", name="Quality engineer").click()
        _skipped_inspection(page)
        _bad_lot(page)
        _customers_passport(page)


def _story(page: Page, name: str) -> None:
    page.get_by_role("link", name="Demo", exact=True).click()
    page.get_by_role("region", name=name).locator("ol").wait_for(timeout=_PATIENCE)


def _skipped_inspection(page: Page) -> None:
    _story(page, "A board that skipped the AOI")
    assert serious(page) == []
    stands_still = page.get_by_text("stands still right now").is_visible()  # for a minute, until somebody has come
    page.get_by_role("link", name="See it on the line board").click()
    inspected = page.locator(".station", has_text="Xray inspection")
    expect(inspected).to_have_class(re.compile("is-bad" if stands_still else "is-"))
    assert serious(page) == []
    page.go_back()
    page.get_by_role("link", name="Read the verdict").click()
    page.get_by_role("heading", name="was refused at Xray inspection").wait_for()
    page.get_by_text("has not been through optical inspection").wait_for()
    assert serious(page) == []
    page.get_by_role("link", name="The board and its journey").click()
    page.get_by_role("heading", level=1).wait_for()


def _bad_lot(page: Page) -> None:
    _story(page, "A lot that went bad")
    page.get_by_role("link", name="Open yield and defects").click()
    leading = page.get_by_role("region", name="Lots that failed boards share").locator("tbody tr").first
    lot, part = leading.locator("td").nth(0).inner_text(), leading.locator("td").nth(1).inner_text()
    assert part == "SHT40-AD1B-R2", "the lot that really is bad, whatever shares boards with it"
    assert serious(page) == []
    page.go_back()
    page.get_by_role("link", name="Ask where it went").click()
    page.get_by_role("heading", level=1, name=lot).wait_for()
    page.go_back()
    page.get_by_role("link", name="Contain it").click()
    page.locator("#reason").fill("Boards with it fail at the functional test.")
    page.locator("input[name=confirm]").fill(lot)
    page.locator("main form button").last.click()
    page.wait_for_url("**/containments/**", timeout=60_000)
    _story(page, "A lot that went bad")
    page.get_by_role("region", name="A lot that went bad").get_by_text("C-000001 holds").wait_for(timeout=_PATIENCE)
    page.get_by_role("link", name="See the held list").click()
    page.get_by_role("link", name="C-000001").wait_for()


def _customers_passport(page: Page) -> None:
    _story(page, "What the customer sees")
    page.get_by_role("button", name="Become Northwind Devices").click()
    page.wait_for_url("**/units?serial=*")
    page.locator(".who").get_by_text("customer").first.wait_for()
    page.get_by_role("link", name="Work orders").click()
    page.get_by_text("Northwind Devices").first.wait_for()
    assert page.goto(page.url.replace("work-orders", "yield")).status == 403  # type: ignore[union-attr]
