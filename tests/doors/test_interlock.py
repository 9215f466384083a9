"""The gate for simple equipment: one call asks, one starts; overrides, locks and policies by those who may."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.people import issue_badge, set_pin
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.routing import RoutingStep
from app.scanning.codes import CodeKind, make_code
from tests.doors.conftest import PASSWORD, Ask
from tests.inbox.messages import count, initialized, message, stored

PRINTER, MOUNTER = "Acme.Printer.1", "Acme.Mounter.1"
SERIAL = "A+1/7#%"


@pytest.fixture
def planned(engine: Engine) -> None:
    with engine.begin() as connection:
        stations = [StationPlan(PRINTER, operation="print"), StationPlan(MOUNTER, operation="place")]
        plan_line(connection, name="SMT 1", stations=stations, actor="test")
        part = Component("R1", "RES", None, None, None, None, None, None, "top", "machine")
        revision = import_design(
            connection, BoardDesign("node", "B", (part,), ()), customer="Northwind",
            routing=[RoutingStep("print"), RoutingStep("place")], actor="test",
        )  # fmt: skip
        plan_work_order(connection, number="WO-1", product_revision_id=revision, customer="Northwind", actor="test")
    stored(engine, initialized(None, SERIAL, order="WO-1", source="Acme.Marker.1"))


def asked(client: TestClient, station: str, **more: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/interlock", params={"station": station, "serial": SERIAL, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_verdict_says_what_happened_what_clears_it_and_who_may_override(planned: None, ask: Ask) -> None:
    client = ask("operator")
    assert asked(client, PRINTER) | {"verdicts": []} == {"allowed": True, "sentence": "OK", "verdicts": []}
    told = asked(client, MOUNTER)
    assert told["allowed"] is False
    reason = told["verdicts"][0]["reasons"][0]
    assert reason["code"] == "skipped"
    assert reason["override"] == {"roles": ["process_engineer"], "second_person": True, "hours": 8.0}
    assert told["sentence"] == f"{reason['sentence']} {reason['clears']}"


def test_a_stations_token_asks_for_that_station_alone(planned: None, ask: Ask) -> None:
    client = ask("line_equipment", station=PRINTER)
    assert asked(client, PRINTER)["allowed"]
    refused = client.get("/api/v1/interlock", params={"station": MOUNTER, "serial": SERIAL})
    assert refused.status_code == 403
    start = {"station": MOUNTER, "serials": [SERIAL]}
    assert client.post("/api/v1/interlock", json=start).status_code == 403
    assert ask("customer", customer="Northwind").get(
        "/api/v1/interlock", params={"station": PRINTER, "serial": SERIAL}
    ).status_code == 403  # fmt: skip
    assert ask(None).get("/api/v1/interlock", params={"station": PRINTER, "serial": SERIAL}).status_code == 401


def test_a_start_of_which_nothing_was_read_is_not_taken(planned: None, ask: Ask, engine: Engine) -> None:
    client = ask("line_equipment", station=PRINTER)
    for nothing in ("", "x" * 257):
        start = {"station": PRINTER, "serials": [SERIAL, nothing]}
        refused = client.post("/api/v1/interlock", json=start)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid")
    assert count(engine, "unit_start") == count(engine, "verdict") == 0


def test_a_start_is_done_once_however_often_it_is_sent(planned: None, ask: Ask, engine: Engine) -> None:
    client = ask("line_equipment", station=PRINTER)
    start = {"station": PRINTER, "serials": [SERIAL]}
    answers = [
        client.post("/api/v1/interlock", json=start, headers={"Idempotency-Key": key}) for key in ("a", "a", "b")
    ]
    assert [answer.json()["allowed"] for answer in answers] == [True, True, True]
    assert count(engine, "unit_start") == 1
    with engine.begin() as connection:
        twin = StationPlan("Acme.Printer.2", operation="print")
        plan_line(connection, name="SMT 2", stations=[twin], actor="test")
    told = ask("operator").post("/api/v1/interlock", json={**start, "station": "Acme.Printer.2"}).json()
    assert [reason["code"] for reason in told["verdicts"][0]["reasons"]] == ["already_started"]


def test_a_line_lead_ends_a_start_that_was_given_up(planned: None, ask: Ask, engine: Engine) -> None:
    with engine.begin() as connection:
        plan_line(connection, name="SMT 2", stations=[StationPlan("Acme.Printer.2", operation="print")], actor="test")
    start = {"station": PRINTER, "serials": [SERIAL]}
    started = ask("line_equipment", station=PRINTER).post("/api/v1/interlock", json=start).json()
    assert started["verdicts"][0]["started"] is True
    end = {"serials": [SERIAL], "reason": "The printer jammed; the board was taken out."}
    assert ask("operator").post("/api/v1/interlock/starts/end", json=end).status_code == 403
    lead = ask("line_lead")
    assert lead.post("/api/v1/interlock/starts/end", json={**end, "reason": " "}).status_code == 422
    assert [reason["code"] for reason in asked(lead, "Acme.Printer.2")["verdicts"][0]["reasons"]] == ["already_started"]
    assert lead.post("/api/v1/interlock/starts/end", json=end).json() == {"ended": [SERIAL]}
    assert lead.post("/api/v1/interlock/starts/end", json=end).status_code == 404
    assert asked(lead, "Acme.Printer.2")["allowed"]
    assert count(engine, "audit", "deed = 'start.ended'") == 1


def test_the_log_of_a_unit_comes_in_pages(planned: None, ask: Ask) -> None:
    client = ask("operator")
    for _ in range(5):
        asked(client, PRINTER)
    numbers: list[int] = []
    page: dict[str, Any] = {"serial": SERIAL, "limit": 2}
    while page:
        told = client.get("/api/v1/interlock/verdicts", params=page).json()
        numbers += [entry["verdict_id"] for entry in told["verdicts"]]
        page = {**page, "cursor": told["next"]} if "next" in told else {}
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == len(set(numbers)) == 5


@pytest.mark.usefixtures("planned", "accounts")
def test_an_override_takes_its_two_people_and_shows_in_the_verdict(ask: Ask, engine: Engine) -> None:
    engineer = ask("process_engineer", person="process_engineer")
    with engine.begin() as connection:
        set_pin(connection, name="quality_engineer", pin="4711", actor="test")
        badge = make_code(CodeKind.badge, issue_badge(connection, name="quality_engineer", actor="test"))
    until = datetime.now(UTC) + timedelta(hours=1)
    body = {"code": "skipped", "station": MOUNTER, "serial": SERIAL, "until": until.isoformat(), "reason": "by hand"}
    assert engineer.post("/api/v1/interlock/overrides", json=body).status_code == 403
    assert ask("operator").post("/api/v1/interlock/overrides", json=body).status_code == 403
    second = {"name": "quality_engineer", "password": PASSWORD}
    for client, given, status in (
        (engineer, {"name": "quality_engineer", "password": "a guess of hers"}, 401),
        (engineer, {"name": "process_engineer", "password": PASSWORD}, 403),  # the same human being
        (engineer, {"name": "operator", "password": PASSWORD}, 403),
        (engineer, {"badge": badge, "pin": "1147"}, 401),
        (engineer, {"badge": badge}, 422),
        (ask("process_engineer"), second, 403),  # nobody knows who bears this token
    ):
        refused = client.post("/api/v1/interlock/overrides", json={**body, "second": given})
        assert refused.status_code == status, refused.text
    made = engineer.post("/api/v1/interlock/overrides", json={**body, "second": {"badge": badge, "pin": "4711"}})
    assert made.status_code == 201, made.text
    told = asked(engineer, MOUNTER)
    assert told["allowed"]
    assert told["verdicts"][0]["overridden"][0]["code"] == "skipped"
    assert told["verdicts"][0]["overridden"][0]["by"].endswith("process_engineer")
    number = made.json()["override_id"]
    assert engineer.post(f"/api/v1/interlock/overrides/{number}/revoke").status_code == 200
    assert engineer.post(f"/api/v1/interlock/overrides/{number}/revoke").status_code == 404
    assert not asked(engineer, MOUNTER)["allowed"]
    log = engineer.get("/api/v1/interlock/verdicts", params={"serial": SERIAL}).json()["verdicts"]
    assert [entry["allowed"] for entry in log] == [False, True]
    assert engineer.post("/api/v1/interlock/overrides", json={**body, "second": second}).status_code == 201


def test_locks_and_policies(planned: None, ask: Ask, engine: Engine) -> None:
    lead = ask("line_lead")
    lock = {"station": PRINTER, "reason": "smoke"}
    assert lead.post("/api/v1/interlock/locks", json=lock).json() == {"station": PRINTER, "locked": True}
    assert asked(lead, PRINTER)["verdicts"][0]["reasons"][0]["code"] == "station_locked"
    assert lead.post("/api/v1/interlock/locks", json=lock).status_code == 409
    assert lead.post("/api/v1/interlock/locks", json={**lock, "locked": False}).status_code == 200
    assert asked(lead, PRINTER)["allowed"]
    assert lead.post("/api/v1/interlock/locks", json={**lock, "station": "No.Such.1"}).status_code == 404
    plan = {"station": PRINTER, "policy": "fail_cached", "snapshot_seconds": 60}
    due = {"station": PRINTER, "policy": "fail_cached", "calibrated_until": "2026-01-01T00:00:00Z"}
    engineer = ask("process_engineer")
    for one in (plan, due):
        assert lead.post("/api/v1/interlock/stations", json=one).status_code == 403
        assert engineer.post("/api/v1/interlock/stations", json=one).status_code == 200
    assert asked(lead, PRINTER)["verdicts"][0]["reasons"][0]["code"] == "calibration_over"
    assert engineer.post("/api/v1/interlock/stations", json={**plan, "policy": "fail_open"}).status_code == 422
    assert count(engine, "gate_policy", "snapshot_seconds = 60") == 1
    assert count(engine, "audit", "deed IN ('station.locked', 'station.unlocked', 'gate.policy_set')") == 4


def test_a_station_is_unlocked_by_whoever_locked_it_or_by_an_engineer(planned: None, ask: Ask) -> None:
    quality, lead, other = ask("quality_engineer"), ask("line_lead"), ask("line_lead")
    lock, unlock = ({"station": PRINTER, "reason": "smoke", "locked": locked} for locked in (True, False))
    for locking, unlocking, status in ((quality, lead, 403), (lead, other, 403), (lead, quality, 200)):
        assert locking.post("/api/v1/interlock/locks", json=lock).status_code == 200
        assert unlocking.post("/api/v1/interlock/locks", json=unlock).status_code == status
        locking.post("/api/v1/interlock/locks", json=unlock)


def test_only_quality_releases_what_passed_without_the_product(planned: None, ask: Ask) -> None:
    body = {"serials": [SERIAL], "reason": "looked at"}
    assert ask("process_engineer").post("/api/v1/interlock/provisional/release", json=body).status_code == 403
    quality = ask("quality_engineer")
    assert quality.post("/api/v1/interlock/provisional/release", json=body).json() == {"released": []}
    unknown = {**body, "serials": ["NOBODY"]}
    assert quality.post("/api/v1/interlock/provisional/release", json=unknown).status_code == 404


def test_cfx_questions_are_answered_by_post_too(planned: None, ask: Ask) -> None:
    client = ask("line_equipment", station=MOUNTER)
    request = message("InformationSystem.UnitValidation.ValidateUnitsRequest", {"PrimaryIdentifier": SERIAL},
                      source=MOUNTER)  # fmt: skip
    answer = client.post("/api/v1/cfx", content=request).json()
    assert answer["MessageName"] == "CFX.InformationSystem.UnitValidation.ValidateUnitsResponse"
    assert answer["MessageBody"]["PrimaryResult"]["Result"] == "Failed"
    setup = message("Production.GetRequiredSetupRequest", {"Lane": 1}, source=MOUNTER)
    answer = client.post("/api/v1/cfx", content=setup).json()
    assert answer["MessageBody"]["Result"]["Result"] == "Failed"
    assert "No setup is planned" in answer["MessageBody"]["Result"]["Message"]
    check = message(
        "Materials.Storage.ValidateStationSetupRequest",
        {"SetupRequirements": {"MaterialSetupRequirements": [{"Position": "F1", "PartNumber": "RES"}]}},
        source=MOUNTER,
    )
    answer = client.post("/api/v1/cfx", content=check).json()
    assert answer["MessageBody"]["Result"]["Result"] == "Failed"
    operator = message("InformationSystem.OperatorValidation.ValidateOperatorRequest",
                       {"Operator": {"OperatorIdentifier": "ANN"}}, source=MOUNTER)  # fmt: skip
    answer = client.post("/api/v1/cfx", content=operator).json()
    assert answer["MessageBody"]["Result"]["Result"] == "Success"
