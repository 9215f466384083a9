"""The line as it stands, live; and the list of stations."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy import Connection

from app.http.answers import json_answer
from app.http.probes import readiness
from app.inbox.quarantine import count_open
from app.lines.queries import StationStatus, stations
from app.live import Changes
from app.people import Permission
from app.units.flow import Activity, activity
from app.web.pages import Visitor, render, wants_json
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
    if wants_json(request):
        return json_answer({"stations": standing, "quarantine_open": quarantined})
    lines = [(name, list(members)) for name, members in groupby(standing, key=lambda one: one.station.line)]
    return render(
        request,
        "line_now.html" if fragment else "line.html",
        visitor,
        lines=lines,
        quarantined=quarantined,
        late=[part for part in readiness(engine) if not part.ready],
    )


@router.get("/stations")
def station_list(request: Request, visitor: LineReader) -> Response:
    """Every station that ever spoke or was planned."""
    with request.app.state.engine.connect() as connection:
        standing = _standing(connection)
    if wants_json(request):
        return json_answer({"stations": standing})
    return render(request, "stations.html", visitor, standing=standing)


@router.get("/live")
async def live(request: Request, visitor: LineReader) -> StreamingResponse:  # noqa: ARG001
    """Tell the page each time something was recorded (server-sent events, WHATWG HTML 9.2)."""
    changes: Changes = request.app.state.changes

    async def events() -> AsyncIterator[str]:
        yield "retry: 2000\nevent: changed\ndata: connected\n\n"
        async for happened in changes.watch():
            yield "event: changed\ndata: recorded\n\n" if happened else ": still here\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
