"""Tools: what they did, whether they may be used, what happened to them, and what is planned of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError
from app.lines.tool_life import KINDS, Limits
from app.lines.tools import ToolPlan, plan_tools, planned_tool, set_tool_limits, state_tool, tool_limits
from app.people import Permission
from app.units.tool_states import tools
from app.web.filled import NOTHING, Filled, end_of_day, whole
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/tools", include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
LimitSetter = Annotated[Visitor, Depends(Visiting(Permission.set_limits))]
Worker = Annotated[Visitor, Depends(Visiting(Permission.work_at_stations))]
Word = Annotated[str, Form(max_length=256)]
HAPPENS = ("cleaned", "calibrated", "retired")


@router.get("")
def tool_list(
    request: Request, visitor: LineReader, tool: str = "", cursor: Annotated[int | None, Query(ge=0)] = None
) -> Response:
    """Tools and what speaks against each; one of them to be changed."""
    return _page(request, visitor, tool, cursor)


def _page(
    request: Request, visitor: Visitor, tool: str = "", cursor: int | None = None, filled: Filled = NOTHING
) -> Response:
    with request.app.state.engine.connect() as connection:
        found, following = tools(connection, after=cursor, at=datetime.now(UTC))
        of_kinds = tool_limits(connection)
        chosen = planned_tool(connection, tool) if tool else None
    kinds = [{"kind": kind, **_limits(of_kinds.get(kind, Limits()))} for kind in KINDS]
    told = {"tools": found, "next": following, "kinds": kinds}
    return answer(
        request, "tools.html", visitor, told, filled.status, chosen=chosen or ToolPlan("", KINDS[0]), happens=HAPPENS,
        filled=filled,
    )  # fmt: skip


def _limits(limits: Limits) -> dict[str, int | None]:
    return {
        "cycles_limit": limits.cycles, "cleaning_limit": limits.cleaning, "calibration_days": limits.calibration_days,
    }  # fmt: skip


@router.post("", dependencies=[PostedByUs])
def plan_tool(
    *,
    request: Request,
    visitor: LimitSetter,
    identifier: Word = "",
    kind: Word = "",
    name: Word = "",
    cycles_limit: Word = "",
    cleaning_limit: Word = "",
    calibration_days: Word = "",
) -> Response:
    """Register a tool, or change what is planned of it."""
    numbers = {"cycles_limit": cycles_limit, "cleaning_limit": cleaning_limit, "calibration_days": calibration_days}

    def deed(connection: Connection) -> None:
        given = {field: whole(typed, field) for field, typed in numbers.items()}
        plan = ToolPlan(identifier, kind, name.strip() or None, **given)
        plan_tools(connection, [plan], actor=visitor.actor.identity)

    said = {"identifier": identifier, "kind": kind, "name": name, **numbers}
    return _done(request, visitor, Filled("tool", said, at="identifier"), deed)


@router.post("/limits", dependencies=[PostedByUs])
def limit_kind(
    *,
    request: Request,
    visitor: LimitSetter,
    kind: Word = "",
    cycles_limit: Word = "",
    cleaning_limit: Word = "",
    calibration_days: Word = "",
) -> Response:
    """Say what every tool of a kind may do."""
    said = {"cycles_limit": cycles_limit, "cleaning_limit": cleaning_limit, "calibration_days": calibration_days}

    def deed(connection: Connection) -> None:
        given = [whole(typed, field) for field, typed in said.items()]
        set_tool_limits(connection, {kind: Limits(*given)}, actor=visitor.actor.identity)

    return _done(request, visitor, Filled(f"kind-{kind}", said, at="cycles_limit"), deed)


@router.post("/events", dependencies=[PostedByUs])
def state_event(*, request: Request, visitor: Worker, tool: Word, happened: Word = "", due: Word = "") -> Response:
    """Say that a tool was cleaned, calibrated (by whom that is), or is used no longer."""
    if happened == "calibrated":
        visitor.actor.require(Permission.calibrate)

    def deed(connection: Connection) -> None:
        due_at = end_of_day(due, "due") if happened == "calibrated" and due.strip() else None
        state_tool(connection, tool, happened, at=datetime.now(UTC), due_at=due_at, actor=visitor.actor.identity)

    return _done(request, visitor, Filled(f"event-{tool}", {"due": due}, at="due"), deed)


def _done(request: Request, visitor: Visitor, filled: Filled, deed: Callable[[Connection], object]) -> Response:
    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _page(request, visitor, filled=Filled(filled.form, filled.said, refused, filled.at))
    return RedirectResponse("/tools", 303)
