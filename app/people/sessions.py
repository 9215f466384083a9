"""Sessions of browsers: the secret is in the cookie, its SHA-256 in the table.

A session at a station locks when nobody touched the screen for a while; the badge or the PIN of the
same person opens it again, another badge begins another session.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from app.people.access import Actor
from app.people.models import LoginSession, Person, Role

SESSION_LASTS = timedelta(hours=12)
STATION_LOCKS_AFTER = timedelta(minutes=5)
_TOUCHED_AT_MOST_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Login:
    """A session just opened: `secret` belongs in the cookie and nowhere else."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Whose session it is and in which language; at which station (CFX handle), and whether it locks and is locked.

    `untouched`: it locks, and for a while nobody has noted that somebody is there; see `touch_session`.
    """

    actor: Actor
    language: str | None
    station: str | None
    locks: bool
    locked: bool
    untouched: bool


def open_session(
    connection: Connection, person_id: int, *, station: str | None = None, idle_after: timedelta | None = None
) -> Login:
    """Open a session for somebody who has shown who they are. Sessions that have expired go."""
    secret = secrets.token_urlsafe(32)
    expires_at = connection.execute(
        insert(LoginSession)
        .values(
            digest=digest(secret),
            person_id=person_id,
            expires_at=func.now() + SESSION_LASTS,
            station=station,
            idle_after=idle_after,
        )
        .returning(LoginSession.expires_at)
    ).scalar_one()
    connection.execute(delete(LoginSession).where(LoginSession.expires_at < func.now()))
    return Login(secret, expires_at)


def find_session(connection: Connection, secret: str) -> OpenSession | None:
    """The session of this secret, or None where it is not known or has expired."""
    row = connection.execute(
        select(
            Person.name,
            Person.role,
            Person.customer_id,
            Person.language,
            LoginSession.station,
            LoginSession.idle_after.is_not(None).label("locks"),
            func.coalesce(LoginSession.seen_at + LoginSession.idle_after < func.now(), False).label("locked"),
            (LoginSession.seen_at < func.now() - _TOUCHED_AT_MOST_EVERY).label("long_ago"),
        )
        .join(LoginSession, LoginSession.person_id == Person.person_id)
        .where(
            LoginSession.digest == digest(secret),
            LoginSession.expires_at > func.now(),
            Person.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    actor = Actor(f"person:{row.name}", row.name, Role(row.role), row.customer_id, person=row.name)
    untouched = row.locks and row.long_ago
    return OpenSession(actor, row.language, row.station, row.locks, row.locked, untouched)


def session_actor(connection: Connection, secret: str) -> Actor | None:
    """Whose session this is, or None where it is not known, has expired or is locked."""
    found = find_session(connection, secret)
    return found.actor if found and not found.locked else None


def touch_session(connection: Connection, secret: str) -> None:
    """Somebody is at the screen; a locked session stays locked."""
    connection.execute(
        update(LoginSession)
        .where(
            LoginSession.digest == digest(secret),
            LoginSession.idle_after.is_not(None),
            LoginSession.seen_at + LoginSession.idle_after >= func.now(),
        )
        .values(seen_at=func.now())
    )


def lock_session(connection: Connection, secret: str) -> None:
    """Lock a station's session now: whoever goes away does not wait for the clock."""
    connection.execute(
        update(LoginSession)
        .where(LoginSession.digest == digest(secret), LoginSession.idle_after.is_not(None))
        .values(seen_at=func.now() - LoginSession.idle_after - timedelta(seconds=1))
    )


def move_session(connection: Connection, secret: str, station: str | None) -> None:
    """The screen now stands at this station."""
    connection.execute(update(LoginSession).where(LoginSession.digest == digest(secret)).values(station=station))


def log_out(connection: Connection, secret: str) -> None:
    """End this session."""
    connection.execute(delete(LoginSession).where(LoginSession.digest == digest(secret)))


def end_sessions(connection: Connection, person_id: int, *, of_badge: bool = False, but: str | None = None) -> None:
    """End somebody's sessions, or those that their badge opened; the one with the secret `but` goes on."""
    ended = delete(LoginSession).where(LoginSession.person_id == person_id)
    if of_badge:
        ended = ended.where(LoginSession.idle_after.is_not(None))
    if but is not None:
        ended = ended.where(LoginSession.digest != digest(but))
    connection.execute(ended)


def form_token(secret: str) -> str:
    """What a form of this session must carry, so that another site cannot post in its name.

    Derived from the session's secret, which no other site can read (OWASP: HMAC-based token).
    """
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()


def digest(secret: str) -> bytes:
    """What the tables keep of a secret."""
    return hashlib.sha256(secret.encode()).digest()
