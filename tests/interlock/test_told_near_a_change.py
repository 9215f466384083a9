"""What was told near the change of a carrier, by a clock that is known to be off: against each board, for neither."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.cfx.gate import OPENLY
from app.interlock.gathering import Asked
from app.lines.clocks import measure_clocks
from tests.containment.stories import contain
from tests.inbox.messages import completed, entry, installed, message, started, stored, uninstalled
from tests.interlock.story import AOI, MARKER, MOUNTER, PRINTER, TESTER, codes
from tests.interlock.test_reused_carriers import OFF, inspected, is_off, kept, round_of

BENCH = "Acme.Bench.1"


def work(unit: str, station: str, when: float) -> list[bytes]:
    one = uuid4()
    return [
        started(unit, transaction=one, source=station, when=when, order="WO-1"),
        completed(unit, transaction=one, source=station, when=when + 1),
    ]


def inspected_by_itself(engine: Engine, serial: str, first: float) -> None:
    """Through all stations before the test, with a pass."""
    for nth, station in enumerate((MARKER, PRINTER, MOUNTER, AOI)):
        stored(engine, *work(serial, station, first + 2 * nth))
    unit = {"UnitIdentifier": serial, "OverallResult": "Passed", "Inspections": []}
    body = {"TransactionId": str(uuid4()), "InspectionMethod": "AOI", "InspectedUnits": [unit]}
    stored(engine, message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=first + 6.5))


def hands_on_it(when: float) -> list[bytes]:
    return [uninstalled("CAR", ["R1"], position=1, when=when, source=BENCH)]


def without_the_gate(when: float) -> list[bytes]:
    one = uuid4()
    body = {"TransactionID": str(one), "Activities": [{"ActivityName": OPENLY}]}
    return [
        started(("CAR", 1), transaction=one, source=BENCH, when=when, order="WO-1"),
        message("Production.ActivitiesExecuted", body, when=when + 0.1, source=BENCH),
        completed(("CAR", 1), transaction=one, source=BENCH, when=when + 1),
    ]


def a_child_on_hold(when: float) -> list[bytes]:
    child = entry("CAR", None, position=1, children=[("U1", "CH-1")], slot=None)
    return [installed(child, source=BENCH, when=when)]


@pytest.mark.parametrize("off", [0, OFF])
@pytest.mark.parametrize(
    ("deed", "code"),
    [(hands_on_it, "skipped"), (without_the_gate, "provisional"), (a_child_on_hold, "sub_assembly_on_hold")],
)
def test_what_speaks_against_a_board_stops_it(line: Engine, deed: object, code: str, off: float) -> None:
    """SN-8 sat in the carrier from 5000 to 5100, and it was done at 5050."""
    assert callable(deed)
    told: Sequence[bytes] = deed(5050 + off)
    stored(line, round_of("SN-8", 5000))
    inspected_by_itself(line, "SN-8", 5001)
    stored(line, *told, round_of("SN-9", 5100))
    if off:
        with line.begin() as connection:
            measure_clocks(connection, {BENCH: timedelta(seconds=off)})
    if deed is a_child_on_hold:
        contain(line, serials=["CH-1"])
        assert "on_hold" in [why.code for why in kept(line, "SN-8")]
    assert code in codes(line, TESTER, Asked("SN-8"))[0] + [why.code for why in kept(line, "SN-8")]


def test_another_boards_visit_is_none_of_this_one(line: Engine) -> None:
    """The AOI, a minute ahead, worked on the carrier with SN-8 in it at 5050; SN-9 from 5100 on was never there."""
    stored(line, round_of("SN-8", 5000), *work("CAR", AOI, 5050 + OFF), inspected("Passed", 5050.5 + OFF))
    stored(line, round_of("SN-9", 5100))
    for nth, station in enumerate((MARKER, PRINTER, MOUNTER)):
        stored(line, *work("SN-9", station, 5201 + 2 * nth))
    is_off(line)
    assert codes(line, TESTER, Asked("SN-9")) == [["skipped"]]
    assert "incomplete" in [why.code for why in kept(line, "SN-9")]
