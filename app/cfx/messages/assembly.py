"""CFX.Production.Assembly, Application, ReworkAndRepair: what went into a unit, and what came out."""

from msgspec import field

from app.cfx.messages.base import Int32, Moment, Name, Opaque, TransactionMessage, UnitScoped, Wire
from app.cfx.messages.enumerations import (
    NonInstalledComponentLocation,
    RejectionReason,
    RepairResult,
    UninstalledReason,
)
from app.cfx.messages.inspection import Defect, Region, Symptom
from app.cfx.messages.structures import (
    ComponentDesignator,
    InstalledComponent,
    MaterialCarrierLocation,
    MaterialPackage,
    NumericValue,
    Operator,
    Stage,
    Tool,
)


class NonInstalledComponent(Wire, frozen=True, kw_only=True):
    """A placement that failed: the component was rejected or lost (`NonInstalledComponent`).

    The same designator may be installed in the same message: rejected first, then placed.
    """

    type_: str | None = field(default=None, name="$type")
    reference_designator: Name | None = None
    non_installation_time: Moment | None = None
    location: NonInstalledComponentLocation | None = None
    stage: Stage | None = None
    rejection_box_id: Name | None = None
    rejection_comment: str | None = None
    rejection_reason: RejectionReason | None = None
    rejection_details: Opaque | None = None
    head_and_nozzle: Tool | None = None
    picking_time: Moment | None = None
    picking_sequence: Int32 | None = None
    cycle_sequence: Int32 | None = None


class InstalledMaterial(UnitScoped, frozen=True, kw_only=True):
    """What one package gave to one unit (`InstalledMaterial`, `AppliedMaterial`).

    `reference_part_number`: the part number asked for, where the package is an alternate.
    `quantity_applied`: paste, flux, glue, with its unit.
    """

    type_: str | None = field(default=None, name="$type")
    quantity_installed: float | None = None
    quantity_non_installed: float | None = None
    material: MaterialPackage | None = None
    carrier_location: MaterialCarrierLocation | None = None
    installed_components: list[InstalledComponent] | None = None
    non_installed_components: list[NonInstalledComponent] | None = None
    reference_part_number: Name | None = None
    quantity_applied: NumericValue | None = None


class MaterialsInstalled(TransactionMessage, frozen=True, kw_only=True):
    """Components were placed on units."""

    cfx_name = "CFX.Production.Assembly.MaterialsInstalled"
    installed_materials: list[InstalledMaterial]


class MaterialsApplied(TransactionMessage, frozen=True, kw_only=True):
    """Paste, flux, glue or coating was applied to units."""

    cfx_name = "CFX.Production.Application.MaterialsApplied"
    applied_materials: list[InstalledMaterial]


class UninstalledMaterial(UnitScoped, frozen=True, kw_only=True):
    """What was taken off one unit (`UninstalledMaterial`)."""

    quantity_uninstalled: float | None = None
    reason: UninstalledReason | None = None
    material: MaterialPackage | None = None
    uninstalled_components: list[InstalledComponent] | None = None


class MaterialsUninstalled(TransactionMessage, frozen=True, kw_only=True):
    """Components were taken off units."""

    cfx_name = "CFX.Production.Assembly.MaterialsUninstalled"
    uninstalled_materials: list[UninstalledMaterial]


class MaterialsUnapplied(TransactionMessage, frozen=True, kw_only=True):
    """Paste, flux, glue or coating was washed off units."""

    cfx_name = "CFX.Production.Application.MaterialsUnapplied"
    unapplied_materials: list[UninstalledMaterial]


class Characteristic(Wire, frozen=True, kw_only=True):
    """A property given to a unit: a MAC address, a firmware version (`Characteristic`)."""

    name: Name | None = None
    value: str | None = None


class PersonalizedUnit(UnitScoped, frozen=True, kw_only=True):
    """The properties given to one unit (`PersonalizedUnit`)."""

    characteristics: list[Characteristic] | None = None


class UnitsPersonalized(TransactionMessage, frozen=True, kw_only=True):
    """Units were given properties of their own."""

    cfx_name = "CFX.Production.Assembly.UnitsPersonalized"
    personalized_units: list[PersonalizedUnit]


class Repair(Wire, frozen=True, kw_only=True):
    """One repair on a unit, and the defects it answers (`Repair`)."""

    unique_identifier: Name | None = None
    repair_name: Name | None = None
    repair_start_time: Moment | None = None
    repair_end_time: Moment | None = None
    comments: str | None = None
    component_of_interest: ComponentDesignator | None = None
    region_of_interest: Region | None = None
    related_defect_identifiers: list[Name] | None = None
    reclassified_defects: list[Defect] | None = None
    related_symptom_identifiers: list[Name] | None = None
    reclassified_symptoms: list[Symptom] | None = None
    result: RepairResult | None = None
    error: str | None = None


class RepairedUnit(UnitScoped, frozen=True, kw_only=True):
    """The repairs on one unit (`RepairedUnit`)."""

    overall_result: RepairResult | None = None
    repairs: list[Repair] | None = None


class UnitsRepaired(TransactionMessage, frozen=True, kw_only=True):
    """Units were repaired, or could not be."""

    cfx_name = "CFX.Production.ReworkAndRepair.UnitsRepaired"
    repair_operator: Operator | None = None
    repaired_units: list[RepairedUnit]
