"""A factory is set up on pages alone, from nothing until the gate lets a first board in."""

import re
from html import unescape

from fastapi.testclient import TestClient

from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_line_pages import poster
from tests.doors.test_pages import logged_in
from tests.doors.test_product_pages import imported

FLOW = ((story.MARKER, "laser_marking"), (story.PLACER, "placement"), (story.AOI, "inspection"))
SERIAL = "A+1"


def missing(client: TestClient) -> list[str]:
    """What the checklist says is still missing for a first board."""
    steps = client.get("/planning?format=json").json()["steps"]
    return [step["code"] for step in steps if step["needed"] and not step["done"]]


def made_token(client: TestClient, station: str) -> str:
    page = poster(client)("/people/tokens", role="line_equipment", name=station, station=station)
    secret = re.search(r'<code class="secret">([^<]+)</code>', page.text)
    assert secret, page.text
    return secret[1]


def codes(client: TestClient, station: str) -> list[str]:
    """Why the gate refuses the board at a station."""
    verdict = client.get("/api/v1/interlock", params={"station": station, "serial": SERIAL}).json()["verdicts"][0]
    return [reason["code"] for reason in verdict["reasons"]]


def test_a_factory_is_set_up_on_pages_until_a_first_board_goes_through(ask: Ask, accounts: dict[str, str]) -> None:
    admin = logged_in(ask, "administrator")
    post = poster(admin)
    for name in accounts:
        if name not in {"administrator", "line_equipment"}:
            post("/people/close", name=name)
    needed = ["line", "operations", "product", "routing", "order", "people", "machines"]
    assert missing(admin) == needed
    assert "7 things are missing before a first board can go through." in admin.get("/").text

    post("/lines", name="SMT 1")
    for handle, _ in FLOW:
        post("/lines/stations", line="SMT 1", handle=handle)
    assert missing(admin) == needed[1:]
    for handle, operation in FLOW:
        post("/lines/station", handle=handle, operation=operation, line="SMT 1")
    assert missing(admin) == needed[2:]

    imported(admin, part_number="NODE", revision="2", customer="Acme", units_per_panel="2")
    assert missing(admin) == needed[3:]
    [product] = admin.get("/products?format=json").json()["products"]
    revision = {"revision_id": product["product_revision_id"]}
    flow = re.search(r'value="(flow-[^"]*)"', admin.get("/product", params=revision).text)
    assert flow
    post("/product/routing", **revision, operation=[""], edit=unescape(flow[1]))
    assert missing(admin) == needed[3:], "a draft is no routing"
    operations = [operation for _, operation in FLOW]
    post("/product/routing", **revision, operation=[*operations, "coating"], optional=["0"], edit="save")
    assert missing(admin) == needed[3:], "nobody coats"
    post("/product/routing", **revision, operation=operations, optional=["0"], edit="save")
    assert missing(admin) == needed[4:]

    order = {"number": "WO-1001", "product_revision_id": product["product_revision_id"], "quantity": "100"}
    assert post("/work-orders", **order, customer="Acme").status_code == 303
    assert missing(admin) == needed[5:]
    post("/people", role="operator", name="Ann", password="a long enough password")
    assert missing(admin) == needed[6:]
    tokens = {handle: made_token(admin, handle) for handle, _ in FLOW}
    assert missing(admin) == []
    assert "A first board can go through." in admin.get("/planning").text
    assert "missing before a first board" not in admin.get("/").text

    machine = {handle: ask(None) for handle in tokens}
    for handle, client in machine.items():
        client.headers["Authorization"] = f"Bearer {tokens[handle]}"
    told = [one for one in story.panel("PNL-1", [SERIAL, "A+2"]) if one["Source"] in machine]
    known = next(at for at, one in enumerate(told) if one["MessageName"].endswith("UnitsInitialized")) + 1
    send(machine, told[:known])
    assert codes(machine[story.PLACER], story.PLACER) == []
    assert codes(machine[story.AOI], story.AOI) == ["skipped"]
    send(machine, told[known:])
    assert codes(machine[story.PLACER], story.PLACER) == ["repeated"]
    passport = admin.get(f"/units?serial={SERIAL.replace('+', '%2B')}").text
    for words in ("NODE", "WO-1001", "Acme"):
        assert words in passport


def send(machine: dict[str, TestClient], told: list[dict[str, object]]) -> None:
    for one in told:
        answer = machine[str(one["Source"])].post("/api/v1/cfx", content=story.payload(one))
        assert [receipt["status"] for receipt in answer.json()["receipts"]] == ["stored"], answer.text


def test_who_plans_nothing_is_not_asked_to(ask: Ask, accounts: dict[str, str]) -> None:
    operator, lead = logged_in(ask, "operator"), logged_in(ask, "line_lead")
    assert operator.get("/planning").status_code == 403
    assert "missing before a first board" not in operator.get("/").text
    page = lead.get("/planning").text
    assert 'href="/work-orders"' in page
    assert page.count("somebody else's to do") == 7, (
        "lines, products and setups are an engineer's, people an administrator's"
    )
