"""Bodies: read with the field's habits allowed for, refused with the member at fault."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Envelope, decode
from app.cfx.messages import Message, OtherMessage, message_type
from app.cfx.messages.assembly import MaterialsInstalled
from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.inspection import UnitsInspected
from app.cfx.messages.materials import MaterialsInitialized
from app.cfx.messages.production import UnitsArrived, WorkStarted
from app.cfx.messages.resource import FaultOccurred, StationStateChanged
from tests.cfx.bodies import HAND_WRITTEN, TRANSACTION, envelope

GUID = UUID(TRANSACTION)


def sealed(name: str, body: Any) -> Envelope:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    (only,) = decode(json.dumps(envelope(name, {"@": 0})).encode().replace(b'{"@": 0}', text))
    assert isinstance(only, Envelope), only
    return only


def read(name: str, body: Any) -> Any:
    return decode_body(sealed(name, body))


def refusal(name: str, body: Any) -> BodyError:
    with pytest.raises(BodyError) as refused:
        read(name, body)
    assert str(refused.value) == refused.value.reason
    return refused.value


@pytest.mark.parametrize("spelling", ["TransactionID", "TransactionId"])
@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("Production.WorkStarted", {}),
        ("Production.WorkStageCompleted", {}),
        ("Production.ToolsUsed", {"UsedTools": []}),
        ("Production.Assembly.MaterialsInstalled", {"InstalledMaterials": []}),
        ("Production.TestAndInspection.UnitsTested", {"TestedUnits": []}),
        ("ResourcePerformance.CalibrationPerformed", {"Calibration": {}}),
        ("Production.ReadingsRecorded", {}),
    ],
)
def test_the_transaction_is_read_in_either_spelling(name: str, rest: dict[str, Any], spelling: str) -> None:
    assert read(name, {spelling: TRANSACTION, **rest}).transaction_id == GUID
    assert read(name, {spelling: "{" + TRANSACTION.upper() + "}", **rest}).transaction_id == GUID
    for unset in (None, "", "00000000-0000-0000-0000-000000000000"):
        assert read(name, {spelling: unset, **rest}).transaction_id is None


def test_of_both_spellings_the_one_that_says_something_counts() -> None:
    assert read("Production.WorkStarted", {"TransactionID": None, "TransactionId": TRANSACTION}).transaction_id == GUID
    zeros = "00000000-0000-0000-0000-000000000000"
    assert read("Production.WorkStarted", {"TransactionID": zeros, "TransactionId": TRANSACTION}).transaction_id == GUID
    other = "11111111-1111-4111-8111-111111111111"
    both = {"TransactionId": other, "TransactionID": TRANSACTION}
    assert read("Production.WorkStarted", both).transaction_id == GUID


def test_a_fault_says_its_transaction_too() -> None:
    fault = read("ResourcePerformance.FaultOccurred", {"Fault": {"TransactionId": TRANSACTION}}).fault
    assert fault.transaction_id == GUID


@pytest.mark.parametrize("spelling", ["PositionNumber", "UnitPositionNumber"])
def test_the_position_is_read_in_either_spelling(spelling: str) -> None:
    units = {
        "Units": [{"UnitIdentifier": "P", spelling: 3}, {"UnitIdentifier": "Q"}, {spelling: None}, {spelling: "4"}]
    }
    assert [unit.position for unit in read("Production.UnitsArrived", units).units] == [3, 0, 0, 4]
    installed = {"InstalledMaterials": [{"UnitIdentifier": "P", spelling: 3}, {"UnitIdentifier": "Q", spelling: 0}]}
    message = read("Production.Assembly.MaterialsInstalled", installed)
    assert [(entry.unit_identifier, entry.position) for entry in message.installed_materials] == [("P", 3), ("Q", 0)]


@pytest.mark.parametrize(
    ("member", "sent", "attribute", "value"),
    [
        ("Lane", "2", "lane", 2),
        ("Lane", 2.0, "lane", 2),
        ("Lane", " ", "lane", None),
        ("UnitCount", "2.0", "unit_count", 2),
        ("RelevantSurface", 1, "relevant_surface", "PrimarySurface"),
        ("RelevantSurface", "2", "relevant_surface", "2"),
        ("RelevantSurface", 9, "relevant_surface", "9"),
        ("RelevantSurface", "BottomSide", "relevant_surface", "BottomSide"),
        ("RecipeName", "", "recipe_name", ""),
        ("Units", None, "units", None),
        ("Invented", {"by": ["a", "machine"]}, "lane", None),
        ("transactionid", 5, "transaction_id", None),
    ],
)
def test_small_deviations_of_work_started(member: str, sent: Any, attribute: str, value: Any) -> None:
    assert getattr(read("Production.WorkStarted", {member: sent}), attribute) == value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (50, 50.0),
        ("50.45", 50.45),
        ("-1e-3", -0.001),
        (".5", 0.5),
        ("NaN", None),
        ("-Infinity", None),
        ("", None),
        (10**25, 1e25),
    ],
)
def test_numbers_as_machines_write_them(sent: Any, value: float | None) -> None:
    assert read("Production.UnitsArrived", {"Units": [{"X": sent}]}).units[0].x == value


@pytest.mark.parametrize(("sent", "value"), [("true", True), ("False", False), (0, False), ("1", True), (None, None)])
def test_booleans_as_machines_write_them(sent: Any, value: bool | None) -> None:
    assert read("Production.UnitsArrived", {"Units": [{"FlipX": sent}]}).units[0].flip_x is value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("2018-10-03T16:03:05.1091909-04:00", datetime(2018, 10, 3, 20, 3, 5, 109191, UTC)),
        ("2018-10-03T16:03:05", datetime(2018, 10, 3, 16, 3, 5, tzinfo=UTC)),
        ("2018-10-03", datetime(2018, 10, 3, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+09:00", None),
        ("9999-12-31T23:59:59.9999999", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_aware_or_not_said(sent: str | None, value: datetime | None) -> None:
    created = read("Materials.Management.MaterialsInitialized", {"Materials": [{"Created": sent}]}).materials[0].created
    assert created == value
    assert created is None or created.tzinfo is not None


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        (1100, ResourceState.PRD_RegularWork),
        ("2200", ResourceState.SBY_NoProduct),
        ("22A0", ResourceState.SBY_NoProductBlocked),
        (" 22b0 ", ResourceState.SBY_NoProductStarved),
        ("USD_Repair", ResourceState.USD_Repair),
        (7777, None),
        ("Running", None),
        (None, None),
    ],
)
def test_states_as_numbers_texts_or_names(sent: Any, state: ResourceState | None) -> None:
    message = read("ResourcePerformance.StationStateChanged", {"OldState": sent, "NewState": sent})
    assert isinstance(message, StationStateChanged)
    assert message.new is state
    assert message.old is state


@pytest.mark.parametrize("sent", [True, 2**40, 10**400, [], {}, "S" * 300])
def test_a_state_that_cannot_be_one_is_refused(sent: Any) -> None:
    assert refusal("ResourcePerformance.StationStateChanged", {"NewState": sent}).reason.startswith(
        "StationStateChanged: "
    )


@pytest.mark.parametrize(("sent", "value"), [("low", "low"), (3, 3.0), (True, True), (10**30, 1e30)])
def test_a_measured_value_may_be_text_number_or_boolean(sent: Any, value: Any) -> None:
    for careless in ({}, {"Sequence": "1"}):
        measurement = {"Value": sent, "ExpectedValue": sent, **careless}
        unit = {"Tests": [{"Measurements": [measurement]}]}
        read_back = read("Production.TestAndInspection.UnitsTested", {"TestedUnits": [unit]})
        (measured,) = read_back.tested_units[0].tests[0].measurements
        assert (measured.value, measured.expected_value) == (value, value)
        assert type(measured.value) is type(value)


def test_a_state_belongs_to_a_group() -> None:
    assert ResourceState.SBY_NoProductStarved.group is ResourceState.SBY
    assert ResourceState.PRD.group is ResourceState.PRD


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        ({"TransactionID": 5}, "TransactionID", "must be a GUID as text, but is 5"),
        ({"TransactionID": "T-1"}, "TransactionID", 'must be a GUID, but is "T-1"'),
        ({"Units": {}}, "Units", "must be a list in square brackets, but is an object"),
        ({"Units": [{}, 7]}, "Units[1]", "must be an object in braces, but is 7"),
        ({"Units": [None]}, "Units[0]", "is empty"),
        ({"Units": [{"UnitIdentifier": 12345}]}, "Units[0].UnitIdentifier", "must be text in quotes, but is 12345"),
        ({"RecipeName": "S" * 257}, "RecipeName", "has 257 characters; more than 256 cannot be stored"),
        ({"Units": [{"PositionNumber": -1}]}, "Units[0].PositionNumber", "must be between 0 and 2147483647, but is -1"),
        ({"Lane": 2**31}, "Lane", "must be between -2147483648 and 2147483647, but is 2147483648"),
        ({"Lane": 2**70}, "Lane", "must be between -2147483648 and 2147483647, but is 1180591620717411303424"),
        ({"Lane": 1.5}, "Lane", "must be a whole number, but is 1.5"),
        ({"Lane": True}, "Lane", "must be a number, but is true"),
        ({"Units": [{"X": "28,2"}]}, "Units[0].X", 'must be a number, but is "28,2"'),
        ({"Units": [{"X": "1e999"}]}, "Units[0].X", 'must be a number a computer can hold, but is "1e999"'),
        ({"Units": [{"X": 10**309}]}, "Units[0].X", f"must be a number a computer can hold, but is 1{'0' * 39}..."),
        ({"Units": [{"FlipX": "maybe"}]}, "Units[0].FlipX", 'must be true or false, but is "maybe"'),
        (b'{"Invented": 1e999, "Lane": "1"}', "", "cannot be read: Number out of range - at `$[...]`"),
    ],
)
def test_what_remains_unreadable_names_the_member(body: Any, path: str, problem: str) -> None:
    refused = refusal("Production.WorkStarted", body)
    assert refused.reason == f"WorkStarted: {path or 'The body'} {problem}."
    assert refused.path == path


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("Production.Assembly.MaterialsInstalled", {}, "InstalledMaterials"),
        ("Production.Assembly.MaterialsInstalled", {"InstalledMaterials": None}, "InstalledMaterials"),
        (
            "Materials.Management.MaterialsSplit",
            {"SourceMaterialPackageIdentifier": "A"},
            "NewMaterialPackageIdentifier",
        ),
        ("Materials.Management.MaterialsJoined", {"TrailingMaterialPackage": {}}, "LeadingMaterialPackage"),
        ("ResourcePerformance.FaultCleared", {"FaultOccurrenceId": ""}, "FaultOccurrenceId"),
    ],
)
def test_without_what_it_is_about_a_message_means_nothing(name: str, body: Any, path: str) -> None:
    assert refusal(name, body).reason.endswith(f": {path} is missing.")


def test_what_is_no_time_says_what_a_time_looks_like() -> None:
    refused = refusal("Materials.Management.MaterialsInitialized", {"Materials": [{"Created": "yesterday"}]})
    assert refused.path == "Materials[0].Created"
    assert 'is "yesterday": not an ISO 8601 time such as 2018-03-26T16:52:25.3769532-04:00.' in refused.reason


def test_packages_in_packages_end_somewhere() -> None:
    package: dict[str, Any] = {"UniqueIdentifier": "A", "Quantity": "5"}
    for _ in range(600):
        package = {"LeadingMaterialPackage": package}
    refused = refusal("Materials.Management.MaterialsRetired", {"Materials": [package]})
    assert refused.reason == "MaterialsRetired: The body is nested too deeply."


def test_a_known_message_without_a_class_is_refused_only_for_what_ties_it() -> None:
    assert refusal("Production.ReadingsRecorded", {"Units": 5}).path == "Units"
    assert read("Production.ReadingsRecorded", {"Readings": 5}).message_name == "CFX.Production.ReadingsRecorded"


@pytest.mark.parametrize("name", ["Production.WorkStartedd", "Foo", "X.Y"])
def test_a_message_cfx_does_not_know_is_refused(name: str) -> None:
    assert refusal(name, {}).reason == f"'CFX.{name}' is not a CFX 2.1 message."


def test_a_known_message_without_a_class_keeps_its_body_and_what_ties_it_to_units() -> None:
    body = (
        b'{ "TransactionID": "@", "Units": [{"UnitIdentifier": "SN-1", "PositionNumber": 2}], "PrimaryIdentifier": "P"}'
    )
    body = body.replace(b"@", TRANSACTION.encode())
    message = read("Production.LoadingAndUnloading.UnitsLoaded", body)
    assert isinstance(message, OtherMessage)
    assert message_type("CFX.Production.LoadingAndUnloading.UnitsLoaded") is None
    assert message.message_name == "CFX.Production.LoadingAndUnloading.UnitsLoaded"
    assert bytes(message.raw) == body
    assert message.transaction_id == GUID
    assert message.primary_identifier == "P"
    assert [(unit.unit_identifier, unit.position) for unit in message.units or ()] == [("SN-1", 2)]


def test_both_ways_of_reading_agree() -> None:
    """A body read straight and the same one with numbers as text, read with care, say the same."""
    for name, body in HAND_WRITTEN.items():
        straight = read(name, body)
        text = (
            json.dumps(body)
            .replace('"Quantity": 4213.0', '"Quantity": "4213.0"')
            .replace('"Sequence": 1', '"Sequence": "1"')
        )
        careful = read(name, text.replace('"Lane": 1', '"Lane": "1"').encode())
        if isinstance(straight, OtherMessage):
            assert careful.transaction_id == straight.transaction_id
        else:
            assert careful == straight


def test_polymorphic_data_are_kept_as_they_came() -> None:
    data = {
        "$type": "CFX.Structures.SolderReflow.ReflowProcessData, CFX",
        "ConveyorSpeed": 60.0,
        "Mine": [1, {"a": None}],
    }
    message = read("Production.Processing.UnitsProcessed", {"CommonProcessData": data})
    assert message.common_process_data == data
    feeder = read("Materials.Storage.MaterialsLoaded", HAND_WRITTEN["Materials.Storage.MaterialsLoaded"])
    carrier = feeder.materials[0].carrier_information
    assert (carrier.type_, carrier.lane_number) == ("CFX.Structures.SMTPlacement.SMDTapeFeeder, CFX", 2)


def test_a_joined_package_tells_its_chain_and_its_grey_zone() -> None:
    chain = {
        "UniqueIdentifier": "B",
        "LeadingMaterialPackage": {"UniqueIdentifier": "A"},
        "GreyZone": 10,
        "BatchId": "X",
    }
    message = read("Production.Assembly.MaterialsInstalled", {"InstalledMaterials": [{"Material": chain}]})
    material = message.installed_materials[0].material
    assert (material.leading_material_package.unique_identifier, material.grey_zone, material.batch_id) == (
        "A",
        10.0,
        "X",
    )


def test_solder_deposits_are_numbers_against_expectations() -> None:
    message = read(
        "Production.TestAndInspection.UnitsInspected", HAND_WRITTEN["Production.TestAndInspection.UnitsInspected"]
    )
    assert isinstance(message, UnitsInspected)
    (unit,) = message.inspected_units or []
    (inspection,) = unit.inspections or []
    (deposit,) = inspection.measurements or []
    assert (unit.overall_result, inspection.result) == ("Passed", "Failed")
    assert (deposit.x, deposit.ex, deposit.y, deposit.z, deposit.ez) == (0.31, 0.3, None, 0.09, 0.1)
    assert (deposit.vol, deposit.evol, deposit.crds) == (0.0041, 0.005, "R1.1")


def test_messages_are_values() -> None:
    message = read("Production.WorkStarted", HAND_WRITTEN["Production.WorkStarted"])
    assert isinstance(message, WorkStarted)
    assert isinstance(message, Message)
    assert msgspec.structs.replace(message, lane=1) == message
    with pytest.raises(AttributeError):
        message.lane = 2  # type: ignore[misc]


def test_types_say_what_they_hold() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 123457, timezone(timedelta(hours=2)))
    installed = read("Production.Assembly.MaterialsInstalled", HAND_WRITTEN["Production.Assembly.MaterialsInstalled"])
    assert isinstance(installed, MaterialsInstalled)
    entry = installed.installed_materials[1]
    assert (entry.unit_identifier, entry.position) == ("PANEL-1", 2)
    assert [part.reference_designator for part in entry.installed_components or ()] == ["R1", "R2"]
    assert {part.installation_time for part in entry.installed_components or ()} == {moment}
    lots = read("Materials.Management.MaterialsInitialized", HAND_WRITTEN["Materials.Management.MaterialsInitialized"])
    assert isinstance(lots, MaterialsInitialized)
    assert lots.materials[0].manufacturer_lot_code == "L-77/A"
    assert isinstance(read("Production.UnitsArrived", {}), UnitsArrived)
    assert isinstance(read("ResourcePerformance.FaultOccurred", {"Fault": {}}), FaultOccurred)
