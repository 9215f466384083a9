"""The gate for engineers: what each station goes by, what is in force there, and what it said last."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError, Invalid
from app.http.proofs import address_of
from app.interlock.locks import lock_station, unlock_station
from app.interlock.overrides import grant_override, revoke_override
from app.interlock.planned import qualification_needs, qualifications, recipes, retest_limits, thresholds
from app.interlock.plans import (
    Policy,
    disqualify,
    need_qualification,
    plan_calibration,
    plan_policy,
    plan_recipe,
    plan_retest_limit,
    plan_threshold,
    qualify,
)
from app.interlock.releases import release_provisional
from app.interlock.rights import RIGHTS
from app.interlock.standing import overrides_in_force, station_gates, verdicts_at, waiting_for_release
from app.people import PERMISSIONS, Permission, Role, customer_names, prove_by_password
from app.products.queries import products
from app.sentences import Sentence
from app.web.filled import end_of_day
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Reading, Visiting

router = APIRouter(prefix="/gate", include_in_schema=False)

Keeper = Annotated[Visitor, Depends(Visiting(Permission.override_gate))]
Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_gate))]
Calibrator = Annotated[Visitor, Depends(Visiting(Permission.calibrate))]
Releaser = Annotated[Visitor, Depends(Visiting(Permission.release_holds))]
Word = Annotated[str, Form(max_length=256)]
_VERDICTS_SHOWN = 20


@router.get("")
def gate_page(request: Request, visitor: Keeper, station: str = "") -> Response:
    """Every station's gate, and one of them in full."""
    return _page(request, visitor, station)


@router.get("/rights")
def rights_page(
    request: Request, visitor: Annotated[Visitor, Depends(Visiting(Permission.read_line))], connection: Reading
) -> Response:
    """Who may do what, and who may let which reason pass."""
    del connection
    told = {
        "permissions": [
            {"permission": str(one), **{role.value: one in PERMISSIONS[role] for role in Role}} for one in Permission
        ],
        "overrides": [
            {"code": code, "roles": [str(role) for role in right.roles], "second_person": right.second_person,
             "hours": right.hours}
            for code, right in sorted(RIGHTS.items())
        ],
    }  # fmt: skip
    return answer(request, "gate_rights.html", visitor, told, roles=list(Role))


def _page(request: Request, visitor: Visitor, station: str, refused: BirthmarkError | None = None) -> Response:
    with request.app.state.engine.connect() as connection:
        told: dict[str, Any] = {"gates": station_gates(connection), "waiting": waiting_for_release(connection)}
        here = _chosen(told["gates"], station)
        if here is not None:
            told |= _at(connection, here.station, here.operation)
        context = {
            "products": products(connection),
            "customers": sorted(customer_names(connection).values()),
            "needed": here is not None and here.operation in qualification_needs(connection),
        }
    may_override = sorted(code for code, right in RIGHTS.items() if visitor.actor.role in right.roles)
    return answer(
        request, "gate.html", visitor, told, refused.status if refused else 200, chosen=here, problem=refused,
        policies=get_args(Policy), may_override=may_override, **context,
    )  # fmt: skip


def _chosen(gates: list[Any], station: str) -> Any:
    """The station asked for, else one that needs somebody, else the first."""
    if station:
        return next((one for one in gates if one.station == station), None)
    needy = (one for one in gates if one.locked_at or one.refused)
    return next(needy, gates[0] if gates else None)


def _at(connection: Connection, station: str, operation: str | None) -> dict[str, Any]:
    planned: dict[str, Any] = dict.fromkeys(("recipes", "retest_limits", "thresholds", "qualifications"), ())
    if operation is not None:
        planned = {
            "recipes": recipes(connection, operation=operation),
            "retest_limits": retest_limits(connection, operation=operation),
            "thresholds": thresholds(connection, operation=operation),
            "qualifications": qualifications(connection, operation=operation),
        }
    return {
        **planned,
        "overrides": overrides_in_force(connection, station=station),
        "verdicts": verdicts_at(connection, station, limit=_VERDICTS_SHOWN),
    }


def _done(request: Request, visitor: Visitor, station: str, deed: Callable[[Connection], object]) -> Response:
    """Do it and show the station again, or say why not."""
    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _page(request, visitor, station, refused)
    return RedirectResponse(f"/gate?station={quote(station, safe='')}", 303)


@router.post("/policy", dependencies=[PostedByUs])
def set_policy(
    request: Request, visitor: Planner, station: Word, policy: Word, snapshot_minutes: Word = ""
) -> Response:
    """Say what a station does while the product cannot be reached."""

    def deed(connection: Connection) -> None:
        seconds = round(60 * _number(snapshot_minutes, "number of minutes")) if snapshot_minutes.strip() else None
        plan_policy(connection, station=station, policy=policy, snapshot_seconds=seconds,
                    actor=visitor.actor.identity)  # fmt: skip

    return _done(request, visitor, station, deed)


@router.post("/lock", dependencies=[PostedByUs])
def set_lock(
    request: Request, visitor: Keeper, station: Word, lock: Word, reason: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """Lock a station, or unlock it."""

    def deed(connection: Connection) -> None:
        said = {"station": station, "reason": reason, "actor": visitor.actor.identity}
        if lock == "lock":
            lock_station(connection, **said)
        else:
            unlock_station(connection, **said, others=visitor.actor.may(Permission.plan_gate))

    return _done(request, visitor, station, deed)


@router.post("/calibration", dependencies=[PostedByUs])
def set_calibration(request: Request, visitor: Calibrator, station: Word, due: Word = "") -> Response:
    """Say until when a station's calibration holds."""

    def deed(connection: Connection) -> None:
        plan_calibration(connection, station=station, due_at=end_of_day(due, "due"), actor=visitor.actor.identity)

    return _done(request, visitor, station, deed)


@router.post("/recipes", dependencies=[PostedByUs])
def set_recipe(
    *,
    request: Request,
    visitor: Planner,
    station: Word,
    operation: Word,
    product_revision_id: Annotated[int, Form()],
    recipe: Word,
    recipe_revision: Word = "",
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Add a recipe to those that are right for a product revision, or take it away."""

    def deed(connection: Connection) -> None:
        plan_recipe(
            connection,
            product_revision_id=product_revision_id,
            operation=operation,
            recipe=recipe,
            recipe_revision=recipe_revision,
            right=not remove,
            actor=visitor.actor.identity,
        )

    return _done(request, visitor, station, deed)


@router.post("/retests", dependencies=[PostedByUs])
def set_retests(
    *,
    request: Request,
    visitor: Planner,
    station: Word,
    operation: Word,
    product_revision_id: Annotated[int, Form()],
    runs: Word = "",
) -> Response:
    """Say how many runs a unit gets; none given: as many as it takes."""

    def deed(connection: Connection) -> None:
        plan_retest_limit(
            connection,
            product_revision_id=product_revision_id,
            operation=operation,
            runs=int(_number(runs, "number of runs")) if runs.strip() else None,
            actor=visitor.actor.identity,
        )

    return _done(request, visitor, station, deed)


@router.post("/thresholds", dependencies=[PostedByUs])
def set_threshold(
    *, request: Request, visitor: Planner, station: Word, operation: Word, customer: Word, percent: Word = ""
) -> Response:
    """Say how complete a customer's genealogy must be; none given: it is not asked."""

    def deed(connection: Connection) -> None:
        part = _number(percent, "percentage") / 100 if percent.strip() else None
        plan_threshold(connection, customer=customer, operation=operation, completeness=part,
                       actor=visitor.actor.identity)  # fmt: skip

    return _done(request, visitor, station, deed)


@router.post("/need", dependencies=[PostedByUs])
def set_need(
    request: Request, visitor: Planner, station: Word, operation: Word, needed: Annotated[bool, Form()] = False
) -> Response:
    """Say whether the operation takes a qualified operator."""

    def deed(connection: Connection) -> None:
        need_qualification(connection, operation=operation, needed=needed, actor=visitor.actor.identity)

    return _done(request, visitor, station, deed)


@router.post("/qualifications", dependencies=[PostedByUs])
def set_qualification(
    *,
    request: Request,
    visitor: Planner,
    station: Word,
    operation: Word,
    operator: Word,
    until: Word = "",
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Qualify an operator, until a day or for good, or take the qualification away."""

    def deed(connection: Connection) -> None:
        who = {"operator": operator.strip(), "operation": operation, "actor": visitor.actor.identity}
        if not who["operator"]:
            raise Invalid(Sentence("Say who: the identifier by which machines name the operator."))
        if remove:
            disqualify(connection, **who)
        else:
            qualify(connection, **who, valid_until=end_of_day(until, "until") if until.strip() else None)

    return _done(request, visitor, station, deed)


@router.post("/overrides", dependencies=[PostedByUs])
def override(
    *,
    request: Request,
    visitor: Keeper,
    station: Word,
    code: Word,
    serial: Word = "",
    hours: Word = "1",
    reason: Annotated[str, Form(max_length=1000)] = "",
    second: Word = "",
    password: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Let one reason pass for a time; a second person shows who they are with their password, where one is needed."""

    def deed(connection: Connection) -> None:
        grant_override(
            connection,
            code=code,
            station=station,
            serial=serial.strip() or None,
            until=datetime.now(UTC) + timedelta(hours=_number(hours, "number of hours")),
            reason=reason,
            actor=visitor.actor,
            second=beside,
        )

    beside = None
    if second.strip():
        try:
            _, beside = prove_by_password(
                request.app.state.engine, name=second.strip(), password=password, address=address_of(request)
            )
        except BirthmarkError as refused:
            return _page(request, visitor, station, refused)
    return _done(request, visitor, station, deed)


@router.post("/overrides/{override_id}/end", dependencies=[PostedByUs])
def end_override(request: Request, visitor: Keeper, override_id: int, station: Word) -> Response:
    """End an override before its time."""
    return _done(
        request, visitor, station, lambda connection: revoke_override(connection, override_id, actor=visitor.actor)
    )


@router.post("/release", dependencies=[PostedByUs])
def release(
    request: Request,
    visitor: Releaser,
    station: Word = "",
    serial: Annotated[list[str] | None, Form()] = None,
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Release units that passed a gate while the product could not be reached."""

    def deed(connection: Connection) -> None:
        if not serial:
            raise Invalid(Sentence("Choose the units that were looked at."))
        release_provisional(connection, serial, reason=reason, actor=visitor.actor.identity)

    return _done(request, visitor, station, deed)


def _number(typed: str, what: str) -> float:
    try:
        given = float(typed.strip().replace(",", "."))
    except ValueError:
        given = -1.0
    if not 0 <= given <= 1_000_000:
        raise Invalid(Sentence("%(typed)s is no %(word)s.", typed=repr(typed), word=what))
    return given
