"""CFX.Production.TestAndInspection: what was looked at or measured, and what was found.

`Measurement` is flat: one class holds the members of all kinds of measurement, those of the kind
at hand are set and `type_` names it. 3,000 solder deposits decode without 3,000 decisions.
"""

from msgspec import field

from app.cfx.messages.base import Int32, Moment, Name, Opaque, TransactionMessage, UnitScoped, Wire
from app.cfx.messages.enumerations import (
    InspectionMethod,
    IssueStatus,
    SamplingMethod,
    TestMethod,
    TestResult,
    VerificationResult,
)
from app.cfx.messages.structures import ComponentDesignator, NumericValue, Operator


class Segment(Wire, frozen=True, kw_only=True):
    """A corner of a region, mm (`Segment`)."""

    x: float | None = None
    y: float | None = None


class Region(Wire, frozen=True, kw_only=True):
    """An area of a unit, mm (`Region`)."""

    start_point_x: float | None = None
    start_point_y: float | None = None
    region_segments: list[Segment] | None = None


class Image(Wire, frozen=True, kw_only=True):
    """A picture, inside (`image_data`, base64 text) or by its URL (`Image`)."""

    mime_type: Name | None = None
    transfer_mode: Name | None = None
    image_data: str | None = None
    image_url: str | None = field(default=None, name="ImageURL")


class Measurement(Wire, frozen=True, kw_only=True):
    """One measurement of any kind.

    * `NumericMeasurement`: `measured_value` with units and limits.
    * `TextMeasurement`, `BooleanMeasurement`: `value` against `expected_value`.
    * `SolderPasteMeasurement`: deposit size `x` `y` `z` in mm, area `a` in mm2, volume `vol` in ml,
      each against its expectation `ex` `ey` `ez` `ea` `evol`; offset from the pad's centre `dx`
      `dy`, place `px` `py` in mm; `rxy` in degrees; `ar` the aperture's area ratio.
    * `OffsetMeasurement`: component offset `dx` `dy` `dz`, rotations `rxy` `rzx` `rzy`.

    `crds` names the components, separated by commas, pins after a dot: `R21`, `U34.5`.
    """

    type_: str | None = field(default=None, name="$type")
    measured_value: NumericValue | None = None
    value: str | float | bool | None = None
    expected_value: str | float | bool | None = None
    x: float | None = None
    ex: float | None = field(default=None, name="EX")
    y: float | None = None
    ey: float | None = field(default=None, name="EY")
    z: float | None = None
    ez: float | None = field(default=None, name="EZ")
    dx: float | None = field(default=None, name="DX")
    dy: float | None = field(default=None, name="DY")
    dz: float | None = field(default=None, name="DZ")
    vol: float | None = None
    evol: float | None = field(default=None, name="EVol")
    image: Image | None = None
    a: float | None = None
    ea: float | None = field(default=None, name="EA")
    px: float | None = field(default=None, name="PX")
    py: float | None = field(default=None, name="PY")
    rxy: float | None = field(default=None, name="RXY")
    rzx: float | None = field(default=None, name="RZX")
    rzy: float | None = field(default=None, name="RZY")
    ar: float | None = field(default=None, name="AR")
    unique_identifier: Name | None = None
    measurement_name: Name | None = None
    time_recorded: Moment | None = None
    sequence: Int32 | None = None
    result: TestResult | None = None
    crds: str | None = field(default=None, name="CRDs")


class Symptom(Wire, frozen=True, kw_only=True):
    """What a test saw go wrong (`Symptom`)."""

    unique_identifier: Name | None = None
    symptom_code: Name | None = None
    symptom_category: Name | None = None
    description: str | None = None
    comments: str | None = None
    status: IssueStatus | None = None
    components_of_interest: list[ComponentDesignator] | None = None
    region_of_interest: Region | None = None
    priority: Int32 | None = None
    related_measurements: list[Measurement] | None = None


class Defect(Wire, frozen=True, kw_only=True):
    """What is wrong with a unit, and where (`Defect`). `confidence_level` from 1 to 100."""

    unique_identifier: Name | None = None
    defect_code: Name | None = None
    defect_category: Name | None = None
    description: str | None = None
    comments: str | None = None
    component_of_interest: ComponentDesignator | None = None
    region_of_interest: Region | None = None
    defect_images: list[Image] | None = None
    priority: Int32 | None = None
    confidence_level: float | None = None
    related_measurements: list[Measurement] | None = None
    related_symptoms: list[Symptom] | None = None
    verification: VerificationResult | None = None
    verification_detail: str | None = None


class Inspection(Wire, frozen=True, kw_only=True):
    """One inspection on a unit (`Inspection`)."""

    unique_identifier: Name | None = None
    inspection_name: Name | None = None
    inspection_start_time: Moment | None = None
    inspection_end_time: Moment | None = None
    test_procedure: str | None = None
    comments: str | None = None
    result: TestResult | None = None
    verification: VerificationResult | None = None
    verification_detail: str | None = None
    error: str | None = None
    defects_found: list[Defect] | None = None
    symptoms: list[Symptom] | None = None
    measurements: list[Measurement] | None = None
    ref_no: Int32 | None = None


class InspectedUnit(UnitScoped, frozen=True, kw_only=True):
    """The inspections of one unit (`InspectedUnit`).

    `overall_result` is the machine's word and may be Passed with a failed inspection inside.
    `total_inspection_count` counts all where only the failed ones are listed.
    """

    overall_result: TestResult | None = None
    inspections: list[Inspection] | None = None
    verification: VerificationResult | None = None
    total_inspection_count: Int32 | None = None


class InspectedPanel(Wire, frozen=True, kw_only=True):
    """The inspections of a panel as a whole (`InspectedPanel`)."""

    unit_identifier: Name | None = None
    overall_result: TestResult | None = None
    inspections: list[Inspection] | None = None
    verification: VerificationResult | None = None
    total_inspection_count: Int32 | None = None
    stretch: float | None = None
    recognized_stroke_direction: Name | None = None
    fiducials: list[Opaque] | None = None
    pcb_variant: Name | None = field(default=None, name="PCBVariant")


class SamplingInformation(Wire, frozen=True, kw_only=True):
    """How the units were picked (`SamplingInformation`)."""

    sampling_method: SamplingMethod | None = None
    lot_size: float | None = None
    sample_size: float | None = None


class UnitsInspected(TransactionMessage, frozen=True, kw_only=True):
    """Units were inspected: SPI, AOI, X-ray, or by a human."""

    cfx_name = "CFX.Production.TestAndInspection.UnitsInspected"
    inspection_method: InspectionMethod | None = None
    sampling_information: SamplingInformation | None = None
    inspector: Operator | None = None
    recipe_name: Name | None = None
    recipe_revision: Name | None = None
    inspected_units: list[InspectedUnit] | None = None
    inspected_panel: InspectedPanel | None = None


class Test(Wire, frozen=True, kw_only=True):
    """One test on a unit (`Test`). `result` Error is about the tester, never the board."""

    __test__ = False  # CFX's word; not a test for a test runner to collect

    unique_identifier: Name | None = None
    test_name: Name | None = None
    test_start_time: Moment | None = None
    test_end_time: Moment | None = None
    test_conditions: list[Opaque] | None = None
    test_procedure: str | None = None
    comments: str | None = None
    result: TestResult | None = None
    error: str | None = None
    symptoms_found: list[Symptom] | None = None
    defects_found: list[Defect] | None = None
    measurements: list[Measurement] | None = None


class TestedUnit(UnitScoped, frozen=True, kw_only=True):
    """The tests of one unit (`TestedUnit`). Passed overall, a failed test may be inside."""

    __test__ = False

    overall_result: TestResult | None = None
    tests: list[Test] | None = None


class UnitsTested(TransactionMessage, frozen=True, kw_only=True):
    """Units were tested: in circuit, flying probe, function, boundary scan."""

    cfx_name = "CFX.Production.TestAndInspection.UnitsTested"
    test_method: TestMethod | None = None
    tester: Operator | None = None
    recipe_name: Name | None = None
    recipe_revision: Name | None = None
    sampling_information: SamplingInformation | None = None
    tested_units: list[TestedUnit]
