"""What a refusal at the feeder says clears it does clear it, over the doors that people have."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.setup.requirements import SlotPlan
from tests.doors.conftest import Ask
from tests.inbox.messages import STATION
from tests.setup.plant import OTHER, R10K, order, plan, product, reel, station

F1 = "M1.F.1"


class Line:
    """The people of a line, and the doors they use."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def do(self, role: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.ask(role).post(f"/api/v1{path}", json=body)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def put(self, role: str, path: str, body: Any) -> Any:
        answer = self.ask(role).put(f"/api/v1{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def scan(self, label: str, handle: str = STATION) -> list[str]:
        slot = F1 if handle == STATION else "M2.F.1"
        found = self.do("operator", "/setup/verifications", station=handle, slot=slot, label=label, work_order="WO-1")
        return [one["code"] for one in found["reasons"]]

    def event(self, happened: str, *, hours_ago: float = 0, **more: Any) -> Any:
        at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
        return self.do("operator", "/packages/events", packages=["P-1"], happened=happened, recorded_at=at, **more)

    def handle(self, **more: Any) -> Any:
        return self.put("process_engineer", "/handling", {"parts": [{"part_number": R10K, **more}]})

    def contain(self) -> None:
        self.do("quality_engineer", "/containments", package="P-1", reason="lot fails")

    def release(self) -> None:
        number = self.ask("quality_engineer").get("/api/v1/containments").json()["containments"][0]["number"]
        self.do("quality_engineer", f"/containments/{number}/release", reason="good")


Deed = Callable[[Line], Any]
TABLE: dict[str, tuple[Deed, Deed]] = {
    "floor_life_over": (
        lambda line: (line.handle(moisture_level="5a"), line.event("opened", hours_ago=30)),
        lambda line: line.event("restored"),
    ),
    "humidity_card_wet": (
        lambda line: (line.handle(moisture_level="3"), line.event("humidity_card_wet", hours_ago=1)),
        lambda line: line.event("restored"),
    ),
    "bake_before_use": (
        lambda line: line.handle(moisture_level="6", floor_life_hours=6),
        lambda line: line.event("restored"),
    ),
    "not_thawed": (
        lambda line: line.handle(kind="paste", thaw_hours=4),
        lambda line: line.event("thawed", hours_ago=5),
    ),
    "counted_empty": (
        lambda line: (line.scan("P-1"), line.do("operator", "/packages/returns", package="P-1", quantity=0)),
        lambda line: line.do("operator", "/packages/returns", package="P-1", quantity=50),
    ),
    "two_machines": (
        lambda line: line.scan("P-1", OTHER),
        lambda line: line.do("operator", "/packages/returns", package="P-1", quantity=50),
    ),
    "package_held": (Line.contain, Line.release),
}


@pytest.mark.parametrize("code", TABLE)
def test_the_deed_that_is_named_clears_it(ask: Ask, engine: Engine, code: str) -> None:
    for handle in (STATION, OTHER):
        station(engine, handle)
    made = product(engine)
    order(engine, "WO-1", made, 100)
    plan(engine, made, SlotPlan(F1, R10K))
    plan(engine, made, SlotPlan("M2.F.1", R10K), handle=OTHER)
    reel(engine, "P-1", quantity=1000)
    line = Line(ask)
    wrong, cleared = TABLE[code]
    wrong(line)
    assert line.scan("P-1") == [code]
    cleared(line)
    assert line.scan("P-1") == []
    now = ask("operator").get("/api/v1/setup", params={"station": STATION, "work_order": "WO-1"}).json()
    assert now["reasons"] == []
