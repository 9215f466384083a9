"""What an order needs at the line, what will stop it, and what comes back to stock."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Reading, StationWorker, only
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.http.tables import csv_answer, wants_csv
from app.people import Permission
from app.setup.forecast import Forecast, forecast
from app.setup.kitting import Kit, KitLine, kit
from app.setup.returns import Return, return_package

router = APIRouter(tags=["setup"])

_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]

_KIT_COLUMNS = (
    "station", "side", "slot", "lane", "action", "part_number", "alternates", "needed", "package", "left", "missing",
)  # fmt: skip


@router.get("/kitting", response_model=Kit, responses=_CSV, dependencies=_INSIDE)
def get_kitting(
    request: Request,
    connection: Reading,
    work_order: Annotated[str, Query(min_length=1)],
    station: str | None = None,
) -> Response:
    """What an order needs in each slot: what stays, what is to be loaded and from which packages, what goes.

    `action` is keep, add (it runs out before the order ends), load, exchange or remove. Packages are proposed first
    expired first out. `Accept: text/csv` gives the list.
    """
    found = kit(connection, work_order=work_order, station=station, at=datetime.now(UTC))
    if wants_csv(request):
        return csv_answer((*_KIT_COLUMNS, "proposals"), (_kit_row(one) for one in found.lines), f"kit {work_order}.csv")
    return json_answer(found)


def _kit_row(line: KitLine) -> tuple[object, ...]:
    return (*(getattr(line, name) for name in _KIT_COLUMNS), [one.package for one in line.proposals])


_FORECAST_COLUMNS = (
    "slot", "package", "left", "units_left", "runs_out_at", "runs_short_by", "usable_until", "sentences",
)  # fmt: skip


@router.get("/forecast", response_model=Forecast, responses=_CSV, dependencies=_INSIDE)
def get_forecast(
    *,
    request: Request,
    connection: Reading,
    station: Annotated[str, Query(min_length=1, max_length=256, description="CFX handle, or name")],
    work_order: str | None = None,
    side: str | None = None,
) -> Response:
    """What will stop a station before its order ends: packages that run out or become unusable, each in a sentence.

    For the order it builds now, or `work_order`. `Accept: text/csv` gives the slots.
    """
    found = forecast(connection, station=station, work_order=work_order, side=side, at=datetime.now(UTC))
    if wants_csv(request):
        rows = (tuple(getattr(one, name) for name in _FORECAST_COLUMNS) for one in found.slots)
        return csv_answer(_FORECAST_COLUMNS, rows, f"forecast {station}.csv")
    return json_answer(found)


class PackageReturn(BaseModel):
    """A package that leaves its slot; without `quantity` the mass balance says how many pieces are left, at least."""

    model_config = ConfigDict(extra="forbid")

    package: Annotated[str, Field(min_length=1, max_length=256)]
    quantity: float | None = Field(None, ge=0, description="As counted")
    confirmed: bool = Field(
        False, description="The count is right although more than was ever known: of a line lead or quality engineer"
    )
    recorded_at: AwareDatetime | None = None


@router.post("/packages/returns", response_model=Return)
def post_return(returned: PackageReturn, actor: StationWorker, once: DoOnce) -> Response:
    """Take a package out of its slot, with the count of what is left in it."""
    if returned.confirmed:
        actor.require(Permission.confirm_counts)

    def deed(connection: Connection) -> Return:
        return return_package(
            connection,
            package=returned.package,
            quantity=returned.quantity,
            confirmed=returned.confirmed,
            at=returned.recorded_at,
            actor=actor.identity,
        )

    return once(deed)
