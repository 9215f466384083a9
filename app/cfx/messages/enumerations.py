"""CFX's enumerations, in the standard's order.

On the wire they are texts, now and then the number of the text. Decoded they are always text; one
the standard does not list stays as the machine wrote it.
"""

from enum import IntEnum
from typing import Annotated, Any, Self

import msgspec


def _of(members: str) -> Any:
    return msgspec.Meta(max_length=256, extra={"members": tuple(members.split())})


ActivityState = Annotated[str, _of("Started Aborted Completed On Off")]
ActorType = Annotated[str, _of("Human Robot RemoteSystem")]
AccessType = Annotated[str, _of("Unknown Ignore Local Remote")]
BlockReason = Annotated[
    str,
    _of("Unspecified SuspectedProblem Defective ExpiredMaterial ExpiredTool"),
]
DisqualificationReason = Annotated[
    str,
    _of("DefectiveRepairNotPossible DefectiveRepairNotFeasible DefectiveMaterials"),
]
FaultCause = Annotated[
    str,
    _of(
        "LoadError UnloadError AutoSafetyStop SafetyStop QualityCheck RemoteStop "
        "MechanicalFailure SoftwareFailure PowerFailure MissingDocumentation Refill "
        "MsdExpired MaterialExpired MissingComponent ElectricalFailure ServicesFailure "
        "ProcessError RejectedComponent"
    ),
]
FaultSeverity = Annotated[str, _of("Information Warning Error Alarm")]
HazardousMaterialType = Annotated[str, _of("NotHazardous Hazardous RoHS")]
InspectionMethod = Annotated[str, _of("Human AOI SPI AXI")]
IssueStatus = Annotated[str, _of("NewlyDiscovered Confirmed False Repaired Closed")]
LockReason = Annotated[
    str,
    _of("QualityIssue PreventativeMaintenance UnscheduledMaintenance GeneralLock"),
]
MSDLevel = Annotated[str, _of("Unspecified MSL1 MSL2 MSL2A MSL3 MSL4 MSL5 MSL5A MSL6")]
MSDState = Annotated[str, _of("Unspecified NeverOpened Exposed InDryStorage Expired")]
MaterialModifyReason = Annotated[
    str,
    _of("Unspecified InformationWasIncorrect ManualCountAndQuantityUpdate SensorTriggeredCorrection"),
]
MaterialStatus = Annotated[str, _of("Active Blocked Depleted")]
NonInstalledComponentLocation = Annotated[str, _of("Lost MaterialCarrier RejectionBox")]
PerformanceImpactCause = Annotated[
    str,
    _of(
        "AlternativeTrackUsed DeactivatedSegmentOnHead VisionSystemDumpAlwaysActivated "
        "AdditionalImageAcquisition LowFeederSpeed GangPickNoParallelPick"
    ),
]
ProcessingResult = Annotated[str, _of("Succeeded Failed Error Aborted Skipped")]
RecipeModificationReason = Annotated[
    str,
    _of(
        "Unspecified NewRecipe NewRevision UpdatedGeometry UpdatedBOM PositionalCorrection "
        "RotationalCorrection VisionSystemCorrection RecipeDeleted"
    ),
]
RejectionReason = Annotated[
    str,
    _of(
        "Unknown MechanicalError ElectricalError SoftwareError ExternalDeviceError "
        "BadElectricalTest ErrorAfterPickUp BadVisionTestAfterPickup "
        "BadPressureTestAfterPickup BadOpticalTestAfterPickup ErrorAfterPlacement "
        "BadVisionTestAfterPlacement BadPressureTestAfterPlacement "
        "BadOpticalTestAfterPlacement BadVisionTestBeforePickup ErrorAfterElectricalTest "
        "BadVisionTestAfterElectricalTest BadPressureTestAfterElectricalTest "
        "BadOpticalTestAfterElectricalTest"
    ),
]
RepairResult = Annotated[str, _of("RepairSuccessful UnableToRepair Scrap Error Aborted")]
SamplingMethod = Annotated[
    str,
    _of("NoSampling ANSI_Z14 MIL_STD_105 MIL_STD_1916 Squeglia FixedSample"),
]
SideLocation = Annotated[str, _of("Unknown Right Left Both")]
StageType = Annotated[str, _of("Work Buffer")]
StatusResult = Annotated[str, _of("Success PartialSuccess Failed Warning")]
SupportedTopicQueryType = Annotated[str, _of("All Any Ignore")]
Surface = Annotated[str, _of("Unspecified PrimarySurface SecondarySurface")]
TestMethod = Annotated[str, _of("Human Automated ICT FPT FCT BST")]
TestResult = Annotated[str, _of("Passed Failed Error Aborted Skipped")]
UninstalledReason = Annotated[
    str,
    _of("DefectiveMaterial DefectiveInstallation IncorrectMaterial Other"),
]
UnitStatus = Annotated[str, _of("Pass Fail Scrap Skip")]
ValidationStatus = Annotated[str, _of("Passed Failed Skipped")]
ValidationType = Annotated[
    str,
    _of("UnitRouteValidation UnitStatusValidation UnitAndSubsStatusValidation UnitTraceValidation All"),
]
ValueAddType = Annotated[str, _of("RealValueAdd BusinessValueAdd NonValueAdd")]
VerificationResult = Annotated[
    str,
    _of("NotVerifiedYet DefectConfirmed DefectRejected DefectAccepted DefectRepaired DefectClosed"),
]
WorkOrderStatus = Annotated[
    str,
    _of("AwaitingApproval ApprovedAndPending Scheduled InProcess Completed Closed OnHold Cancelled"),
]
WorkResult = Annotated[str, _of("Completed Failed Aborted Skipped")]
WorkStagePauseReason = Annotated[
    str,
    _of(
        "Unknown MaterialMissing NozzleMissing WaitingForPreviousStageConveying "
        "WaitingForNextStageConveying ManualAlignmentNeeded "
        "MaterialInstalledConfirmationNeeded ManualBarcodeFillingNeeded "
        "InformationMessageConfirmation ProductionStoppedByOperator"
    ),
]
StencilCleanMode = Annotated[str, _of("W V D")]
SqueegeeCleanType = Annotated[str, _of("Normal Deep Quick")]


class ResourceState(IntEnum):
    """The state of a station, numbered after SEMI E10: thousands the group, hundreds the sub-state.

    CFX sends the number, sometimes as text, sometimes the name; `22A0` and `22B0` are older
    spellings of "blocked" and "starved".
    """

    PRD = 1000
    PRD_RegularWork = 1100
    PRD_WorkForThirdParties = 1200
    PRD_Rework = 1300
    PRD_Engineering = 1400
    SBY = 2000
    SBY_NoOperator = 2100
    SBY_NoProduct = 2200
    SBY_NoProductBlocked = 2201
    SBY_NoProductStarved = 2202
    SBY_NoSupportTool = 2300
    SBY_AssociatedClusterModuleDown = 2400
    SBY_NoHost = 2500
    ENG = 3000
    ENG_ProcessExperiments = 3100
    ENG_EquipmentExperiments = 3200
    SDT = 4000
    SDT_UserMaintenanceDelay = 4100
    SDT_SuppliedMaintenanceDelay = 4200
    SDT_PreventiveMaintenance = 4300
    SDT_ChangeOfConsumables = 4400
    SDT_Setup = 4500
    SDT_ProductionTest = 4600
    SDT_FacilitiesRelated = 4700
    USD = 5000
    USD_UserMaintentanceDelay = 5100
    USD_SuppliedMaintenanceDelay = 5200
    USD_Repair = 5300
    USD_OutOfSpecInputMaterial = 5400
    USD_ChangeOfConsumables = 5500
    USD_FacilitiesRelated = 5600
    NST = 6000
    NST_UnworkedShifts = 6100
    NST_EquipmentInstallation = 6200
    NST_EquipmentModifications = 6300
    NST_OfflineTraining = 6400
    NST_ShutdownAndStartup = 6500

    @property
    def group(self) -> Self:
        """The E10 group: PRD productive, SBY standby, ENG engineering, SDT scheduled downtime,
        USD unscheduled downtime, NST not scheduled.
        """
        return type(self)(self.value // 1000 * 1000)

    @classmethod
    def parse(cls, value: int | str | None) -> Self | None:
        """The state a machine meant by a number, a numeric text or a name; None when unknown."""
        if isinstance(value, str):
            text = value.strip()
            if text in cls.__members__:
                return cls[text]
            text = {"22A0": "2201", "22B0": "2202"}.get(text.upper(), text)
            value = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else None
        try:
            return None if value is None else cls(value)
        except ValueError:
            return None
