"""Who looks at a page, and whether a form is ours."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Header, Request
from sqlalchemy import Connection, Engine

from app.db import asked, transaction
from app.errors import Forbidden, Unauthorized
from app.people import OpenSession, Permission, find_session, form_token, touch_session
from app.sentences import Sentence
from app.web.pages import Visitor


class LoginRequired(Unauthorized):
    """Nobody is logged in; a page sends them to the login and back."""


class StationLocked(LoginRequired):
    """Nobody touched this station for a while."""

    code = "station_locked"
    title = "This station is locked"


class FormExpired(Forbidden):
    """The page is of a session that has ended, or of another site."""

    code = "form_expired"


def cookie_name(request: Request) -> str:
    """Over TLS a cookie that only this host can set; plain HTTP allows no such promise."""
    return "__Host-birthmark" if request.url.scheme == "https" else "birthmark"


def session_of(request: Request) -> tuple[str, OpenSession] | None:
    """The session this browser holds, locked or not, with its secret."""
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        return None
    found = asked(request.app.state.gate, lambda connection: find_session(connection, secret))
    return (secret, found) if found else None


def visitor_or_none(request: Request) -> Visitor | None:
    """Who looks, if anybody is logged in and their session is not locked."""
    held = session_of(request)
    if held is None or held[1].locked:
        return None
    secret, found = held
    if found.untouched and "x-background" not in request.headers:  # a page that looks by itself is nobody's hand
        with transaction(request.app.state.engine) as connection:
            touch_session(connection, secret)
    return Visitor(found.actor, secret, language=found.language, station=found.station, locks=found.locks)


def visitor(request: Request) -> Visitor:
    """Who looks. Raises `LoginRequired` where nobody is logged in, `StationLocked` where nobody was there for long."""
    found = visitor_or_none(request)
    if found is None:
        held = session_of(request)
        if held is not None:
            raise StationLocked(
                Sentence(
                    "This station is locked. %(person)s enters the PIN, or you scan your badge.",
                    person=held[1].actor.name,
                )
            )
        raise LoginRequired(Sentence("Nobody is logged in, or the login has expired. Log in and try again."))
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

    async def __call__(self, found: TheVisitor) -> Visitor:
        """Check the role; not in a thread of its own, as there is nothing to wait for."""
        found.actor.require(self.permission)
        return found


async def posted_by_us(
    request: Request,
    found: TheVisitor,
    sent: Annotated[str, Form(alias="form_token")] = "",
    sent_by_script: Annotated[str, Header(alias="X-Form-Token")] = "",
) -> None:
    """Refuse what this session's pages did not send: the token is in the form, or in a field of a script's request."""
    if form_token(found.secret) not in {sent, sent_by_script}:
        raise FormExpired(
            Sentence("The form has expired or came from another site. Open the page again and repeat it.")
        )
    same_origin(request)


def same_origin(request: Request) -> None:
    """Refuse what a browser sends for another site (OWASP: verifying origin)."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden(Sentence("The form came from another site. Open the page here and repeat it."))


PostedByUs = Depends(posted_by_us)


def here(target: str) -> str:
    """Only an address of this site is returned to after a login."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"
