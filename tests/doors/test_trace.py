"""The trace questions over REST, as the contract says them."""

import csv
import io
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.story import address


def test_made_from_names_the_package_of_each_designator(admin: TestClient, built: list[str]) -> None:
    answer = admin.get(address("trace/made-from", serial=built[0]))
    made = answer.json()
    assert made["serial"] == built[0]
    assert "customer" not in made
    assert {
        one["reference_designator"]: (one["package"], one["part_number"], one["lot"]) for one in made["installations"]
    } == {name: (reel, part, lot) for reel, (part, lot, designators) in story.REELS.items() for name in designators}
    first = made["installations"][0]
    assert (first["evidence"], first["station"]) == ("exact", story.PLACER)
    assert "removed_at" not in first
    assert (made["components"], made["firmware"]) == ([], [])


def test_a_plus_in_an_address_is_a_plus(admin: TestClient, built: list[str]) -> None:
    bare = built[0].replace("%", "%25").replace(" ", "%20")  # + and / as they are
    assert "+" in bare
    assert admin.get(f"/api/v1/trace/made-from?serial={bare}").json()["serial"] == built[0]
    encoded = quote(built[0], safe="")
    assert admin.get(f"/api/v1/trace/made-from?serial={encoded}").json()["serial"] == built[0]
    formlike = encoded.replace("%20", "+")
    refused = admin.get(f"/api/v1/trace/made-from?serial={formlike}")
    assert refused.status_code == 404
    assert "%20" in refused.json()["detail"], "a blank sent as a plus is named as what it may be"


def test_where_used_counts_all_and_pages(admin: TestClient, built: list[str]) -> None:
    asked = {"package": "R/90 +5%", "limit": "3"}
    page = admin.get(address("trace/where-used", **asked)).json()
    assert page["counts"] | {"by_place": {}} == {
        "exact": 4,
        "bounded": 0,
        "inferred": 0,
        "by_place": {},
    }
    assert sum(page["counts"]["by_place"].values()) == 4
    rest = admin.get(address("trace/where-used", **asked, cursor=page["next"])).json()
    assert "next" not in rest
    units = page["units"] + rest["units"]
    assert [unit["serial"] for unit in units] == built
    assert units[0]["reference_designators"] == ["C1", "C2"]
    assert set(units[0]) >= {"serial", "evidence", "reason", "reference_designators", "place"}
    assert "key" not in units[0]


def test_a_lot_of_a_part_is_asked_for(admin: TestClient, built: list[str]) -> None:
    asked = {"lot": "LOT+7", "part_number": "100-0077"}
    answer = admin.get(address("trace/where-used", **asked)).json()
    assert [unit["serial"] for unit in answer["units"]] == built


def test_csv_streams_all_of_it(admin: TestClient, built: list[str]) -> None:
    answer = admin.get(
        "/api/v1/trace/where-used",
        params={"package": "R-1182", "limit": "1"},
        headers={"Accept": "text/csv"},
    )
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["serial"] for row in rows] == built
    assert rows[0]["reference_designators"] == "R1 R2 R3"


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_what_is_not_known_is_404_and_says_so(admin: TestClient, accept: str) -> None:
    for path in ("made-from?serial=nope", "where-used?package=nope", "where-used?serial=nope"):
        answer = admin.get(f"/api/v1/trace/{path}", headers={"Accept": accept})
        assert answer.status_code == 404
        assert "nope" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    ["", "package=", "serial=a&part_number=b", "since=yesterday", "station=a&since=2026-02-01&until=2026-01-01"],
)
def test_a_question_that_means_nothing_is_refused(admin: TestClient, query: str) -> None:
    answer = admin.get(f"/api/v1/trace/where-used?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_history_tells_the_journey_with_inspections(admin: TestClient, built: list[str]) -> None:
    answer = admin.get(address("units/history", serial=built[1])).json()
    assert answer["serial"] == built[1]
    told = [(step["what"], step["station"]) for step in answer["history"]]
    assert told == [
        ("UnitsInitialized", story.MARKER),
        ("WorkStarted", story.PLACER),
        ("MaterialsInstalled", story.PLACER),
        ("WorkCompleted", story.PLACER),
        ("WorkStarted", story.AOI),
        ("UnitsInspected", story.AOI),
        ("WorkCompleted", story.AOI),
    ]
    inspection = answer["history"][5]["details"]
    assert inspection["outcome"] == "failed"
    assert inspection["defects"][0]["reference_designator"] == "R2"


def test_a_unit_says_where_it_sits(admin: TestClient, built: list[str]) -> None:
    unit = admin.get(address("units", serial=built[1])).json()
    assert (unit["panel"], unit["position_number"]) == ("PNL-1", 2)
    assert unit["work_order"] == "WO-1001"


def test_a_panel_answers_for_its_boards(admin: TestClient, built: list[str]) -> None:
    assert admin.get("/api/v1/units?serial=PNL-1").json()["boards"] == built[:2]
    made = admin.get("/api/v1/trace/made-from?serial=PNL-1").json()
    assert len(made["installations"]) == 10


def test_terms_are_combined(admin: TestClient, built: list[str]) -> None:
    asked = {"part_number": "100-0042", "station": story.PLACER, "slot": "S11"}
    page = admin.get(address("trace/where-used", **asked)).json()
    assert [unit["serial"] for unit in page["units"]] == built
    later = admin.get(address("trace/where-used", **asked, since="2999-01-01T00:00:00+02:00")).json()
    assert later["units"] == []


def test_neighbours_that_do_not_carry_it_are_told_with_the_reason(admin: TestClient, built: list[str]) -> None:
    plain = [one for one in story.panel("PNL-9", ["N1"]) if "MaterialsInstalled" not in one["MessageName"]]
    admin.post("/api/v1/cfx", content=story.payload(plain))
    answer = admin.get(address("trace/excluded", package="R-1182"))
    assert answer.status_code == 200
    for unit in answer.json()["units"]:
        assert unit["serial"] not in built
        assert unit["reason"]
    table = admin.get(address("trace/excluded", package="R-1182"), headers={"Accept": "text/csv"})
    assert table.text.startswith("serial,position_number,place,reason")
    assert admin.get(address("trace/excluded", package="nope")).status_code == 404


@pytest.fixture
def acme(ask: Ask, engine: Engine, built: list[str]) -> TestClient:
    """A customer for whom the first of the two panels was built."""
    with engine.begin() as connection:
        changed = assign_customer(connection, work_order="WO-1001", customer="Acme", actor="test")
    assert changed >= 2
    return ask("customer", customer="Acme")


def test_a_customer_sees_their_own(acme: TestClient, built: list[str]) -> None:
    made = acme.get(address("trace/made-from", serial=built[0]))
    assert made.json()["customer"] == "Acme"
    assert acme.get(address("units/history", serial=built[0])).status_code == 200


def test_to_a_customer_others_units_do_not_exist(acme: TestClient, built: list[str]) -> None:
    for path in ("trace/made-from", "units", "units/history"):
        theirs, nobodys = (acme.get(address(path, serial=serial)) for serial in (built[2], "nope"))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["detail"] == nobodys.json()["detail"].replace("nope", built[2])


def test_shared_material_shows_a_customer_their_units_only(acme: TestClient, built: list[str]) -> None:
    page = acme.get(address("trace/where-used", package="R-1182")).json()
    assert [unit["serial"] for unit in page["units"]] == built[:2]
    assert page["counts"]["exact"] == sum(page["counts"]["by_place"].values()) == 2
    table = acme.get(address("trace/where-used", package="R-1182"), headers={"Accept": "text/csv"})
    assert built[2] not in table.text


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_material_of_others_is_not_known_to_a_customer(acme: TestClient, admin: TestClient, accept: str) -> None:
    admin.post("/api/v1/packages", json={"identifier": "R-secret", "part_number": "X-1"})
    answers = [
        acme.get(address("trace/where-used", package=name), headers={"Accept": accept})
        for name in ("R-secret", "R-absent")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    said = {a.json()["detail"].replace("secret", "absent") for a in answers}
    assert len(said) == 1, "the two answers must not differ"


def test_a_customer_sees_no_line_and_no_packages(acme: TestClient) -> None:
    for path in ("stations", "packages", "quarantine", "tokens", "products"):
        assert acme.get(f"/api/v1/{path}").status_code == 403, path


def test_a_customer_sees_their_work_orders(acme: TestClient) -> None:
    orders = acme.get("/api/v1/work-orders").json()["work_orders"]
    assert [order["number"] for order in orders] == ["WO-1001"]
    assert acme.get("/api/v1/work-orders?number=WO-1002").status_code == 404


def test_a_journey_names_no_unit_of_another_customer(acme: TestClient, built: list[str]) -> None:
    told = acme.get(address("units/history", serial=built[0])).json()["history"]
    assert all(name[0].islower() for step in told for name in step["details"])


def test_a_customer_is_not_told_who_inspected(ask: Ask, admin: TestClient) -> None:
    messages = story.panel("PNL-7", ["I/1"], work_order="WO-7")
    for one in messages:
        if one["MessageName"].endswith("UnitsInspected"):
            one["MessageBody"]["Inspector"] = {"OperatorIdentifier": "Jo Doe"}
    assert admin.post("/api/v1/cfx", content=story.payload(messages)).status_code == 200
    assign = {"work_order": "WO-7", "customer": "Acme"}
    assert admin.post("/api/v1/work-orders/customer", json=assign).status_code == 200
    for client, named in ((admin, True), (ask("customer", customer="Acme"), False)):
        assert ("Jo Doe" in client.get(address("units/history", serial="I/1")).text) == named
