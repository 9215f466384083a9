"""What a station measures, item by item: through the runs, and how capable; over REST and on the page."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_pages import logged_in
from tests.doors.test_passport import FCT, functional_test

ADDRESS = "/api/v1/measurements"
VOLTS = [3.30, 3.31, 3.29, 3.32, 3.28]
RUNS = {"station": FCT, "characteristic": "value"}


@pytest.fixture(autouse=True)
def measured(admin: TestClient, accounts: dict[str, str]) -> None:
    del accounts
    told = story.panel("PNL-1", ["A+1"]) + [functional_test("A+1", volts, "Passed") for volts in VOLTS]
    answer = admin.post("/api/v1/cfx", content=story.payload(told))
    assert {one["status"] for one in answer.json()["receipts"]} == {"stored"}, answer.text


def test_one_item_through_the_runs_of_a_station(admin: TestClient) -> None:
    assert admin.get(f"{ADDRESS}/characteristics", params={"station": FCT}).json() == ["value"]
    asked = {**RUNS, "feature": "RAIL_3V3"}
    told = admin.get(f"{ADDRESS}/series", params=asked).json()
    assert sorted(one["value"] for one in told) == sorted(VOLTS)
    assert {one["serial"] for one in told} == {"A+1"}
    times = [one["recorded_at"] for one in told]
    assert times == sorted(times, reverse=True)
    assert len(admin.get(f"{ADDRESS}/series", params={**asked, "limit": 2}).json()) == 2
    rows = csv.DictReader(io.StringIO(admin.get(f"{ADDRESS}/series", params={**asked, "format": "csv"}).text))
    assert [float(one["value"]) for one in rows] == [one["value"] for one in told]


def test_the_capability_of_every_item_by_its_own_limits_or_those_given(admin: TestClient) -> None:
    (told,) = admin.get(f"{ADDRESS}/capability", params=RUNS).json()
    assert (told["step"], told["name"], told["designators"], told["count"]) == ("SUPPLY", "RAIL_3V3", "U1", len(VOLTS))
    assert told["mean"] == pytest.approx(3.30)
    assert [told["cpk"], told["cp"]] == pytest.approx([0.1 / (3 * told["deviation"])] * 2)
    (told,) = admin.get(f"{ADDRESS}/capability", params={**RUNS, "lower": 3.28, "upper": 9}).json()
    assert told["cpk"] == pytest.approx(0.02 / (3 * told["deviation"]))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"station": "nobody"}, 404),
        ({"characteristic": "Vol"}, 404),
        ({"since": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"}, 422),
        ({"lower": 2, "upper": 1}, 422),
        ({"limit": 0}, 422),
        ({"lower": "nan"}, 422),
    ],
)
def test_what_cannot_be_answered_is_said(admin: TestClient, asked: dict[str, str | int], status: int) -> None:
    answer = admin.get(f"{ADDRESS}/capability", params={**RUNS, **asked})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_it_is_the_factorys_and_not_a_customers(ask: Ask) -> None:
    asked = f"station={FCT}&characteristic=value"
    for role, whose, status in (("quality_engineer", {}, 200), ("customer", {"customer": "Acme"}, 403)):
        assert logged_in(ask, role).get(f"/yield/capability?{asked}").status_code == status
        client = ask(role, **whose)
        for question in ("characteristics", "series", "capability"):
            assert client.get(f"{ADDRESS}/{question}?{asked}&feature=RAIL_3V3").status_code == status


def test_the_page_leads_from_the_yield_to_an_item(ask: Ask) -> None:
    client = logged_in(ask, "quality_engineer")
    assert f"/yield/capability?station={FCT}" in client.get("/yield").text
    page = client.get(f"/yield/capability?station={FCT}").text
    assert "RAIL_3V3" in page
    told = client.get(f"/yield/capability?station={FCT}&format=json").json()
    assert [one["name"] for one in told["capability"]] == ["RAIL_3V3"]
    page = client.get(f"/yield/capability?station={FCT}&characteristic=value&feature=RAIL_3V3").text
    assert "3.28" in page
    assert "/units?serial=A%2B1" in page
