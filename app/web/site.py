"""The pages put together."""

from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from app.http.problems import Problem, problem_of
from app.web import (
    containments,
    graph,
    labels,
    line,
    live,
    login,
    materials,
    orders,
    passport,
    people,
    photos,
    preferences,
    quarantine,
    session,
    shipments,
    station,
    trace,
)
from app.web.pages import STATIC, Visitor, wants_page
from app.web.pages import error_page as _error_page

__all__ = ["error_page", "install", "wants_page"]


def install(app: FastAPI) -> None:
    """Add the pages and their files."""
    for part in (
        login, preferences, live, line, trace, graph, containments, materials, quarantine, orders, people, photos,
        labels, station, shipments, passport,
    ):  # fmt: skip
        app.include_router(part.router)
    # Only files are compressed: in a page, what somebody else wrote stands beside a secret (BREACH).
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1024))
    app.add_exception_handler(session.LoginRequired, _log_in_first)


def _log_in_first(request: Request, error: Exception) -> Response:
    if wants_page(request) and request.method in {"GET", "HEAD"}:
        return login.to_login(request)
    if wants_page(request):
        return error_page(request, problem_of(error))
    return problem_of(error).json(request.state.request_id)


def error_page(request: Request, problem: Problem) -> Response:
    """An error as a page, with the navigation of whoever is logged in."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return _error_page(request, problem, visitor)
