"""Containment over HTTP: who may, what is answered, what a customer sees, what is told of a repetition."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.doors import story
from tests.doors.conftest import Ask


def today() -> str:
    """Asked for when it is needed: a run may go over midnight."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


LOT = {"lot": "LK2207", "part_number": "100-0042"}


def contain(client: TestClient, **more: Any) -> Any:
    return client.post("/api/v1/containments", json={**LOT, "reason": "Cracked, 8D 4711", **more})


def test_a_lot_is_counted_contained_looked_into_and_released(ask: Ask, built: list[str]) -> None:
    quality = ask("quality_engineer")
    preview = quality.post("/api/v1/containments/preview", json=LOT).json()
    assert (preview["units"], preview["packages"], preview["identifier"]) == (4, ["R-1182"], "LK2207")
    answer = contain(quality, confirm="LK2207")
    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert (done["units"], done["packages"]) == (4, 1)
    number = done["number"]
    one = quality.get(f"/api/v1/containments/{number}").json()
    assert one["containment"]["open_units"] == 4
    assert [package["package"] for package in one["packages"]] == ["R-1182"]
    units = quality.get(f"/api/v1/containments/{number}/units", params={"limit": 3}).json()
    assert len(units["units"]) == 3
    assert units["next"]
    record = quality.get(f"/api/v1/containments/{number}/record").json()
    assert record["intact"]
    assert record["record"]["reason"] == "Cracked, 8D 4711"
    partly = quality.post(f"/api/v1/containments/{number}/release", json={"reason": "Looked at", "serials": built[:1]})
    assert partly.json() == {"number": number, "units": 1, "packages": 0}
    release = {"reason": "Sorted"}
    assert quality.post(f"/api/v1/containments/{number}/release", json=release).status_code == 200
    again = quality.post(f"/api/v1/containments/{number}/release", json=release)
    assert again.status_code == 409
    assert "released by" in again.json()["detail"]
    assert quality.get("/api/v1/containments", params={"open": True}).json() == {"containments": []}


@pytest.mark.parametrize(
    ("asked", "identifier"),
    [
        ({"since": "2020-01-01T00:00:00Z"}, "since 2020-01-01 00:00:00+00:00"),
        ({"lot": "LK2207", "received_on": "today"}, "LK2207"),
        ({"received_on": "today"}, "today"),
        ({"delivery": "DN-4711"}, "DN-4711"),
    ],
)
def test_what_may_be_asked_may_be_contained(
    ask: Ask, admin: TestClient, built: list[str], asked: dict[str, str], identifier: str
) -> None:
    quality = ask("quality_engineer")
    package = {"identifier": "R-1182", "part_number": "100-0042", "lot": "LK2207", "delivery": "DN-4711"}
    assert admin.post("/api/v1/packages", json=package).status_code == 201
    asked = {name: today() if value == "today" else value for name, value in asked.items()}
    identifier = identifier.replace("today", today())
    preview = quality.post("/api/v1/containments/preview", json=asked)
    assert preview.json()["identifier"] == identifier
    done = quality.post("/api/v1/containments", json={**asked, "reason": "x", "confirm": identifier})
    assert done.status_code == 201, done.text
    number = done.json()["number"]
    assert quality.post(f"/api/v1/containments/{number}/count-again").json()["number"] == number


@pytest.mark.parametrize("naive", ["since", "until"])
def test_a_time_without_zone_is_utc(ask: Ask, built: list[str], naive: str) -> None:
    window = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
    window[naive] = window[naive].removesuffix("Z")
    asked = {"station": "Acme.Mounter.1", **window}
    answer = ask("quality_engineer").post("/api/v1/containments/preview", json=asked)
    assert answer.status_code in {200, 404}, answer.text


def test_a_delivery_is_caught_later_and_nothing_else_is(ask: Ask, admin: TestClient, built: list[str]) -> None:
    package = {"identifier": "R-1182", "part_number": "100-0042", "lot": "LK2207", "delivery": "DN-4711"}
    assert admin.post("/api/v1/packages", json=package).status_code == 201
    quality = ask("quality_engineer")
    delivered = {"delivery": "DN-4711", "received_on": today(), "reason": "Wet"}
    number = quality.post("/api/v1/containments", json=delivered).json()["number"]
    later, other = story.panel("PNL-8", ["L/1"]), story.panel("PNL-9", ["O/1"])
    for messages in (later, [json.loads(json.dumps(one).replace("R-1182", "R-9999")) for one in other]):
        assert admin.post("/api/v1/cfx", content=story.payload(messages)).status_code == 200
    held = quality.get(f"/api/v1/containments/{number}/units").json()["units"]
    assert {unit["serial"] for unit in held} == {*built, "L/1"}


def test_a_cursor_that_no_page_gave(ask: Ask, built: list[str]) -> None:
    quality = ask("quality_engineer")
    number = contain(quality).json()["number"]
    for cursor in ("9" * 20 + ".0", "1." + "9" * 20, "x", "1.-1"):
        refused = quality.get(f"/api/v1/containments/{number}/units", params={"cursor": cursor})
        assert refused.status_code == 422
        assert "cursor" in refused.json()["detail"]


def test_what_became_known_since_is_counted_again(ask: Ask, built: list[str]) -> None:
    lead = ask("line_lead")
    number = contain(lead).json()["number"]
    assert lead.post(f"/api/v1/containments/{number}/count-again").json() == {"number": number, "units": 0}
    assert lead.get("/api/v1/containments/running").json() == {"running": []}


def test_who_may(ask: Ask, built: list[str]) -> None:
    for role, status in (("operator", 403), ("customer", 403), ("line_equipment", 403), ("line_lead", 201)):
        more = {"customer": "Acme"} if role == "customer" else {}
        assert contain(ask(role, **more)).status_code == status, role
    number = ask("line_lead").get("/api/v1/containments").json()["containments"][0]["number"]
    for role in ("operator", "line_lead", "process_engineer"):
        refused = ask(role).post(f"/api/v1/containments/{number}/release", json={"reason": "x"})
        assert refused.status_code == 403
        assert "quality engineer" in refused.json()["detail"]


def test_a_repeated_request_contains_once(ask: Ask, built: list[str]) -> None:
    quality = ask("quality_engineer")
    quality.headers["Idempotency-Key"] = "one"
    first, second = contain(quality), contain(quality)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    del quality.headers["Idempotency-Key"]
    assert contain(quality).status_code == 409


def test_refusals_say_what_clears_them(ask: Ask, built: list[str]) -> None:
    quality = ask("quality_engineer")
    for body, status, said in (
        ({"lot": "NONE", "reason": "x"}, 404, "lot NONE"),
        ({"firmware": "NONE", "reason": "x"}, 404, "firmware NONE"),
        ({"reason": "x"}, 422, "Say what to contain"),
        ({**LOT, "serials": built, "reason": "x"}, 422, "Say what to contain"),
        ({**LOT, "reason": " "}, 422, "reason"),
        ({**LOT, "reason": "x", "confirm": "LK22O7"}, 422, "Retype LK2207"),
        ({**LOT, "reason": "x", "as_of": "2026-01-01"}, 422, "as_of"),
    ):
        answer = quality.post("/api/v1/containments", json=body)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]
    assert quality.get("/api/v1/containments/C-999999").status_code == 404


def test_a_customer_sees_their_own_units_in_it(ask: Ask, admin: TestClient, built: list[str]) -> None:
    for order, customer in (("WO-1001", "Acme"), ("WO-1002", "Brill")):
        made = admin.post("/api/v1/work-orders/customer", json={"work_order": order, "customer": customer})
        assert made.status_code == 200, made.text
    number = contain(ask("quality_engineer")).json()["number"]
    acme, other = ask("customer", customer="Acme"), ask("customer", customer="Zeta")
    (seen,) = acme.get("/api/v1/containments").json()["containments"]
    assert (seen["containment"], seen["units"]) == (number, 2)
    serials = {unit["serial"] for unit in acme.get(f"/api/v1/containments/{number}/units").json()["units"]}
    assert serials == set(built[:2])
    assert (seen["reason"], seen["opened_by"]) == ("lot LK2207 part 100-0042", None), "others' units are in it, too"
    assert "packages" not in acme.get(f"/api/v1/containments/{number}").json()
    assert acme.get(f"/api/v1/containments/{number}/record").status_code == 403
    assert other.get("/api/v1/containments").json() == {"containments": []}
    assert other.get(f"/api/v1/containments/{number}").status_code == 404
    assert other.get(f"/api/v1/containments/{number}/units").status_code == 404


def test_a_customer_reads_why_their_own_are_held_and_nobodys_name(
    ask: Ask, admin: TestClient, built: list[str]
) -> None:
    assign = {"work_order": "WO-1001", "customer": "Acme"}
    assert admin.post("/api/v1/work-orders/customer", json=assign).status_code == 200
    quality, acme = ask("quality_engineer"), ask("customer", customer="Acme")
    order = {"serials": built[:2], "reason": "Cracked"}
    number = quality.post("/api/v1/containments", json=order).json()["number"]
    (seen,) = acme.get("/api/v1/containments").json()["containments"]
    assert (seen["reason"], seen["opened_by"]) == ("Cracked", None)
    assert quality.get("/api/v1/containments").json()["containments"][0]["opened_by"]
    release = {"reason": "Sorted", "serials": built[:1]}
    assert quality.post(f"/api/v1/containments/{number}/release", json=release).status_code == 200
    for client, named in ((quality, True), (acme, False)):
        units = client.get(f"/api/v1/containments/{number}/units").json()["units"]
        (decided,) = [unit for unit in units if unit["decision"]]
        assert (decided["decided_by"] is not None) == named


def test_a_failed_unit_is_held_decided_and_leaves(ask: Ask, admin: TestClient, built: list[str]) -> None:
    quality, lead = ask("quality_engineer"), ask("line_lead")
    answer = lead.post("/api/v1/nonconformances", json={"serials": built[1:2], "reason": "Bridge at R2"})
    assert answer.status_code == 201, answer.text
    number = answer.json()["number"]
    decision = {"serials": built[1:2], "decision": "scrap", "reason": "Pad lifted"}
    process = ask("process_engineer")
    assert process.post(f"/api/v1/nonconformances/{number}/dispositions", json=decision).status_code == 403
    assert quality.post(f"/api/v1/nonconformances/{number}/dispositions", json=decision).status_code == 201
    assert quality.post(f"/api/v1/nonconformances/{number}/dispositions", json=decision).status_code == 409
    (told,) = quality.get("/api/v1/nonconformances").json()["nonconformances"]
    assert (told["number"], told["open_units"]) == (number, 0)


def test_units_are_packed_and_leave_and_what_may_not_is_named(ask: Ask, admin: TestClient, built: list[str]) -> None:
    lead = ask("line_lead")
    ask("customer", customer="Acme")  # makes the customer
    packing = {"number": "SH/1 +%", "customer": "Acme", "serials": built[:2]}
    refused = lead.post("/api/v1/shipments", json=packing)
    assert refused.status_code == 409, refused.text
    assert refused.json()["units"] == [
        {"serial": built[1], "reasons": [refused.json()["units"][0]["reasons"][0]]},
    ]
    assert refused.json()["units"][0]["reasons"][0]["code"] == "failed"
    packing["serials"] = built[:1]
    assert lead.post("/api/v1/shipments", json=packing).status_code == 201
    assert lead.post("/api/v1/shipments/ship", json={"number": "SH/1 +%"}).json()["shipped"] == 1
    assert lead.get(story.address("units", serial=built[0])).json()["place"] == "shipped to Acme with SH/1 +%"
    told = lead.get(story.address("shipments", number="SH/1 +%")).json()
    assert told["serials"] == built[:1]
    done = contain(ask("quality_engineer")).json()
    assert done["shipped"] == [{"customer": "Acme", "shipment": "SH/1 +%", "units": 1}]
    back = {"serials": built[:1], "reason": "Recalled"}
    assert lead.post("/api/v1/shipments/unpack", json=back).json() == {"unpacked": 1}


def test_a_drill_is_run_and_listed(ask: Ask, built: list[str]) -> None:
    quality = ask("quality_engineer")
    first, second = (quality.post("/api/v1/drills", json={"seed": 7}).json() for _ in range(2))
    assert first["lot"] == second["lot"]
    assert (first["units"], first["exact"]) == (4, 4)
    assert first["seconds"] > 0
    assert [one["seed"] for one in quality.get("/api/v1/drills").json()["drills"]] == [7, 7]
    assert ask("operator").post("/api/v1/drills", json={}).status_code == 403
