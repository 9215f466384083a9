"""Planning the gate through its REST door: what was planned is told, holds at the gate, and is withdrawn again."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.doors.conftest import Ask
from tests.doors.test_interlock import MOUNTER, PRINTER, SERIAL, asked, planned
from tests.inbox.messages import count

__all__ = ["planned"]
ROOT = "/api/v1/interlock"


@pytest.fixture
def engineer(planned: None, ask: Ask) -> TestClient:
    return ask("process_engineer")


def put(client: TestClient, what: str, **plan: Any) -> Any:
    """Send a plan twice: the second time changes nothing. Gives the answer."""
    answers = [client.put(f"{ROOT}/{what}", json=plan) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    return answers[0].json()


def codes(client: TestClient, station: str, **more: Any) -> list[str]:
    return [reason["code"] for reason in asked(client, station, **more)["verdicts"][0]["reasons"]]


def test_a_planned_recipe_is_asked_for_until_it_is_withdrawn(engineer: TestClient) -> None:
    revision = engineer.get("/api/v1/products").json()["products"][0]["product_revision_id"]
    where = {"product_revision_id": revision, "operation": "print"}
    two = [{"recipe": "TOP", "revision": "2"}, {"recipe": "BOTTOM", "revision": "1"}]
    told = put(engineer, "recipes", **where, recipes=[*two, two[0]])["recipes"]
    assert [(one["recipe"], one["recipe_revision"], one["revision"]) for one in told] == [
        ("BOTTOM", "1", "B"), ("TOP", "2", "B"),
    ]  # fmt: skip
    assert engineer.get(f"{ROOT}/recipes", params={"operation": "print"}).json()["recipes"] == told
    assert codes(engineer, PRINTER, recipe="TOP", recipe_revision="1") == ["wrong_recipe"]
    assert codes(engineer, PRINTER, recipe="TOP", recipe_revision="2") == []
    assert put(engineer, "recipes", **where, recipes=[])["recipes"] == []
    assert codes(engineer, PRINTER, recipe="TOP", recipe_revision="1") == []


def test_qualified_operators_and_nobody_else(engineer: TestClient) -> None:
    assert put(engineer, "qualification-needs", operation="print", needed=True) == {"operations": ["print"]}
    assert codes(engineer, PRINTER, operator="ANN") == ["not_qualified"]
    who = {"operator": "ANN", "operation": "print"}
    told = put(engineer, "qualifications", **who)["qualifications"]
    assert told == [{**who, "valid_until": None}]
    assert codes(engineer, PRINTER, operator="ANN") == []
    put(engineer, "qualifications", **who, valid_until="2026-01-01T00:00:00Z")
    assert codes(engineer, PRINTER, operator="ANN") == ["qualification_over"]
    assert put(engineer, "qualifications", **who, qualified=False) == {"qualifications": []}
    assert engineer.get(f"{ROOT}/qualifications").json() == {"qualifications": []}
    put(engineer, "qualification-needs", operation="print", needed=False)
    assert codes(engineer, PRINTER, operator="ANN") == []


def test_limits_and_thresholds(engineer: TestClient) -> None:
    revision = engineer.get("/api/v1/products").json()["products"][0]["product_revision_id"]
    where = {"product_revision_id": revision, "operation": "inspect"}
    assert put(engineer, "retest-limits", **where, runs=3)["retest_limits"][0]["runs"] == 3
    assert put(engineer, "retest-limits", **where, runs=None) == {"retest_limits": []}
    asks = {"customer": "Northwind", "operation": "print"}
    assert put(engineer, "thresholds", **asks, completeness=1)["thresholds"] == [{**asks, "completeness": 1.0}]
    assert codes(engineer, PRINTER) == ["incomplete"]
    assert put(engineer, "thresholds", **asks, completeness=None) == {"thresholds": []}
    assert codes(engineer, PRINTER) == []


@pytest.mark.parametrize(
    ("what", "plan", "status"),
    [
        ("recipes", {"product_revision_id": 404, "operation": "print", "recipes": []}, 404),
        ("retest-limits", {"product_revision_id": 404, "operation": "print", "runs": 1}, 404),
        ("retest-limits", {"product_revision_id": 1, "operation": "print", "runs": 0}, 422),
        ("retest-limits", {"product_revision_id": 1, "operation": "print"}, 422),
        ("thresholds", {"customer": "Nobody", "operation": "print", "completeness": 1}, 404),
        ("thresholds", {"customer": "Northwind", "operation": "print", "completeness": 1.01}, 422),
        ("qualifications", {"operator": "ANN", "operation": "print", "valid_until": "2026-01-01T00:00:00"}, 422),
        ("qualifications", {"operator": "", "operation": "print"}, 422),
        ("qualification-needs", {"operation": "print"}, 422),
    ],
)
def test_what_cannot_be_planned(engineer: TestClient, what: str, plan: dict[str, Any], status: int) -> None:
    refused = engineer.put(f"{ROOT}/{what}", json=plan)
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"]


def test_what_is_in_force_at_a_station(engineer: TestClient, ask: Ask, engine: Engine) -> None:
    engineer.post(f"{ROOT}/locks", json={"station": MOUNTER, "reason": "smoke"})
    asked(engineer, MOUNTER)
    engineer.post(f"{ROOT}/stations", json={"station": MOUNTER, "policy": "fail_cached", "snapshot_seconds": 60})
    (told,) = engineer.get(f"{ROOT}/stations", params={"station": MOUNTER}).json()["stations"]
    assert (told["policy"], told["snapshot_seconds"], told["locked_because"], told["refused"]) == (
        "fail_cached", 60, "smoke", 1,
    )  # fmt: skip
    assert engineer.get(f"{ROOT}/stations", params={"station": "No.Such.1"}).status_code == 404
    until = "2099-01-01T00:00:00Z"
    late = {"code": "recipe_unknown", "station": MOUNTER, "until": until, "reason": "r"}
    assert engineer.post(f"{ROOT}/overrides", json=late).status_code == 422
    assert engineer.get(f"{ROOT}/overrides").json() == {"overrides": []}
    assert engineer.get(f"{ROOT}/provisional").json() == {"units": []}
    assert count(engine, "audit", "deed = 'gate.policy_set'") == 1
    assert ask("customer", customer="Northwind").get(f"{ROOT}/stations").status_code == 403
    assert SERIAL not in ask("operator").get(f"{ROOT}/rights").text
