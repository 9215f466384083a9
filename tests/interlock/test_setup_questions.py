"""What a station must hold, as CFX asks for it: slots and tools."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from app.cfx.messages.storage import (
    MaterialSetupRequirement,
    StationSetupRequirements,
    ToolSetupRequirement,
    ValidateStationSetupRequest,
    ValidateStationSetupResponse,
)
from app.inbox.validation import FAILURE_CODES, validate_setup
from app.interlock.station_setup import setup_reasons, wanted_setup
from app.setup.requirements import SlotPlan, require_setup
from tests.inbox.messages import message, stored
from tests.interlock.story import MOUNTER, clock, done

NOTHING = StationSetupRequirements()
NOZZLE = {"UniqueIdentifier": "NZ-1", "Name": "Nozzle 1"}


def at_the_mounter(engine: Engine) -> None:
    """A setup is planned for the mounter, which runs the order and has taken a nozzle."""
    with engine.begin() as connection:
        require_setup(connection, station=MOUNTER, product_revision_id=1, slots=[SlotPlan("F1", "RES-10K")], actor="t")
    recipe = {"RecipeName": "TOP", "Revision": "2", "WorkOrderIdentifier": {"WorkOrderId": "WO-1"}}
    stored(
        engine,
        message("Production.RecipeActivated", recipe, source=MOUNTER, when=next(clock)),
        message("ResourcePerformance.ToolChanged", {"NewTool": NOZZLE}, source=MOUNTER, when=next(clock)),
    )


def test_the_required_setup_names_slots_and_tools(line: Engine) -> None:
    at_the_mounter(line)
    with line.connect() as connection:
        wanted = wanted_setup(connection, MOUNTER, at=datetime.now(UTC))
    assert wanted is not None
    slots, tools = wanted.requirements.material_setup_requirements, wanted.requirements.tool_setup_requirements
    assert [(one.position, one.part_number) for one in slots or ()] == [("F1", "RES-10K")]
    assert [one.tool_identifier for one in tools or ()] == ["NZ-1"]


def test_a_tool_that_is_asked_for_and_is_not_there_is_told(line: Engine) -> None:
    at_the_mounter(line)

    def against(tool: str) -> list[str]:
        listed = StationSetupRequirements(
            tool_setup_requirements=[ToolSetupRequirement(position="Head 1", tool_identifier=tool)]
        )
        with line.connect() as connection:
            found = setup_reasons(connection, MOUNTER, listed, at=datetime.now(UTC))
        return [reason.sentence for reason in found if reason.code == "tool_missing"]

    assert against("NZ-1") == []
    assert against("NZ-2") == ["Tool NZ-2 belongs in Head 1, and is not here."]


def test_a_refusal_bears_the_number_of_its_reason_and_never_the_one_for_asking_again(line: Engine) -> None:
    at_the_mounter(line)
    with line.connect() as connection:
        told = validate_setup(connection, ValidateStationSetupRequest(setup_requirements=NOTHING), MOUNTER)
    assert isinstance(told, ValidateStationSetupResponse)
    assert told.result is not None
    assert told.result.result_code == FAILURE_CODES["slot_empty"]


def test_what_a_station_lists_is_not_judged_by_what_it_built_before(line: Engine) -> None:
    """It is being set up for another product, of which it has not said the recipe yet."""
    with line.begin() as connection:
        require_setup(connection, station=MOUNTER, product_revision_id=1, slots=[SlotPlan("F1", "RES-10K")], actor="t")
    done(line, MOUNTER)
    listed = StationSetupRequirements(
        material_setup_requirements=[MaterialSetupRequirement(position="F2", part_number="CAP-1U")]
    )
    with line.connect() as connection:
        of_its_own = setup_reasons(connection, MOUNTER, listed, at=datetime.now(UTC))
        of_what_it_builds = setup_reasons(connection, MOUNTER, NOTHING, at=datetime.now(UTC))
    assert [reason.sentence for reason in of_its_own] == ["Slot F2 is empty; CAP-1U belongs there."]
    assert [reason.sentence for reason in of_what_it_builds] == ["Slot F1 is empty; RES-10K belongs there."]
