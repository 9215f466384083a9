"""A line that began in the past, a panel carried past the inspection, and one that a gate refuses."""

import threading
import time
from datetime import UTC, datetime, timedelta

from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.production import WorkStarted
from app.cfx.messages.resource import FaultCleared, FaultOccurred, StationStateChanged
from stations.gate import Admission
from stations.line import CarriedPast, Line, machines_for
from stations.panels import bare_panel
from stations.truth import Truth
from tests.stations.test_line import Listener, setup

BEGAN = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)


def run(
    panels: int, *, pace: float = 0, ahead: timedelta = timedelta(0), by_hand: CarriedPast | None = None
) -> dict[str, Listener]:
    listeners = [Listener(machine) for machine in machines_for(setup(boards=1))]
    line = Line(
        setup(boards=1), listeners, Truth(None), panels=panels, magazine=panels, began=BEGAN, pace=pace,  # type: ignore[arg-type]
        stopping=threading.Event(), ahead=ahead, carried_past=by_hand,
    )  # fmt: skip
    line.run()
    assert line.done == panels
    return {listener.machine.operation: listener for listener in listeners}


def starts(listener: Listener) -> int:
    return sum(isinstance(said.message, WorkStarted) for said in listener.said)


def test_one_panel_is_carried_past_the_last_inspection_and_reaches_what_comes_behind() -> None:
    never = run(4)
    once = run(4, by_hand=CarriedPast(BEGAN, timedelta(days=1)))
    assert starts(never["optical_inspection"]) - starts(once["optical_inspection"]) == 1
    assert starts(never["xray_inspection"]) == starts(once["xray_inspection"]) == 4


def test_what_lies_in_the_past_is_made_up_for_as_fast_as_it_goes() -> None:
    started = time.monotonic()
    line = run(2, pace=1, ahead=timedelta(hours=2))
    assert time.monotonic() - started < 60, "two panels take six minutes on the line"
    assert line["laser_marking"].said[0].at == BEGAN


def test_a_station_stops_before_what_it_was_refused_until_somebody_has_taken_it_out() -> None:
    machine = machines_for(setup(boards=1))[7]
    admission = Admission(refused={1: "It has not been through optical_inspection."})
    visit = machine.refuse(bare_panel("RUN1", 1, 1, 1), "top", BEGAN, admission)
    occurred, down, cleared, waits = (said.message for said in visit.said)
    assert isinstance(occurred, FaultOccurred)
    assert occurred.fault.description == "It has not been through optical_inspection."
    assert isinstance(down, StationStateChanged)
    assert down.new_state == int(ResourceState.USD_OutOfSpecInputMaterial)
    assert isinstance(cleared, FaultCleared)
    assert isinstance(waits, StationStateChanged)
    assert visit.now - BEGAN == timedelta(seconds=4 * 30), "four takts"
