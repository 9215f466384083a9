"""Tables of lines and stations."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Interval, Text, text
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


class StationClock(Base):
    """How far a station's clock was ahead of the server's when it was measured last, negative where behind.

    `largest_error` is the furthest it was ever seen off, either way; `right_at`: when it was last seen to be right.
    `close_since`: since when it told no message's time as more than 2 s ahead, and messages came within 2 s of theirs,
    `close_at` the last, without a pause.
    """

    __tablename__ = "station_clock"

    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"), primary_key=True)
    error: Mapped[timedelta] = mapped_column(Interval)
    largest_error: Mapped[timedelta] = mapped_column(Interval)
    measured_at: Mapped[datetime] = mapped_column(Timestamp)
    right_at: Mapped[datetime | None] = mapped_column(Timestamp)
    close_since: Mapped[datetime | None] = mapped_column(Timestamp)
    close_at: Mapped[datetime | None] = mapped_column(Timestamp)


class KnownClockError(Base):
    """How far a station's clock was seen off, more than 2 s and further than before, since when that is known.

    A trigger on `station_clock` keeps it, so that what was concluded then is concluded again.
    """

    __tablename__ = "known_clock_error"

    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"), primary_key=True)
    known_from: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    error: Mapped[timedelta] = mapped_column(Interval)


class WrongClock(Base):
    """A time in which a station's clock was off by more than 2 s: how far `ahead` and how far `behind` at most.

    It was seen so first at `seen_at` and last at `last_seen_at`. It was right until `right_before` and is again since
    `right_after`, as far as anybody saw; null: nobody did.
    """

    __tablename__ = "wrong_clock"
    __table_args__ = (
        Index("uq_wrong_clock_still", "station_id", unique=True, postgresql_where=text("right_after IS NULL")),
    )

    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(Timestamp)
    right_before: Mapped[datetime | None] = mapped_column(Timestamp)
    right_after: Mapped[datetime | None] = mapped_column(Timestamp)
    ahead: Mapped[timedelta] = mapped_column(Interval)
    behind: Mapped[timedelta] = mapped_column(Interval)


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


class Tool(Base):
    """A stencil, squeegee, nozzle, fixture or test adapter; a station is a tool too, as to its calibration.

    Limits are the tool's own, in place of its kind's (`ToolLimit`); null where it has none.
    """

    __tablename__ = "tool"

    tool_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    identifier: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    cycles_limit: Mapped[int | None] = mapped_column(Integer)
    cleaning_limit: Mapped[int | None] = mapped_column(Integer)
    calibration_days: Mapped[int | None] = mapped_column(Integer)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))
    registered_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class ToolLimit(Base):
    """What every tool of a kind may do: cycles in its life, cycles between cleanings, days between calibrations."""

    __tablename__ = "tool_limit"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    cycles_limit: Mapped[int | None] = mapped_column(Integer)
    cleaning_limit: Mapped[int | None] = mapped_column(Integer)
    calibration_days: Mapped[int | None] = mapped_column(Integer)


class ToolEvent(Base):
    """A tool was loaded at a station, unloaded, cleaned, calibrated or retired. States are derived from these.

    What a person stated has the negated number of its audit row as `event_id`. `due_at`: what a calibration's
    certificate says; null where the limits count from the calibration.
    """

    __tablename__ = "tool_event"
    __table_args__ = (
        Index("ix_tool_event_recorded_at", "tool_id", "kind", "recorded_at"),
        Index("ix_tool_event_station_id", "station_id", "tool_id"),
    )

    tool_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    station_id: Mapped[int | None] = mapped_column(Integer)
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class ToolCount(Base):
    """Cycles of a tool at a station within one hour (station's clock): what its life is summed from.

    One message may name a tool for several units: of a stencil's print of a panel that is one cycle (`strokes`: the
    largest of a message), of a nozzle's picks it is their sum (`picks`). Which one counts is the kind's matter. Picks
    may also be told with what was placed (`placed`, of `HeadAndNozzle`): of the two the larger counts, so that a
    machine which tells both is not counted twice.

    The row of hour 1970 (the epoch) and station 0 is a tool's whole life, so that nobody adds up its years.
    """

    __tablename__ = "tool_count"
    __table_args__ = (Index("ix_tool_count_station_id_hour", "station_id", "hour"),)

    tool_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    hour: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    strokes: Mapped[int] = mapped_column(BigInteger)
    picks: Mapped[int] = mapped_column(BigInteger)
    placed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
