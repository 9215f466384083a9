"""A line lead says that a board is no longer in its carrier."""

from sqlalchemy import Engine

from tests.doors.conftest import Ask
from tests.inbox.messages import initialized, stored


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
