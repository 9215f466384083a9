"""The pages put together."""

from dataclasses import replace
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from app.http.problems import Problem, problem_of
from app.line_board.kept import KeptBoard
from app.line_board.shifts import shift_begun
from app.settings import settings
from app.web import (
    account,
    containments,
    demo,
    gate,
    graph,
    handling,
    labels,
    line,
    lines,
    live,
    login,
    materials,
    orders,
    passport,
    people,
    photos,
    planning,
    preferences,
    products,
    quarantine,
    session,
    setups,
    shipments,
    station,
    taken_out,
    tools,
    trace,
    yields,
)
from app.web.pages import STATIC, Visitor, telling, wants_page
from app.web.pages import error_page as _error_page

__all__ = ["error_page", "in_words_of_its_screen", "install", "wants_page"]

_OF_SCREENS = ("/station/", "/photo")
"""Where the scripts of a station's screens ask for JSON and show what went wrong."""


def install(app: FastAPI) -> None:
    """Add the pages and their files; the application's state knows the engine and the changes already."""
    app.state.line_board = KeptBoard(app.state.engine, lambda: app.state.changes.position, _shift_begun)
    for part in (
        login, preferences, live, line, yields, trace, graph, containments, materials, quarantine, orders, people,
        photos, labels, station, shipments, passport, taken_out, gate, account, lines, products, planning, setups,
        handling, tools,
    ):  # fmt: skip
        app.include_router(part.router)
    if app.state.demo is not None:
        app.include_router(demo.router)
    # Only files are compressed: in a page, what somebody else wrote stands beside a secret (BREACH).
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1024))
    app.add_exception_handler(session.LoginRequired, _log_in_first)


def _shift_begun() -> datetime:
    return shift_begun(settings().shifts, datetime.now(UTC).astimezone())


def _log_in_first(request: Request, error: Exception) -> Response:
    if wants_page(request) and request.method in {"GET", "HEAD"}:
        return login.to_login(request)
    if wants_page(request):
        return error_page(request, problem_of(error))
    return problem_of(error).json(request.state.request_id)


def error_page(request: Request, problem: Problem) -> Response:
    """An error as a page, with the navigation of whoever is logged in."""
    return _error_page(request, problem, _visitor(request))


def in_words_of_its_screen(request: Request, problem: Problem) -> Problem:
    """The error of a script as its screen shows it, in the reader's language; that of any other stays English."""
    if not request.url.path.startswith(_OF_SCREENS):
        return problem
    return replace(problem, sentence=telling(request, _visitor(request))(problem.sentence))


def _visitor(request: Request) -> Visitor | None:
    return getattr(request.state, "visitor", None)
