"""Logging in: with name and password, or at a station with badge and PIN; locking, and logging out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.db import transaction
from app.errors import BirthmarkError
from app.http.proofs import address_of, badge_payload
from app.people import Login, lock_session, log_in, log_in_with_badge, log_out, unlock
from app.web.pages import render
from app.web.session import PostedByUs, TheVisitor, cookie_name, here, same_origin, session_of, visitor_or_none

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, to: str = "/") -> Response:
    """Ask for name and password; at a locked station, for the PIN."""
    if visitor_or_none(request):
        return RedirectResponse(here(to), 303)
    if session_of(request):
        return _badge_page(request, to)
    return render(request, "login.html", None, to=here(to), name="", problem=None)


@router.post("/login")
def login(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "/",
) -> Response:
    """Log in and return to where the visitor wanted to go."""
    same_origin(request)
    try:
        opened = log_in(request.app.state.engine, name=name, password=password, address=address_of(request))
    except BirthmarkError as refused:
        page = render(request, "login.html", None, refused.status, to=here(to), name=name, problem=refused)
        return _patiently(page, refused)
    return open_here(request, opened, to)


@router.get("/login/badge")
def badge_page(request: Request, to: str = "/", station: str = "") -> Response:
    """Ask for badge and PIN."""
    if visitor_or_none(request):
        return RedirectResponse(here(to), 303)
    return _badge_page(request, to, station)


def _badge_page(request: Request, to: str, station: str = "", refused: BirthmarkError | None = None) -> Response:
    held = session_of(request)
    whose = held[1].actor.name if held and held[1].locked else None
    page = render(
        request,
        "login_badge.html",
        None,
        refused.status if refused else 200,
        to=here(to),
        station=station or (held[1].station or "" if held else ""),
        whose=whose,
        problem=refused,
    )
    return _patiently(page, refused)


@router.post("/login/badge")
def badge_login(
    request: Request,
    badge: Annotated[str, Form()] = "",
    pin: Annotated[str, Form()] = "",
    station: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "/",
) -> Response:
    """Log in at a station. Without a badge, whoever locked it opens it again by the PIN alone."""
    same_origin(request)
    engine, address = request.app.state.engine, address_of(request)
    held = session_of(request)
    try:
        if not badge.strip() and held is not None:
            unlock(engine, secret=held[0], pin=pin, address=address)
            return RedirectResponse(here(to), 303)
        opened = log_in_with_badge(
            engine, payload=badge_payload(badge), pin=pin, address=address, station=station.strip() or None
        )
    except BirthmarkError as refused:
        return _badge_page(request, to, station, refused)
    if held is not None:  # somebody else takes over
        with transaction(engine) as connection:
            log_out(connection, held[0])
    return open_here(request, opened, to)


@router.post("/lock", dependencies=[PostedByUs])
def lock(request: Request, found: TheVisitor) -> Response:
    """Lock this station now."""
    with transaction(request.app.state.engine) as connection:
        lock_session(connection, found.secret)
    return RedirectResponse("/login", 303)


@router.post("/logout", dependencies=[PostedByUs])
def logout(request: Request, found: TheVisitor) -> Response:
    """End the session."""
    with transaction(request.app.state.engine) as connection:
        log_out(connection, found.secret)
    response = RedirectResponse("/login/badge" if found.locks else "/login", 303)
    response.delete_cookie(cookie_name(request), secure=request.url.scheme == "https", httponly=True)
    return response


def _patiently(page: Response, refused: BirthmarkError | None) -> Response:
    if refused and "retry_after" in refused.details:
        page.headers["Retry-After"] = str(refused.details["retry_after"])
    return page


def open_here(request: Request, opened: Login, to: str) -> Response:
    """Give this browser the session just opened, and send it on."""
    response = RedirectResponse(here(to), 303)
    response.set_cookie(
        cookie_name(request),
        opened.secret,
        expires=opened.expires_at,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


def to_login(request: Request) -> RedirectResponse:
    """Send a visitor to the login, and back afterwards."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?to={quote(target, safe='')}", 303)
