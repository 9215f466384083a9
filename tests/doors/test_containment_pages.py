"""From a failed lot to a held list, a decision and the release, in a real browser and without training."""

import os

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import PASSWORD
from tests.doors.test_browser import browser, log_in, machine

__all__ = ["browser", "machine"]


@pytest.fixture
def page(browser: Browser, running: str, machine: httpx2.Client, accounts: dict[str, str], engine: Engine) -> Page:
    del accounts
    for panel, order in (("PNL-1", "WO-1001"), ("PNL-2", "WO-1002")):
        boards = [f"{panel}-A", f"{panel}-B"]
        machine.post("/api/v1/cfx", content=story.payload(story.panel(panel, boards, work_order=order)))
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1001", customer="Acme", actor="test")
    page = log_in(browser.new_context(viewport={"width": 768, "height": 1024}), running)
    page.set_default_timeout(15_000)
    return page


def test_a_failed_lot_is_contained_decided_and_released(page: Page, running: str) -> None:
    page.get_by_label("Serial, reel, lot, part number or work order").fill("LK2207")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Contain it").click()
    _shot(page, "contain")
    expect(page.locator(".figures li").first).to_contain_text("4")
    page.get_by_label("Why").fill("Cracked ceramic, 8D 4711")
    page.get_by_label("to confirm").fill("LK2206")
    page.get_by_role("button", name="Contain it").click()
    expect(page.get_by_role("alert")).to_contain_text("Retype LK2207 to confirm")
    page.get_by_label("Why").fill("Cracked ceramic, 8D 4711")
    page.get_by_label("to confirm").fill("LK2207")
    page.get_by_role("button", name="Contain it").click()
    page.wait_for_url("**/containments/C-*")
    number = page.locator("h1").inner_text()
    expect(page.locator(".figures li").nth(1)).to_contain_text("4")
    _shot(page, "held")

    page.get_by_label("PNL-2-A").check()
    page.get_by_label("What becomes of those chosen").select_option("scrap")
    page.locator("#because").fill("Cracked under the microscope")
    page.get_by_role("button", name="Decide, once").click()
    row = page.locator("tr", has_text="PNL-2-A")
    expect(row).to_contain_text("scrap")
    expect(page.get_by_label("PNL-2-A")).to_have_count(0)
    page.get_by_label("PNL-1-A").check()
    page.get_by_label("What becomes of those chosen").select_option("use_as_is")
    page.locator("#because").fill("Not cracked")
    page.get_by_role("button", name="Decide, once").click()
    expect(page.get_by_role("alert")).to_contain_text("customer's approval")

    page.get_by_label("Why everything that is left is good").fill("Sorted: 0 of 3 cracked")
    page.locator("#again").fill(number)
    page.get_by_role("button", name="Release all of it").click()
    expect(page.locator(".head .badge")).to_contain_text("released")
    expect(page.get_by_role("button", name="Decide, once")).to_have_count(0)
    _shot(page, "released")
    page.goto(f"{running}/containments")
    expect(page.locator("tbody tr")).to_contain_text([number])


def test_a_customer_sees_their_units_alone(page: Page, running: str, browser: Browser) -> None:
    page.goto(f"{running}/contain?lot=LK2207")
    page.get_by_label("Why").fill("Cracked")
    page.get_by_label("to confirm").fill("LK2207")
    page.get_by_role("button", name="Contain it").click()
    page.wait_for_url("**/containments/C-*")
    number = page.locator("h1").inner_text()
    customer = browser.new_context().new_page()
    customer.goto(f"{running}/work-orders")
    customer.get_by_label("Name").fill("customer")
    customer.get_by_label("Password").fill(PASSWORD)
    customer.get_by_role("button", name="Log in").click()
    customer.wait_for_url("**/work-orders")
    customer.goto(f"{running}/containments/{number}")
    expect(customer.locator("tbody tr")).to_have_count(2)
    text = customer.locator("main").inner_text()
    assert "PNL-1-A" in text
    assert "PNL-2" not in text
    assert "administrator" not in text
    customer.goto(f"{running}/contain?lot=LK2207")
    expect(customer.locator("h1")).not_to_contain_text("Contain")


def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/containment-{name}.png", full_page=True)
