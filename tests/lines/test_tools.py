"""Tools at a station, as machines tell of them: in any order, the same life."""

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.errors import Invalid, NotFound
from app.inbox.record import Recorder
from app.lines.tool_life import Limits
from app.lines.tools import ToolPlan, plan_tools, set_tool_limits, state_tool
from app.units.tool_states import ToolState, tools, tools_at
from tests.inbox.messages import STATION, at, entry, installed, message, record, statuses, stored

STENCIL = {"$type": "CFX.Structures.SolderPastePrinting.SMTStencil, CFX", "UniqueIdentifier": "ST-1"}
NOZZLE = {"$type": "CFX.Structures.SMTPlacement.SMTHeadAndNozzle, CFX", "UniqueIdentifier": "N-45"}


def used(tool: dict[str, Any], panel: str, *, boards: int = 2, cycles: int = 1, when: float, **envelope: Any) -> bytes:
    """`ToolsUsed` on each board of a panel."""
    one = [
        {"UnitIdentifier": panel, "UnitPositionNumber": n, "Tool": tool, "UsageCycles": cycles}
        for n in range(1, boards + 1)
    ]
    return message("Production.ToolsUsed", {"UsedTools": one}, when=when, **envelope)


def cleaned(when: float) -> bytes:
    return message("ResourcePerformance.SolderPastePrinting.StencilCleaned", {"Stencil": STENCIL}, when=when)


def moved(kind: str, tool: dict[str, Any], when: float, **envelope: Any) -> bytes:
    return message(f"Production.Tools{kind}", {"Tools": [tool]}, when=when, **envelope)


def here(engine: Engine, *, when: float, station: str = STATION) -> dict[str, ToolState]:
    with engine.connect() as connection:
        station_id = connection.execute(
            text("SELECT station_id FROM station WHERE handle = :handle"), {"handle": station}
        ).scalar_one()
        return {one.tool: one for one in tools_at(connection, station_id, at=at(when))}


HOUR = 3600.0
DAY = [used(STENCIL, f"PNL-{n}", when=600.0 * n) for n in range(30)] + [cleaned(3300), cleaned(7500)]


def test_what_comes_after_the_moment_asked_about_does_not_count(engine: Engine) -> None:
    stored(engine, *DAY)
    assert here(engine, when=HOUR - 1)["ST-1"].cycles == 6


@pytest.mark.parametrize("seed", range(3))
def test_a_print_of_a_panel_is_one_stroke_and_cleaning_counts_from_its_moment(engine: Engine, seed: int) -> None:
    story = list(DAY)
    random.Random(seed).shuffle(story)
    stored(engine, *story)
    stencil = here(engine, when=30 * 600)["ST-1"]
    # 30 prints; the last cleaning at 7500 s came after the prints 0 to 12
    assert (stencil.kind, stencil.cycles, stencil.cycles_since_cleaning) == ("stencil", 30, 17)
    assert stencil.cleaned_at == at(7500)


def test_a_message_taken_in_twice_counts_once(engine: Engine) -> None:
    one = used(STENCIL, "PNL-1", when=1)
    stored(engine, one)
    assert statuses(record(Recorder(engine), one)) == ["duplicate"]
    assert here(engine, when=10)["ST-1"].cycles == 1


def test_picks_of_a_nozzle_are_summed(engine: Engine) -> None:
    stored(engine, used(NOZZLE, "PNL-1", boards=2, cycles=3, when=1), used(NOZZLE, "PNL-2", boards=2, cycles=4, when=2))
    assert here(engine, when=3)["N-45"].cycles == 14


def test_a_tool_is_where_it_was_loaded_until_it_is_taken_out(engine: Engine) -> None:
    stored(engine, moved("Loaded", STENCIL, 0), moved("Unloaded", STENCIL, 100), used(STENCIL, "PNL-1", when=50))
    assert here(engine, when=60)["ST-1"].since_loaded == at(0)
    assert "ST-1" not in here(engine, when=4000)
    stored(engine, moved("Loaded", STENCIL, 5000, source="Acme.Printer.2"))
    assert "ST-1" not in here(engine, when=6000)
    assert "ST-1" in here(engine, when=6000, station="Acme.Printer.2")


def test_a_changed_tool_leaves_and_comes(engine: Engine) -> None:
    stored(engine, moved("Loaded", NOZZLE, 0),
           message("ResourcePerformance.ToolChanged", {"OldTool": NOZZLE, "NewTool": STENCIL}, when=10))  # fmt: skip
    assert set(here(engine, when=20)) == {"ST-1"}


def test_limits_of_the_kind_warn_then_block_and_cleaning_clears(engine: Engine) -> None:
    with engine.begin() as connection:
        set_tool_limits(connection, {"stencil": Limits(cycles=1000, cleaning=10)}, actor="test")
    stored(engine, *(used(STENCIL, f"PNL-{n}", when=n) for n in range(9)))
    assert [one.code for one in here(engine, when=100)["ST-1"].warnings] == ["cleaning_due"]
    stored(engine, used(STENCIL, "PNL-9", when=10))
    assert [one.code for one in here(engine, when=100)["ST-1"].reasons] == ["cleaning_due"]
    with engine.begin() as connection:
        state_tool(connection, "ST-1", "cleaned", at=at(50), actor="person:ann")
    assert here(engine, when=100)["ST-1"].reasons == ()


def test_a_tools_own_limit_comes_first(engine: Engine) -> None:
    with engine.begin() as connection:
        set_tool_limits(connection, {"nozzle": Limits(cycles=10)}, actor="test")
        plan_tools(connection, [ToolPlan("N-45", "nozzle", cycles_limit=1000)], actor="test")
    stored(engine, used(NOZZLE, "PNL-1", cycles=50, when=1))
    assert here(engine, when=3)["N-45"].reasons == ()


def test_a_stations_calibration_is_its_own_and_a_failed_one_none(engine: Engine) -> None:
    name = "ResourcePerformance.CalibrationPerformed"
    stored(engine, message(name, {"Calibration": {"CalibrationCode": "C1", "Status": "Ok"}}, when=0),
           message(name, {"Calibration": {"CalibrationCode": "C1", "Status": "Failed"}}, when=86_400))  # fmt: skip
    with engine.begin() as connection:
        set_tool_limits(connection, {"station": Limits(calibration_days=30)}, actor="test")
    station = here(engine, when=86_400)[STATION]
    assert (station.kind, station.calibration_due) == ("station", at(0) + timedelta(days=30))
    assert [one.code for one in here(engine, when=30 * 86_400)[STATION].reasons] == ["calibration_due"]


def test_what_cannot_be_stated_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        plan_tools(connection, [ToolPlan("T-1", "fixture")], actor="test")
        with pytest.raises(NotFound, match="T-2"):
            state_tool(connection, "T-2", "cleaned", at=at(0), actor="test")
        with pytest.raises(Invalid, match="does not happen"):
            state_tool(connection, "T-1", "polished", at=at(0), actor="test")
        with pytest.raises(Invalid, match="later than that"):
            state_tool(connection, "T-1", "calibrated", at=at(0), due_at=at(0), actor="test")
        with pytest.raises(Invalid, match="whole number"):
            plan_tools(connection, [ToolPlan("T-1", "fixture", cycles_limit=0)], actor="test")
        found, following = tools(connection, kind="fixture", at=at(0))
        assert ([one.tool for one in found], following) == (["T-1"], None)


def placed(*nozzles: str | None, when: float, unit: str = "SN-1", **envelope: Any) -> bytes:
    """A part for each nozzle: a designator, and who placed it."""
    components = [
        {"ReferenceDesignator": f"R{n}", "HeadAndNozzle": nozzle and {"UniqueIdentifier": nozzle}}
        for n, nozzle in enumerate(nozzles)
    ]
    told = entry(unit, "REEL-1") | {"InstalledComponents": components}
    return installed(told, when=when, **envelope)


def test_picks_are_told_with_what_was_placed(engine: Engine) -> None:
    story = [placed("N-45", "N-45", "N-46", None, unit=f"SN-{n}", when=600.0 * n) for n in range(12)]
    stored(engine, *story[:5])
    stored(engine, *story[5:])
    assert statuses(record(Recorder(engine), story[0])) == ["duplicate"]
    nozzles = here(engine, when=12 * 600)
    assert {name: (one.kind, one.cycles) for name, one in nozzles.items()} == {
        "N-45": ("nozzle", 24), "N-46": ("nozzle", 12),
    }  # fmt: skip
    assert here(engine, when=HOUR - 1)["N-45"].cycles == 12
    with engine.begin() as connection:
        set_tool_limits(connection, {"nozzle": Limits(cycles=20)}, actor="test")
    assert [reason.code for reason in here(engine, when=12 * 600)["N-45"].reasons] == ["tool_worn_out"]


def test_a_machine_that_tells_picks_twice_is_counted_once(engine: Engine) -> None:
    stored(engine, placed("N-45", "N-45", when=1), used(NOZZLE, "SN-1", boards=1, cycles=3, when=2))
    assert here(engine, when=10)["N-45"].cycles == 3


def test_placements_before_a_cleaning_do_not_count_after_it(engine: Engine) -> None:
    stored(engine, *(placed("N-45", when=60.0 * n) for n in range(120)), moved("Cleaned", NOZZLE, when=HOUR + 1800))
    nozzle = here(engine, when=2 * HOUR)["N-45"]
    assert (nozzle.cycles, nozzle.cycles_since_cleaning) == (120, 30)
    assert here(engine, when=HOUR + 1801)["N-45"].cycles_since_cleaning == 0


def test_a_station_that_is_calibrated_again_is_known(engine: Engine) -> None:
    recorder = Recorder(engine)
    for when in (1, 2):
        one = message("ResourcePerformance.CalibrationPerformed", {"Calibration": {"Status": "Passed"}}, when=when)
        assert statuses(record(recorder, one)) == ["stored"]
