"""People who log in with a password: their accounts, their sessions, and a brake on guessing.

Passwords are argon2id with pwdlib's recommended costs. The session's secret is in the cookie, its
SHA-256 in the table, so a stolen database opens no session.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from pwdlib import PasswordHash
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import BirthmarkError, Conflict, Invalid, NotFound
from app.people.access import Actor
from app.people.audit import record_audit
from app.people.customers import register_customer
from app.people.models import Customer, LoginGuess, LoginSession, Person, Role

SESSION_LASTS = timedelta(hours=12)
SHORTEST_PASSWORD = 10
FIRST_ADMINISTRATOR = "administrator"

_passwords = PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """Compared with where the name is not known, so that the time of the answer does not tell."""
    return _passwords.hash(secrets.token_urlsafe(16))


GUESSES_LAST = timedelta(minutes=15)
_GUESSES_OF_NAME_FROM_ADDRESS = 5
_GUESSES_FROM_ADDRESS = 30
_GUESSES_OF_NAME = 100  # high, so that a stranger can hardly lock somebody out by guessing


class WrongPassword(BirthmarkError):
    """Name and password do not belong together."""

    status = 401
    code = "wrong_password"
    title = "That did not match"


class TooManyGuesses(BirthmarkError):
    """Somebody guesses; wait."""

    status = 429
    code = "too_many_guesses"
    title = "Too many guesses"


def create_person(
    connection: Connection,
    *,
    name: str,
    role: Role | str,
    password: str,
    customer: str | None = None,
    actor: str,
) -> int:
    """Open an account. Raises `Invalid` for what cannot be, `Conflict` where the name is taken."""
    known = Role(role)
    name = name.strip()
    if not name:
        raise Invalid("A person needs a name to log in with.")
    if known is Role.line_equipment:
        raise Invalid("Line equipment does not log in with a password; create a token for it.")
    if (known is Role.customer) != bool(customer):
        raise Invalid("The role customer goes with a customer's name, and only that role does.")
    _check_password(password)
    customer_id = register_customer(connection, name=customer, actor=actor) if customer else None
    person_id = connection.execute(
        upsert(Person)
        .values(name=name, role=known.value, customer_id=customer_id, password_hash=_passwords.hash(password))
        .on_conflict_do_nothing()
        .returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise Conflict(f"Somebody called {name} has an account already. Choose another name.")
    record_audit(
        connection, actor=actor, deed="person.created", subject=f"person:{name}", role=known.value, customer=customer
    )
    return person_id


def set_password(connection: Connection, *, name: str, password: str, actor: str) -> None:
    """Give somebody a new password; every session of theirs ends."""
    _check_password(password)
    person_id = connection.execute(
        update(Person)
        .where(Person.name == name)
        .values(password_hash=_passwords.hash(password))
        .returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise NotFound(f"Nobody called {name} has an account.")
    connection.execute(delete(LoginSession).where(LoginSession.person_id == person_id))
    record_audit(connection, actor=actor, deed="person.password_set", subject=f"person:{name}")


def _check_password(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(f"A password needs at least {SHORTEST_PASSWORD} characters; use a sentence.")


def ensure_first_administrator(connection: Connection) -> str | None:
    """Make the account `administrator` where no administrator exists, and return its password.

    None where one exists. The password is random and cannot be shown again.
    """
    # Two processes that start at once must not both make one and print two passwords.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('first administrator'))"))
    exists = connection.execute(
        select(Person.person_id).where(Person.role == Role.administrator.value, Person.disabled_at.is_(None))
    ).first()
    if exists:
        return None
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    create_person(
        connection,
        name=FIRST_ADMINISTRATOR,
        role=Role.administrator,
        password=password,
        actor="birthmark",
    )
    return password


@dataclass(frozen=True, slots=True)
class Login:
    """An open session: `secret` belongs in the cookie and nowhere else."""

    secret: str
    expires_at: datetime


def log_in(engine: Engine, *, name: str, password: str, address: str) -> Login:
    """Open a session. Raises `WrongPassword`, or `TooManyGuesses` before looking at the password.

    A wrong guess is committed even though the login fails, or the brake would forget it; hence the
    engine and not a connection.
    """
    with engine.begin() as connection:
        _brake(connection, name, address)
        person = connection.execute(
            select(Person.person_id, Person.password_hash).where(Person.name == name, Person.disabled_at.is_(None))
        ).one_or_none()
    right = _passwords.verify(password, person.password_hash if person else _nobodys_hash())
    if person is None or not right:
        with engine.begin() as connection:
            connection.execute(insert(LoginGuess).values(name=name[:200], address=address))
        raise WrongPassword("Name and password do not belong together. Check both and try again.")
    secret = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        expires_at = connection.execute(
            insert(LoginSession)
            .values(digest=_digest(secret), person_id=person.person_id, expires_at=func.now() + SESSION_LASTS)
            .returning(LoginSession.expires_at)
        ).scalar_one()
        connection.execute(delete(LoginSession).where(LoginSession.expires_at < func.now()))
        connection.execute(delete(LoginGuess).where(LoginGuess.name == name, LoginGuess.address == address))
        connection.execute(delete(LoginGuess).where(LoginGuess.at < func.now() - GUESSES_LAST))
        record_audit(
            connection, actor=f"person:{name}", deed="person.logged_in", subject=f"person:{name}", address=address
        )
    return Login(secret, expires_at)


def _brake(connection: Connection, name: str, address: str) -> None:
    by_name = LoginGuess.name == name
    from_address = LoginGuess.address == address
    of_both, of_address, of_name = connection.execute(
        select(
            func.count().filter(by_name, from_address),
            func.count().filter(from_address),
            func.count().filter(by_name),
        ).where(LoginGuess.at > func.now() - GUESSES_LAST, by_name | from_address)
    ).one()
    if of_both >= _GUESSES_OF_NAME_FROM_ADDRESS or of_address >= _GUESSES_FROM_ADDRESS or of_name >= _GUESSES_OF_NAME:
        minutes = int(GUESSES_LAST.total_seconds() // 60)
        raise TooManyGuesses(
            f"Too many wrong passwords. Wait {minutes} minutes and try again, or ask an "
            "administrator for a new password.",
            retry_after=int(GUESSES_LAST.total_seconds()),
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def session_actor(connection: Connection, secret: str) -> Actor | None:
    """Whose session this is, or None where it is not known or has expired."""
    row = connection.execute(
        select(Person.name, Person.role, Person.customer_id)
        .join(LoginSession, LoginSession.person_id == Person.person_id)
        .where(
            LoginSession.digest == _digest(secret),
            LoginSession.expires_at > func.now(),
            Person.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    return Actor(f"person:{row.name}", row.name, Role(row.role), row.customer_id)


def choose_language(connection: Connection, actor: Actor, language: str) -> None:
    """Keep the language in which somebody wants their screens; tokens have none."""
    kind, _, name = actor.identity.partition(":")
    if kind == "person":
        connection.execute(update(Person).where(Person.name == name).values(language=language))


def log_out(connection: Connection, secret: str) -> None:
    """End this session."""
    connection.execute(delete(LoginSession).where(LoginSession.digest == _digest(secret)))


def form_token(secret: str) -> str:
    """What a form of this session must carry, so that another site cannot post in its name.

    Derived from the session's secret, which no other site can read (OWASP: HMAC-based token).
    """
    return hashlib.sha256(b"form:" + secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """Somebody who may log in."""

    person_id: int
    name: str
    role: str
    customer: str | None
    created_at: datetime
    disabled_at: datetime | None


def people(connection: Connection) -> Sequence[PersonSummary]:
    """Everybody with an account, by name."""
    rows = connection.execute(
        select(
            Person.person_id,
            Person.name,
            Person.role,
            Customer.name,
            Person.created_at,
            Person.disabled_at,
        )
        .outerjoin(Customer, Customer.customer_id == Person.customer_id)
        .order_by(Person.name)
    )
    return [PersonSummary(*row) for row in rows]
