"""The structures many messages share: units, people, stages, packages and where they sit."""

from msgspec import field

from app.cfx.messages.base import Int32, Moment, Name, Opaque, Position, TimeSpan, UnitScoped, Wire
from app.cfx.messages.enumerations import (
    ActorType,
    HazardousMaterialType,
    MaterialStatus,
    MSDLevel,
    MSDState,
    PerformanceImpactCause,
    StageType,
    StatusResult,
    UnitStatus,
)


class UnitPosition(Wire, frozen=True, kw_only=True):
    """One unit of those worked on together (`UnitPosition`, `UnitInfo`).

    Either `unit_identifier` is the unit's own, or it is the panel's or carrier's and the position
    says which. `x`, `y`, `z` in mm, `rotation` in degrees.
    """

    unit_identifier: Name | None = None
    position_number: Position | None = None
    position_number_misspelt: Position | None = field(default=None, name="UnitPositionNumber")
    position_name: Name | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None
    rotation: float | None = None
    flip_x: bool | None = None
    flip_y: bool | None = None
    status: UnitStatus | None = None

    @property
    def position(self) -> int:
        """The position on the panel or carrier, however the machine spelt it; 0 when not said."""
        return self.position_number or self.position_number_misspelt or 0


class Operator(Wire, frozen=True, kw_only=True):
    """A person or robot (`Operator`)."""

    operator_identifier: Name | None = None
    actor_type: ActorType | None = None
    full_name: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    login_name: str | None = None


class Stage(Wire, frozen=True, kw_only=True):
    """A stage of a station (`Stage`, `ReflowZone`)."""

    type_: str | None = field(default=None, name="$type")
    stage_sequence: Int32 | None = None
    stage_name: Name | None = None
    stage_type: StageType | None = None


class WorkOrderIdentifier(Wire, frozen=True, kw_only=True):
    """A work order and, where the factory splits them, its batch (`WorkOrderIdentifier`)."""

    work_order_id: Name | None = None
    batch: Name | None = None


class PerformanceImpact(Wire, frozen=True, kw_only=True):
    """Why work took longer than it might have (`PerformanceImpact`)."""

    cause: PerformanceImpactCause | None = None


class RequestResult(Wire, frozen=True, kw_only=True):
    """How a request ended (`RequestResult`)."""

    result: StatusResult | None = None
    result_code: Int32 | None = None
    message: str | None = None


class MaterialPackage(Wire, frozen=True, kw_only=True):
    """One physical reel, tray, tube or bag (`MaterialPackage`).

    `leading_material_package`: the package spliced in front of this one, consumed before it.
    `grey_zone`: how many pieces around a splice may be from either of the two. `batch_id`: the
    batch a tray without an identifier of its own belongs to.
    """

    unique_identifier: Name | None = None
    internal_part_number: Name | None = None
    internal_package_name: Name | None = None
    quantity: float | None = None
    leading_material_package: "MaterialPackage | None" = None
    batch_id: Name | None = None
    batch_material_package: "MaterialPackage | None" = None
    grey_zone: float | None = None


class MaterialData(Wire, frozen=True, kw_only=True):
    """What is known of a package beside its identity: moisture (`MaterialPackageMSDData`)."""

    type_: str | None = field(default=None, name="$type")
    expiration_date_time: Moment | None = None
    original_exposure_date_time: Moment | None = None
    last_exposure_date_time: Moment | None = None
    remaining_exposure_time: TimeSpan | None = None
    msd_level: MSDLevel | None = field(default=None, name="MSDLevel")
    msd_state: MSDState | None = field(default=None, name="MSDState")


class MaterialPackageDetail(Wire, frozen=True, kw_only=True):
    """Everything about one package, its lot included (`MaterialPackageDetail`)."""

    unique_identifier: Name | None = None
    internal_part_number: Name | None = None
    internal_package_name: Name | None = None
    manufacturer: Name | None = None
    manufacturer_part_number: Name | None = None
    vendor: Name | None = None
    vendor_part_number: Name | None = None
    manufacturer_lot_code: Name | None = None
    created: Moment | None = None
    manufacture_date: Moment | None = None
    received_date: Moment | None = None
    expiry_date: Moment | None = None
    units: str | None = None
    initial_quantity: float | None = None
    quantity: float | None = None
    status: MaterialStatus | None = None
    hazardous_material_type: HazardousMaterialType | None = None
    material_data: MaterialData | None = None
    batch_id: Name | None = None
    grey_zone: float | None = None
    part_price: float | None = None
    part_price_unit: str | None = None
    packaging_info: Opaque | None = None
    resource_location: Opaque | None = None


class MaterialCarrier(Wire, frozen=True, kw_only=True):
    """A feeder, tray or tube holder (`MaterialCarrier`, `SMDTapeFeeder`, `SMDTubeFeeder`, ...).

    `base_unique_identifier` is the multi-lane feeder this lane belongs to. Widths and pitches in
    mm.
    """

    type_: str | None = field(default=None, name="$type")
    base_unique_identifier: Name | None = None
    base_name: Name | None = None
    lane_number: Int32 | None = None
    tape_width: float | None = None
    tape_pitch: float | None = None
    width: float | None = None
    pitch: float | None = None
    unique_identifier: Name | None = None
    name: Name | None = None
    parent_carrier: "MaterialCarrier | None" = None


class MaterialCarrierLocation(Wire, frozen=True, kw_only=True):
    """Where a carrier sits on a station (`MaterialCarrierLocation`).

    `location_identifier` is unique on the station; `location_name` need not be.
    """

    resource_location: Opaque | None = None
    location_identifier: Name | None = None
    location_name: Name | None = None
    carrier_information: MaterialCarrier | None = None


class MaterialLocation(Wire, frozen=True, kw_only=True):
    """Which package sits where (`MaterialLocation`)."""

    resource_location: Opaque | None = None
    location_identifier: Name | None = None
    location_name: Name | None = None
    material_package: MaterialPackage | None = None
    carrier_information: MaterialCarrier | None = None


class Tool(Wire, frozen=True, kw_only=True):
    """A tool: stencil, squeegee, nozzle, torque wrench (`Tool`, `SMTHeadAndNozzle`, `SMTStencil`)."""

    type_: str | None = field(default=None, name="$type")
    head_id: Name | None = None
    head_nozzle_number: Int32 | None = None
    nozzle_type: Name | None = None
    unique_identifier: Name | None = None
    name: Name | None = None
    cleaning_state: Name | None = None


class ToolHolder(Wire, frozen=True, kw_only=True):
    """Where a tool is kept (`ToolHolder`)."""

    location_unique_identifier: Name | None = None
    location_name: Name | None = None
    base_name: Name | None = None


class ComponentDesignator(Wire, frozen=True, kw_only=True):
    """A component on a unit, or one of its pins such as `R22.1` (`ComponentDesignator`)."""

    reference_designator: Name | None = None
    unit_position: UnitPosition | None = None
    part_number: Name | None = None


class InstalledComponent(Wire, frozen=True, kw_only=True):
    """One place on a unit where material went (`InstalledComponent`, `SMTInstalledComponent`).

    `installed_unit_identifier` names a child unit that was built in.
    """

    type_: str | None = field(default=None, name="$type")
    reference_designator: Name | None = None
    installed_unit_identifier: Name | None = None
    installation_time: Moment | None = None
    stage: Stage | None = None
    electrical_test: Opaque | None = None
    tests: Opaque | None = None
    head_and_nozzle: Tool | None = None
    picking_time: Moment | None = None
    picking_sequence: Int32 | None = None
    installation_sequence: Int32 | None = None
    cycle_sequence: Int32 | None = None


class NumericValue(Wire, frozen=True, kw_only=True):
    """A value with its unit, what was expected and the limits (`NumericValue`).

    The units of value, expectation and limits may differ: 28300 Ohm against 28.4 kOhm is within.
    Limits without units of their own are in the units of the expected value.
    """

    value: float | None = None
    value_units: Name | None = None
    expected_value: float | None = None
    expected_value_units: Name | None = None
    minimum_acceptable_value: float | None = None
    minimum_acceptable_value_units: Name | None = None
    maximum_acceptable_value: float | None = None
    maximum_acceptable_value_units: Name | None = None


class ToolUsed(UnitScoped, frozen=True, kw_only=True):
    """A tool used on a unit, and where (`ToolUsed`)."""

    tool: Tool | None = None
    usage_cycles: Int32 | None = None
    installed_components: list[InstalledComponent] | None = None
