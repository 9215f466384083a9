"""What a tool's refusal says clears it does clear it, over the doors that people have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.doors.conftest import Ask
from tests.inbox.messages import STATION
from tests.setup.plant import station

OLD, NEW = "STENCIL-1", "STENCIL-2"


def happened(client: TestClient, tool: str, what: str, **more: Any) -> None:
    answer = client.post("/api/v1/tools/events", json={"tool": tool, "happened": what, **more})
    assert answer.status_code == 200, answer.text


def against(client: TestClient) -> dict[str, str]:
    """What stands against a board at the station, of its tools: each code with what clears it."""
    (verdict,) = client.get("/api/v1/interlock", params={"station": STATION, "serial": "SN-1"}).json()["verdicts"]
    return {one["code"]: one["clears"] for one in verdict["reasons"]}


@pytest.mark.parametrize("code", ["tool_retired", "calibration_due"])
def test_the_deed_that_is_named_clears_it(ask: Ask, engine: Engine, code: str) -> None:
    station(engine)
    engineer = ask("process_engineer")
    for tool in (OLD, NEW):
        planned = {"tools": [{"identifier": tool, "kind": "stencil", "calibration_days": 30}]}
        assert engineer.put("/api/v1/tools", json=planned).status_code == 200
        if code == "tool_retired":
            happened(engineer, tool, "calibrated")
    happened(engineer, OLD, "loaded", station=STATION)
    if code == "tool_retired":
        happened(engineer, OLD, "retired")
        assert against(engineer) == {code: "Take it out and load another, and record both."}
        happened(engineer, NEW, "loaded", station=STATION)
        assert set(against(engineer)) == {code}, "nobody said that it was taken out"
        happened(engineer, OLD, "unloaded", station=STATION)
    else:
        assert against(engineer) == {code: "Calibrate it and record that."}
        happened(engineer, OLD, "calibrated", due_at=(datetime.now(UTC) + timedelta(days=9)).isoformat())
    assert against(engineer) == {}
