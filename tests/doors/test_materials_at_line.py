"""Setup, moisture and tools over HTTP: what an operator's scanner, a stock clerk and an engineer use."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.doors.conftest import Ask
from tests.inbox.messages import STATION
from tests.setup.plant import C100N, R10K, R22K, order, product, reel, station

F1, F2 = "M1.F.1", "M1.F.2"


@pytest.fixture
def revision(engine: Engine) -> int:
    station(engine)
    made = product(engine)
    order(engine, "WO-1", made, 100)
    for identifier, part in (("P-1", R10K), ("P-2", C100N), ("P-9", R22K)):
        reel(engine, identifier, part, quantity=1000)
    return made


@pytest.fixture
def lead(ask: Ask, revision: int) -> TestClient:
    slots = [{"slot": F1, "part_number": R10K}, {"slot": F2, "part_number": C100N}]
    put = ask("process_engineer").put(
        "/api/v1/setup/requirements",
        json={"station": STATION, "product_revision_id": revision, "slots": slots},
    )
    assert put.json() == {"setup_id": put.json()["setup_id"], "slots": 2}, put.text
    return ask("line_lead")


@pytest.fixture
def engineer(ask: Ask) -> TestClient:
    return ask("process_engineer")


def scan(client: TestClient, slot: str, label: str, **more: Any) -> dict[str, Any]:
    body = {"station": STATION, "slot": slot, "label": label, "work_order": "WO-1", **more}
    answer = client.post("/api/v1/setup/verifications", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_wrong_reel_at_the_feeder_from_refusal_to_release(ask: Ask, lead: TestClient) -> None:
    operator = ask("operator")
    refused = scan(operator, F1, "P-9")
    assert (refused["accepted"], [one["code"] for one in refused["reasons"]]) == (False, ["wrong_part"])
    assert refused["reasons"][0]["clears"] == f"Load a package of {R10K}."
    now = operator.get("/api/v1/setup", params={"station": STATION, "work_order": "WO-1"}).json()
    assert [one["code"] for one in now["reasons"]] == ["slot_empty", "location_blocked", "slot_empty"]

    clearance = {"station": STATION, "slot": F1, "reason": "wrong trolley, put away"}
    assert operator.post("/api/v1/setup/clearances", json=clearance).status_code == 403
    assert lead.post("/api/v1/setup/clearances", json=clearance).json() == {"blocked": []}
    again = lead.post("/api/v1/setup/clearances", json=clearance)
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")

    assert scan(operator, F1, "P-1")["accepted"]
    assert scan(operator, F2, "P-2")["accepted"]
    now = operator.get("/api/v1/setup", params={"station": STATION, "work_order": "WO-1"}).json()
    assert (now["reasons"], now["required"]) == ([], True)
    assert [(one["slot"], one["package"]) for one in now["slots"]] == [(F1, "P-1"), (F2, "P-2")]

    told = operator.get("/api/v1/setup/verifications", params={"slot": F1}).json()["verifications"]
    assert [(one["kind"], one["package"], one["accepted"]) for one in told] == [
        ("load", "P-1", True), ("clearance", None, True), ("load", "P-9", False),
    ]  # fmt: skip
    assert len(operator.get("/api/v1/setup/verifications", params={"accepted": False}).json()["verifications"]) == 1


def test_a_repeated_scan_with_its_key_is_one_check(ask: Ask, lead: TestClient) -> None:
    operator = ask("operator")
    body = {"station": STATION, "slot": F1, "label": "P-1", "work_order": "WO-1"}
    answers = [
        operator.post("/api/v1/setup/verifications", json=body, headers={"Idempotency-Key": "scan-17"}) for _ in "12"
    ]
    assert answers[0].json() == answers[1].json()
    assert len(operator.get("/api/v1/setup/verifications").json()["verifications"]) == 1


def test_a_list_of_slots_is_imported_and_given_back_as_csv(engineer: TestClient, revision: int) -> None:
    text = f"Machine;Position;PartNumber;Alternates;Qty per board\n{STATION};F7;{R22K};A-1|A-2;1,5\n;;;;\n"
    answer = engineer.post(
        "/api/v1/setup/requirements/list",
        files={"list": ("setup.csv", text)},
        data={"product_revision_id": str(revision), "side": "bottom"},
    )
    assert answer.json() == {STATION: 1}, answer.text
    asked: dict[str, str | int] = {"station": STATION, "product_revision_id": revision, "side": "bottom"}
    found = engineer.get("/api/v1/setup/requirements", params=asked, headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(found.text))
    assert (row["slot"], row["part_number"], row["alternates"], row["pieces_per_unit"]) == (
        "F7",
        R22K,
        "A-1 A-2",
        "1.5",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [("a,b\n1,2\n", "headings"), ("slot,part_number\nF1,\n", "Line 2"), ("slot,part_number\n", "names no slot"),
     ("slot,part_number,qty\nF1,X,many\n", "'many'"), ("slot,part_number\nF1,X\nF1,Y\n", "given twice")],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_with_its_place(
    engineer: TestClient, revision: int, text: str, says: str
) -> None:
    answer = engineer.post(
        "/api/v1/setup/requirements/list",
        files={"list": ("setup.csv", text)},
        data={"product_revision_id": str(revision), "station": STATION},
    )
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_kit_and_a_forecast_as_json_and_csv(ask: Ask, lead: TestClient) -> None:
    scan(ask("operator"), F1, "P-1")
    found = lead.get("/api/v1/kitting", params={"work_order": "WO-1"}).json()
    assert [(one["slot"], one["action"], one["needed"]) for one in found["lines"]] == [
        (F1, "keep", 200), (F2, "load", 100),
    ]  # fmt: skip
    table = lead.get("/api/v1/kitting", params={"work_order": "WO-1", "format": "csv"})
    assert [row["proposals"] for row in csv.DictReader(io.StringIO(table.text))] == ["", "P-2"]
    look = lead.get("/api/v1/forecast", params={"station": STATION, "work_order": "WO-1"}).json()
    assert (look["remaining"], look["slots"][0]["units_left"]) == (100, 500)
    table = lead.get("/api/v1/forecast", params={"station": STATION, "work_order": "WO-1", "format": "csv"})
    assert [(row["slot"], row["units_left"]) for row in csv.DictReader(io.StringIO(table.text))] == [(F1, "500")]
    assert lead.get("/api/v1/kitting", params={"work_order": "WO-404"}).status_code == 404


def test_a_parts_revision_is_read_from_its_label(ask: Ask, revision: int) -> None:
    label = "[)>\x1e06\x1dPIC-7\x1d2PC\x1dQ100\x1dSR-88\x1e\x04"
    answer = ask("operator").post("/api/v1/packages", json={"label": label})
    assert (answer.status_code, answer.json()["part_revision"]) == (201, "C")


def test_a_reel_comes_back_with_its_count(ask: Ask, lead: TestClient) -> None:
    operator = ask("operator")
    scan(operator, F1, "P-1")
    back = operator.post("/api/v1/packages/returns", json={"package": "P-1", "quantity": 990})
    assert (back.json()["quantity"], back.json()["expected_at_least"]) == (990, 1000), back.text
    now = operator.get("/api/v1/setup", params={"station": STATION, "work_order": "WO-1"}).json()
    assert [one["package"] for one in now["slots"]] == [None, None]


def test_a_count_above_what_was_known_is_confirmed_by_a_line_lead(ask: Ask, lead: TestClient) -> None:
    operator = ask("operator")
    scan(operator, F1, "P-1")
    counted = {"package": "P-1", "quantity": 9000}
    assert operator.post("/api/v1/packages/returns", json=counted).status_code == 422
    refused = operator.post("/api/v1/packages/returns", json=counted | {"confirmed": True})
    assert (refused.status_code, "line lead" in refused.text) == (403, True)
    assert lead.post("/api/v1/packages/returns", json=counted | {"confirmed": True}).json()["quantity"] == 9000


def test_moisture_from_the_bag_to_the_oven(ask: Ask, revision: int) -> None:
    operator, engineer = ask("operator"), ask("process_engineer")
    handling = {"parts": [{"part_number": R10K, "moisture_level": "MSL3"}]}
    assert operator.put("/api/v1/handling", json=handling).status_code == 403
    assert engineer.put("/api/v1/handling", json=handling).json()["parts"][0]["moisture_level"] == "3"

    opened = (datetime.now(UTC) - timedelta(hours=100)).isoformat()
    told = {"packages": ["P-1"], "happened": "opened", "recorded_at": opened}
    (now,) = operator.post("/api/v1/packages/events", json=told).json()["conditions"]
    assert (now["moisture_level"], now["reasons"]) == ("3", [])
    assert now["floor_life_left"].startswith("P2D")  # 68 hours

    assert operator.put("/api/v1/floor-life", json={"hours": {"3": 96}}).status_code == 403
    assert engineer.put("/api/v1/floor-life", json={"hours": {"3": 96}}).json()["hours"]["3"] == 96
    (now,) = operator.get("/api/v1/packages/condition", params={"package": "P-1"}).json()["conditions"]
    assert [one["code"] for one in now["reasons"]] == ["floor_life_over"]

    operator.post("/api/v1/packages/events", json={"packages": ["P-1"], "happened": "restored"})
    table = operator.get("/api/v1/packages/condition", params={"package": "P-1", "format": "csv"})
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["identifier"], row["usable"]) == ("P-1", "True")
    assert operator.get("/api/v1/floor-life").json()["hours"]["2"] == 365 * 24
    assert engineer.get("/api/v1/handling").json()["parts"][0]["part_number"] == R10K


def test_what_cannot_be_is_refused(ask: Ask, revision: int) -> None:
    operator, engineer = ask("operator"), ask("process_engineer")
    post, put = operator.post, engineer.put
    assert post("/api/v1/packages/events", json={"packages": ["P-1"], "happened": "loaded"}).status_code == 422
    assert post("/api/v1/packages/events", json={"packages": ["P-404"], "happened": "opened"}).status_code == 404
    assert post("/api/v1/packages/events", json={"packages": [], "happened": "opened"}).status_code == 422
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    late = {"packages": ["P-1"], "happened": "opened", "recorded_at": later}
    assert post("/api/v1/packages/events", json=late).status_code == 422
    assert put("/api/v1/floor-life", json={"hours": {"3": 0}}).status_code == 422
    assert put("/api/v1/handling", json={"parts": [{"part_number": "X", "thaw_hours": -1}]}).status_code == 422
    assert operator.get("/api/v1/setup", params={"station": "Nobody"}).status_code == 404


def test_a_customer_sees_nothing_of_it(ask: Ask, lead: TestClient) -> None:
    customer = ask("customer", customer="Acme")
    for path in ("setup?station=x", "setup/verifications", "kitting?work_order=WO-1", "forecast?station=x", "tools",
                 "packages/condition?package=P-1", "floor-life", "handling", "tools/limits"):  # fmt: skip
        assert customer.get(f"/api/v1/{path}").status_code == 403, path


def test_a_fixture_from_its_plan_to_its_end(ask: Ask, revision: int) -> None:
    operator, engineer = ask("operator"), ask("process_engineer")
    planned = {"tools": [{"identifier": "FX-1", "kind": "fixture", "calibration_days": 30}]}
    assert engineer.put("/api/v1/tools", json=planned).json() == {"tools": 1}
    assert engineer.put("/api/v1/tools/limits", json={"fixture": {"cycles": 1000}}).status_code == 200
    assert engineer.get("/api/v1/tools/limits").json()["fixture"]["cycles"] == 1000
    (one,) = operator.get("/api/v1/tools", params={"tool": "FX-1"}).json()["tools"]
    assert [reason["code"] for reason in one["reasons"]] == ["calibration_due"]

    due = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    calibrated = {"tool": "FX-1", "happened": "calibrated", "due_at": due}
    assert operator.post("/api/v1/tools/events", json=calibrated).status_code == 403
    (one,) = engineer.post("/api/v1/tools/events", json=calibrated).json()["tools"]
    assert (one["reasons"], one["warnings"]) == ([], [])
    loaded = {"tool": "FX-1", "happened": "loaded", "station": STATION}
    assert operator.post("/api/v1/tools/events", json=loaded).status_code == 200
    table = operator.get("/api/v1/tools", params={"station": STATION, "format": "csv"})
    assert [row["tool"] for row in csv.DictReader(io.StringIO(table.text))] == ["FX-1"]
    operator.post("/api/v1/tools/events", json={"tool": "FX-1", "happened": "retired"})
    (one,) = operator.get("/api/v1/tools", params={"kind": "fixture"}).json()["tools"]
    assert [reason["code"] for reason in one["reasons"]] == ["tool_retired"]


def test_what_is_given_twice_is_refused(ask: Ask) -> None:
    engineer = ask("process_engineer")
    tool = {"identifier": "STENCIL-1", "kind": "stencil"}
    for path, body, name in (
        ("tools", {"tools": [tool, {**tool, "identifier": " STENCIL-1"}]}, "STENCIL-1"),
        ("handling", {"parts": [{"part_number": "P-1"}, {"part_number": "P-1 "}]}, "P-1"),
    ):
        refused = engineer.put(f"/api/v1/{path}", json=body)
        assert refused.status_code == 422, refused.text
        assert f"{name} is given twice" in refused.json()["detail"]
