"""Scans by wedge: what arrives whole is taken, what does not is refused, and no cut serial is ever recorded."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.scanning.cases import FORMATS, cases
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import Enter, Wedge, noted, verdict
from tests.stations_screens.shop import Shop


def test_the_page_reads_scans_as_the_server_does(enter: Enter) -> None:
    page = enter("work", shop.BENCH)
    formats = {name: [{"pattern": f.pattern, "check": f.check} for f in some] for name, some in FORMATS.items()}
    for case in cases():
        read = page.evaluate(
            "async ([text, formats]) => (await import('/static/station/scan.js')).readScan(text, formats)",
            [case["scan"], formats[case["formats"]]],
        )
        assert (read["kind"], read.get("code")) == (case["kind"], case.get("code")), case
        if "value" in case:
            assert read["value"] == case["value"]


def through(page: Page) -> None:
    page.get_by_role("button", name="Each scan is a whole visit").click()


def drained(page: Page, timeout: float = 20_000) -> None:
    """Wait until nothing is on its way and every scan of the list has its answer."""
    expect(page.locator("[data-last] .is-wait")).to_have_count(0, timeout=timeout)
    expect(page.locator("[data-waiting]")).to_have_attribute("data-number", "0", timeout=timeout)


def _keystrokes(serials: list[str], scans: int, chance: random.Random) -> Iterator[str]:
    """What scanners do to serials: most arrive, some lose characters, some their end, some stutter."""
    for number in range(scans):
        text = serials[number % len(serials)]
        fault = chance.random()
        if fault < 0.10:
            kept = sorted(chance.sample(range(len(text)), chance.randrange(1, len(text))))
            yield "".join(text[place] for place in kept) + "\r"
        elif fault < 0.15:
            yield text[: chance.randrange(1, len(text))]  # the end is lost, its Enter too
        elif fault < 0.20:
            yield text  # whole, and the next scan runs into it
        elif fault < 0.25:
            place = chance.randrange(len(text))
            yield text[:place] + text[place] + text[place:] + "\r"
        else:
            yield text + "\r"


def _gaps(chance: random.Random, long: float) -> Iterator[float]:
    """Seconds between two characters: mostly a few milliseconds, now and then as long as the computer is busy."""
    while True:
        yield chance.uniform(0, 0.3) if chance.random() < long else chance.uniform(0, 0.004)


@pytest.mark.parametrize("scans", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_scans_are_right_or_refused(enter: Enter, opened: Shop, engine: Engine, scans: int) -> None:
    chance = random.Random(20261122)
    serials = [shop.serial(number) for number in range(1, scans + 1)]
    shop.tell(engine, shop.arrivals(serials[len(opened.serials) :], reels=False))
    known = facts.units(engine)
    page = enter("work", shop.BENCH)
    through(page)
    wedge = Wedge(page)
    stream = "".join(_keystrokes(serials, scans, chance)) + "\r"
    wedge.scan(stream, suffix="", gaps=_gaps(chance, 0.05 if scans < 1000 else 0.1))
    drained(page)
    whole = {text for text in stream.split("\r") if text in set(serials)}
    assert 0.5 * scans < len(whole) < scans
    done = facts.works(engine, shop.BENCH)
    assert sorted(serial for serial, _ in done) == sorted(whole), "each whole scan once, and nothing else"
    assert {result for _, result in done} == {"Completed"}
    assert facts.units(engine) == known, "no scan made a unit"
    assert facts.quarantined(engine) == 0


def test_a_label_ends_with_its_eot_and_the_scanners_enter_presses_no_button(enter: Enter) -> None:
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    page.get_by_role("button", name="SLOT11").click()  # it has the focus now, and Enter would press it again
    wedge.scan("[)>\x1e06\x1dP100-0042\x1dQ500\x1d3SR-1182\x1e\x04")
    verdict(page, "RIGHT REEL")
    assert page.locator("[data-slot=SLOT11][aria-pressed=true]").count() == 0
    page.locator("[data-slot=SLOT11]", has_text="R-1182").wait_for()


def test_the_layout_test_says_what_scanner_and_computer_disagree_on(enter: Enter) -> None:
    page = enter("work", shop.BENCH)
    code = next(case["scan"] for case in cases() if case["kind"] == "layout_test")
    Wedge(page).scan(code)
    noted(page, "Scanner and computer agree")
    Wedge(page).scan(code.translate(str.maketrans("YZ", "ZY")))
    noted(page, "types for another keyboard")


def test_typing_is_left_alone_in_a_field_of_its_own(enter: Enter) -> None:
    page = enter("setup", shop.MOUNTER, name="lee")
    wedge = Wedge(page)
    wedge.scan("SLOT12")
    wedge.scan("R-1182")
    verdict(page, "WRONG REEL")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear the slot").first.click()
    page.get_by_label("Reason").fill("looked at it, the right reel is on its way")
    page.keyboard.press("Enter")
    verdict(page, "CLEARED")
    expect(page.locator(".slot.is-blocked")).to_have_count(0)
