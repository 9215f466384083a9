"""Work orders and products: what is to be built, through which operations, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import GatePlanner, Planner, Reading, UnitReader, only
from app.api.once import DoOnce
from app.errors import Invalid, NotFound
from app.http.answers import json_answer
from app.http.designs import uploaded_design
from app.orders.planning import plan_work_order
from app.orders.queries import WorkOrderSummary, work_orders
from app.people import Permission
from app.products.planning import approve_parts, import_design, set_routing
from app.products.queries import ProductSummary, approved_parts, products, routing_of
from app.products.routing import RoutingStep
from app.sentences import Sentence
from app.units.ownership import assign_customer

router = APIRouter(tags=["orders"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]


class WorkOrderPlan(BaseModel):
    """A work order to plan."""

    model_config = ConfigDict(extra="forbid")

    number: _Name
    product_revision_id: int | None = None
    quantity: int | None = Field(None, ge=1)
    customer: _Name | None = None


@router.post("/work-orders", status_code=201, response_model=WorkOrderSummary)
def post_work_order(plan: WorkOrderPlan, actor: Planner, once: DoOnce) -> Response:
    """Plan a work order. One that machines named before becomes planned."""

    def deed(connection: Connection) -> WorkOrderSummary:
        if plan.product_revision_id is not None:
            known = {one.product_revision_id for one in products(connection)}
            if plan.product_revision_id not in known:
                raise Invalid(
                    Sentence(
                        "There is no product revision %(revision)s. GET /api/v1/products lists them.",
                        revision=plan.product_revision_id,
                    )
                )
        plan_work_order(connection, **plan.model_dump(), actor=actor.identity)
        return _work_order(connection, plan.number)

    return once(deed, status=201)


class CustomerAssignment(BaseModel):
    """Who a work order is built for."""

    model_config = ConfigDict(extra="forbid")

    work_order: _Name
    customer: _Name


@router.post("/work-orders/customer", response_model=None)
def post_customer(assignment: CustomerAssignment, actor: Planner, once: DoOnce) -> Response:
    """Say for whom a work order is built; that customer sees its units from then on."""

    def deed(connection: Connection) -> dict[str, object]:
        units = assign_customer(connection, **assignment.model_dump(), actor=actor.identity)
        return {**assignment.model_dump(), "units": units}

    return once(deed)


@dataclass(frozen=True, slots=True)
class WorkOrderPage:
    """Work orders, newest first."""

    work_orders: list[WorkOrderSummary]
    next: int | None


@router.get("/work-orders", response_model=WorkOrderSummary | WorkOrderPage)
def get_work_orders(
    reader: UnitReader,
    connection: Reading,
    number: str | None = None,
    cursor: int | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """One work order by `number`, or a list, newest first; a customer sees their own only."""
    if number is not None:
        return json_answer(_work_order(connection, number, reader.customer_id))
    found = work_orders(connection, customer_id=reader.customer_id, before=cursor, limit=limit)
    more = found[-1].work_order_id if len(found) == limit else None
    return json_answer(WorkOrderPage(list(found), more))


def _work_order(connection: Connection, number: str, customer_id: int | None = None) -> WorkOrderSummary:
    found = work_orders(connection, number=number.strip(), customer_id=customer_id)
    if not found:
        raise NotFound(Sentence("No work order %(order)s is known here. Check its number.", order=number))
    return found[0]


@router.get(
    "/products",
    response_model=dict[str, list[ProductSummary]],
    dependencies=[only(Permission.read_line)],
)
def get_products(connection: Reading) -> Response:
    """Every revision of every product."""
    return json_answer({"products": products(connection)})


@router.post("/products", status_code=201, response_model=None)
def post_product(
    *,
    bom: Annotated[UploadFile, File(description="Bill of material, CSV as KiCad writes it")],
    placements: Annotated[UploadFile, File(description="Placement file, CSV as KiCad writes it")],
    actor: GatePlanner,
    once: DoOnce,
    part_number: Annotated[str | None, Form()] = None,
    revision: Annotated[str | None, Form()] = None,
    customer: Annotated[str | None, Form()] = None,
    units_per_panel: Annotated[int, Form()] = 1,
) -> Response:
    """Import a board from its BOM and placement file; the answer lists every mismatch of the two."""
    design = uploaded_design(bom, placements, name=part_number, revision=revision)

    def deed(connection: Connection) -> dict[str, object]:
        revision_id = import_design(
            connection,
            design,
            part_number=part_number,
            customer=customer,
            units_per_panel=units_per_panel,
            actor=actor.identity,
        )
        return {
            "product_revision_id": revision_id,
            "part_number": part_number or design.name,
            "revision": design.revision,
            "components": len(design.components),
            "mismatches": design.mismatches,
        }

    return once(deed, status=201)


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operation: _Name = Field(description="As the stations that do it have it: POST /lines", examples=["placement"])
    optional: bool = False


class RoutingPlan(BaseModel):
    """The operations a product revision goes through, in order; one may come several times. None: no routing."""

    model_config = ConfigDict(extra="forbid")

    product_revision_id: int = Field(ge=1, le=2**31 - 1)
    steps: list[_Step] = Field(max_length=500)


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing of a product revision; without steps nothing is skipped there."""

    product_revision_id: int
    steps: Sequence[RoutingStep]


@router.put("/routings", response_model=Routing)
def put_routing(plan: RoutingPlan, actor: GatePlanner, once: DoOnce) -> Response:
    """Say which operations a product revision goes through, in place of what was said before."""

    def deed(connection: Connection) -> Routing:
        steps = [RoutingStep(step.operation, step.optional) for step in plan.steps]
        set_routing(connection, plan.product_revision_id, steps, actor=actor.identity)
        return Routing(plan.product_revision_id, steps)

    return once(deed)


@router.get("/routings", response_model=Routing, dependencies=[only(Permission.read_line)])
def get_routing(connection: Reading, product_revision_id: Annotated[int, Query(ge=1, le=2**31 - 1)]) -> Response:
    """The operations a product revision goes through; without steps nobody planned any."""
    return json_answer(Routing(product_revision_id, routing_of(connection, product_revision_id)))


class ApprovedParts(BaseModel):
    """The parts that may be used in place of one of the bill; none: only the bill's own."""

    model_config = ConfigDict(extra="forbid")

    product_revision_id: int = Field(ge=1, le=2**31 - 1)
    part_number: _Name
    alternates: list[_Name] = Field(max_length=500)


@router.put("/approved-parts", response_model=dict[str, dict[str, list[str]]])
def put_approved_parts(plan: ApprovedParts, actor: GatePlanner, once: DoOnce) -> Response:
    """Say which parts may be used in place of one of the bill's, in place of what was said before."""

    def deed(connection: Connection) -> dict[str, dict[str, list[str]]]:
        approve_parts(connection, **plan.model_dump(), actor=actor.identity)
        return {"approved": approved_parts(connection, plan.product_revision_id)}

    return once(deed)


@router.get(
    "/approved-parts",
    response_model=dict[str, dict[str, list[str]]],
    dependencies=[only(Permission.read_line)],
)
def get_approved_parts(connection: Reading, product_revision_id: Annotated[int, Query(ge=1, le=2**31 - 1)]) -> Response:
    """Which parts may be used in place of which of the bill's."""
    return json_answer({"approved": approved_parts(connection, product_revision_id)})
