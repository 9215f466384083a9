"""The genealogy's picture in a real browser: ten thousand boards fold into what a person can read."""

import os

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.doors.test_browser import browser, log_in, machine
from tests.inbox.messages import entry, initialized, installed, received

__all__ = ["browser", "machine"]
BOARDS = [f"SN-{number:05}" for number in range(10_000)]


@pytest.fixture
def picture(browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str]) -> Page:
    def say(*messages: bytes) -> None:
        answer = machine.post("/api/v1/cfx", content=b"[" + b",".join(messages) + b"]")
        assert {one["status"] for one in answer.json()["receipts"]} == {"stored"}, answer.text[:500]

    say(received(("REEL-1", "R0603-10K", "LOT-1")))
    for number in range(20):
        boards = BOARDS[500 * number : 500 * (number + 1)]
        places = [(serial, position) for position, serial in enumerate(boards, 1)]
        say(
            initialized(f"PANEL-{number}", *places, order=f"WO-{number % 2}"),
            installed(*(entry(serial, "REEL-1", ["R1"]) for serial in boards)),
        )
    del accounts
    page = log_in(browser.new_context(viewport={"width": 1280, "height": 800}), running)
    page.goto(f"{running}/graph?package=REEL-1")
    page.locator("[data-drawn]").wait_for(timeout=30_000)
    return page


def drawn(page: Page) -> int:
    return int(page.locator("[data-drawn]").get_attribute("data-drawn") or 0)


def test_ten_thousand_boards_fold_unfold_and_are_found(picture: Page) -> None:
    assert drawn(picture) == 4, "a lot, a reel, and a folded group for each of two orders"
    _shot(picture, "folded")
    field = picture.get_by_label("Find in the picture")
    field.fill("SN-09999")
    picture.locator("form.genealogy-tools").get_by_role("button", name="Find").click()
    expect(picture.locator("[data-about] h2")).to_have_text("SN-09999")
    assert drawn(picture) == 5
    _shot(picture, "found")
    picture.get_by_role("link", name="Open").click()
    picture.wait_for_url("**/units?serial=SN-09999")
    picture.go_back()
    picture.locator("[data-drawn]").wait_for()
    folded = picture.get_by_role("group", name="Folded groups")
    expect(folded.get_by_role("button")).to_have_text(["5,000 units of WO-0", "5,000 units of WO-1"])
    for _ in range(3):
        folded.get_by_role("button").first.click()
    expect(folded.get_by_role("button").first).to_have_text("4,820 units of WO-0")
    assert drawn(picture) == 4 + 180
    _shot(picture, "unfolded")
    picture.get_by_role("button", name="Fold").click()
    assert drawn(picture) == 4
    field.fill("no such thing")
    picture.locator("form.genealogy-tools").get_by_role("button", name="Find").click()
    assert picture.evaluate("document.querySelector('#genealogy-find').validationMessage")


def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/graph-{name}.png")
