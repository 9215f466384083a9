"""Every page of the product in a real browser, in both sizes, themes and languages.

Nothing is wide, cut off, tiny, refused by the policy, asked of another host, or in the way of who sees badly.

The pages are those of the application's routes: a new one is looked at by itself, or, where its address needs a value,
the first test asks for an example. `BIRTHMARK_SCREENSHOTS` names a folder for a picture of each.
"""

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from app.db import create_engine
from app.main import Server
from app.people import Role, create_person, create_token
from app.products.models import BomItem
from app.units.ownership import assign_customer
from tests.conftest import _clone
from tests.doors import story
from tests.doors.conftest import PASSWORD
from tests.doors.looking import LEAST_TEXT, STANDING, faults, file_name
from tests.doors.test_browser import browser, serious
from tests.trace.bills import planned

__all__ = ["browser"]

FCT = "Probe.F1.FT-01"
AT = quote(story.AOI, safe="")
# Addresses that need a value, with one; several where a page has several faces.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "/containments/{number}": ("/containments/C-000001",),
    "/contain": ("/contain?lot=LK2207&part_number=100-0042",),
    "/contain/units": ("/contain/units?serials=A%2B1",),
    "/graph": ("/graph?package=R-1182", "/graph?serial=A%2B1"),
    "/lines/station": (f"/lines/station?handle={AT}",),
    "/package": ("/package?identifier=R-1182",),
    "/problems/{code}": (),
    "/product": ("/product?revision_id=1",),
    "/quarantine/{quarantine_id}": ("/quarantine/1",),
    "/search": ("/search", "/search?q=no%20such%20thing"),
    "/setup": ("/setup?setup_id=1",),
    "/shipment": ("/shipment?number=SH-1",),
    "/station/{mode}": tuple(f"/station/{mode}?at={AT}" for mode in ("work", "inspect", "rework", "setup")),
    "/units": (
        "/units?serial=A%2B2", "/units?serial=PNL-1", "/units?serial=A%2B2&as_of={now}",
        "/units?serial=BOX-1",
    ),
    "/units/measurements": ("/units/measurements?serial=A%2B2&event={run}",),
    "/units/message": ("/units/message?event=1",),
    "/verdict": ("{verdict}",),
    "/yield/capability": (
        "/yield/capability", f"/yield/capability?station={FCT}",
        f"/yield/capability?station={FCT}&characteristic=value&feature=RAIL_3V3",
    ),
    "/where-used": (
        "/where-used?package=R-1182", "/where-used?package=R-1182&by=order", "/where-used?package=R-1182&tab=excluded",
    ),
}  # fmt: skip
# Not pages: what scripts, machines and probes ask for, and what leads elsewhere.
NOT_PAGES = frozenset({
    "/go", "/healthz", "/readyz", "/metrics", "/openapi.json", "/live", "/quarantine/{quarantine_id}/raw",
    "/units/inside", "/station/at-hand", "/station/pictures/{picture_id}", "/station/replacement", "/station/slots",
    "/station/offline.js",
})  # fmt: skip
SIZES = ((1280, 800), (768, 1024))
MATRIX = [(size, theme, language) for size in SIZES for theme in ("light", "dark") for language in ("en", "de")]
ALWAYS = {((1280, 800), "light", "en"), ((768, 1024), "dark", "de")}
SHOTS = os.environ.get("BIRTHMARK_SCREENSHOTS")


def routes(app: Any) -> Iterator[str]:
    """Paths of the application that are asked for with GET and belong to no program's interface."""
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner)
        elif "GET" in getattr(route, "methods", ()) and not route.include_in_schema:
            yield route.path


@pytest.fixture(scope="module")
def product(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[tuple[str, FastAPI]]:
    """The product with a day's worth of everything in it: its address, and the application."""
    with _clone(postgres_addresses, f"{worker_name}_every_page") as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            create_person(connection, name="administrator", role=Role.administrator, password=PASSWORD, actor="test")
            token = create_token(connection, name="t", role="administrator", actor="test")
        server = Server(engine, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server ended before it listened"
                time.sleep(0.01)
            address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
                _fill(client, engine)
            yield address, server.config.app  # type: ignore[misc]
        finally:
            server.stop()
            thread.join(timeout=10)
            engine.dispose()


BILL = {"R1": "100-0042", "R2": "100-0042", "R3": "100-0042", "C1": "100-0077", "C2": "100-0077", "U9": "100-0900"}
SEATS = {"R1": ("top", 5, 5), "R2": ("top", 15, 5), "R3": ("top", 25, 5), "U9": ("top", 20, 15), "C1": ("bottom", 8, 9)}


def _fill(client: httpx2.Client, engine: Any) -> None:
    planned(engine, "WO-1001", BILL, customer="Acme")
    with engine.begin() as connection:
        for name, (side, x, y) in SEATS.items():
            place = {"side": side, "x": x, "y": y, "footprint": "Package:R_0603_1608Metric", "rotation": 0}
            connection.execute(update(BomItem).where(BomItem.reference_designator == name).values(**place))
    told = story.panel("PNL-1", ["A+1", "A+2"], failed="A+2")
    told += story.panel("PNL-2", ["B+1", "B+2"], work_order="WO-1002")
    told += [_tested("A+2", 3.31, "Passed"), _tested("A+2", 4.4, "Failed"), _boxed("BOX-1", "B+1")]
    answer = client.post("/api/v1/cfx", content=story.payload(told))
    assert {one["status"] for one in answer.json()["receipts"]} == {"stored"}, answer.text
    client.post("/api/v1/cfx", content=b"nonsense")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1002", customer="Acme", actor="test")
    slots = [{"slot": "1", "part_number": "100-0042", "alternates": ["100-0043"]}, {"slot": "2", "part_number": "Z-9"}]
    setup = {"station": story.PLACER, "product_revision_id": 1, "side": "top", "slots": slots}
    assert client.put("/api/v1/setup/requirements", json=setup).json()["setup_id"] == 1
    client.post("/api/v1/interlock", json={"station": story.AOI, "serials": ["A+2"]})
    for address, body in (
        ("shipments", {"number": "SH-1", "customer": "Acme", "serials": ["B+2"]}),
        ("containments", {"serials": ["A+1"], "reason": "A cracked capacitor in the sample"}),
    ):
        done = client.post(f"/api/v1/{address}", content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert done.status_code in (200, 201), done.text


def _tested(serial: str, volts: float, result: str) -> dict[str, Any]:
    measured = {"Value": volts, "ValueUnits": "V", "ExpectedValue": 3.3, "ExpectedValueUnits": "V",
                "MinimumAcceptableValue": 3.2, "MaximumAcceptableValue": 3.4}  # fmt: skip
    rail = {"$type": "CFX.Structures.NumericMeasurement, CFX", "MeasuredValue": measured, "MeasurementName": "RAIL_3V3",
            "Result": result, "CRDs": "U1"}  # fmt: skip
    unit = {"UnitIdentifier": serial, "UnitPositionNumber": 1, "OverallResult": result,
            "Tests": [{"TestName": "SUPPLY", "Result": result, "Measurements": [rail]}]}  # fmt: skip
    body = {"TransactionId": None, "TestMethod": "FCT", "TestedUnits": [unit]}
    return story.envelope("Production.TestAndInspection.UnitsTested", body, FCT)


def _boxed(box: str, child: str) -> dict[str, Any]:
    entry = {"UnitIdentifier": box, "UnitPositionNumber": 1, "QuantityInstalled": 1, "QuantityNonInstalled": 0,
             "Material": None,
             "InstalledComponents": [{"ReferenceDesignator": "A1", "InstalledUnitIdentifier": child}]}  # fmt: skip
    return story.envelope("Production.Assembly.MaterialsInstalled", {"InstalledMaterials": [entry]}, story.PLACER)


def test_every_route_is_known_to_be_a_page_or_none(product: tuple[str, FastAPI]) -> None:
    known = {*EXAMPLES, *NOT_PAGES}
    paths = set(routes(product[1]))
    assert not known - paths, "no such route any more"
    nameless = {path for path in paths - known if "{" in path}
    assert not nameless, "give EXAMPLES an address of these, or say under NOT_PAGES that they are none"


def test_there_is_no_page_nobody_looks_at(browser: Browser, product: tuple[str, FastAPI]) -> None:
    with browser.new_context() as context:
        page = _log_in(context, product[0])
        for address in addresses(product[1], page, product[0]):
            answer = page.request.get(product[0] + address, headers={"Accept": "text/html"})
            assert answer.status == (404 if "no%20such" in address else 200), f"{address}: {answer.status}"
            assert "<html" in answer.text(), f"{address} is no page: name it under NOT_PAGES"


def addresses(app: FastAPI, page: Page, running: str) -> list[str]:
    """An address or more of every page."""
    history = page.request.get(f"{running}/units?serial=A%2B2&format=json").json()["history"]
    verdict = re.search(r"/verdict\?[^\"]+", page.request.get(f"{running}/").text())
    assert verdict, "the line board leads to the last verdicts"
    run = next(one["event"] for visit in history for one in visit["entries"] if one["what"] == "UnitsTested")
    known = {"run": run, "verdict": unescape(verdict[0]), "now": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    found = [
        address.format(**known) if "{" in address else address
        for path in sorted(set(routes(app)) - NOT_PAGES)
        for address in EXAMPLES.get(path, (path,))
    ]
    return [address for address in found if not address.startswith("/login")] + ["/login", "/login/badge"]


@pytest.mark.parametrize(
    ("size", "theme", "language"),
    [pytest.param(*one, marks=() if one in ALWAYS else pytest.mark.slow) for one in MATRIX],
)
def test_every_page_can_be_shown(
    browser: Browser, product: tuple[str, FastAPI], size: tuple[int, int], theme: Any, language: str
) -> None:
    running, app = product
    wrong: dict[str, Any] = {}
    noise: list[str] = []
    locale = {"en": "en-GB", "de": "de-DE"}[language]
    viewport: Any = {"width": size[0], "height": size[1]}
    with browser.new_context(viewport=viewport, color_scheme=theme, locale=locale) as context:
        context.on("request", lambda sent: None if _ours(sent.url, running) else noise.append(f"asked for {sent.url}"))
        context.on("weberror", lambda thrown: noise.append(str(thrown.error)))
        page = _log_in(context, running)
        page.on("console", lambda said: noise.append(said.text) if said.type == "error" else None)
        every = addresses(app, page, running)
        assert len(every) > 20
        for address in every:
            noise.clear()
            if address == "/login":
                context.clear_cookies()
            page.goto(running + address, wait_until="load")
            found: dict[str, Any] = {}
            if address != "/docs":  # Swagger's own
                found = faults(page, STANDING if address.split("?")[0].split("/")[1] == "station" else LEAST_TEXT)
                if people := serious(page):
                    found["keeps people out"] = people
            if said := [one for one in noise if not ("no%20such" in address and "404" in one)]:
                found["said or asked"] = list(said)
            if found:
                wrong[address] = found
            if SHOTS:
                name = f"{file_name(address)}-{size[0]}-{theme}-{language}.png"
                page.screenshot(path=str(Path(SHOTS) / name), full_page=True)
    assert not wrong, json.dumps(wrong, indent=1)


def test_no_page_is_wider_than_a_phone(browser: Browser, product: tuple[str, FastAPI]) -> None:
    """Tables go on within their frames there; whatever else is beyond the edge would never be found."""
    wide: dict[str, int] = {}
    with browser.new_context(viewport={"width": 390, "height": 800}, locale="de-DE") as context:
        page = _log_in(context, product[0])
        for address in addresses(product[1], page, product[0]):
            page.goto(product[0] + address, wait_until="load")
            beyond = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            if beyond > 0 and address != "/docs":
                wide[address] = beyond
    assert not wide


def test_the_drawing_and_the_table_beside_it_are_one(browser: Browser, product: tuple[str, FastAPI]) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = _log_in(context, product[0])
        page.goto(f"{product[0]}/units?serial=A%2B2")
        rows = page.locator("[data-packages] tbody tr")
        lit = page.locator(".part.accent")
        assert page.locator(".part.warn").get_attribute("data-designator") == "U9", "no package on record"
        assert page.locator(".part.bad").get_attribute("data-designator") == "R2", "the defect that stands"
        rows.filter(has_text="R-1182").click(position={"x": 300, "y": 20})
        assert set(lit.evaluate_all("(all) => all.map((one) => one.dataset.designator)")) == {"R1", "R2", "R3"}
        page.locator('.part[data-designator="R3"]').click()
        expect(rows.filter(visible=True)).to_have_count(1)
        card = page.locator("[data-place-card]")
        for told in ("R3", "R-1182", "LK2207", "exact", story.PLACER):
            expect(card).to_contain_text(told)
        page.get_by_role("group", name="Board, top: arrow keys go from part to part").focus()
        page.keyboard.press("ArrowLeft")
        expect(card.locator("h3")).to_have_text("R2")
        page.get_by_label("Designator, part, reel or lot").fill("c1")
        expect(page.locator('[data-drawn="bottom"]')).to_be_visible()
        expect(card).to_contain_text("LOT+7")
        page.get_by_role("button", name="Show all").click()
        expect(rows.filter(visible=True)).to_have_count(2)


# Where the focus is, whether that is seen, and whether anything is left that Tab has not reached.
_TABBED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  at.dataset.reached = "yes";
  const seen = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
  return seen || at === document.body || at.matches(".skip") ? "" : at.outerHTML.slice(0, 120);
}"""
_LEFT = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0)
  .filter((one) => !one.disabled && !one.dataset.reached && !["hidden", "radio"].includes(one.type))
  .map((one) => one.outerHTML.slice(0, 120))"""
BY_KEYBOARD = (
    "/", "/where-used?package=R-1182", "/units?serial=A%2B2", "/containments/C-000001", "/gate",
    "/product?revision_id=1", "/lines", "/handling",
)  # fmt: skip


def test_pages_are_reached_through_by_keyboard_and_the_focus_is_seen(
    browser: Browser, product: tuple[str, FastAPI]
) -> None:
    wrong: dict[str, Any] = {}
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = _log_in(context, product[0])
        for address in BY_KEYBOARD:
            page.goto(product[0] + address, wait_until="load")
            count = len(page.evaluate(_LEFT))
            unseen = set()
            for _ in range(count + 10):
                page.keyboard.press("Tab")
                unseen.add(page.evaluate(_TABBED))
            if found := [*unseen - {""}, *page.evaluate(_LEFT)]:
                wrong[address] = found
    assert not wrong, json.dumps(wrong, indent=1)


def test_a_refusal_is_where_the_keyboard_goes_on(browser: Browser, product: tuple[str, FastAPI]) -> None:
    with browser.new_context() as context:
        page = _log_in(context, product[0])
        page.goto(f"{product[0]}/contain?lot=LK2207&part_number=100-0042")
        page.locator("#reason").fill("A cracked capacitor")
        page.locator("#confirm").fill("something else")
        page.locator("#confirm").press("Enter")
        expect(page.get_by_role("alert")).to_be_focused()  # a browser does what autofocus says after it has drawn


def test_units_within_units_unfold_level_by_level(browser: Browser, product: tuple[str, FastAPI]) -> None:
    with browser.new_context() as context:
        page = _log_in(context, product[0])
        page.goto(f"{product[0]}/units?serial=BOX-1")
        page.locator("summary", has_text="B+1").click()
        page.get_by_text("No unit is built into it. 5 parts are on record.").wait_for()


def _ours(url: str, running: str) -> bool:
    return url.startswith((running, "data:", "blob:"))


def _log_in(context: BrowserContext, running: str) -> Page:
    page = context.new_page()
    page.goto(f"{running}/login")
    page.locator("[name=name]").fill("administrator")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url(lambda address: "/login" not in address)
    return page
