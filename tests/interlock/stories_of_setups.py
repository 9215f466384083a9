"""What is against what a station is loaded with, and how that is cleared."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Engine

from app.cfx.messages.storage import StationSetupRequirements, ToolSetupRequirement
from app.interlock.station_setup import setup_reasons
from app.lines.tools import ToolPlan, plan_tools, state_tool
from app.setup.requirements import SlotPlan
from app.setup.verification import clear_location, verify_loading
from tests.inbox.messages import stored
from tests.interlock.clearing import LEAD, Against, clears, gate, said, warned
from tests.interlock.story import MOUNTER, PRINTER, done
from tests.setup.plant import plan, reel
from tests.trace.reels import loaded

R10K = "RES-10K"
F1 = "F1"


def scan(engine: Engine, package: str, slot: str = F1) -> bool:
    """At the mounter, as it is now."""
    with engine.begin() as connection:
        return verify_loading(
            connection, station=MOUNTER, slot=slot, label=package, product_revision_id=1, actor="person:ann"
        ).accepted


def at_the_mounter(engine: Engine, *slots: SlotPlan) -> None:
    """The panel is at the mounter, whose slot F1 (or what is given) is planned; RIGHT belongs there."""
    done(engine, PRINTER)
    plan(engine, 1, *(slots or [SlotPlan(F1, R10K)]), handle=MOUNTER)
    reel(engine, "RIGHT", R10K)
    reel(engine, "WRONG", "RES-22K")


SCAN_OR_CLEAR = "Scan the slot and the right reel, or have a line lead clear it."


@clears("location_blocked", SCAN_OR_CLEAR)
def the_right_reel_is_scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    assert not scan(engine, "WRONG")
    yield gate(engine, MOUNTER)
    assert scan(engine, "RIGHT")
    yield gate(engine, MOUNTER)


@clears("location_blocked", SCAN_OR_CLEAR)
def a_line_lead_clears_it(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    assert not scan(engine, "WRONG")
    yield gate(engine, MOUNTER)
    with engine.begin() as connection:
        clear_location(connection, station=MOUNTER, slot=F1, reason="Wrong label scanned.", actor=LEAD.identity)
    yield gate(engine, MOUNTER)


@clears("not_verified", "Scan the slot, then the reel.")
def scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    stored(engine, loaded("RIGHT", source=MOUNTER, slot=F1))
    yield warned(engine)
    assert scan(engine, "RIGHT")
    yield warned(engine)


@clears("tool_missing", "Load NZ-2 and record that.")
def loaded_and_recorded(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        plan_tools(connection, [ToolPlan("NZ-2", "nozzle")], actor="test")
    listed = StationSetupRequirements(tool_setup_requirements=[ToolSetupRequirement(tool_identifier="NZ-2")])

    def missing() -> Against:
        with engine.connect() as connection:
            return said(setup_reasons(connection, MOUNTER, listed, at=datetime.now(UTC)))

    yield missing()
    with engine.begin() as connection:
        state_tool(connection, "NZ-2", "loaded", at=datetime.now(UTC), station=MOUNTER, actor="person:ann")
    yield missing()
