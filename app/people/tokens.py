"""Bearer tokens of machines, scripts and people. The secret is shown once; the database keeps its SHA-256."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, update

from app.cfx.topics import StationAddress, TopicError
from app.db import at_once
from app.errors import Invalid, NotFound
from app.people.access import Actor
from app.people.audit import record_audit
from app.people.customers import register_customer
from app.people.models import Customer, Person, Role, Token
from app.sentences import Sentence

# The secret has 256 random bits, so no stretching makes it safer; the broker computes this hash at
# every connect, and Mosquitto's own default is 101 rounds as well.
_BROKER_ROUNDS = 101


def broker_hash(password: str) -> str:
    """`password` as a line of Mosquitto's password file wants it.

    `$7$rounds$salt$hash`: PBKDF2-HMAC-SHA512, salt of 12 bytes, 64 bytes of hash, both base64
    (mosquitto_passwd, Mosquitto 2).
    """
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _BROKER_ROUNDS, 64)
    texts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${_BROKER_ROUNDS}$" + "$".join(texts)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def create_token(
    connection: Connection,
    *,
    name: str,
    role: Role | str,
    customer: str | None = None,
    station: str | None = None,
    person: str | None = None,
    actor: str,
) -> str:
    """Make a token and return its secret, which cannot be shown again.

    A `customer` token names the customer (registered if new) and sees only theirs. `station` binds
    a `line_equipment` token to one CFX handle; it is then that station's MQTT password too. `person`
    says who bears it, in their own role: what they do with it is theirs, and it ends with their
    account. Raises `Invalid` where name, role, customer, station and person do not fit together.
    """
    known = _role(role)
    name = name.strip()
    station = station.strip() if station else None  # blanks around it would end in the broker's files
    _check(name, known, customer, station)
    customer_id = register_customer(connection, name=customer, actor=actor) if customer else None
    person_id = _bearer_of(connection, person, known, customer_id) if person else None
    secret = "bm_" + secrets.token_urlsafe(32)
    token_id = connection.execute(
        insert(Token)
        .values(
            name=name,
            role=known.value,
            customer_id=customer_id,
            station=station,
            person_id=person_id,
            digest=_digest(secret),
            broker_hash=broker_hash(secret) if station else None,
        )
        .returning(Token.token_id)
    ).scalar_one()
    record_audit(
        connection,
        actor=actor,
        deed="token.created",
        subject=f"token:{token_id}",
        name=name,
        role=known.value,
        customer=customer,
        station=station,
        person=person,
    )
    return secret


def _bearer_of(connection: Connection, person: str, role: Role, customer_id: int | None) -> int:
    found = connection.execute(
        select(Person.person_id, Person.role, Person.customer_id).where(
            Person.name == person, Person.disabled_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        raise NotFound(Sentence("Nobody called %(person)s has an account in force.", person=person))
    if (found.role, found.customer_id) != (role.value, customer_id):
        raise Invalid(
            Sentence(
                "%(person)s has the role %(word)s: a token of theirs has the same, for the same customer.",
                person=person,
                word=found.role,
            )
        )
    return int(found.person_id)


def _role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise Invalid(
            Sentence("There is no role %(typed)s. The roles are %(all)s.", typed=repr(role), all=list(Role))
        ) from None


def _check(name: str, role: Role, customer: str | None, station: str | None) -> None:
    if not name:
        raise Invalid(Sentence("A token needs a name, so that the audit trail can say whose it was."))
    if role is Role.customer and not customer:
        raise Invalid(Sentence("A customer token must say whose it is: give the customer's name."))
    if customer and role is not Role.customer:
        raise Invalid(
            Sentence("Only a token of the role customer belongs to a customer, not %(word)s.", word=role.value)
        )
    if station and role is not Role.line_equipment:
        raise Invalid(Sentence("Only a line_equipment token speaks for a station, not %(word)s.", word=role.value))
    if station:
        try:
            StationAddress.from_handle(station)
        except TopicError as refused:
            raise Invalid(
                Sentence(
                    "%(typed)s is no CFX handle (Vendor.Model.Serial): %(problem)s",
                    typed=repr(station),
                    problem=str(refused),
                )
            ) from None
        if ":" in station:
            raise Invalid(
                Sentence(
                    "%(typed)s holds a colon, which an MQTT user name cannot. Give the machine another handle.",
                    typed=repr(station),
                )
            )


def revoke_token(connection: Connection, token_id: int, *, actor: str) -> None:
    """Make a token useless from now on. Raises `NotFound` where none such is in force."""
    revoked = connection.execute(
        update(Token)
        .where(Token.token_id == token_id, Token.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Token.name)
    ).scalar_one_or_none()
    if revoked is None:
        raise NotFound(
            Sentence("There is no token %(number)s in force. The list of tokens shows them all.", number=token_id)
        )
    record_audit(connection, actor=actor, deed="token.revoked", subject=f"token:{token_id}", name=revoked)


_BEARER = text(
    """
    SELECT token_id, token.name, token.role, token.customer_id, station, person.name
    FROM token LEFT JOIN person USING (person_id)
    WHERE digest = :digest AND revoked_at IS NULL AND disabled_at IS NULL
    """
)


def bearer(connection: Connection, secret: str) -> Actor | None:
    """Who bears this secret, or None where no token in force has it."""
    # Asked with every request, also with those that a machine waits for in its cycle.
    (found,) = at_once(connection, (_BEARER, {"digest": _digest(secret)}))
    for token_id, name, role, customer_id, station, person in found:
        return Actor(f"token:{token_id} {name}", name, Role(role), customer_id, station, person)
    return None


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """A token without its secret."""

    token_id: int
    name: str
    role: str
    customer: str | None
    station: str | None
    person: str | None
    created_at: datetime
    revoked_at: datetime | None


def tokens(connection: Connection) -> Sequence[TokenSummary]:
    """All tokens, newest first."""
    rows = connection.execute(
        select(
            Token.token_id,
            Token.name,
            Token.role,
            Customer.name,
            Token.station,
            Person.name,
            Token.created_at,
            Token.revoked_at,
        )
        .outerjoin(Customer, Customer.customer_id == Token.customer_id)
        .outerjoin(Person, Person.person_id == Token.person_id)
        .order_by(Token.token_id.desc())
    )
    return [TokenSummary(*row) for row in rows]


def broker_credentials(connection: Connection) -> dict[str, str]:
    """The MQTT password hash of each station: that of its newest token in force."""
    rows = connection.execute(
        select(Token.station, Token.broker_hash)
        .where(Token.station.is_not(None), Token.broker_hash.is_not(None), Token.revoked_at.is_(None))
        .order_by(Token.token_id)
    )
    return {str(station): str(hashed) for station, hashed in rows}
