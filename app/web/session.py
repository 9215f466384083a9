"""Logging in and out, and who looks at a page."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Header, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Engine

from app.db import transaction
from app.errors import BirthmarkError, Forbidden, Unauthorized
from app.people import Permission, form_token, log_in, log_out, session_actor
from app.web.pages import Visitor, render

router = APIRouter(include_in_schema=False)


class LoginRequired(Unauthorized):
    """Nobody is logged in; a page sends them to the login and back."""


def cookie_name(request: Request) -> str:
    """Over TLS a cookie that only this host can set; plain HTTP allows no such promise."""
    return "__Host-birthmark" if request.url.scheme == "https" else "birthmark"


def visitor_or_none(request: Request) -> Visitor | None:
    """Who looks, if anybody is logged in."""
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        return None
    with request.app.state.engine.connect() as connection:
        actor = session_actor(connection, secret)
    return Visitor(actor, secret) if actor else None


def visitor(request: Request) -> Visitor:
    """Who looks. Raises `LoginRequired` where nobody is logged in."""
    found = visitor_or_none(request)
    if found is None:
        raise LoginRequired("Nobody is logged in, or the login has expired. Log in and try again.")
    request.state.visitor = found
    return found


TheVisitor = Annotated[Visitor, Depends(visitor)]


def reading(request: Request) -> Iterator[Connection]:
    """A read-only transaction for the time of the answer, streaming included."""
    engine: Engine = request.app.state.engine
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        yield connection


Reading = Annotated[Connection, Depends(reading)]


class Visiting:
    """A dependency: who looks, provided that their role may."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, found: TheVisitor) -> Visitor:
        """Check the role."""
        found.actor.require(self.permission)
        return found


def posted_by_us(
    request: Request,
    found: TheVisitor,
    sent: Annotated[str, Form(alias="form_token")] = "",
    sent_by_script: Annotated[str, Header(alias="X-Form-Token")] = "",
) -> None:
    """Refuse what this session's pages did not send: the token is in the form, or in a field of a script's request."""
    if form_token(found.secret) not in {sent, sent_by_script}:
        raise Forbidden("The form has expired or came from another site. Open the page again and repeat it.")
    same_origin(request)


def same_origin(request: Request) -> None:
    """Refuse what a browser sends for another site (OWASP: verifying origin)."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("The form came from another site. Open the page here and repeat it.")


PostedByUs = Depends(posted_by_us)


def here(target: str) -> str:
    """Only an address of this site is returned to after a login."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"


@router.get("/login")
def login_page(request: Request, to: str = "/") -> Response:
    """Ask for name and password."""
    if visitor_or_none(request):
        return RedirectResponse(here(to), 303)
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
    address = request.client.host if request.client else "unknown"
    try:
        opened = log_in(request.app.state.engine, name=name, password=password, address=address)
    except BirthmarkError as refused:
        page = render(request, "login.html", None, refused.status, to=here(to), name=name, problem=refused)
        if "retry_after" in refused.details:
            page.headers["Retry-After"] = str(refused.details["retry_after"])
        return page
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


@router.post("/logout", dependencies=[PostedByUs])
def logout(request: Request, found: TheVisitor) -> Response:
    """End the session."""
    with transaction(request.app.state.engine) as connection:
        log_out(connection, found.secret)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(cookie_name(request))
    return response


def to_login(request: Request) -> RedirectResponse:
    """Send a visitor to the login, and back afterwards."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?to={quote(target, safe='')}", 303)
