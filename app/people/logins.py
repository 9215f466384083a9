"""People who show who they are with a password. Passwords are argon2id with pwdlib's recommended costs."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pwdlib import PasswordHash
from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import BirthmarkError, Conflict, Invalid, NotFound
from app.people.access import Actor
from app.people.audit import record_audit
from app.people.brake import count_guess, forget_guesses
from app.people.customers import register_customer
from app.people.models import Customer, Person, Role
from app.people.sessions import Login, end_sessions, open_session
from app.sentences import Sentence

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
FIRST_ADMINISTRATOR = "administrator"

passwords = PasswordHash.recommended()


@lru_cache(maxsize=1)
def nobodys_hash() -> str:
    """Compared with where the name is not known, so that the time of the answer does not tell."""
    return passwords.hash(secrets.token_urlsafe(16))


class WrongPassword(BirthmarkError):
    """Name and password do not belong together."""

    status = 401
    code = "wrong_password"
    title = "That did not match"


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
        raise Invalid(Sentence("A person needs a name to log in with."))
    if known is Role.line_equipment:
        raise Invalid(Sentence("Line equipment does not log in with a password; create a token for it."))
    if (known is Role.customer) != bool(customer):
        raise Invalid(Sentence("The role customer goes with a customer's name, and only that role does."))
    check_password(password)
    customer_id = register_customer(connection, name=customer, actor=actor) if customer else None
    person_id = connection.execute(
        upsert(Person)
        .values(name=name, role=known.value, customer_id=customer_id, password_hash=passwords.hash(password))
        .on_conflict_do_nothing()
        .returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise Conflict(Sentence("Somebody called %(person)s has an account already. Choose another name.", person=name))
    record_audit(
        connection, actor=actor, deed="person.created", subject=f"person:{name}", role=known.value, customer=customer
    )
    return person_id


def set_password(connection: Connection, *, name: str, password: str, actor: str) -> None:
    """Give somebody a new password; every session of theirs ends."""
    check_password(password)
    person_id = connection.execute(
        update(Person)
        .where(Person.name == name)
        .values(password_hash=passwords.hash(password))
        .returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise NotFound(Sentence("Nobody called %(person)s has an account.", person=name))
    end_sessions(connection, person_id)
    record_audit(connection, actor=actor, deed="person.password_set", subject=f"person:{name}")


def change_password(engine: Engine, *, name: str, old: str, new: str, address: str, session: str | None = None) -> None:
    """Change one's own password; every other session ends, the one with the secret `session` goes on.

    Raises `Invalid` for a new one that cannot be, `WrongPassword` and `TooManyGuesses` as a login does.
    """
    check_password(new)
    if new == old:
        raise Invalid(Sentence("This is the password you have. Choose another one."))
    person_id, actor = prove_by_password(engine, name=name, password=old, address=address)
    with engine.begin() as connection:
        connection.execute(
            update(Person).where(Person.person_id == person_id).values(password_hash=passwords.hash(new))
        )
        end_sessions(connection, person_id, but=session)
        record_audit(connection, actor=actor.identity, deed="person.password_changed", subject=actor.identity)


def close_account(connection: Connection, *, name: str, actor: str) -> None:
    """Let nobody in by this name from now on: sessions end, and so does what badge and tokens of theirs open.

    Raises `NotFound` where no such account is in force, `Conflict` for the last administrator.
    """
    others = select(Person.person_id).where(
        Person.role == Role.administrator.value, Person.disabled_at.is_(None), Person.name != name
    )
    # Two administrators who close each other's account at once must not both succeed.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('first administrator'))"))
    if connection.execute(others.limit(1)).one_or_none() is None:
        raise Conflict(
            Sentence("%(person)s is the last administrator. Give somebody else that role first.", person=name)
        )
    person_id = connection.execute(
        update(Person)
        .where(Person.name == name, Person.disabled_at.is_(None))
        .values(disabled_at=func.now())
        .returning(Person.person_id)
    ).scalar_one_or_none()
    if person_id is None:
        raise NotFound(Sentence("Nobody called %(person)s has an account in force.", person=name))
    end_sessions(connection, person_id)
    record_audit(connection, actor=actor, deed="person.account_closed", subject=f"person:{name}")


def check_password(password: str) -> None:
    """Raise `Invalid` for a password that is too short, or too long to be one."""
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(
            Sentence("A password needs at least %(count)s characters; use a sentence.", count=SHORTEST_PASSWORD)
        )
    if len(password) > LONGEST_PASSWORD:
        raise Invalid(Sentence("A password has at most %(count)s characters.", count=LONGEST_PASSWORD))


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


def log_in(engine: Engine, *, name: str, password: str, address: str) -> Login:
    """Open a session. Raises as `prove_by_password` does."""
    person_id, _ = prove_by_password(engine, name=name, password=password, address=address)
    with engine.begin() as connection:
        opened = open_session(connection, person_id)
        record_audit(
            connection, actor=f"person:{name}", deed="person.logged_in", subject=f"person:{name}", address=address
        )
    return opened


def prove_by_password(engine: Engine, *, name: str, password: str, address: str) -> tuple[int, Actor]:
    """Whose name and password these are: `person_id`, and who they are in what they do.

    Raises `WrongPassword`, or `TooManyGuesses` before looking at the password.
    """
    count_guess(engine, name, address)
    with engine.connect() as connection:
        person = connection.execute(
            select(Person.person_id, Person.password_hash, Person.role, Person.customer_id).where(
                Person.name == name, Person.disabled_at.is_(None)
            )
        ).one_or_none()
    right = passwords.verify(password, person.password_hash if person else nobodys_hash())
    if person is None or not right:
        raise WrongPassword(Sentence("Name and password do not belong together. Check both and try again."))
    with engine.begin() as connection:
        forget_guesses(connection, name, address)
    return person.person_id, Actor(f"person:{name}", name, Role(person.role), person.customer_id, person=name)


def choose_language(connection: Connection, actor: Actor, language: str) -> None:
    """Keep the language in which somebody wants their screens; tokens have none."""
    kind, _, name = actor.identity.partition(":")
    if kind == "person":
        connection.execute(update(Person).where(Person.name == name).values(language=language))


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
