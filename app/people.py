"""Who may do what, and who did what: customers, people, tokens, sessions and the audit trail."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, LargeBinary, Text, text
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
    """Somebody who logs in. `password_hash` is argon2."""

    __tablename__ = "person"

    person_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"))
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)


class LoginSession(Base):
    """A browser's session; the cookie holds the secret, the table its SHA-256."""

    __tablename__ = "login_session"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.person_id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    expires_at: Mapped[datetime] = mapped_column(Timestamp)


class Token(Base):
    """A bearer token of a machine or a script; the table holds its SHA-256.

    `station` is the CFX handle a `line_equipment` token speaks for: it is that station's MQTT user name, and
    `broker_hash` the token as the broker's password file wants it.
    """

    __tablename__ = "token"

    token_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.customer_id"))
    station: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    broker_hash: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Audit(Base):
    """Who did what to what, when. Written in the deed's own transaction; never changed (a trigger refuses it)."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"),)

    audit_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    actor: Mapped[str] = mapped_column(Text)
    deed: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
