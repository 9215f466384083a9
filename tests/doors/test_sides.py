"""A panel that is worked on from both sides: its two visits are told from each other where people look."""

from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

import httpx2
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.routing import RoutingStep
from tests.doors import story
from tests.doors.test_browser import browser, log_in, machine

__all__ = ["browser", "machine"]


def test_the_side_of_each_visit_is_said(
    browser: Browser, running: str, machine: httpx2.Client, engine: Engine, accounts: dict[str, str]
) -> None:
    _planned(engine)
    units = [{"UnitIdentifier": f"A+{number}", "PositionNumber": number} for number in (1, 2)]
    order = {"WorkOrderIdentifier": {"WorkOrderId": "WO-1"}}
    marked = {"PrimaryIdentifier": "PNL-1", "UnitCount": 2, "Units": units, **order}
    _says(machine, "Production.UnitsInitialized", story.MARKER, 9, **marked)
    _visit(machine, story.PLACER, 8, "SecondarySurface")
    _asks(machine)
    with browser.new_context() as context:
        page = log_in(context, running)
        page.locator(".verdicts a", has_text="PNL-1").first.click()
        steps = page.locator(".routing li")
        expect(steps).to_have_text(
            ["✓ Placement 1 of 2 Bottom", "○ Placement 2 of 2 not done", "○ Optical inspection not done"],
            use_inner_text=True,
        )
        _visit(machine, story.PLACER, 4, "PrimarySurface")
        _asks(machine)
        page.goto(f"{running}/")
        page.locator(".verdicts a", has_text="PNL-1").first.click()
        expect(steps.nth(1)).to_have_text("✓ Placement 2 of 2 Top", use_inner_text=True)
        page.goto(f"{running}/units?serial=A%2B1")
        heads = page.locator(".visit-head", has_text="Placement")
        assert [head.split()[:2] for head in heads.all_inner_texts()] == [["Placement", "Bottom"], ["Placement", "Top"]]


def _planned(engine: Engine) -> None:
    with engine.begin() as connection:
        stations = [
            StationPlan(story.PLACER, operation="placement"),
            StationPlan(story.AOI, operation="optical_inspection"),
        ]
        plan_line(connection, name="SMT 1", stations=stations, actor="test")
        part = Component("R1", "RES", None, None, None, None, None, None, "top", "machine")
        revision = import_design(
            connection, BoardDesign("node", "B", (part,), ()), customer="Acme", units_per_panel=2,
            routing=[RoutingStep(one) for one in ("placement", "placement", "optical_inspection")], actor="test",
        )  # fmt: skip
        plan_work_order(connection, number="WO-1", product_revision_id=revision, customer="Acme", actor="test")


def _says(machine: httpx2.Client, name: str, source: str, ago: float, **body: object) -> None:
    told = story.envelope(name, body, source, datetime.now(UTC) - timedelta(minutes=ago))
    answer = machine.post("/api/v1/cfx", content=story.payload(told))
    assert answer.json()["receipts"][0]["status"] == "stored", answer.text


def _visit(machine: httpx2.Client, station: str, ago: float, surface: str) -> None:
    work = {"TransactionID": str(uuid5(NAMESPACE_OID, surface)), "PrimaryIdentifier": "PNL-1"}
    _says(machine, "Production.WorkStarted", station, ago, RelevantSurface=surface, **work)
    _says(machine, "Production.WorkCompleted", station, ago - 1, Result="Completed", **work)


def _asks(machine: httpx2.Client) -> None:
    """The inspection asks whether it may begin with the panel."""
    asked = machine.post("/api/v1/interlock", json={"station": story.AOI, "serials": ["PNL-1"]})
    assert asked.status_code == 200, asked.text
