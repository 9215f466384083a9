"""A line lead says that a board is no longer in its carrier."""

from html import unescape

from sqlalchemy import Engine, text

from tests.doors.conftest import Ask
from tests.doors.test_pages import form_token, logged_in
from tests.inbox.messages import count, initialized, stored


def test_a_board_that_was_seen_outside_its_carrier(engine: Engine, ask: Ask) -> None:
    stored(engine, initialized("CAR+1", ("SN-1", 1), ("SN-2", 2), when=1))
    seen = {"serials": ["SN-2"], "reason": "In rack 4."}
    assert ask("operator").post("/api/v1/units/taken-out", json=seen).status_code == 403
    lead = ask("line_lead")
    told = lead.post("/api/v1/units/taken-out", json=seen, headers={"Idempotency-Key": "1"})
    assert told.json() == {"were_in": [{"serial": "SN-2", "panel": "CAR+1", "position_number": 2}]}
    again = lead.post("/api/v1/units/taken-out", json=seen, headers={"Idempotency-Key": "1"})
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (told.json(), "true")
    refused = lead.post("/api/v1/units/taken-out", json=seen)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/not_found")
    verdicts = lead.get("/api/v1/interlock", params={"station": "Acme.Mounter.1", "serial": "CAR+1"}).json()["verdicts"]
    assert [verdict["serial"] for verdict in verdicts] == ["SN-1"]


def test_a_line_lead_says_so_on_the_passport(engine: Engine, ask: Ask, accounts: dict[str, str]) -> None:
    stored(engine, initialized("CAR+1", ("SN-1", 1), ("SN-2", 2), when=1))
    form = 'action="/units/taken-out"'
    assert form not in logged_in(ask, "operator").get("/units?serial=SN-2").text
    lead = logged_in(ask, "line_lead")
    page = lead.get("/units?serial=SN-2").text
    assert "It is not in CAR+1 any more" in unescape(page)
    seen = {"form_token": form_token(page), "serial": "SN-2", "reason": "In rack 4."}
    forged = lead.post("/units/taken-out", data=seen | {"form_token": "0"})
    assert forged.status_code == 403
    done = lead.post("/units/taken-out", data=seen)
    assert (done.status_code, done.headers["location"]) == (303, "/units?serial=SN-2")
    assert form not in lead.get("/units?serial=SN-2").text, "it is in none now"
    assert form in lead.get("/units?serial=SN-1").text
    again = lead.post("/units/taken-out", data=seen)
    assert again.status_code == 404
    assert "in no panel or carrier" in again.text
    assert count(engine, "taken_out", "reason = 'In rack 4.'") == 1


def test_who_was_mistaken_says_so(engine: Engine, ask: Ask, accounts: dict[str, str]) -> None:
    stored(engine, initialized("CAR+1", ("SN-1", 1), ("SN-2", 2), when=1))
    lead = ask("line_lead")
    mistake = {"serials": ["SN-2"], "reason": "It was SN-7 in the rack."}
    address = "/api/v1/units/taken-out/withdrawals"
    refused = lead.post(address, json=mistake)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/not_found")
    seen = {"serials": ["SN-2"], "reason": "In rack 4."}
    assert lead.post("/api/v1/units/taken-out", json=seen).status_code == 200
    page = logged_in(ask, "line_lead").get("/units?serial=SN-2").text
    assert "It is in CAR+1 after all" in unescape(page)
    withdrawn = lead.post(address, json=mistake)
    assert [(one["panel"], one["reason"]) for one in withdrawn.json()["withdrawn"]] == [("CAR+1", "In rack 4.")]
    assert lead.post(address, json=mistake).status_code == 404
    verdicts = lead.get("/api/v1/interlock", params={"station": "Acme.Mounter.1", "serial": "CAR+1"}).json()["verdicts"]
    assert [verdict["serial"] for verdict in verdicts] == ["SN-1", "SN-2"]
    page = logged_in(ask, "line_lead").get("/units?serial=SN-2").text
    assert "after all" not in page
    assert 'action="/units/taken-out"' in page, "it can be seen outside again"


def test_it_is_withdrawn_on_the_passport(engine: Engine, ask: Ask, accounts: dict[str, str]) -> None:
    stored(engine, initialized("CAR+1", ("SN-1", 1), ("SN-2", 2), when=1))
    lead = logged_in(ask, "line_lead")
    told = {"form_token": form_token(lead.get("/units?serial=SN-2").text), "serial": "SN-2", "reason": "In rack 4."}
    assert lead.post("/units/taken-out", data=told).status_code == 303
    assert lead.post("/units/taken-out/withdrawals", data=told | {"form_token": "0"}).status_code == 403
    assert lead.post("/units/taken-out/withdrawals", data=told | {"reason": "SN-7."}).status_code == 303
    assert "after all" not in lead.get("/units?serial=SN-2").text


def test_a_deadlock_is_nothing_that_a_person_sees(engine: Engine, ask: Ask, accounts: dict[str, str]) -> None:
    stored(engine, initialized("CAR+1", ("SN-1", 1), ("SN-2", 2), when=1))
    with engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE tried"))
        connection.execute(
            text(
                """
                CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('tried') = 1 THEN RAISE 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END IF;
                    RETURN new;
                END $$
                """
            )
        )
        connection.execute(
            text("CREATE TRIGGER fail_once BEFORE INSERT ON taken_out FOR EACH ROW EXECUTE FUNCTION fail_once()")
        )
    lead = logged_in(ask, "line_lead")
    token = form_token(lead.get("/units?serial=SN-2").text)
    seen = {"form_token": token, "serial": "SN-2", "reason": "In rack 4."}
    assert lead.post("/units/taken-out", data=seen).status_code == 303
    assert count(engine, "taken_out") == 1
