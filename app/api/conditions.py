"""The condition of packages: what happened to them, how parts must be treated, floor lives."""

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import LimitSetter, OpeningsWithdrawer, Reading, StationWorker, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.http.tables import csv_answer, wants_csv
from app.materials.conditions import Condition, conditions
from app.materials.handling import handling_of, limits, set_handling, set_limits
from app.materials.happenings import Happened
from app.materials.never_opened import never_opened
from app.materials.package_events import package_ids, state_packages
from app.materials.rules import Handling
from app.people import Permission

router = APIRouter(tags=["materials"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]


class PackageEvents(BaseModel):
    """What happened to packages: opened, put into dry storage, baked (restored), taken from the cold (thawed), ..."""

    model_config = ConfigDict(extra="forbid")

    packages: list[_Name] = Field(min_length=1, max_length=1000)
    happened: Literal[
        "rated", "opened", "dry_stored", "dry_removed", "restored", "expired", "humidity_card_wet", "thawed",
        "refrigerated", "retired",
    ]  # fmt: skip
    moisture_level: str | None = Field(None, description="1, 2, 2a, 3, 4, 5, 5a or 6, as the label says")
    recorded_at: AwareDatetime | None = Field(None, description="When it happened, if not now")


@router.post("/packages/events", response_model=dict[str, list[Condition]])
def post_package_events(events: PackageEvents, actor: StationWorker, once: DoOnce) -> Response:
    """Record what happened to packages; answers the condition they are in now.

    Opening starts the floor life, dry storage pauses it, baking (`restored`) sets it back, a wet humidity card ends it.
    """

    def deed(connection: Connection) -> dict[str, list[Condition]]:
        state_packages(
            connection,
            events.packages,
            Happened(events.happened),
            at=events.recorded_at,
            moisture_level=events.moisture_level,
            actor=actor.identity,
        )
        return {"conditions": _conditions(connection, events.packages)}

    return once(deed)


class NeverOpened(BaseModel):
    """A package that is still sealed, whoever said that it was opened, and how that is known."""

    model_config = ConfigDict(extra="forbid")

    package: _Name
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/packages/never-opened", response_model=dict[str, list[Condition]])
def post_never_opened(stated: NeverOpened, actor: OpeningsWithdrawer, once: DoOnce) -> Response:
    """Say that a package was scanned as opened by mistake; answers its condition now.

    Refused where something else says that it was open: it was loaded, split, spliced, baked or stored dry.
    """

    def deed(connection: Connection) -> dict[str, list[Condition]]:
        never_opened(connection, package=stated.package, reason=stated.reason, actor=actor.identity)
        return {"conditions": _conditions(connection, [stated.package])}

    return once(deed)


_COLUMNS = ("identifier", "part_number", "lot", "moisture_level", "floor_life_left", "usable_until", "remaining")


@router.get("/packages/condition", response_model=dict[str, list[Condition]], responses=_CSV, dependencies=_INSIDE)
def get_conditions(
    request: Request, connection: Reading, package: Annotated[list[str], Query(min_length=1, max_length=1000)]
) -> Response:
    """Whether packages may be used now, until when, and why not: `?package=P-1&package=P-2`.

    `reasons` speak against using it, each with what clears it; `floor_life_left` is an ISO 8601 duration.
    """
    found = _conditions(connection, package)
    if wants_csv(request):
        rows = (
            (*(getattr(one, name) for name in _COLUMNS), one.usable, " ".join(r.sentence for r in one.reasons))
            for one in found
        )
        return csv_answer((*_COLUMNS, "usable", "reasons"), rows, "conditions.csv")
    return json_answer({"conditions": found})


def _conditions(connection: Connection, identifiers: list[str]) -> list[Condition]:
    found = conditions(connection, list(package_ids(connection, identifiers).values()), at=datetime.now(UTC))
    return sorted(found.values(), key=lambda one: identifiers.index(one.identifier))


class FloorLives(BaseModel):
    """The factory's own hours by moisture level or surface finish; null: unlimited. Left out: the default holds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"hours": {"3": 120, "osp": 8}}]})

    hours: dict[str, float | None] = Field(max_length=100)


@router.put("/floor-life", response_model=dict[str, dict[str, float | None]])
def put_floor_life(floor_lives: FloorLives, actor: LimitSetter, once: DoOnce) -> Response:
    """Set the factory's floor lives in place of all it set before; answers those that hold."""
    return once(lambda connection: {"hours": set_limits(connection, floor_lives.hours, actor=actor.identity)})


@router.get("/floor-life", response_model=dict[str, dict[str, float | None]], responses=_CSV, dependencies=_INSIDE)
def get_floor_life(request: Request, connection: Reading) -> Response:
    """Floor lives in hours by moisture level and surface finish: J-STD-033's, or the factory's own. null: unlimited."""
    found = limits(connection)
    if wants_csv(request):
        return csv_answer(("level", "hours"), found.items(), "floor lives.csv")
    return json_answer({"hours": found})


class PartHandling(BaseModel):
    """How packages of a part must be treated. Hours; what is left out has no limit of its own."""

    model_config = ConfigDict(extra="forbid")

    part_number: _Name
    kind: Literal["component", "paste", "adhesive", "bare_board"] = "component"
    moisture_level: str | None = None
    floor_life_hours: float | None = Field(None, description="The label's time, in place of the level's")
    thaw_hours: float | None = Field(None, description="How long it thaws before use")
    thawed_hours: float | None = Field(None, description="How long it may be out of the cold in all")
    open_hours: float | None = Field(None, description="How long it may be open in all")
    surface_finish: str | None = Field(None, description="osp, immersion_tin, immersion_silver, enig, enepig or hasl")


class Handlings(BaseModel):
    """How parts must be treated."""

    model_config = ConfigDict(extra="forbid")

    parts: list[PartHandling] = Field(max_length=10_000)


@router.put("/handling", response_model=dict[str, list[Handling]])
def put_handling(handlings: Handlings, actor: LimitSetter, once: DoOnce) -> Response:
    """Say how parts must be treated, in place of what was said of each before."""

    def deed(connection: Connection) -> dict[str, list[Handling]]:
        set_handling(connection, [Handling(**one.model_dump()) for one in handlings.parts], actor=actor.identity)
        return {"parts": handling_of(connection, {one.part_number.strip() for one in handlings.parts})}

    return once(deed)


@router.get("/handling", response_model=dict[str, list[Handling]], responses=_CSV, dependencies=_INSIDE)
def get_handling(request: Request, connection: Reading) -> Response:
    """How parts must be treated: moisture level, thawing, open time, surface finish."""
    found = handling_of(connection)
    if wants_csv(request):
        columns = [field.name for field in fields(Handling)]
        return csv_answer(columns, (tuple(asdict(one).values()) for one in found), "handling.csv")
    return json_answer({"parts": found})
