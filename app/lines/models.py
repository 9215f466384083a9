"""Tables of lines and stations."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)


class Line(Base):
    """A production line (ISA-95 work centre)."""

    __tablename__ = "line"

    line_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)


class Station(Base):
    """One CFX endpoint (ISA-95 work unit), known by its CFX handle `Vendor.Model.Serial`."""

    __tablename__ = "station"

    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    handle: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.line_id"))
    line_order: Mapped[int | None] = mapped_column(Integer)
    operation: Mapped[str | None] = mapped_column(Text)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))
    registered_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class StationEvent(Base):
    """What a station said of itself: states, faults, heartbeats, tools changed."""

    __tablename__ = "station_event"
    __table_args__ = (Index("ix_station_event_recorded_at", "station_id", "message_name", "recorded_at"),)

    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    message_name: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
