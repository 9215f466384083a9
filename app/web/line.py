"""The line as it stands, live; and the list of stations."""

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.http.probes import readiness
from app.inbox.quarantine import count_open
from app.lines.queries import StationStatus, stations
from app.people import Permission
from app.units.flow import Activity, activity
from app.web.pages import Visitor, answer
from app.web.session import TheVisitor, Visiting

router = APIRouter(include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]


@dataclass(frozen=True, slots=True)
class Standing:
    """A station and its recent work."""

    station: StationStatus
    work: Activity | None


def _standing(connection: Connection) -> list[Standing]:
    work = activity(connection)
    return [Standing(one, work.get(one.station_id)) for one in stations(connection)]


@router.get("/")
def home(request: Request, visitor: TheVisitor, fragment: bool = False) -> Response:
    """The lines, station by station; a customer starts with their own work orders."""
    if not visitor.actor.may(Permission.read_line):
        return RedirectResponse("/work-orders", 303)
    engine = request.app.state.engine
    with engine.connect() as connection:
        standing = _standing(connection)
        quarantined = count_open(connection)
    return answer(
        request,
        "line_now.html" if fragment else "line.html",
        visitor,
        {"stations": standing, "quarantine_open": quarantined},
        lines=[(name, list(members)) for name, members in groupby(standing, key=lambda one: one.station.line)],
        late=[part for part in readiness(engine) if not part.ready],
    )


@router.get("/stations")
def station_list(request: Request, visitor: LineReader) -> Response:
    """Every station that ever spoke or was planned."""
    with request.app.state.engine.connect() as connection:
        standing = _standing(connection)
    return answer(request, "stations.html", visitor, {"stations": standing})
