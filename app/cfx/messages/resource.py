"""CFX.ResourcePerformance: the state of a station, its faults, its tools and cleanings."""

from uuid import UUID

from msgspec import field

from app.cfx.messages.base import Int32, Message, Moment, Name, Opaque, TimeSpan, Wire, settle_transaction
from app.cfx.messages.enumerations import (
    AccessType,
    FaultCause,
    FaultSeverity,
    ResourceState,
    SideLocation,
    SqueegeeCleanType,
    StencilCleanMode,
)
from app.cfx.messages.structures import Operator, Stage, Tool, ToolHolder

#: A state as it came: a number, a numeric text or a name; see `ResourceState.parse`.
RawState = Int32 | Name


class Fault(Wire, frozen=True, kw_only=True):
    """Something that keeps a station from working (`Fault` and its kinds)."""

    type_: str | None = field(default=None, name="$type")
    transaction_id: UUID | None = field(default=None, name="TransactionID")
    transaction_id_misspelt: UUID | None = field(default=None, name="TransactionId")
    cause: FaultCause | None = None
    severity: FaultSeverity | None = None
    fault_code: Name | None = None
    fault_occurrence_id: UUID | None = None
    lane: Int32 | None = None
    stage: Stage | None = None
    side_location: SideLocation | None = None
    access_type: AccessType | None = None
    description: str | None = None
    description_translations: dict[str, str | None] | None = None
    occurred_at: Moment | None = None
    due_date_time: Moment | None = None

    def __post_init__(self) -> None:
        settle_transaction(self)


class FaultOccurred(Message, frozen=True, kw_only=True):
    """A fault occurred."""

    cfx_name = "CFX.ResourcePerformance.FaultOccurred"
    fault: Fault


class FaultAcknowledged(Message, frozen=True, kw_only=True):
    """Someone saw the fault."""

    cfx_name = "CFX.ResourcePerformance.FaultAcknowledged"
    fault_occurrence_id: UUID
    operator: Operator | None = None


class FaultCleared(Message, frozen=True, kw_only=True):
    """The fault is gone."""

    cfx_name = "CFX.ResourcePerformance.FaultCleared"
    fault_occurrence_id: UUID
    operator: Operator | None = None


class StationStateChanged(Message, frozen=True, kw_only=True):
    """The station changed its state; `old`, `new` are SEMI E10 states or None when unknown."""

    cfx_name = "CFX.ResourcePerformance.StationStateChanged"
    old_state: RawState | None = None
    old_e58_state: RawState | None = field(default=None, name="OldE58State")
    old_state_duration: TimeSpan | None = None
    new_state: RawState | None = None
    new_e58_state: RawState | None = field(default=None, name="NewE58State")
    related_fault: Fault | None = None

    @property
    def old(self) -> ResourceState | None:
        """The state left behind."""
        return ResourceState.parse(self.old_state)

    @property
    def new(self) -> ResourceState | None:
        """The state entered."""
        return ResourceState.parse(self.new_state)


class StageStateChanged(StationStateChanged, frozen=True, kw_only=True):
    """One stage of the station changed its state."""

    cfx_name = "CFX.ResourcePerformance.StageStateChanged"
    stage: Stage | None = None
    lane: Int32 | None = None


class StationOnline(Message, frozen=True, kw_only=True):
    """The station can be reached again."""

    cfx_name = "CFX.ResourcePerformance.StationOnline"
    offline_duration: TimeSpan | None = None


class StationOffline(Message, frozen=True, kw_only=True):
    """The station will not be reached."""

    cfx_name = "CFX.ResourcePerformance.StationOffline"


class ToolChanged(Message, frozen=True, kw_only=True):
    """A tool, such as a nozzle, was exchanged."""

    cfx_name = "CFX.ResourcePerformance.ToolChanged"
    old_tool: Tool | None = None
    returned_to_holder: ToolHolder | None = None
    new_tool: Tool | None = None
    loaded_from_holder: ToolHolder | None = None


class CalibrationPerformed(Message, frozen=True, kw_only=True):
    """The station was calibrated."""

    cfx_name = "CFX.ResourcePerformance.CalibrationPerformed"
    calibration: Opaque
    transaction_id: UUID | None = field(default=None, name="TransactionID")
    transaction_id_misspelt: UUID | None = field(default=None, name="TransactionId")

    def __post_init__(self) -> None:
        settle_transaction(self)


class StencilCleaned(Message, frozen=True, kw_only=True):
    """The stencil was cleaned: W wet, V vacuum, D dry."""

    cfx_name = "CFX.ResourcePerformance.SolderPastePrinting.StencilCleaned"
    stencil: Tool | None = None
    stencil_clean_mode: StencilCleanMode | None = None
    time_since_last_clean: TimeSpan | None = None
    cycles_since_last_clean: Int32 | None = None
    stencil_clean_cycles: Int32 | None = None
    stencil_clean_time: TimeSpan | None = None


class SqueegeeCleaned(Message, frozen=True, kw_only=True):
    """The squeegee was cleaned."""

    cfx_name = "CFX.ResourcePerformance.SolderPastePrinting.SqueegeeCleaned"
    squeegee: Tool | None = None
    squeegee_clean_type: SqueegeeCleanType | None = None
    time_since_last_clean: TimeSpan | None = None
    cycles_since_last_clean: Int32 | None = None
    squeegee_clean_cycles: Int32 | None = None
    squeegee_clean_time: TimeSpan | None = None


class ComponentsPlaced(Message, frozen=True, kw_only=True):
    """How many components were placed in a span of time: counts only, no genealogy."""

    cfx_name = "CFX.ResourcePerformance.SMTPlacement.ComponentsPlaced"
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_components_placed: Int32 | None = None
    total_components_not_placed: Int32 | None = None
