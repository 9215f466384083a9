"""What stations measure, item by item: one through many runs, and the capability of all."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from app.api.access import Reading, only
from app.errors import Invalid
from app.http.answers import json_answer
from app.http.tables import csv_answer, wants_csv
from app.lines.tools import station_id_of
from app.people import Permission
from app.quality.processes import ItemCapability, Measured, measured_capability, measured_series
from app.quality.readings import Window, characteristics
from app.sentences import Sentence

router = APIRouter(tags=["quality"], prefix="/measurements")

_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]
_USUAL = timedelta(hours=24)

Name: TypeAlias = Annotated[str, Query(min_length=1, max_length=256)]


def asked_runs(
    connection: Reading,
    station: Annotated[str, Query(min_length=1, max_length=256, description="CFX handle, or name")],
    since: Annotated[AwareDatetime | None, Query(description="A day before `until` where nothing is said")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Now where nothing is said")] = None,
    limit: Annotated[int, Query(ge=1, le=100_000, description="At most so many runs of a layout, the latest")] = 10_000,
) -> Window:
    """The runs that are meant, by the station's clock."""
    end = until or datetime.now(UTC)
    try:
        begin = since or end - _USUAL
    except OverflowError:
        raise Invalid(Sentence("Before until there is no day. Say since as well, or a later until.")) from None
    return Window(station_id_of(connection, station), begin, end, limit)


Runs: TypeAlias = Annotated[Window, Depends(asked_runs)]


@router.get("/characteristics", response_model=list[str], dependencies=_INSIDE)
def get_characteristics(connection: Reading, runs: Runs) -> Response:
    """What a station measures as numbers of its items, such as `Vol` of solder paste."""
    return json_answer(characteristics(connection, runs))


@router.get("/series", response_model=list[Measured], responses=_CSV, dependencies=_INSIDE)
def get_series(request: Request, connection: Reading, runs: Runs, feature: Name, characteristic: Name) -> Response:
    """One item through the runs of a station, the latest first: a pad by its name, a measurement by its own.

    `Accept: text/csv` gives the list.
    """
    found = measured_series(connection, runs, feature, characteristic)
    if wants_csv(request):
        columns = list(Measured.__dataclass_fields__)
        rows = ([getattr(one, column) for column in columns] for one in found)
        return csv_answer(columns, rows, f"{characteristic} of {feature}.csv")
    return json_answer(found)


@router.get("/capability", response_model=list[ItemCapability], responses=_CSV, dependencies=_INSIDE)
def get_capability(
    *,
    request: Request,
    connection: Reading,
    runs: Runs,
    characteristic: Name,
    lower: Annotated[float | None, Query(allow_inf_nan=False, description="In place of the items' own")] = None,
    upper: Annotated[float | None, Query(allow_inf_nan=False, description="In place of the items' own")] = None,
) -> Response:
    """Mean, spread, Cp and Cpk of every item that a station measured, the least capable first.

    Limits are those that came with the items, where none are given. `Accept: text/csv` gives the list.
    """
    found = measured_capability(connection, runs, characteristic, lower=lower, upper=upper)
    if wants_csv(request):
        columns = list(ItemCapability.__dataclass_fields__)
        rows = ([getattr(one, column) for column in columns] for one in found)
        return csv_answer(columns, rows, f"capability of {characteristic}.csv")
    return json_answer(found)
