"""Tables of the gate: what is planned for it, what it said, who overrode it, what it asked stations to do.

Plans (policies, recipes, limits, thresholds, qualifications, calibrations) are small and shared. The verdict log grows
with boards: its key leads with the unit, and no foreign key runs from it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)
_NOW = text("now()")


class GatePolicy(Base):
    """What a station does while the product cannot be reached; `fail_closed` where nothing is planned.

    `snapshot_seconds` is how long a snapshot lets a `fail_cached` station go on.
    """

    __tablename__ = "gate_policy"
    __table_args__ = (
        CheckConstraint("policy IN ('fail_closed', 'fail_cached', 'fail_open_record')", name="policy"),
        CheckConstraint("snapshot_seconds > 0", name="snapshot_seconds"),
    )

    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"), primary_key=True)
    policy: Mapped[str] = mapped_column(Text)
    snapshot_seconds: Mapped[int] = mapped_column(Integer, server_default=text("900"))


class RecipePlan(Base):
    """A recipe that is right for a product revision at an operation; several where it has several sides."""

    __tablename__ = "recipe_plan"

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    recipe: Mapped[str] = mapped_column(Text, primary_key=True)
    recipe_revision: Mapped[str] = mapped_column(Text, primary_key=True)


class RetestLimit(Base):
    """How many runs in all a unit gets at an inspection or test before somebody must decide."""

    __tablename__ = "retest_limit"
    __table_args__ = (CheckConstraint("runs > 0", name="runs"),)

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    runs: Mapped[int] = mapped_column(SmallInteger)


class TraceThreshold(Base):
    """How much of the bill of material must have a package before an operation may start, 0 to 1, for a customer."""

    __tablename__ = "trace_threshold"
    __table_args__ = (CheckConstraint("completeness BETWEEN 0 AND 1", name="completeness"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.customer_id"), primary_key=True)
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    completeness: Mapped[float]


class QualificationNeed(Base):
    """An operation that only a qualified operator may do."""

    __tablename__ = "qualification_need"

    operation: Mapped[str] = mapped_column(Text, primary_key=True)


class Qualification(Base):
    """An operator, by the identifier machines name them with, may do an operation, until a day or for good."""

    __tablename__ = "qualification"

    operator: Mapped[str] = mapped_column(Text, primary_key=True)
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    valid_until: Mapped[datetime | None] = mapped_column(Timestamp)


class StationCalibration(Base):
    """Until when a station's own calibration holds."""

    __tablename__ = "station_calibration"

    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Timestamp)


class StationLock(Base):
    """A station that a person locked; at most one lock stands at a time."""

    __tablename__ = "station_lock"
    __table_args__ = (
        Index("uq_station_lock_standing", "station_id", unique=True, postgresql_where=text("unlocked_at IS NULL")),
    )

    station_lock_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"))
    reason: Mapped[str] = mapped_column(Text)
    locked_by: Mapped[str] = mapped_column(Text)
    locked_at: Mapped[datetime] = mapped_column(Timestamp, server_default=_NOW)
    unlocked_by: Mapped[str | None] = mapped_column(Text)
    unlocked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class LoggedVerdict(Base):
    """A verdict as it was given, with the facts it saw. Never changed; `unit_id` 0 where nobody knew the identifier.

    `codes` are the reasons that stood, `overridden` those an override let pass.
    """

    __tablename__ = "verdict"
    __table_args__ = (Index("ix_verdict_station_id_decided_at", "station_id", "decided_at"),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    verdict_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger)
    identifier: Mapped[str] = mapped_column(Text)
    station_id: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(Text)
    allowed: Mapped[bool]
    codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    overridden: Mapped[list[str]] = mapped_column(ARRAY(Text))
    actor: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(Timestamp)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class GateOverride(Base):
    """A person let one reason pass, at a station, for a unit, or for a unit at a station, until a time.

    `subject` narrows it to one thing the reason names (a slot, an operation, a tool); null takes any. An override is a
    fact the rules see; it is revoked, never deleted.
    """

    __tablename__ = "gate_override"
    __table_args__ = (
        CheckConstraint("station_id IS NOT NULL OR unit_id IS NOT NULL", name="scope"),
        CheckConstraint("expires_at > given_at", name="expires"),
        CheckConstraint("second_by IS DISTINCT FROM given_by", name="second_person"),
        Index("ix_gate_override_unit_id", "unit_id"),
        Index("ix_gate_override_station_id", "station_id", postgresql_where=text("unit_id IS NULL")),
    )

    override_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    station_id: Mapped[int | None] = mapped_column(Integer)
    unit_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    given_by: Mapped[str] = mapped_column(Text)
    given_role: Mapped[str] = mapped_column(Text)
    second_by: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(Timestamp, server_default=_NOW)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class StationRequest(Base):
    """A CFX request to a station (BlockMaterials, BlockMaterialLocations, LockStation, and their undoing).

    `about` is what it is about (a package, a slot, the station): of each kind at most one stands unwithdrawn, which is
    what makes the sweep that writes them harmless to repeat. `outcome` is the station's `StatusResult`, or
    `not_supported`.
    """

    __tablename__ = "station_request"
    __table_args__ = (
        Index(
            "uq_station_request_standing", "station_id", "message_name", "about", unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_station_request_unanswered", "requested_at", postgresql_where=text("answered_at IS NULL")),
    )  # fmt: skip

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"))
    message_name: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_at: Mapped[datetime] = mapped_column(Timestamp, server_default=_NOW)
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)
    answered_at: Mapped[datetime | None] = mapped_column(Timestamp)
    outcome: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Timestamp)
