"""One work says two things of the same board, or names the board as what was built into it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.inbox.messages import entry, installed, message
from tests.interlock.clearing import gate, kept
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, clock, done

BOARD: dict[str, Any] = {"UnitIdentifier": "SN-1"}
AT_POSITION: dict[str, Any] = {"UnitIdentifier": "P-1", "UnitPositionNumber": 1}
PANEL: dict[str, Any] = {"UnitIdentifier": "P-1"}


def inspected(work: UUID, *said: tuple[dict[str, Any], str]) -> bytes:
    units = [{**unit, "OverallResult": outcome, "Inspections": []} for unit, outcome in said]
    body = {"TransactionId": str(work), "InspectionMethod": "AOI", "InspectedUnits": units}
    return message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=next(clock))


@pytest.fixture
def at_inspection(line: Engine) -> Engine:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    return line


@pytest.mark.parametrize("passed", [PANEL, AT_POSITION], ids=["panel", "position"])
def test_failed_and_passed_in_one_message_has_failed(at_inspection: Engine, passed: dict[str, Any]) -> None:
    done(at_inspection, AOI, lambda work: inspected(work, (AT_POSITION, "Failed"), (passed, "Passed")))
    assert "failed" in kept(at_inspection, "SN-1")
    assert "failed" in gate(at_inspection, TESTER)


@pytest.mark.parametrize("failed", [BOARD, AT_POSITION], ids=["serial", "position"])
def test_a_pass_of_the_panel_in_the_same_work_clears_no_failure_of_the_board(
    at_inspection: Engine, failed: dict[str, Any]
) -> None:
    done(
        at_inspection,
        AOI,
        lambda work: inspected(work, (failed, "Failed")),
        lambda work: inspected(work, (PANEL, "Passed")),
    )
    assert "failed" in kept(at_inspection, "SN-1")
    assert "failed" in gate(at_inspection, TESTER)


def test_a_pass_of_the_panel_in_later_work_clears_it(at_inspection: Engine) -> None:
    done(at_inspection, AOI, lambda work: inspected(work, (AT_POSITION, "Failed")))
    done(at_inspection, AOI, lambda work: inspected(work, (PANEL, "Passed")))
    assert "failed" not in kept(at_inspection, "SN-1")
    assert gate(at_inspection, TESTER) == {}


@pytest.mark.parametrize("named", ["SN-1", "P-1"])
def test_a_board_is_not_built_into_itself(line: Engine, named: str) -> None:
    done(line, PRINTER)

    def placed(work: UUID) -> bytes:
        one = entry(named, "REEL-1", ["R1"], position=1 if named == "P-1" else None)
        one["InstalledComponents"][0]["InstalledUnitIdentifier"] = "SN-1"
        return installed(one, transaction=work, source=MOUNTER, when=next(clock))

    done(line, MOUNTER, placed)
    assert gate(line, AOI) == {}
