"""The line board, live; the same for a wall; and the list of stations."""

from collections import defaultdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError, NotFound
from app.http.probes import readiness
from app.inbox.quarantine import count_open
from app.interlock.gate import as_logged
from app.interlock.recent import given_verdict, verdict_now
from app.line_board.beginning import missing
from app.line_board.board import LineBoard
from app.line_board.kept import KeptBoard
from app.lines.clocks_set import clock_was_set, wrong_clocks
from app.lines.queries import stations
from app.people import Permission
from app.products.routing import Visit
from app.quality.journey import journey_of
from app.quality.visits import visits
from app.sentences import Sentence
from app.units.flow import activity
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Reading, TheVisitor, Visiting

router = APIRouter(include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]


@router.get("/")
async def home(request: Request, visitor: TheVisitor, fragment: bool = False) -> Response:
    """The lines, station by station; a customer starts with their own work orders."""
    if not visitor.actor.may(Permission.read_line):
        return RedirectResponse("/work-orders", 303)
    board = await _board(request).now()
    if fragment:
        return await run_in_threadpool(_page, request, visitor, "line_now.html", board)
    return await run_in_threadpool(_whole, request, visitor, board)


def _whole(request: Request, visitor: Visitor, board: LineBoard) -> Response:
    to_plan = 0
    if visitor.actor.may(Permission.plan_work):
        with request.app.state.engine.connect() as connection:
            to_plan = missing(connection)
    return _page(request, visitor, "line.html", board, to_plan=to_plan)


@router.get("/wall")
async def wall(
    request: Request, visitor: LineReader, line: str | None = None, every: int = 20, fragment: bool = False
) -> Response:
    """The board to be read from five metres: one line, or each in turn for `every` seconds."""
    board = await _board(request).now()
    names = [one.name for one in board.lines]
    if line is not None and line not in names:
        raise NotFound(Sentence("No line is called %(line)s. The page Line shows those there are.", line=line))
    shown = [one for one in board.lines if line is None or one.name == line]
    template = "wall_now.html" if fragment else "wall.html"
    return await run_in_threadpool(
        _page, request, visitor, template, board, shown=shown, line=line, every=max(5, min(every, 3600))
    )


def _board(request: Request) -> KeptBoard:
    board: KeptBoard = request.app.state.line_board
    return board


def _page(request: Request, visitor: Visitor, template: str, board: LineBoard, **context: Any) -> Response:
    engine = request.app.state.engine
    with engine.connect() as connection:
        quarantined = count_open(connection)
    told = {"lines": board.lines, "stations": board.stations, "alarms": board.alarms, "quarantine_open": quarantined}
    late = [part for part in readiness(engine) if not part.ready]
    return answer(request, template, visitor, told, board=board, late=late, **context)


@router.get("/verdict")
def verdict_page(request: Request, visitor: LineReader, connection: Reading, unit: int, number: int) -> Response:
    """Why the gate let a unit start, or did not; and what it would say now."""
    given = given_verdict(connection, unit, number)
    now = verdict_now(connection, given)
    seen = given.facts.get("unit", {})
    sides = _sides(connection, given.serial)
    done: dict[str, list[str]] = defaultdict(list)
    for visit in sorted(seen.get("visits", ()), key=lambda one: str(one.partition(" ")[2])):
        done[visit.partition(" ")[0]].append(visit)
    steps = []
    for step in seen.get("routing", ()):
        name = step.removesuffix("?")
        visit = done[name].pop(0) if done[name] else None
        steps.append((name, visit is not None, sides.get(visit)))
    return answer(request, "verdict.html", visitor, {"verdict": given, "now": now}, steps=steps)


def _sides(connection: Connection, serial: str | None) -> dict[str | None, str | None]:
    """Visit in the words of a verdict's facts -> the side of the board it was about, as its machine told it."""
    if serial is None:
        return {}
    return {
        as_logged(Visit(visit.operation, entry.recorded_at)): visit.side
        for visit in visits(journey_of(connection, serial))
        if visit.operation is not None
        for entry in visit.entries
    }


@router.get("/stations")
def station_list(request: Request, visitor: LineReader) -> Response:
    """Every station that ever spoke or was planned."""
    return _stations(request, visitor)


def _stations(request: Request, visitor: Visitor, refused: BirthmarkError | None = None) -> Response:
    with request.app.state.engine.connect() as connection:
        work, wrong = activity(connection), wrong_clocks(connection)
        there = [
            {"station": one, "work": work.get(one.station_id), "wrong_clock": wrong.get(one.station_id)}
            for one in stations(connection)
        ]
    status = refused.status if refused else 200
    return answer(request, "stations.html", visitor, {"stations": there}, status, problem=refused)


@router.post("/stations/clock", dependencies=[PostedByUs])
def set_clock(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.state_clocks))],
    station: Annotated[str, Form(max_length=256)],
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Say that a station's clock was set right now."""

    def deed(connection: Connection) -> None:
        clock_was_set(connection, station=station, reason=reason, actor=visitor.actor.identity)

    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _stations(request, visitor, refused)
    return RedirectResponse("/stations", 303)
