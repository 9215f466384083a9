"""A unit's passport: verdict, journey, values, originals; as it was known then; what a customer is not told."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdfium2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_pages import logged_in

FCT = "Probe.F1.FT-01"


def functional_test(serial: str, volts: float, result: str) -> dict[str, Any]:
    measured = {"Value": volts, "ValueUnits": "V", "MinimumAcceptableValue": 3.2, "MaximumAcceptableValue": 3.4}
    rail = {"$type": "CFX.Structures.NumericMeasurement, CFX", "MeasuredValue": measured, "MeasurementName": "RAIL_3V3",
            "Result": result, "CRDs": "U1"}  # fmt: skip
    unit = {"UnitIdentifier": serial, "OverallResult": result,
            "Tests": [{"TestName": "SUPPLY", "Result": result, "Measurements": [rail]}]}  # fmt: skip
    tester = {"OperatorIdentifier": "BADGE-7", "ActorType": "Human"}
    body = {"TestMethod": "FCT", "Tester": tester, "TestedUnits": [unit]}
    return story.envelope("Production.TestAndInspection.UnitsTested", body, FCT)


@pytest.fixture
def unit(admin: TestClient, accounts: dict[str, str], engine: Engine) -> str:
    """A board of Acme that failed its functional test and passed the second time."""
    del accounts
    told = story.panel("PNL-1", ["A+1", "A+2"])
    told += [functional_test("A+1", 4.4, "Failed"), functional_test("A+1", 3.31, "Passed")]
    answer = admin.post("/api/v1/cfx", content=story.payload(told))
    assert {one["status"] for one in answer.json()["receipts"]} == {"stored"}, answer.text
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1001", customer="Acme", actor="test")
    return "A%2B1"


def test_first_tries_and_retests_are_counted_apart(ask: Ask, unit: str) -> None:
    told = logged_in(ask, "quality_engineer").get(f"/units?serial={unit}&format=json").json()
    assert told["tries"] == {"first": 2, "first_passed": 1, "retests": 1, "retests_passed": 1}
    assert told["standing"]["word"] == "good"
    panel = logged_in(ask, "quality_engineer").get("/units?serial=PNL-1&format=json").json()
    retests = [one["retests"] for one in panel["history"] if one["station"] != FCT and one["outcome"]]
    assert retests
    assert not any(retests)
    functional = next(one for one in told["history"] if one["station"] == FCT)
    assert (functional["outcome"], functional["retests"], functional["operators"]) == ("passed", 1, ["BADGE-7"])


def test_as_it_was_known_then(ask: Ask, unit: str) -> None:
    client = logged_in(ask, "quality_engineer")
    before = datetime.now(UTC) - timedelta(days=1)
    assert client.get(f"/units?serial={unit}&as_of={before:%Y-%m-%dT%H:%M:%SZ}").status_code == 404
    now = client.get(f"/units?serial={unit}&as_of={datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")
    assert "As it was known" in now.text


def test_values_worst_first_with_their_limits_and_the_machines_message(ask: Ask, unit: str) -> None:
    client = logged_in(ask, "quality_engineer")
    told = client.get(f"/units?serial={unit}&format=json").json()
    event = next(e["event"] for v in told["history"] for e in v["entries"] if e["details"].get("outcome") == "failed")
    values = client.get(f"/units/measurements?serial={unit}&event={event}&format=json").json()["measurements"]
    rail = next(one for one in values if one["name"] == "RAIL_3V3")
    assert (rail["value"], rail["lower"], rail["upper"], rail["comparison"]) == (4.4, 3.2, 3.4, "above")
    assert rail["margin"] == pytest.approx(-10.0)
    page = client.get(f"/units/measurements?serial={unit}&event={event}").text
    assert "needle" in page
    raw = client.get(f"/units/message?event={event}&format=raw")
    assert b"RAIL_3V3" in raw.content
    assert "as when it came" in client.get(f"/units/message?event={event}").text
    assert client.get(f"/units/measurements?serial=A%2B2&event={event}").status_code == 404, "not this unit's"


def test_on_paper_and_as_tables(ask: Ask, unit: str) -> None:
    client = logged_in(ask, "quality_engineer")
    paper = pypdfium2.PdfDocument(io.BytesIO(client.get(f"/units?serial={unit}&format=pdf").content))
    text = "".join(page.get_textpage().get_text_range() for page in paper)
    for told in ("A+1", "R-1182", "LK2207", "Journey", FCT):
        assert told in text
    journey = client.get(f"/units?serial={unit}&format=csv&table=journey").text.splitlines()
    assert journey[0].startswith("operation,station,started_at")
    assert len(journey) == 1 + 4


def test_a_customer_sees_no_names_and_no_machines_words(ask: Ask, unit: str) -> None:
    client = logged_in(ask, "customer")
    page = client.get(f"/units?serial={unit}")
    assert page.status_code == 200
    assert "BADGE-7" not in page.text
    assert "/units/message" not in page.text
    told = client.get(f"/units?serial={unit}&format=json").text
    assert "BADGE-7" not in told
    assert client.get("/units/message?event=1").status_code == 403
    assert client.get("/units?serial=no-such").status_code == 404


@pytest.mark.parametrize(
    ("narrowing", "serials"),
    [("tab=certain", 2), ("tab=possible", 0), ("order=WO-1001", 2), ("order=WO-9", 0), ("place=nowhere", 0)],
)
def test_where_used_is_narrowed_page_and_file_alike(ask: Ask, unit: str, narrowing: str, serials: int) -> None:
    client = logged_in(ask, "quality_engineer")
    found = client.get(f"/where-used?package=R-1182&{narrowing}&format=json").json()
    assert len(found["units"]) == serials
    assert found["counts"]["exact"] == 2, "counts are of the whole answer"
    assert len(client.get(f"/where-used?package=R-1182&{narrowing}&format=csv").text.splitlines()) == 1 + serials


def test_where_used_is_grouped(ask: Ask, unit: str) -> None:
    found = logged_in(ask, "quality_engineer").get("/where-used?package=R-1182&by=order&format=json").json()
    assert {name: group["exact"] for name, group in found["groups"].items()} == {"WO-1001": 2}


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        (FCT, "/where-used?station=Probe.F1.FT-01"),
        ("C-000001", "/containments/C-000001"),
        ("NC-000001", "/containments/C-000001"),
    ],
)
def test_the_one_box_knows_stations_and_containments(
    ask: Ask, unit: str, admin: TestClient, typed: str, leads_to: str
) -> None:
    admin.post("/api/v1/containments", json={"serials": ["A+1"], "reason": "a test"})
    answer = logged_in(ask, "quality_engineer").get("/search", params={"q": typed})
    assert answer.headers["location"].startswith(leads_to)
    assert logged_in(ask, "customer").get("/search", params={"q": FCT}).status_code == 404
