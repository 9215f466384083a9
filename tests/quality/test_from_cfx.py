"""What `UnitsInspected` and `UnitsTested` say, with the traps of the trade in them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cfx.messages.inspection import UnitsInspected, UnitsTested
from app.errors import Invalid
from app.quality import from_cfx
from app.quality.outcome import Outcome
from tests.quality.messages import TRANSACTION, deposit, resistance, said_inspected, said_tested, step, unit

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "cfx" / "examples"


def columns(run: Any) -> dict[str, list[Any]]:
    """A run's columns by characteristic and unit."""
    measured = run.measurements
    return {
        f"{place.column.characteristic} {place.column.unit or ''}".strip() + f"/{place.group.names[0]}": list(column)
        for place, column in zip(measured.layout.places, measured.columns, strict=True)
    }


@pytest.fixture
def published() -> Path:
    if not EXAMPLES.is_dir():
        pytest.skip("the published CFX examples are not here")
    return EXAMPLES


def test_the_published_inspection(published: Path) -> None:
    body = (published / "Production.TestAndInspection.UnitsInspected.1.json").read_bytes()

    good, bad = from_cfx.inspected_units(msgspec.json.decode(body, type=UnitsInspected), body)

    assert (good.unit_identifier, good.position_number, good.run.outcome) == ("PANEL34543535", 1, Outcome.passed)
    assert (bad.position_number, bad.run.outcome, bad.run.steps) == (2, Outcome.failed, 3)
    assert [(one.step, one.reference_designator, one.code) for one in bad.run.defects] == [
        ("INSPECT_R22", "R22.1", "ISFSLD112"),
        ("INSPECT_R22", "R22", "TMBSTN211"),
        ("COSMETIC_INSPECTION", None, "SCR23443"),
    ]
    assert bad.run.method == "AOI"
    assert bad.run.inspector == "BADGE489499"


def test_the_published_test_is_passed_with_a_failed_step_inside_and_a_value_beyond_its_limit(published: Path) -> None:
    body = (published / "Production.TestAndInspection.UnitsTested.1.json").read_bytes()

    first, second = from_cfx.tested_units(msgspec.json.decode(body, type=UnitsTested), body)

    assert first.run.outcome is Outcome.passed
    measured = first.run.measurements
    assert measured is not None
    assert columns(first.run)["result/RESISTANCE_CHECK_R21"] == [0, 1]
    assert measured.failed == [1]
    # 28300 Ohm is within 28.0..28.4 kOhm. 28.52 kOhm, sent with the symptom, is not, though the machine says Passed.
    assert columns(first.run)["value Ohm/RESISTANCE_MEASUREMENT_R21"] == [28300.0]
    assert columns(first.run)["value kOhm/RESISTANCE_MEASUREMENT_R22"] == [28.52]
    (beyond,) = measured.out_of_limit
    assert [place.column.unit for place in measured.layout.places if place.first_cell == beyond] == ["kOhm"]
    assert first.run.symptoms[0].reference_designators == ("R22.1", "R22.2")
    assert second.run.measurements is not None
    assert second.run.measurements.out_of_limit == []


@pytest.mark.parametrize(
    ("said", "verification", "machine_outcome", "outcome"),
    [
        ("Failed", None, Outcome.failed, Outcome.failed),
        ("Failed", "NotVerifiedYet", Outcome.failed, Outcome.failed),
        ("Failed", "DefectConfirmed", Outcome.failed, Outcome.failed),
        ("Failed", "DefectRepaired", Outcome.failed, Outcome.failed),
        ("Failed", "DefectRejected", Outcome.failed, Outcome.passed),
        ("Failed", "DefectAccepted", Outcome.failed, Outcome.passed),
        ("Passed", "DefectRejected", Outcome.failed, Outcome.passed),
        ("Passed", "NotVerifiedYet", Outcome.passed, Outcome.passed),
        ("Aborted", "DefectRejected", Outcome.aborted, Outcome.aborted),
        ("Error", None, Outcome.error, Outcome.error),
        ("Skipped", None, Outcome.aborted, Outcome.aborted),
        ("1", None, Outcome.failed, Outcome.failed),
    ],
)
def test_what_the_machine_found_and_what_holds(
    said: str, verification: str | None, machine_outcome: Outcome, outcome: Outcome
) -> None:
    (one,) = said_inspected(unit(said, Verification=verification))

    assert (one.run.machine_outcome, one.run.outcome) == (machine_outcome, outcome)


def test_a_false_call_told_defect_by_defect_is_one() -> None:
    rejected = {"DefectCode": "TOMBSTONE", "Verification": "DefectRejected"}
    confirmed = {"DefectCode": "BRIDGE", "Verification": "DefectConfirmed"}

    (all_rejected,) = said_inspected(
        unit("Failed", step("R1"), step("R2", "Failed", DefectsFound=[rejected, rejected]))
    )
    (one_real,) = said_inspected(unit("Failed", step("R2", "Failed", DefectsFound=[rejected, confirmed])))
    (one_open,) = said_inspected(
        unit("Failed", step("R2", "Failed", DefectsFound=[rejected]), step("R3", "Failed", DefectsFound=[{}]))
    )

    assert (all_rejected.run.machine_outcome, all_rejected.run.outcome) == (Outcome.failed, Outcome.passed)
    assert one_real.run.outcome is Outcome.failed
    assert one_open.run.outcome is Outcome.failed


def test_a_result_is_read_from_the_steps_where_the_unit_has_none_and_never_guessed() -> None:
    (one,) = said_inspected(unit(None, step("R1"), step("R2", "Failed")))
    assert one.run.outcome is Outcome.failed

    with pytest.raises(Invalid, match="OverallResult"):
        said_inspected(unit(None))
    with pytest.raises(Invalid, match="Splendid"):
        said_inspected(unit("Splendid"))


def test_a_panel_as_a_whole_is_told_from_its_boards() -> None:
    panel, first, second = said_inspected(
        unit(serial="PANEL", UnitPositionNumber=1),
        unit("Failed", serial="PANEL", PositionNumber=2),
        InspectedPanel={"OverallResult": "Failed", "Inspections": [step("Stretch", "Failed")]},
    )

    assert (panel.unit_identifier, panel.position_number, panel.run.number) == ("PANEL", 0, 0)
    assert [(one.position_number, one.run.number) for one in (first, second)] == [(1, 1), (2, 2)]


def test_a_unit_without_identifier_is_the_transactions() -> None:
    (one,) = said_tested(unit(serial=None))
    assert one.unit_identifier is None
    assert str(one.run.transaction_id) == TRANSACTION

    with pytest.raises(Invalid, match="TransactionId"):
        said_tested(unit(serial=None), TransactionId=None)
    with pytest.raises(Invalid, match="32768"):
        said_tested(unit(UnitPositionNumber=32768))


def test_deposits_are_columns_and_what_is_expected_is_layout() -> None:
    deposits = [deposit("R1.1", 1.81e-05, PX=12.5), deposit("R1.2", 1.79e-05, PX=13.5)]

    (one,) = said_inspected(unit("Passed", step("SPI", Measurements=deposits)))

    assert one.run.measurements is not None
    assert columns(one.run) == {
        "result/SPI": [0],
        "Z mm/R1.1": [0.1214, 0.1214],
        "Vol ml/R1.1": [1.81e-05, 1.79e-05],
        "result/R1.1": [0, 0],
    }
    pads = one.run.measurements.layout.groups[1]
    assert pads.columns[1].expected == (1.8e-05, 1.8e-05)
    assert [(nominal.characteristic, nominal.values) for nominal in pads.nominals] == [("PX", (12.5, 13.5))]


def test_boards_of_one_program_share_a_layout() -> None:
    def layout(volume: float, result: str) -> Any:
        measured = [deposit("R1.1", volume, UniqueIdentifier=str(volume)), deposit("R1.2", 1.8e-05, Result=result)]
        (one,) = said_inspected(unit(result, step("SPI", result, Measurements=measured)))
        assert one.run.measurements is not None
        return one.run.measurements.layout

    assert layout(1.81e-05, "Passed") is layout(2.5e-05, "Failed")


def test_kinds_of_values_and_missing_ones() -> None:
    text = {
        "$type": "CFX.Structures.TextMeasurement, CFX",
        "MeasurementName": "fw",
        "Value": "1.10",
        "ExpectedValue": "1.10",
    }
    flag = {"$type": "CFX.Structures.BooleanMeasurement, CFX", "MeasurementName": "led", "Value": True}
    offset = {"$type": "CFX.Structures.PCBInspection.OffsetMeasurement, CFX", "MeasurementName": "U1", "DX": 0.01}
    measured = [text, flag, {**flag, "MeasurementName": "buzzer", "Value": False}, offset, resistance("R1", None)]

    (one,) = said_tested(unit(Tests=[step("all", Measurements=measured)]))

    assert columns(one.run) == {
        "result/all": [0],
        "value/fw": ["1.10"],
        "value/led": [True, False],
        "DX mm/U1": [0.01],
        "value Ohm/R1": [None],
        "result/R1": [0],
    }


def test_a_kind_nobody_knows_is_kept_member_by_member() -> None:
    strange = {
        "$type": "Vendor.Structures.WarpMeasurement, Vendor",
        "UniqueIdentifier": "74b5",
        "MeasurementName": "warp",
        "Bow": 0.31,
        "Grade": "B",
        "Points": [{"X": 1.0, "Y": 2.5}],
        "Result": "Failed",
    }
    plain = deposit("R1.1", 1.8e-05)
    symptom = {"SymptomCode": "WARPED", "RelatedMeasurements": [plain, strange]}

    (one,) = said_inspected(unit("Failed", step("flatness", "Failed", Symptoms=[symptom])))

    assert columns(one.run) | {"result/flatness": [1]} == {
        "result/flatness": [1],
        "Z mm/R1.1": [0.1214],
        "Vol ml/R1.1": [1.8e-05],
        "result/R1.1": [0],
        "Bow/warp": [0.31],
        "Grade/warp": ["B"],
        "Points/warp": ['[{"X":1.0,"Y":2.5}]'],
        "result/warp": [1],
    }


def test_only_failed_steps_sent_still_count_all() -> None:
    (one,) = said_inspected(unit("Failed", step("R2", "Failed"), TotalInspectionCount=812))

    assert one.run.steps == 812


def test_nothing_measured_is_nothing() -> None:
    (one,) = said_inspected(unit("Passed"))

    assert one.run.measurements is None
