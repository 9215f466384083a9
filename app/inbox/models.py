"""Tables of the inbox: events taken in, events that could not be understood, events that wait for their work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)


class Event(Base):
    """One message of one station, taken in once: the key is (station, unique_id), and the constraint holds it.

    `digest` is SHA-256 of name and body as the machine sent them, its first 16 bytes. It tells a repetition (same key,
    same digest) from a forgery or a firmware fault (same key, other digest), and proves what `app.inbox.bodies` puts
    together from `body` and the facts.
    """

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("station_id", "unique_id"),)

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    unique_id: Mapped[UUID]
    message_name: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class BodyTemplate(Base):
    """What the measurements of one program have in common from board to board, as text, stored once.

    `content` is the deflated template (see `app.cfx.columns`), `digest` BLAKE2b-128 of it before deflating. Rows are
    never changed.
    """

    __tablename__ = "body_template"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class WaitingEvent(Base):
    """An event that names its unit only by a transaction whose `WorkStarted` has not come yet."""

    __tablename__ = "waiting_event"

    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class Quarantine(Base):
    """A message that could not be taken in, with its raw bytes and the reason. Nothing is thrown away.

    The same bytes from the same source are one row, `times` counts them. Resolved by a replay that was taken in, or by
    a person who says why it is dropped.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("source", "digest", postgresql_nulls_not_distinct=True),
        CheckConstraint("reason <> ''", name="has_reason"),
        Index("ix_quarantine_open", "quarantine_id", postgresql_where=text("resolved_at IS NULL")),
    )

    quarantine_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source: Mapped[str | None] = mapped_column(Text)
    unique_id: Mapped[UUID | None]
    message_name: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    times: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    received_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    last_received_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    resolved_at: Mapped[datetime | None] = mapped_column(Timestamp)
    resolution: Mapped[str | None] = mapped_column(Text)
