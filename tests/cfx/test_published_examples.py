"""The bodies published with the CFX SDK, read in an envelope: the values a user relies on."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.cfx.body import decode_body
from app.cfx.envelope import Envelope, Malformed, decode, encode
from app.cfx.messages import MESSAGE_TYPES
from app.cfx.messages.enumerations import ResourceState
from app.cfx.scalars import parse_timespan
from tests.cfx.bodies import PUBLISHED, envelope, published

EXAMPLES = published()
pytestmark = pytest.mark.skipif(not EXAMPLES, reason=f"the published examples are not at {PUBLISHED}")
AMERICA = timezone(timedelta(hours=-4))

#: By message name: where a value stands, and the value.
VALUES: dict[str, dict[str, Any]] = {
    "Heartbeat": {"cfx_handle": "SMTPlus.Model_21232.SN23123", "heartbeat_frequency": "00:01:00"},
    "InformationSystem.OperatorValidation.ValidateOperatorRequest": {
        "operator.operator_identifier": "42b7a5cc-3bbd-4010-8a01-1c5851b9a2a3",
        "operator.actor_type": "Human",
    },
    "InformationSystem.UnitValidation.ValidateUnitsRequest": {
        "validations": ["UnitRouteValidation", "UnitStatusValidation"],
        "primary_identifier": "CARRIER2342",
        "units.1.unit_identifier": "CARRIER5566",
        "units.1.position": 2,
        "units.1.rotation": 90.0,
    },
    "InformationSystem.UnitValidation.ValidateUnitsResponse": {
        "result.result": "Success",
        "result.message": None,
        "primary_result.result": "Passed",
        "validation_results.1.position_number": 2,
    },
    "InformationSystem.WorkOrderManagement.WorkOrdersCreated": {
        "new_orders.0.work_order_identifier.work_order_id": "WO1122334455",
        "new_orders.0.lot_number": "LOT4865",
        "new_orders.0.quantity": 220.0,
        "new_orders.0.created_date": datetime(2018, 8, 1, 13, 46, 15, 539120, AMERICA),
        "new_orders.0.start_date": datetime(2018, 9, 9, tzinfo=timezone.utc),  # noqa: UP017 - no zone was said
    },
    "Materials.Management.BlockMaterialsRequest": {
        "material_package_identifiers": ["MAT4566556456", "MAT4566554543"],
        "reason": "SuspectedProblem",
        "blocker.full_name": None,
    },
    "Materials.Management.MSDManagement.MaterialsOpened": {
        "materials.0.material_data.type_": "CFX.Structures.MaterialPackageMSDData, CFX",
        "materials.0.material_data.msd_level": "MSL3",
        "materials.0.material_data.msd_state": "Exposed",
        "materials.0.material_data.expiration_date_time": datetime(2018, 10, 4, 12, 48, 0, 222119, AMERICA),
        "materials.1.material_data.msd_level": "MSL2A",
    },
    "Materials.Management.MSDManagement.MaterialsPlacedInDryStorage": {
        "materials.0.material_data.msd_state": "InDryStorage",
        "materials.0.material_data.expiration_date_time": None,
        "materials.1.quantity": 151.0,
    },
    "Materials.Management.MSDManagement.MaterialsRestored": {
        "materials.1.material_data.last_exposure_date_time": datetime(2018, 9, 28, 12, 48, 0, 238139, AMERICA),
    },
    "Materials.Management.MaterialsInitialized": {
        "materials.0.unique_identifier": "MAT4566556456",
        "materials.0.internal_part_number": "IPN47788",
        "materials.0.manufacturer_lot_code": "LOT2016110588",
        "materials.0.hazardous_material_type": "RoHS",
        "materials.1.material_data": None,
        "materials.1.initial_quantity": 1000.0,
    },
    "Materials.Management.MaterialsJoined": {
        "leading_material_package.unique_identifier": "MAT4566589856",
        "trailing_material_package.unique_identifier": "MAT4563453457",
    },
    "Materials.Management.MaterialsRetired": {"materials.2.unique_identifier": "MAT4566553421"},
    "Materials.Management.MaterialsSplit": {
        "source_material_package_identifier": "MAT4566589856",
        "source_material_package_remaining_quantity": 121.0,
        "new_material_package_identifier": "MAT4563453457",
        "new_material_package_quantity": 30.0,
    },
    "Materials.Storage.MaterialsLoaded": {
        # Two packages at one location: the lanes of one feeder. And two locations of one name.
        "materials.2.location_identifier": "5555646455",
        "materials.2.carrier_information.lane_number": 1,
        "materials.2.material_package.unique_identifier": "MAT4566553421",
        "materials.3.location_identifier": "5555646455",
        "materials.3.carrier_information.lane_number": 2,
        "materials.3.carrier_information.base_unique_identifier": "123335",
        "materials.0.location_name": "SLOT45",
        "materials.0.location_identifier": "5555646453",
        "materials.4.carrier_information.pitch": 24.0,
        "materials.5.carrier_information.type_": "CFX.Structures.SMTPlacement.SMDTrayFeeder, CFX",
    },
    "Materials.Storage.MaterialsUnloaded": {"material_package_identifiers.3": "MAT4566555547"},
    "Materials.Storage.SplicePointDetected": {
        "depleted_material.material_package.unique_identifier": "MAT238908348903",
        "depleted_material.location_name": "SLOT22",
        "newly_active_material.material_package.unique_identifier": "MAT238908348904",
        "newly_active_material.location_name": "SLOT28",
        "newly_active_material.carrier_information.unique_identifier": "234232432424",
    },
    "Materials.Storage.ValidateStationSetupRequest": {
        "setup_requirements.setup_name": "COMMONSETUP1",
        "setup_requirements.material_setup_requirements.1.position": "B1.F.47",
        "setup_requirements.material_setup_requirements.1.approved_alternate_parts": ["IPN3344", "IPN3376"],
        "setup_requirements.tool_setup_requirements.0.tool_identifier": None,
    },
    "Materials.Storage.ValidateStationSetupResponse": {"result.result": "Success", "result.message": "SETUP OK"},
    "Production.Assembly.MaterialsInstalled": {
        "transaction_id": UUID("ce1cf002-50fe-4cd4-af27-5e46fdae5608"),
        "installed_materials.1.unit_identifier": "PANEL23423432",
        "installed_materials.1.position": 2,
        "installed_materials.1.material.unique_identifier": "MAT4566556456",
        "installed_materials.1.carrier_location.carrier_information.lane_number": 1,
        # R1 was rejected first and then placed.
        "installed_materials.1.installed_components.0.reference_designator": "R1",
        "installed_materials.1.installed_components.0.installation_time": datetime(
            2018, 10, 3, 16, 3, 5, 109191, AMERICA
        ),
        "installed_materials.1.non_installed_components.0.reference_designator": "R1",
        "installed_materials.1.non_installed_components.0.location": "RejectionBox",
        "installed_materials.1.non_installed_components.0.rejection_details.result": "false",
    },
    "Production.Assembly.MaterialsUninstalled": {
        "uninstalled_materials.0.quantity_uninstalled": 3.0,
        "uninstalled_materials.0.reason": "DefectiveMaterial",
        "uninstalled_materials.1.position": 2,
        "uninstalled_materials.1.uninstalled_components.2.reference_designator": "R3",
    },
    "Production.Assembly.UnitsPersonalized": {
        "personalized_units.1.characteristics.0.name": "MAC Address",
        "personalized_units.1.characteristics.0.value": "C0-15-B9-2D-0F-3C",
    },
    "Production.Processing.UnitsProcessed": {
        "overall_result": "Succeeded",
        "common_process_data.ConveyorSpeed": 60.0,
        "common_process_data.ZoneData.2.Readings.6.ReadingValue": 498.0,
    },
    "Production.ReworkAndRepair.UnitsRepaired": {
        "repaired_units.0.unit_identifier": "FFSHkkskamJDHS",
        "repaired_units.0.repairs.1.component_of_interest.reference_designator": "U24.4-5",
        "repaired_units.0.repairs.1.related_defect_identifiers": ["e9c72d08-a0f0-450b-b5f4-49145edfca6b"],
        "repaired_units.0.repairs.1.result": "RepairSuccessful",
    },
    "Production.TestAndInspection.UnitsInspected": {
        "inspection_method": "AOI",
        "inspected_units.0.overall_result": "Passed",
        "inspected_units.1.overall_result": "Failed",
        "inspected_units.1.position": 2,
        "inspected_units.1.inspections.1.defects_found.1.defect_code": "TMBSTN211",
        "inspected_units.1.inspections.1.defects_found.0.component_of_interest.reference_designator": "R22.1",
        "inspected_units.1.inspections.1.defects_found.0.defect_images.0.image_data": "rFRWd9iZ",
        "inspected_units.1.inspections.2.defects_found.0.region_of_interest.region_segments.3.y": 4.0,
        "inspected_units.1.inspections.2.defects_found.0.confidence_level": 100.0,
    },
    "Production.TestAndInspection.UnitsTested": {
        "test_method": "Automated",
        # Passed as a whole, with a failed test inside; ohms against limits in kilo-ohms.
        "tested_units.0.overall_result": "Passed",
        "tested_units.0.tests.1.result": "Failed",
        "tested_units.0.tests.0.measurements.0.measured_value.value": 28300.0,
        "tested_units.0.tests.0.measurements.0.measured_value.value_units": "Ohm",
        "tested_units.0.tests.0.measurements.0.measured_value.expected_value_units": "kOhm",
        "tested_units.0.tests.0.measurements.0.measured_value.maximum_acceptable_value": 28.4,
        "tested_units.0.tests.0.measurements.0.crds": "R21",
        "tested_units.0.tests.1.symptoms_found.0.components_of_interest.1.reference_designator": "R22.2",
        "tested_units.0.tests.1.symptoms_found.0.related_measurements.0.measured_value.value": 28.52,
    },
    "Production.ToolsUsed": {
        "used_tools.1.tool.head_id": "HEAD2",
        "used_tools.1.tool.head_nozzle_number": 3,
        "used_tools.1.tool.unique_identifier": "UID234223422",
        "used_tools.1.usage_cycles": 3,
    },
    "Production.UnitsArrived": {"unit_count": 2, "units.0.position_name": "CIRCUIT1", "units.1.y": 80.66},
    "Production.UnitsDeparted": {"units.1.position": 2, "units.1.flip_x": False},
    "Production.UnitsDisqualified": {"reason": "DefectiveRepairNotPossible", "units.0.unit_identifier": "CARRIER5566"},
    "Production.UnitsInitialized": {
        "transaction_id": None,
        "work_order_identifier.batch": "BATCH45648798-1",
        "units.1.unit_identifier": "UNIT5566688",
        "units.1.position": 2,
    },
    "Production.WorkCompleted": {
        "transaction_id": UUID("2c24590d-39c5-4039-96a5-91900cecedfa"),
        "result": "Completed",
        "units": [],
    },
    "Production.WorkStageCompleted": {
        "stage.stage_name": "STAGE1",
        "performance_impacts.1.cause": "AlternativeTrackUsed",
    },
    "Production.WorkStageStarted": {"stage.stage_sequence": 1, "stage.stage_type": "Work"},
    "Production.WorkStarted": {
        "transaction_id": UUID("2c24590d-39c5-4039-96a5-91900cecedfa"),
        "lane": 1,
        "units.1.x": 70.45,
    },
    "ResourcePerformance.FaultCleared": {
        "fault_occurrence_id": UUID("22ac3c8a-9e6d-42f8-85b2-f51bf2224ecc"),
        "operator.last_name": "Doe",
    },
    "ResourcePerformance.FaultOccurred": {
        "fault.fault_code": "ERROR 3943480",
        "fault.severity": "Error",
        "fault.description_translations": {},
        "fault.due_date_time": None,
    },
    "ResourcePerformance.StationStateChanged": {
        "old": ResourceState.SBY_NoProduct,
        "new": ResourceState.PRD_RegularWork,
        "old_state_duration": "00:01:25",
    },
    "ResourcePerformance.ToolChanged": {
        "old_tool": None,
        "new_tool.name": "TorqueWrench_123",
        "loaded_from_holder.location_name": "BIN45",
    },
    "Sensor.Identification.IdentifiersNotRead": {"positions_not_read": []},
    "Sensor.Identification.IdentifiersRead": {"primary_identifier": "CARRIER21342", "units": None},
}


def at(value: Any, place: str) -> Any:
    """The value at a place such as `units.1.position`."""
    for step in place.split("."):
        if isinstance(value, list):
            value = value[int(step)]
        else:
            value = value[step] if isinstance(value, dict) else getattr(value, step)
    return value


def in_envelope(name: str) -> bytes:
    return json.dumps(envelope(name, "@")).encode().replace(b'"@"', EXAMPLES[name])


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"CFXEnvelope"}))
def test_a_published_body_reads_as_what_it_says(name: str) -> None:
    (part,) = decode(in_envelope(name))
    try:
        json.loads(EXAMPLES[name])
    except ValueError:
        assert isinstance(part, Malformed)
        assert part.reason.startswith("The JSON")
        return
    assert isinstance(part, Envelope)
    assert bytes(part.body) == EXAMPLES[name].strip()
    message = decode_body(part)
    assert type(message) is MESSAGE_TYPES[f"CFX.{name}"]
    assert {place: at(message, place) for place in VALUES[name]} == VALUES[name]
    (again,) = decode(encode(message, source="A.B.C"))
    assert isinstance(again, Envelope)
    assert decode_body(again) == message


def test_the_published_envelope() -> None:
    (part,) = decode(EXAMPLES["CFXEnvelope"])
    assert isinstance(part, Envelope)
    assert (part.message_name, part.version, part.source) == ("CFX.EndpointConnected", "1.7", None)
    assert part.time_stamp == datetime(2018, 3, 26, 16, 52, 25, 376953, AMERICA)
    assert part.unique_id == UUID("f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f")
    assert at(decode_body(part), "request_target_address") == "/queue/SN23123"


def test_published_time_spans() -> None:
    (part,) = decode(in_envelope("Materials.Management.MSDManagement.MaterialsOpened"))
    assert isinstance(part, Envelope)
    life = at(decode_body(part), "materials.0.material_data.remaining_exposure_time")
    assert parse_timespan(life) == timedelta(days=6)
