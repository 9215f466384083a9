"""Tables of people: customers, logins, tokens, sessions, answers to repeat, and the audit trail."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)


class Role(StrEnum):
    """What a person or a token may do; the words of the contract."""

    operator = "operator"
    line_lead = "line_lead"
    process_engineer = "process_engineer"
    quality_engineer = "quality_engineer"
    customer = "customer"
    administrator = "administrator"
    line_equipment = "line_equipment"


class Customer(Base):
    """An OEM the factory builds for."""

    __tablename__ = "customer"

    customer_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)


class Person(Base):
    """Somebody who logs in. `password_hash` and `pin_hash` are argon2; `language` is what they chose."""

    __tablename__ = "person"

    person_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"))
    password_hash: Mapped[str] = mapped_column(Text)
    pin_hash: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Badge(Base):
    """A printed code that says who stands at a station; with a PIN it logs in there.

    The code holds a secret, the table its SHA-256. A badge that is lost is revoked, never deleted.
    """

    __tablename__ = "badge"

    badge_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.person_id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    issued_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class LoginSession(Base):
    """A browser's session; the cookie holds the secret, the table its SHA-256.

    A session at a station names the station and locks when nobody touched it for `idle_after`.
    """

    __tablename__ = "login_session"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.person_id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    station: Mapped[str | None] = mapped_column(Text)
    idle_after: Mapped[timedelta | None] = mapped_column(Interval)
    seen_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class LoginGuess(Base):
    """A wrong name or password, kept while it counts against the next guess."""

    __tablename__ = "login_guess"
    __table_args__ = (Index("ix_login_guess_at", "at"),)

    guess_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class Token(Base):
    """A bearer token of a machine, a script or a person; the table holds its SHA-256.

    `station` is the CFX handle a `line_equipment` token speaks for: it is that station's MQTT user
    name, and `broker_hash` the token as the broker's password file wants it. `person_id` is the human
    being who bears it, where it was made for one.
    """

    __tablename__ = "token"

    token_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"))
    station: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.person_id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    broker_hash: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class IdempotencyKey(Base):
    """The answer to a POST that carried an `Idempotency-Key`, to give again when it is repeated.

    `requester` is who asked, so that two clients may choose the same key. `fingerprint` stands for
    method, path and body: the same key with another request is refused.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)

    requester: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class Audit(Base):
    """Who did what to what, when. Written in the deed's own transaction; a trigger refuses changes."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"),)

    audit_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    actor: Mapped[str] = mapped_column(Text)
    deed: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
