"""CFX.InformationSystem: work orders, and whether units and operators may proceed."""

from app.cfx.messages.base import Int32, Message, Moment, Name, Position, Wire
from app.cfx.messages.enumerations import ValidationStatus, ValidationType, WorkOrderStatus
from app.cfx.messages.structures import Operator, RequestResult, UnitPosition, WorkOrderIdentifier


class WorkOrder(Wire, frozen=True, kw_only=True):
    """A work order (`WorkOrder`)."""

    work_order_identifier: WorkOrderIdentifier | None = None
    description: str | None = None
    status: WorkOrderStatus | None = None
    router: Name | None = None
    router_revision: Name | None = None
    lot_number: Name | None = None
    customer: Name | None = None
    department: Name | None = None
    created_date: Moment | None = None
    start_date: Moment | None = None
    date_required: Moment | None = None
    part_number: Name | None = None
    part_revision: Name | None = None
    quantity: float | None = None
    unit_of_measure: Name | None = None
    depends_on: list[WorkOrderIdentifier] | None = None


class WorkOrdersCreated(Message, frozen=True, kw_only=True):
    """Work orders came into being."""

    cfx_name = "CFX.InformationSystem.WorkOrderManagement.WorkOrdersCreated"
    new_orders: list[WorkOrder]


class WorkOrdersUpdated(Message, frozen=True, kw_only=True):
    """Work orders changed."""

    cfx_name = "CFX.InformationSystem.WorkOrderManagement.WorkOrdersUpdated"
    updated_orders: list[WorkOrder]


class WorkOrdersDeleted(Message, frozen=True, kw_only=True):
    """Work orders are void."""

    cfx_name = "CFX.InformationSystem.WorkOrderManagement.WorkOrdersDeleted"
    work_order_identifiers: list[WorkOrderIdentifier]


class WorkOrderQuantityUpdated(Message, frozen=True, kw_only=True):
    """A work order's quantity changed."""

    cfx_name = "CFX.InformationSystem.WorkOrderManagement.WorkOrderQuantityUpdated"
    work_order_identifier: WorkOrderIdentifier
    new_quantity: float
    previous_quantity: float | None = None


class WorkOrderStatusUpdated(Message, frozen=True, kw_only=True):
    """A work order's status changed."""

    cfx_name = "CFX.InformationSystem.WorkOrderManagement.WorkOrderStatusUpdated"
    work_order_identifier: WorkOrderIdentifier
    new_status: WorkOrderStatus
    previous_status: WorkOrderStatus | None = None


class ValidateUnitsRequest(Message, frozen=True, kw_only=True):
    """Asks whether units may be worked on: route, status, sub-units, trace."""

    cfx_name = "CFX.InformationSystem.UnitValidation.ValidateUnitsRequest"
    validations: list[ValidationType] | None = None
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    units: list[UnitPosition] | None = None
    lane: Int32 | None = None


class ValidationResult(Wire, frozen=True, kw_only=True):
    """Whether one unit may be worked on, and why not (`ValidationResult`)."""

    unique_identifier: Name | None = None
    position_number: Position | None = None
    result: ValidationStatus | None = None
    failure_code: Int32 | None = None
    message: str | None = None


class ValidateUnitsResponse(Message, frozen=True, kw_only=True):
    """Whether units may be worked on."""

    cfx_name = "CFX.InformationSystem.UnitValidation.ValidateUnitsResponse"
    result: RequestResult | None = None
    primary_result: ValidationResult | None = None
    validation_results: list[ValidationResult] | None = None


class ValidateOperatorRequest(Message, frozen=True, kw_only=True):
    """Asks whether an operator may work here."""

    cfx_name = "CFX.InformationSystem.OperatorValidation.ValidateOperatorRequest"
    operator: Operator


class ValidateOperatorResponse(Message, frozen=True, kw_only=True):
    """Whether the operator may work here."""

    cfx_name = "CFX.InformationSystem.OperatorValidation.ValidateOperatorResponse"
    result: RequestResult | None = None
