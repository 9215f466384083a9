"""POST /cfx: the door for machines that speak HTTP."""

import gzip
from uuid import uuid4

from fastapi.testclient import TestClient

from app.inbox.requests import HANDLE
from tests.doors import story
from tests.doors.conftest import Ask

STATE = "ResourcePerformance.StationStateChanged"


def test_receipts_come_in_the_order_of_the_envelopes(admin: TestClient) -> None:
    messages = story.panel("PNL-1", ["A1", "A2"])
    broken = {**messages[0], "UniqueID": str(uuid4()), "TimeStamp": "yesterday"}
    sent = [messages[0], broken, messages[1], messages[0]]
    receipts = admin.post("/api/v1/cfx", content=story.payload(sent)).json()["receipts"]
    assert [r["UniqueID"] for r in receipts] == [m["UniqueID"] for m in sent]
    assert [r["status"] for r in receipts] == ["stored", "rejected", "stored", "duplicate"]
    assert "TimeStamp" in receipts[1]["reason"]


def test_a_repetition_is_a_duplicate(admin: TestClient) -> None:
    message = story.payload(story.envelope(STATE, {"NewState": 1100}, story.AOI))
    first, second = (admin.post("/api/v1/cfx", content=message).json() for _ in range(2))
    assert first["receipts"][0]["status"] == "stored"
    assert second["receipts"][0]["status"] == "duplicate"


def test_gzip_is_understood(admin: TestClient) -> None:
    packed = gzip.compress(story.payload(story.panel("PNL-1", ["A1"])))
    answer = admin.post("/api/v1/cfx", content=packed, headers={"Content-Encoding": "gzip"})
    assert {r["status"] for r in answer.json()["receipts"]} == {"stored"}


def test_what_is_no_message_is_quarantined_and_said_so(admin: TestClient) -> None:
    answer = admin.post("/api/v1/cfx", content=b'{"MessageName": ')
    assert answer.status_code == 200
    assert answer.json()["receipts"][0]["status"] == "rejected"
    kept = admin.get("/api/v1/quarantine").json()["quarantine"]
    assert len(kept) == 1
    assert kept[0]["reason"] == answer.json()["receipts"][0]["reason"]


def test_a_bound_token_speaks_for_its_station_only(ask: Ask, admin: TestClient) -> None:
    machine = ask("line_equipment", station=story.AOI)
    own = story.envelope(STATE, {"NewState": 1100}, story.AOI)
    foreign = story.envelope(STATE, {"NewState": 1100}, story.PLACER)
    receipts = machine.post("/api/v1/cfx", content=story.payload([own, foreign])).json()["receipts"]
    assert [r["status"] for r in receipts] == ["stored", "rejected"]
    assert story.AOI in receipts[1]["reason"]
    known = [s["station"]["handle"] for s in admin.get("/api/v1/stations").json()["stations"]]
    assert known == [story.AOI]


def test_an_envelope_without_source_is_the_stations_whose_token_it_came_with(ask: Ask) -> None:
    machine = ask("line_equipment", station=story.AOI)
    message = {**story.envelope(STATE, {"NewState": 1100}, story.AOI), "Source": None}
    answer = machine.post("/api/v1/cfx", content=story.payload(message))
    assert answer.json()["receipts"][0]["status"] == "stored"


def test_machines_may_do_nothing_else(ask: Ask) -> None:
    machine = ask("line_equipment", station=story.AOI)
    for path in ("/trace/made-from?serial=A1", "/stations", "/tokens", "/quarantine", "/packages"):
        assert machine.get(f"/api/v1{path}").status_code == 403, path


def test_a_request_is_answered_with_its_response(admin: TestClient) -> None:
    asked = story.envelope("AreYouThereRequest", {"CFXHandle": HANDLE}, story.AOI, request_id="q7")
    response = admin.post("/api/v1/cfx", content=story.payload(asked)).json()
    assert response["MessageName"] == "CFX.AreYouThereResponse"
    assert (response["RequestID"], response["Target"]) == ("q7", story.AOI)
    assert response["MessageBody"]["Result"]["Result"] == "Success"


def test_requests_within_a_list_are_answered_beside_the_receipts(admin: TestClient) -> None:
    asked = story.envelope("WhoIsThereRequest", {}, story.AOI, request_id="q8")
    unknown = story.envelope("Production.GetUnitInfoRequest", {"PrimaryIdentifier": "A1"}, story.AOI, request_id="q9")
    told = story.envelope(STATE, {"NewState": 1100}, story.AOI)
    answer = admin.post("/api/v1/cfx", content=story.payload([asked, told, unknown])).json()
    assert [r["status"] for r in answer["receipts"]] == ["stored"] * 3
    assert [r["RequestID"] for r in answer["responses"]] == ["q8", "q9"]
    assert answer["responses"][1]["MessageName"] == "CFX.NotSupportedResponse"


def test_an_idempotency_key_gives_the_first_answer_again(admin: TestClient) -> None:
    message = story.payload(story.envelope(STATE, {"NewState": 1100}, story.AOI))
    key = {"Idempotency-Key": "k-1"}
    first, second = (admin.post("/api/v1/cfx", content=message, headers=key) for _ in range(2))
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
