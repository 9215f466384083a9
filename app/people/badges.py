"""Badges: a printed code says who stands at a station, a PIN that they are the one.

The code's payload is 130 random bits as capitals and digits, which every scanner types alike; the
table keeps its SHA-256. A badge that can be copied is not enough alone (21 CFR 11.200(a)): whoever
has no PIN cannot log in by badge. PINs are argon2id, as passwords, with the same brake on guesses.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, Engine, func, insert, select, update

from app.errors import BirthmarkError, Invalid, NotFound
from app.people.access import Actor
from app.people.audit import record_audit
from app.people.brake import count_guess, forget_guesses
from app.people.logins import nobodys_hash, passwords, prove_by_password
from app.people.models import Badge, LoginSession, Person, Role
from app.people.sessions import STATION_LOCKS_AFTER, Login, digest, end_sessions, open_session
from app.sentences import Sentence

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648 base32
_LENGTH = 26
_PIN = re.compile(r"[0-9]{4,12}")


class WrongBadge(BirthmarkError):
    """Badge and PIN do not belong together, or the badge is not in force."""

    status = 401
    code = "wrong_badge"
    title = "That did not match"


def set_pin(connection: Connection, *, name: str, pin: str, actor: str) -> None:
    """Give somebody a PIN of 4 to 12 digits. Raises `Invalid` for one that everybody tries first."""
    _enter_pin(connection, name, pin)
    record_audit(connection, actor=actor, deed="person.pin_set", subject=f"person:{name}")


def change_pin(engine: Engine, *, name: str, old: str, new: str, address: str, session: str | None = None) -> None:
    """Change one's own PIN, or choose the first one: `old` is then the password.

    The other sessions that a badge opened end. Raises `Invalid` for a PIN that cannot be, `WrongBadge` or
    `WrongPassword`, and `TooManyGuesses`.
    """
    _check_pin(new)
    with engine.connect() as connection:
        pin_hash = connection.execute(
            select(Person.pin_hash).where(Person.name == name, Person.disabled_at.is_(None))
        ).scalar_one_or_none()
    if pin_hash is None:
        prove_by_password(engine, name=name, password=old, address=address)
    else:
        count_guess(engine, _guessed(name), address)
        if not passwords.verify(old, pin_hash):
            raise WrongBadge(Sentence("That is not your PIN. Enter it again; an administrator can give you a new one."))
    with engine.begin() as connection:
        forget_guesses(connection, _guessed(name), address)
        end_sessions(connection, _enter_pin(connection, name, new), of_badge=True, but=session)
        record_audit(connection, actor=f"person:{name}", deed="person.pin_changed", subject=f"person:{name}")


def has_pin(connection: Connection, name: str) -> bool:
    """Whether somebody has a PIN."""
    return bool(connection.execute(select(Person.pin_hash.is_not(None)).where(Person.name == name)).scalar())


def _check_pin(pin: str) -> None:
    if not _PIN.fullmatch(pin):
        raise Invalid(Sentence("A PIN has 4 to 12 digits."))
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise Invalid(Sentence("A PIN such as 1234 or 0000 is the first that is tried. Choose another one."))


def _enter_pin(connection: Connection, name: str, pin: str) -> int:
    _check_pin(pin)
    person_id = connection.execute(
        update(Person).where(Person.name == name).values(pin_hash=passwords.hash(pin)).returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise NotFound(Sentence("Nobody called %(person)s has an account.", person=name))
    return int(person_id)


def issue_badge(connection: Connection, *, name: str, actor: str) -> str:
    """Make somebody's badge and return its payload, to be printed; earlier badges of theirs are revoked."""
    person_id = connection.execute(
        select(Person.person_id).where(Person.name == name, Person.disabled_at.is_(None)).with_for_update()
    ).scalar_one_or_none()
    if person_id is None:
        raise NotFound(Sentence("Nobody called %(person)s has an account in force.", person=name))
    connection.execute(
        update(Badge).where(Badge.person_id == person_id, Badge.revoked_at.is_(None)).values(revoked_at=func.now())
    )
    payload = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    badge_id = connection.execute(
        insert(Badge).values(person_id=person_id, digest=digest(payload)).returning(Badge.badge_id)
    ).scalar_one()
    record_audit(connection, actor=actor, deed="badge.issued", subject=f"person:{name}", badge=badge_id)
    return payload


def revoke_badge(connection: Connection, *, name: str, actor: str) -> None:
    """Make somebody's badge useless from now on, and end the sessions it opened. Raises `NotFound` without one."""
    badge_id = connection.execute(
        update(Badge)
        .where(Badge.person_id == Person.person_id, Person.name == name, Badge.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Badge.badge_id)
    ).scalar_one_or_none()
    if badge_id is None:
        raise NotFound(Sentence("%(person)s has no badge in force.", person=name))
    person_id = connection.execute(select(Person.person_id).where(Person.name == name)).scalar_one()
    end_sessions(connection, person_id, of_badge=True)
    record_audit(connection, actor=actor, deed="badge.revoked", subject=f"person:{name}", badge=badge_id)


@dataclass(frozen=True, slots=True)
class BadgeSummary:
    """A badge in force, without its secret; `has_pin` says whether it can log in."""

    name: str
    issued_at: datetime
    has_pin: bool


def badges(connection: Connection) -> Sequence[BadgeSummary]:
    """Every badge in force, by name."""
    rows = connection.execute(
        select(Person.name, Badge.issued_at, Person.pin_hash.is_not(None))
        .join(Badge, Badge.person_id == Person.person_id)
        .where(Badge.revoked_at.is_(None))
        .order_by(Person.name)
    )
    return [BadgeSummary(*row) for row in rows]


def log_in_with_badge(engine: Engine, *, payload: str, pin: str, address: str, station: str | None = None) -> Login:
    """Open a session at a station, which locks when nobody touches it. Raises as `prove_by_badge` does."""
    person_id, actor = prove_by_badge(engine, payload=payload, pin=pin, address=address)
    with engine.begin() as connection:
        opened = open_session(connection, person_id, station=station, idle_after=STATION_LOCKS_AFTER)
        record_audit(
            connection, actor=actor.identity, deed="person.logged_in", subject=actor.identity,
            address=address, by="badge", station=station,
        )  # fmt: skip
    return opened


def prove_by_badge(engine: Engine, *, payload: str, pin: str, address: str) -> tuple[int, Actor]:
    """Whose badge and PIN these are: `person_id`, and who they are in what they do.

    Raises `WrongBadge`, or `TooManyGuesses` before looking at the PIN.
    """
    with engine.connect() as connection:
        person = connection.execute(
            select(Person.person_id, Person.name, Person.pin_hash, Person.role, Person.customer_id)
            .join(Badge, Badge.person_id == Person.person_id)
            .where(Badge.digest == digest(payload), Badge.revoked_at.is_(None), Person.disabled_at.is_(None))
        ).one_or_none()
    guessed = _guessed(person.name) if person else "badge"
    count_guess(engine, guessed, address)
    right = passwords.verify(pin, person.pin_hash if person and person.pin_hash else nobodys_hash())
    if person is None or person.pin_hash is None or not right:
        raise WrongBadge(
            Sentence(
                "Badge and PIN do not belong together, or the badge is not in force. Scan the badge again "
                "and enter the PIN; an administrator sets PINs."
            )
        )
    with engine.begin() as connection:
        forget_guesses(connection, guessed, address)
    name = person.name
    return person.person_id, Actor(f"person:{name}", name, Role(person.role), person.customer_id, person=name)


def _guessed(name: str) -> str:
    """What the brake counts for guesses at somebody's PIN."""
    return f"badge of {name}"


def unlock(engine: Engine, *, secret: str, pin: str, address: str) -> None:
    """Open a locked session again, for the person whose it is. Raises as `log_in_with_badge` does."""
    with engine.connect() as connection:
        person = connection.execute(
            select(Person.name, Person.pin_hash)
            .join(LoginSession, LoginSession.person_id == Person.person_id)
            .where(
                LoginSession.digest == digest(secret),
                LoginSession.expires_at > func.now(),
                LoginSession.idle_after.is_not(None),
                Person.disabled_at.is_(None),
            )
        ).one_or_none()
    if person is None or person.pin_hash is None:
        raise WrongBadge(Sentence("This session has ended. Scan your badge."))
    guessed = _guessed(person.name)
    count_guess(engine, guessed, address)
    if not passwords.verify(pin, person.pin_hash):
        raise WrongBadge(Sentence("That is not the PIN. Enter it again, or scan your own badge."))
    with engine.begin() as connection:
        connection.execute(update(LoginSession).where(LoginSession.digest == digest(secret)).values(seen_at=func.now()))
        forget_guesses(connection, guessed, address)
        record_audit(
            connection, actor=f"person:{person.name}", deed="person.unlocked", subject=f"person:{person.name}",
            address=address,
        )  # fmt: skip
