"""Lines and stations: what there is, and how a line is planned."""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import ClockSetter, GatePlanner, Reading, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.lines.clocks_set import WrongClockNow, clock_was_set, wrong_clocks
from app.lines.planning import StationPlan, plan_line
from app.lines.queries import StationStatus, stations
from app.people import Permission
from app.units.flow import Activity, activity

router = APIRouter(tags=["lines"])


@dataclass(frozen=True, slots=True)
class StationNow:
    """A station, what it says of itself, what it did within the last hour, and how wrong its clock is if it is."""

    station: StationStatus
    activity: Activity | None
    wrong_clock: WrongClockNow | None


@router.get(
    "/stations",
    response_model=dict[str, list[StationNow]],
    dependencies=[only(Permission.read_line)],
)
def get_stations(connection: Reading) -> Response:
    """Every station with its state, the units inside and what it did within the last hour."""
    work, wrong = activity(connection), wrong_clocks(connection)
    now = [StationNow(one, work.get(one.station_id), wrong.get(one.station_id)) for one in stations(connection)]
    return json_answer({"stations": now})


class _Station(BaseModel):
    model_config = ConfigDict(extra="forbid")

    handle: str = Field(min_length=1, max_length=256, examples=["Vendor.Model.Serial"])
    name: str | None = Field(None, max_length=100)
    operation: str | None = Field(None, max_length=100)


class LinePlan(BaseModel):
    """A line and its stations in the order of the material's flow."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    stations: list[_Station] = Field(max_length=200)


@router.post("/lines", status_code=201, response_model=None)
def post_line(plan: LinePlan, actor: GatePlanner, once: DoOnce) -> Response:
    """Plan a line; sent again it replaces the line's stations and their order."""

    def deed(connection: Connection) -> dict[str, object]:
        planned = [StationPlan(one.handle, one.name, one.operation) for one in plan.stations]
        line_id = plan_line(connection, name=plan.name, stations=planned, actor=actor.identity)
        return {"line_id": line_id, "name": plan.name}

    return once(deed, status=201)


class ClockSet(BaseModel):
    """Somebody set a station's clock right, at this moment or `at` another since it was seen wrong."""

    model_config = ConfigDict(extra="forbid")

    station: str = Field(min_length=1, max_length=256, examples=["Vendor.Model.Serial"])
    at: AwareDatetime | None = None
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/stations/clock", response_model=None)
def post_clock(stated: ClockSet, actor: ClockSetter, once: DoOnce) -> Response:
    """State that a station's clock was set: what it tells from then on is believed again, what it told before is not.

    A clock that messages show to be right for ten minutes needs nobody to say so.
    """

    def deed(connection: Connection) -> dict[str, object]:
        when = clock_was_set(
            connection, station=stated.station, reason=stated.reason, at=stated.at, actor=actor.identity
        )
        return {"station": stated.station, "right_after": when}

    return once(deed)
