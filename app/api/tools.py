"""Tools: what they did, whether they may be used, their limits, and what happened to them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import LimitSetter, Reading, StationWorker, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.http.tables import csv_answer, wants_csv
from app.lines.tool_life import Limits
from app.lines.tools import ToolPlan, plan_tools, set_tool_limits, state_tool, station_id_of, tool_limits
from app.materials.package_events import past
from app.people import Permission
from app.units.tool_states import ToolState, tools, tools_at

router = APIRouter(prefix="/tools", tags=["tools"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Kind = Literal["stencil", "squeegee", "nozzle", "fixture", "feeder", "wrench", "station"]
_Count = Annotated[int | None, Field(ge=1, le=2**31 - 1)]
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]


@dataclass(frozen=True, slots=True)
class ToolPage:
    """Tools and what speaks against each."""

    tools: list[ToolState]
    next: int | None


_COLUMNS = ("tool", "kind", "name", "cycles", "cycles_since_cleaning", "cleaned_at", "calibration_due")


@router.get("", response_model=ToolPage, responses=_CSV, dependencies=_INSIDE)
def get_tools(
    *,
    request: Request,
    connection: Reading,
    station: str | None = None,
    tool: str | None = None,
    kind: _Kind | None = None,
    cursor: int | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Tools, or those at a `station` now: cycles in their life and since cleaning, limits, reasons and warnings."""
    at = datetime.now(UTC)
    following = None
    if station is not None:
        found = tools_at(connection, station_id_of(connection, station), at=at)
        found = [one for one in found if tool in {None, one.tool} and kind in {None, one.kind}]
    else:
        found, following = tools(connection, tool=tool, kind=kind, after=cursor, limit=limit, at=at)
    if wants_csv(request):
        rows = (
            (*(getattr(one, name) for name in _COLUMNS), " ".join(reason.sentence for reason in one.reasons))
            for one in found
        )
        return csv_answer((*_COLUMNS, "reasons"), rows, "tools.csv")
    return json_answer(ToolPage(found, following))


class _Tool(BaseModel):
    model_config = ConfigDict(extra="forbid")

    identifier: _Name
    kind: _Kind
    name: Annotated[str | None, Field(max_length=256)] = None
    cycles_limit: _Count = None
    cleaning_limit: _Count = None
    calibration_days: _Count = None


class Tools(BaseModel):
    """Tools to register or change; limits of their own come before their kind's."""

    model_config = ConfigDict(extra="forbid")

    tools: list[_Tool] = Field(max_length=10_000)


@router.put("", response_model=dict[str, int])
def put_tools(planned: Tools, actor: LimitSetter, once: DoOnce) -> Response:
    """Register tools, or change what is planned of them."""

    def deed(connection: Connection) -> dict[str, int]:
        plan_tools(connection, [ToolPlan(**one.model_dump()) for one in planned.tools], actor=actor.identity)
        return {"tools": len(planned.tools)}

    return once(deed)


class KindLimits(BaseModel):
    """What every tool of a kind may do; null: no limit."""

    model_config = ConfigDict(extra="forbid")

    cycles: _Count = Field(None, description="In its life")
    cleaning: _Count = Field(None, description="Between cleanings")
    calibration_days: _Count = Field(None, description="Between calibrations")


@router.put("/limits", response_model=dict[str, Limits])
def put_limits(limits: dict[_Kind, KindLimits], actor: LimitSetter, once: DoOnce) -> Response:
    """Set what every tool of a kind may do; a limit warns from nine tenths on, then blocks."""

    def deed(connection: Connection) -> dict[str, Limits]:
        given: dict[str, Limits] = {kind: Limits(**one.model_dump()) for kind, one in limits.items()}
        set_tool_limits(connection, given, actor=actor.identity)
        return tool_limits(connection)

    return once(deed)


@router.get("/limits", response_model=dict[str, Limits], dependencies=_INSIDE)
def get_limits(connection: Reading) -> Response:
    """What every tool of a kind may do."""
    return json_answer(tool_limits(connection))


class ToolEvent(BaseModel):
    """What happened to a tool; `due_at` of a calibration is what its certificate says."""

    model_config = ConfigDict(extra="forbid")

    tool: _Name
    happened: Literal["loaded", "unloaded", "cleaned", "calibrated", "retired"]
    station: _Name | None = None
    due_at: AwareDatetime | None = None
    recorded_at: AwareDatetime | None = Field(None, description="When it happened, if not now")


@router.post("/events", response_model=ToolPage)
def post_tool_event(event: ToolEvent, actor: StationWorker, once: DoOnce) -> Response:
    """Record that a tool was loaded, taken out, cleaned, calibrated or retired; answers how it stands now.

    A calibration is recorded by a process or quality engineer.
    """
    if event.happened == "calibrated":
        actor.require(Permission.calibrate)

    def deed(connection: Connection) -> ToolPage:
        state_tool(
            connection,
            event.tool,
            event.happened,
            at=past(event.recorded_at),
            station=event.station,
            due_at=event.due_at,
            actor=actor.identity,
        )
        found, _ = tools(connection, tool=event.tool, at=datetime.now(UTC))
        return ToolPage(found, None)

    return once(deed)
