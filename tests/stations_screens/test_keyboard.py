"""A station's screens by keyboard alone: boxes over the screen keep the focus, Escape closes them and gives it back."""

from playwright.sync_api import Page
from sqlalchemy import Engine

from app.scanning.codes import slot_code
from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter, Wedge, verdict
from tests.stations_screens.shop import Shop

INSIDE = "(box) => document.querySelector(box).contains(document.activeElement)"
FOCUSED = "() => document.activeElement.textContent.trim()"


def kept_in(page: Page, box: str) -> None:
    """Whatever Tab reaches is inside, or is the browser's own."""
    for _ in range(16):
        page.keyboard.press("Tab")
        assert page.evaluate(INSIDE, box) or page.evaluate("() => document.activeElement === document.body")


def test_the_sheet_over_a_board(enter: Enter, opened: Shop, engine: Engine) -> None:
    shop.assembled(engine, opened.serials[:1])
    page = enter("inspect", shop.EYES)
    wedge = Wedge(page)
    wedge.scan(opened.serials[0])
    page.locator("[data-verdict]:not([hidden])").wait_for()
    page.keyboard.press("Escape")
    page.locator("[data-verdict]").wait_for(state="hidden")
    whole = page.get_by_role("button", name="Whole board")
    whole.focus()
    page.keyboard.press("Enter")
    page.locator("[data-sheet]:not([hidden])").wait_for()
    assert page.evaluate(INSIDE, "[data-sheet]")
    kept_in(page, "[data-sheet]")
    page.keyboard.press("Escape")
    page.locator("[data-sheet]").wait_for(state="hidden")
    assert page.evaluate(FOCUSED) == "Whole board"


def test_the_sheet_that_clears_a_slot(enter: Enter, opened: Shop) -> None:
    assert opened.serials
    page = enter("setup", shop.MOUNTER, name="lee")
    wedge = Wedge(page)
    wedge.scan(slot_code(shop.MOUNTER, "SLOT12"))
    wedge.scan("R-1183")
    verdict(page, "WRONG REEL")
    page.keyboard.press("Escape")
    page.locator("[data-clear]").focus()
    page.keyboard.press("Enter")
    page.locator("[data-sheet]:not([hidden])").wait_for()
    kept_in(page, "[data-sheet]")
    page.keyboard.press("Escape")
    page.locator("[data-sheet]").wait_for(state="hidden")
    assert page.evaluate(FOCUSED) == "Clear the slot"


def test_the_focus_stays_at_its_slot_when_the_set_up_is_shown_anew(enter: Enter, opened: Shop) -> None:
    assert opened.serials
    page = enter("setup", shop.MOUNTER)
    page.locator(".slot[data-slot=SLOT12]").focus()
    page.keyboard.press("Enter")
    wedge = Wedge(page)
    wedge.scan("C-2201")
    page.locator(".slot.is-right[data-slot=SLOT12]").wait_for()
    assert page.evaluate("() => document.activeElement.dataset.slot") == "SLOT12"
