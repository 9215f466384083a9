"""CFX.Production: units move, work starts and ends, tools, recipes and operators change."""

from uuid import UUID

from app.cfx.messages.base import (
    Int32,
    Message,
    Moment,
    Name,
    Opaque,
    TransactionIDMessage,
    TransactionMessage,
    UnitScoped,
    Wire,
)
from app.cfx.messages.enumerations import (
    ActivityState,
    DisqualificationReason,
    LockReason,
    ProcessingResult,
    RecipeModificationReason,
    Surface,
    ValueAddType,
    WorkResult,
    WorkStagePauseReason,
)
from app.cfx.messages.storage import StationSetupRequirements
from app.cfx.messages.structures import (
    Operator,
    PerformanceImpact,
    RequestResult,
    Stage,
    Tool,
    ToolUsed,
    UnitPosition,
    WorkOrderIdentifier,
)


class _Units(Message, frozen=True, kw_only=True):
    """Units that did something together, named by panel, by carrier or one by one."""

    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    unit_count: Int32 | None = None
    units: list[UnitPosition] | None = None


class UnitsInitialized(TransactionIDMessage, frozen=True, kw_only=True):
    """Units came into being: which serial sits at which position of which panel."""

    cfx_name = "CFX.Production.UnitsInitialized"
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    work_order_identifier: WorkOrderIdentifier | None = None
    unit_count: Int32 | None = None
    units: list[UnitPosition] | None = None


class UnitsArrived(_Units, frozen=True, kw_only=True):
    """Units arrived at the station."""

    cfx_name = "CFX.Production.UnitsArrived"
    lane: Int32 | None = None


class UnitsDeparted(_Units, frozen=True, kw_only=True):
    """Units left the station."""

    cfx_name = "CFX.Production.UnitsDeparted"
    lane: Int32 | None = None


class UnitsDisqualified(_Units, frozen=True, kw_only=True):
    """Units were taken out of production for good (scrap)."""

    cfx_name = "CFX.Production.UnitsDisqualified"
    reason: DisqualificationReason | None = None
    comments: str | None = None


class WorkStarted(TransactionIDMessage, frozen=True, kw_only=True):
    """Work on units started; its transaction ties what follows to these units."""

    cfx_name = "CFX.Production.WorkStarted"
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    lane: Int32 | None = None
    unit_count: Int32 | None = None
    units: list[UnitPosition] | None = None
    recipe_name: Name | None = None
    revision: Name | None = None
    relevant_surface: Surface | None = None
    work_order_identifier: WorkOrderIdentifier | None = None


class WorkCompleted(TransactionIDMessage, frozen=True, kw_only=True):
    """Work on units ended."""

    cfx_name = "CFX.Production.WorkCompleted"
    result: WorkResult | None = None
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    unit_count: Int32 | None = None
    units: list[UnitPosition] | None = None
    performance_impacts: list[PerformanceImpact] | None = None


class WorkStageStarted(TransactionIDMessage, frozen=True, kw_only=True):
    """Work at one stage started."""

    cfx_name = "CFX.Production.WorkStageStarted"
    stage: Stage | None = None


class WorkStageCompleted(TransactionIDMessage, frozen=True, kw_only=True):
    """Work at one stage ended."""

    cfx_name = "CFX.Production.WorkStageCompleted"
    stage: Stage | None = None
    result: WorkResult | None = None
    performance_impacts: list[PerformanceImpact] | None = None


class WorkStagePaused(TransactionIDMessage, frozen=True, kw_only=True):
    """Work at one stage waits."""

    cfx_name = "CFX.Production.WorkStagePaused"
    stage: Stage | None = None
    pause_reason: WorkStagePauseReason | None = None


class WorkStageResumed(TransactionIDMessage, frozen=True, kw_only=True):
    """Work at one stage goes on."""

    cfx_name = "CFX.Production.WorkStageResumed"
    stage: Stage | None = None


class Activity(Wire, frozen=True, kw_only=True):
    """A step of work on a unit (`Activity` and its kinds)."""

    time_stamp: Moment | None = None
    activity_instance_id: UUID | None = None
    activity_state: ActivityState | None = None
    activity_name: Name | None = None
    comments: str | None = None
    value_add_type: ValueAddType | None = None


class ActivitiesExecuted(TransactionIDMessage, frozen=True, kw_only=True):
    """Steps of work were done."""

    cfx_name = "CFX.Production.ActivitiesExecuted"
    stage: Stage | None = None
    activities: list[Activity]


class ToolsUsed(TransactionMessage, frozen=True, kw_only=True):
    """Tools were used on units."""

    cfx_name = "CFX.Production.ToolsUsed"
    used_tools: list[ToolUsed]


class ToolsLoaded(TransactionIDMessage, frozen=True, kw_only=True):
    """Tools, such as a stencil, were put into the station."""

    cfx_name = "CFX.Production.ToolsLoaded"
    tools: list[Tool]


class ToolsUnloaded(TransactionIDMessage, frozen=True, kw_only=True):
    """Tools were taken out of the station."""

    cfx_name = "CFX.Production.ToolsUnloaded"
    tools: list[Tool]


class ToolsCleaned(TransactionIDMessage, frozen=True, kw_only=True):
    """Tools were cleaned, step by step."""

    cfx_name = "CFX.Production.ToolsCleaned"
    tools: list[Tool]
    cleaning_steps: list[Opaque] | None = None


class ProcessedUnit(UnitScoped, frozen=True, kw_only=True):
    """What a process did to one unit (`ProcessedUnit`)."""

    unit_result: ProcessingResult | None = None
    unit_process_data: Opaque | None = None


class UnitsProcessed(TransactionMessage, frozen=True, kw_only=True):
    """Units went through a process: printing, reflow, coating; its data are kept as they came."""

    cfx_name = "CFX.Production.Processing.UnitsProcessed"
    overall_result: ProcessingResult | None = None
    common_process_data: Opaque | None = None
    unit_process_data: list[ProcessedUnit] | None = None


class RecipeActivated(Message, frozen=True, kw_only=True):
    """A recipe became the active one. Times in seconds."""

    cfx_name = "CFX.Production.RecipeActivated"
    recipe_name: Name
    revision: Name | None = None
    lane: Int32 | None = None
    stage: Stage | None = None
    expected_cycle_time: float | None = None
    expected_work_time: float | None = None
    expected_units_per_work_transaction: float | None = None
    number_of_components_per_unit: float | None = None
    work_order_identifier: WorkOrderIdentifier | None = None
    target_quantity: float | None = None
    relevant_surface: Surface | None = None
    recipe_stages_information: list[Opaque] | None = None


class RecipeModified(Message, frozen=True, kw_only=True):
    """Someone changed a recipe."""

    cfx_name = "CFX.Production.RecipeModified"
    recipe_name: Name
    revision: Name | None = None
    modified_by: Operator | None = None
    reason: RecipeModificationReason | None = None
    notes: str | None = None
    work_order_identifier: WorkOrderIdentifier | None = None


class OperatorActivated(Message, frozen=True, kw_only=True):
    """An operator logged in at the station."""

    cfx_name = "CFX.Production.OperatorActivated"
    operator: Operator


class OperatorDeactivated(Message, frozen=True, kw_only=True):
    """An operator logged out at the station."""

    cfx_name = "CFX.Production.OperatorDeactivated"
    operator: Operator


class LockStationRequest(Message, frozen=True, kw_only=True):
    """Asks a station to stop taking units."""

    cfx_name = "CFX.Production.LockStationRequest"
    lane: Int32 | None = None
    stage: Stage | None = None
    reason: LockReason | None = None
    requestor: Operator | None = None


class LockStationResponse(Message, frozen=True, kw_only=True):
    """Whether the station stopped."""

    cfx_name = "CFX.Production.LockStationResponse"
    result: RequestResult | None = None


class UnlockStationRequest(Message, frozen=True, kw_only=True):
    """Asks a station to take units again."""

    cfx_name = "CFX.Production.UnlockStationRequest"
    lane: Int32 | None = None
    stage: Stage | None = None
    requestor: Operator | None = None


class UnlockStationResponse(Message, frozen=True, kw_only=True):
    """Whether the station takes units again."""

    cfx_name = "CFX.Production.UnlockStationResponse"
    result: RequestResult | None = None


class GetRequiredSetupRequest(Message, frozen=True, kw_only=True):
    """Asks which materials and tools the station should hold."""

    cfx_name = "CFX.Production.GetRequiredSetupRequest"
    lane: Int32 | None = None
    stage: Stage | None = None


class GetRequiredSetupResponse(Message, frozen=True, kw_only=True):
    """Which materials and tools the station should hold."""

    cfx_name = "CFX.Production.GetRequiredSetupResponse"
    result: RequestResult | None = None
    recipe_name: Name | None = None
    recipe_revision: Name | None = None
    lane: Int32 | None = None
    stage: Stage | None = None
    setup_requirements: StationSetupRequirements | None = None
