"""Yield and defects: how good the lines are, what is found most, which lots are behind it; and how capable they are."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from app.lines.queries import stations
from app.lines.tools import station_id_of
from app.people import Permission
from app.quality.processes import measured_capability, measured_series
from app.quality.queries import defect_pareto, symptom_pareto
from app.quality.readings import Window, characteristics
from app.quality.suspect_lots import suspect_lots
from app.quality.yields import first_pass_yields
from app.web.pages import Visitor, answer
from app.web.session import Reading, Visiting

router = APIRouter(include_in_schema=False)

QualityReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
HOURS = (1, 8, 24, 168)


@router.get("/yield")
def yield_page(
    request: Request,
    visitor: QualityReader,
    connection: Reading,
    hours: Annotated[int, Query(ge=1, le=24 * 31)] = 8,
    by: Literal["code", "reference_designator", "part_number"] = "code",
) -> Response:
    """First-pass yield by station, defects and symptoms as Paretos, and the lots that failed boards share."""
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    told = {
        "yields": first_pass_yields(connection, since, until),
        "defects": defect_pareto(connection, since, until, by=by),
        "symptoms": symptom_pareto(connection, since, until),
        "suspects": suspect_lots(connection, since, until, most=6),
    }
    return answer(request, "yield.html", visitor, told, hours=hours, by=by, choices=HOURS)


_CAPABLE_SHOWN = 100
Word = Annotated[str, Query(max_length=256)]


@router.get("/yield/capability")
def capability_page(
    *,
    request: Request,
    visitor: QualityReader,
    connection: Reading,
    station: Word = "",
    characteristic: Word = "",
    feature: Word = "",
    hours: Annotated[int, Query(ge=1, le=24 * 31)] = 24,
) -> Response:
    """What a station measured: the capability of every item, the least first, or one item run by run."""
    until = datetime.now(UTC)
    window = Window(station_id_of(connection, station) if station else 0, until - timedelta(hours=hours), until)
    names = characteristics(connection, window)
    if characteristic not in names:  # of another station, or not chosen yet
        characteristic, feature = names[0] if names else "", ""
    told: dict[str, object]
    if feature:
        told = {"series": measured_series(connection, window, feature, characteristic)}
    else:
        told = {"capability": measured_capability(connection, window, characteristic) if characteristic else []}
    handles = [one.handle for one in stations(connection)]
    return answer(
        request, "capability.html", visitor, told, station=station, stations=handles, characteristic=characteristic,
        characteristics=names, feature=feature, hours=hours, choices=HOURS, shown=_CAPABLE_SHOWN,
    )  # fmt: skip
