"""Lines and their stations, as they are planned."""

from collections.abc import Callable
from itertools import chain
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError
from app.interlock.standing import station_gates
from app.lines.planning import StationPlan, add_line, plan_station, remove_line, rename_line
from app.lines.queries import lines, operations_of_lines
from app.people import Permission
from app.products.queries import operations_planned
from app.web.filled import NOTHING, Filled, whole
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/lines", include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_gate))]
Word = Annotated[str, Form(max_length=256)]


@router.get("")
def line_list(request: Request, visitor: LineReader) -> Response:
    """Every line with its stations in the order of the flow, and the stations that stand in none."""
    return _lines(request, visitor)


def _lines(request: Request, visitor: Visitor, filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        told = {"lines": lines(connection), "stations": station_gates(connection)}
        known = _operations(connection)
    return answer(request, "lines.html", visitor, told, filled.status, operations=known, filled=filled)


@router.get("/station")
def station_page(request: Request, visitor: LineReader, handle: str) -> Response:
    """One station: what is planned of it, and how it connects."""
    return _station(request, visitor, handle)


def _station(request: Request, visitor: Visitor, handle: str, filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        gates, there, known = station_gates(connection), lines(connection), _operations(connection)
        (here,) = station_gates(connection, handle)
    beside = [one.station for one in gates if one.line == here.line] if here.line else []
    return answer(
        request, "line_station.html", visitor, {"station": here}, filled.status, lines=there, operations=known,
        place=beside.index(handle) + 1 if beside else None, filled=filled,
    )  # fmt: skip


def _operations(connection: Connection) -> list[str]:
    """What stations do and routings ask for: names that only one of the two has are most often misspelt."""
    done = chain.from_iterable(operations_of_lines(connection).values())
    return sorted({*done, *operations_planned(connection)})


@router.post("", dependencies=[PostedByUs])
def add(request: Request, visitor: Planner, name: Word = "") -> Response:
    """Add a line."""
    return _done(request, visitor, Filled("line", {"name": name}, at="name"),
                 lambda connection: add_line(connection, name, actor=visitor.actor.identity))  # fmt: skip


@router.post("/rename", dependencies=[PostedByUs])
def rename(request: Request, visitor: Planner, line_id: Annotated[int, Form()], name: Word = "") -> Response:
    """Give a line another name."""
    return _done(request, visitor, Filled(f"rename-{line_id}", {"name": name}, at="name"),
                 lambda connection: rename_line(connection, line_id, name, actor=visitor.actor.identity))  # fmt: skip


@router.post("/remove", dependencies=[PostedByUs])
def remove(request: Request, visitor: Planner, line_id: Annotated[int, Form()]) -> Response:
    """Forget a line in which no station stands."""
    return _done(request, visitor, Filled(f"rename-{line_id}", at="name"),
                 lambda connection: remove_line(connection, line_id, actor=visitor.actor.identity))  # fmt: skip


@router.post("/stations", dependencies=[PostedByUs])
def add_station(
    *, request: Request, visitor: Planner, line: Word, handle: Word = "", name: Word = "", operation: Word = ""
) -> Response:
    """Put a station at the end of a line."""
    said = {"handle": handle, "name": name, "operation": operation}
    plan = StationPlan(handle, name.strip() or None, operation.strip() or None)

    def deed(connection: Connection) -> None:
        plan_station(connection, plan, line=line, actor=visitor.actor.identity)

    return _done(request, visitor, Filled(f"station-{line}", said, at="handle"), deed)


def _done(request: Request, visitor: Visitor, filled: Filled, deed: Callable[[Connection], object]) -> Response:
    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _lines(request, visitor, Filled(filled.form, filled.said, refused, filled.at))
    return RedirectResponse("/lines", 303)


@router.post("/station", dependencies=[PostedByUs])
def change_station(
    *,
    request: Request,
    visitor: Planner,
    handle: Word,
    name: Word = "",
    operation: Word = "",
    line: Word = "",
    place: Word = "",
) -> Response:
    """Change what is planned of a station."""
    said = {"name": name, "operation": operation, "line": line, "place": place}
    try:
        at = whole(place, "place", most=10_000)
        plan = StationPlan(handle, name.strip(), operation.strip())

        def deed(connection: Connection) -> None:
            plan_station(connection, plan, line=line or None, place=at, actor=visitor.actor.identity)

        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _station(request, visitor, handle, Filled("station", said, refused, "line"))
    return RedirectResponse(f"/lines/station?handle={quote(handle, safe='')}", 303)
