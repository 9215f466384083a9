"""What stops an operator, and what clears it, in the operator's own language on every screen that says it."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import Engine

from app.quality.holds import holds_on
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import Wedge
from tests.stations_screens.shop import Shop

SHOTS = os.environ.get("BIRTHMARK_SCREENSHOTS")
SIZES = ((1280, 800), (768, 1024))
# Words of reasons and what clears them; names of parts, people and causes are English in the story.
ENGLISH = re.compile(r"(?i)\b(the|is|has|have|been|through|quality|releases|load|package|slot|scan|nobody|or|and)\b")
CAUSE = "a customer's complaint"
REASONS = "[data-verdict]:not([hidden]) [data-verdict-reasons]"


@pytest.fixture
def german(context: BrowserContext, running: str, opened: Shop) -> Page:
    """A page of somebody who reads German, logged in at a station's screens."""
    context.set_extra_http_headers({"Accept-Language": "de"})
    page = context.new_page()
    page.goto(f"{running}/login")
    page.get_by_label("Name").fill("lee")
    page.get_by_label("Passwort").fill(shop.PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    return page


def at(page: Page, running: str, mode: str, station: str) -> Wedge:
    page.goto(f"{running}/station/{mode}?at={station}")
    page.locator("[data-link][data-state=online]").wait_for()
    return Wedge(page)


def looked_at(page: Page, name: str) -> None:
    """Keep a picture of the page in each size, where pictures are wanted."""
    if SHOTS:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=Path(SHOTS) / f"de-{name}-{width}.png", full_page=True)


def said(page: Page, selector: str) -> str:
    """What stands there, which must not be English."""
    shown = page.locator(selector).first
    shown.wait_for()
    text = shown.inner_text().replace(CAUSE, "")
    assert not ENGLISH.search(text), text
    return text


def test_a_verdict_says_why_in_german(german: Page, running: str, opened: Shop, engine: Engine) -> None:
    skipped, held = opened.serials[:2]
    wedge = at(german, running, "work", shop.EYES)
    wedge.scan(skipped)
    assert "war noch nicht bei Handbestückung; das kommt vor Sichtprüfung" in said(german, REASONS)
    looked_at(german, "stop-skipped")
    shop.contained(engine, held)
    wedge.scan(held)
    german.locator("[data-verdict-reasons]", has_text="gesperrt").wait_for()
    assert "Die Qualität gibt sie frei" in said(german, REASONS)
    looked_at(german, "stop-held")
    [(unit, number)] = facts.ask(engine, "SELECT unit_id, verdict_id FROM verdict ORDER BY verdict_id DESC LIMIT 1")
    with engine.connect() as connection:
        [hold] = holds_on(connection, [unit])[unit]
    assert str(hold.sentence).startswith(f"{held} is on hold, "), "the wire and the record keep the English"
    for name, page, reasons in (
        ("verdict", f"verdict?unit={unit}&number={number}", ".reasons"),
        ("gate", f"gate?station={shop.EYES}", "main"),
        ("containment", "containments/C-000001", "main"),
    ):
        german.goto(f"{running}/{page}")
        looked_at(german, name)
        said(german, reasons)


def test_repair_says_why_in_german(german: Page, running: str, opened: Shop, engine: Engine) -> None:
    serial = opened.serials[0]
    shop.assembled(engine, [serial])
    shop.placed(engine, serial, {"R-1182": ["R1", "R2"]})
    shop.found(engine, serial, "R2")
    wedge = at(german, running, "rework", shop.REPAIR)
    wedge.scan(serial)
    german.locator("[data-verdict]:not([hidden])").click()
    looked_at(german, "rework")
    german.get_by_role("button", name="R2").first.click()
    german.get_by_role("button", name="ersetzt").click()
    wedge.scan("X-1")
    german.locator("[data-note]", has_text="Diese Rolle ist nicht bekannt.").wait_for()
    wedge.scan("C-2201")
    assert "An R2 gehört 100-0042; auf Rolle C-2201 ist 100-0077." in said(german, REASONS)
    looked_at(german, "rework-wrong")


def test_set_up_says_why_in_german(german: Page, running: str, opened: Shop) -> None:
    assert opened.serials
    wedge = at(german, running, "setup", shop.MOUNTER)
    wedge.scan("SLOT11")
    wedge.scan("C-2201")
    assert "Auf Feederplatz SLOT11 gehört 100-0042; Gebinde C-2201 enthält 100-0077." in said(german, REASONS)
    looked_at(german, "setup-wrong")
    german.reload()
    assert "Feederplatz SLOT11 ist gesperrt seit" in said(german, ".slot-why")
    looked_at(german, "setup-slots")
