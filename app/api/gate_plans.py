"""What the gate goes by: recipes, retest limits, thresholds, qualifications; and what is in force at it."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import GatePlanner, Reading, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.interlock.planned import (
    PlannedRecipe,
    PlannedRetests,
    PlannedThreshold,
    Qualified,
    qualification_needs,
    qualifications,
    recipes,
    retest_limits,
    thresholds,
)
from app.interlock.plans import (
    disqualify,
    need_qualification,
    plan_recipes,
    plan_retest_limit,
    plan_threshold,
    qualify,
)
from app.interlock.rights import RIGHTS, Right
from app.interlock.standing import (
    OverrideInForce,
    StationGate,
    Waiting,
    overrides_in_force,
    station_gates,
    waiting_for_release,
)
from app.people import PERMISSIONS, Permission

router = APIRouter(prefix="/interlock", tags=["interlock"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Asked = Annotated[str | None, Query(max_length=256)]
_INSIDE = [only(Permission.read_line)]


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")


@router.get("/stations", response_model=dict[str, list[StationGate]], dependencies=_INSIDE)
def get_stations(connection: Reading, station: _Asked = None) -> Response:
    """Stations as the gate has them: policy, lock, calibration, how often it refused within the last hour."""
    return json_answer({"stations": station_gates(connection, station)})


@router.get("/overrides", response_model=dict[str, list[OverrideInForce]], dependencies=_INSIDE)
def get_overrides(connection: Reading, station: _Asked = None) -> Response:
    """The overrides in force: which reason, of what, by whom, until when."""
    return json_answer({"overrides": overrides_in_force(connection, station=station)})


@router.get("/provisional", response_model=dict[str, list[Waiting]], dependencies=_INSIDE)
def get_provisional(connection: Reading, limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Response:
    """Units that passed a gate while the product could not be reached, and that nobody has released."""
    return json_answer({"units": waiting_for_release(connection, limit=limit)})


class _Recipe(_Plan):
    recipe: _Name
    revision: Annotated[str, Field(max_length=256)] = ""


class Recipes(_Plan):
    """The recipes that are right for a product revision at an operation; none: nothing is planned there."""

    product_revision_id: int = Field(ge=1, le=2**31 - 1)
    operation: _Name
    recipes: list[_Recipe] = Field(max_length=100)


@router.put("/recipes", response_model=dict[str, list[PlannedRecipe]])
def put_recipes(plan: Recipes, actor: GatePlanner, once: DoOnce) -> Response:
    """Say which recipes are right for a product revision at an operation, in place of what was said before."""

    def deed(connection: Connection) -> dict[str, list[PlannedRecipe]]:
        where: dict[str, Any] = {"product_revision_id": plan.product_revision_id, "operation": plan.operation}
        right = [(one.recipe, one.revision) for one in plan.recipes]
        plan_recipes(connection, **where, recipes=right, actor=actor.identity)
        return {"recipes": recipes(connection, **where)}

    return once(deed)


@router.get("/recipes", response_model=dict[str, list[PlannedRecipe]], dependencies=_INSIDE)
def get_recipes(connection: Reading, product_revision_id: int | None = None, operation: _Asked = None) -> Response:
    """Which recipes are right where; where none is planned, none is asked for."""
    return json_answer({"recipes": recipes(connection, product_revision_id=product_revision_id, operation=operation)})


class RetestPlan(_Plan):
    """How many runs a unit gets at an inspection or test before somebody must decide; null: no limit."""

    product_revision_id: int = Field(ge=1, le=2**31 - 1)
    operation: _Name
    runs: Annotated[int | None, Field(ge=1, le=32_767)]


@router.put("/retest-limits", response_model=dict[str, list[PlannedRetests]])
def put_retest_limit(plan: RetestPlan, actor: GatePlanner, once: DoOnce) -> Response:
    """Say how many runs a unit gets at an operation."""

    def deed(connection: Connection) -> dict[str, list[PlannedRetests]]:
        plan_retest_limit(connection, **plan.model_dump(), actor=actor.identity)
        return {"retest_limits": retest_limits(connection, product_revision_id=plan.product_revision_id)}

    return once(deed)


@router.get("/retest-limits", response_model=dict[str, list[PlannedRetests]], dependencies=_INSIDE)
def get_retest_limits(
    connection: Reading, product_revision_id: int | None = None, operation: _Asked = None
) -> Response:
    """How many runs a unit gets where; without a limit, as many as it takes."""
    found = retest_limits(connection, product_revision_id=product_revision_id, operation=operation)
    return json_answer({"retest_limits": found})


class ThresholdPlan(_Plan):
    """How much of a customer's bill of material must have a package, 0 to 1; null: it is not asked."""

    customer: _Name
    operation: _Name
    completeness: Annotated[float | None, Field(ge=0, le=1)]


@router.put("/thresholds", response_model=dict[str, list[PlannedThreshold]])
def put_threshold(plan: ThresholdPlan, actor: GatePlanner, once: DoOnce) -> Response:
    """Say how complete a customer's genealogy must be before an operation starts."""

    def deed(connection: Connection) -> dict[str, list[PlannedThreshold]]:
        plan_threshold(connection, **plan.model_dump(), actor=actor.identity)
        return {"thresholds": thresholds(connection, customer=plan.customer)}

    return once(deed)


@router.get("/thresholds", response_model=dict[str, list[PlannedThreshold]], dependencies=_INSIDE)
def get_thresholds(connection: Reading, customer: _Asked = None, operation: _Asked = None) -> Response:
    """How complete genealogy must be where, by customer."""
    return json_answer({"thresholds": thresholds(connection, customer=customer, operation=operation)})


class Need(_Plan):
    """Whether only qualified operators may do an operation."""

    operation: _Name
    needed: bool


@router.put("/qualification-needs", response_model=dict[str, list[str]])
def put_need(need: Need, actor: GatePlanner, once: DoOnce) -> Response:
    """Say whether an operation takes a qualified operator."""

    def deed(connection: Connection) -> dict[str, Any]:
        need_qualification(connection, operation=need.operation, needed=need.needed, actor=actor.identity)
        return {"operations": qualification_needs(connection)}

    return once(deed)


@router.get("/qualification-needs", response_model=dict[str, list[str]], dependencies=_INSIDE)
def get_needs(connection: Reading) -> Response:
    """The operations that only a qualified operator may do."""
    return json_answer({"operations": qualification_needs(connection)})


class Qualifying(_Plan):
    """An operator, by the identifier machines name them with, and whether they may do an operation, until when."""

    operator: _Name
    operation: _Name
    qualified: bool = True
    valid_until: AwareDatetime | None = Field(None, description="Null: for good")


@router.put("/qualifications", response_model=dict[str, list[Qualified]])
def put_qualification(given: Qualifying, actor: GatePlanner, once: DoOnce) -> Response:
    """Qualify an operator for an operation, or take the qualification away."""

    def deed(connection: Connection) -> dict[str, list[Qualified]]:
        who = {"operator": given.operator, "operation": given.operation, "actor": actor.identity}
        if given.qualified:
            qualify(connection, **who, valid_until=given.valid_until)
        else:
            disqualify(connection, **who)
        return {"qualifications": qualifications(connection, operator=given.operator)}

    return once(deed)


@router.get("/qualifications", response_model=dict[str, list[Qualified]], dependencies=_INSIDE)
def get_qualifications(connection: Reading, operator: _Asked = None, operation: _Asked = None) -> Response:
    """Who may do what, until when."""
    return json_answer({"qualifications": qualifications(connection, operator=operator, operation=operation)})


@dataclass(frozen=True, slots=True)
class OverrideRight:
    """Who may let a reason pass, for how many hours at most, and whether it takes a second person."""

    code: str
    roles: list[str]
    second_person: bool
    hours: float


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: by role, and of the gate's reasons."""

    roles: dict[str, list[Permission]]
    overrides: list[OverrideRight]


@router.get("/rights", response_model=Rights, dependencies=_INSIDE)
def get_rights() -> Response:
    """Who may do what: the permissions of each role, and who may let which of the gate's reasons pass.

    A reason that is not listed is overridden by nobody: what clears it is in the verdict.
    """
    roles = {role.value: sorted(may) for role, may in PERMISSIONS.items()}
    return json_answer(Rights(roles, [_right(code, right) for code, right in sorted(RIGHTS.items())]))


def _right(code: str, right: Right) -> OverrideRight:
    return OverrideRight(code, [role.value for role in right.roles], right.second_person, right.hours)
