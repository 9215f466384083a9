"""Tables of nonconformances, containments, holds and dispositions.

Rows are evidence: they are added, and a trigger refuses to change or delete them. What ends a hold is a row of its own
(a disposition of the unit) or the release of the whole nonconformance, which a trigger lets happen once.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.quality.models import Timestamp

_DECISIONS = "('released', 'use_as_is', 'rework', 'repair', 'scrap', 'return_to_supplier')"


class Nonconformance(Base):
    """Something is not as it should be, or may not be: the reason that its units and packages are on hold for.

    It stands open until `released_at`; a release is given once and ends every hold that is left. `by_rule`: its
    containment has terms that later facts may meet, not a list of serials.
    """

    __tablename__ = "nonconformance"
    __table_args__ = (
        Index("ix_nonconformance_open", "nonconformance_id", postgresql_where=text("released_at IS NULL")),
        # Single boards wait for their disposition by the thousand; the gate asks for these few.
        Index("ix_nonconformance_rule", "nonconformance_id", postgresql_where=text("by_rule AND released_at IS NULL")),
    )

    nonconformance_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    reason: Mapped[str] = mapped_column(Text)
    by_rule: Mapped[bool] = mapped_column(server_default=text("false"))
    opened_at: Mapped[datetime] = mapped_column(Timestamp)
    opened_by: Mapped[str] = mapped_column(Text)
    released_at: Mapped[datetime | None] = mapped_column(Timestamp)
    released_by: Mapped[str | None] = mapped_column(Text)
    release_reason: Mapped[str | None] = mapped_column(Text)


class Containment(Base):
    """The scope of a nonconformance, asked for by `terms`, and the frozen record of what it was when it was opened.

    `terms` are those of `app.trace.question`, or `serials`. `record` is what a reader years later needs: scope, actor,
    reason, and the time as of which it was known; `digest` is SHA-256 over it and over every hold of the scope.
    """

    __tablename__ = "containment"
    __table_args__ = (Index("ix_containment_terms", "terms", postgresql_using="hash"),)

    containment_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    nonconformance_id: Mapped[int] = mapped_column(ForeignKey("nonconformance.nonconformance_id"), unique=True)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class UnitHold(Base):
    """A unit on hold, one for each nonconformance. `position_number` is that of a board without a serial on a panel.

    `nth`: after it was decided a fact that came later holds the unit again.
    `fact_at` is the station's time of the fact it is held for: on a carrier that is used again, the hold is the board's
    that sat there then. `later`: caught by the rule after the containment was opened. `shipment` is the one it had left
    with by then.
    """

    __tablename__ = "unit_hold"
    __table_args__ = (Index("ix_unit_hold_nonconformance_id", "nonconformance_id", "unit_id"),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    nonconformance_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    nth: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("1"))
    held_at: Mapped[datetime] = mapped_column(Timestamp)
    fact_at: Mapped[datetime] = mapped_column(Timestamp)
    evidence: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    shipment: Mapped[str | None] = mapped_column(Text)
    later: Mapped[bool] = mapped_column(server_default=text("false"))


class PackageHold(Base):
    """A package on hold, one for each nonconformance."""

    __tablename__ = "package_hold"
    __table_args__ = (Index("ix_package_hold_nonconformance_id", "nonconformance_id", "package_id"),)

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    nonconformance_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    held_at: Mapped[datetime] = mapped_column(Timestamp)
    place: Mapped[str | None] = mapped_column(Text)
    later: Mapped[bool] = mapped_column(server_default=text("false"))


class UnitDisposition(Base):
    """What was decided of a unit under a nonconformance: once for each (`nth`) hold of it, which it ends.

    `released` says that nothing is wrong with this unit; the other words are those of the trade. `customer_approval`
    is the customer's reference where a product that is not as ordered is used as it is.
    """

    __tablename__ = "unit_disposition"
    __table_args__ = (
        CheckConstraint(f"decision IN {_DECISIONS}", name="decision"),
        Index("ix_unit_disposition_nonconformance_id", "nonconformance_id"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    nonconformance_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    nth: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("1"))
    decision: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    customer_approval: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    decided_by: Mapped[str] = mapped_column(Text)


class DecidedRun(Base):
    """A failed run (event, and entry in it) that a disposition of the unit, or of one position of it, decided.

    Those are the failures that the nonconformance was opened for: see `app.quality.failures`.
    """

    __tablename__ = "decided_run"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    nonconformance_id: Mapped[int] = mapped_column(Integer)


class PackageDisposition(Base):
    """What was decided of a package under a nonconformance: once. It ends the hold where it may be used again."""

    __tablename__ = "package_disposition"
    __table_args__ = (CheckConstraint(f"decision IN {_DECISIONS}", name="decision"),)

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    nonconformance_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    decision: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    decided_by: Mapped[str] = mapped_column(Text)


class Drill(Base):
    """A blind recall drill: a lot picked at random, how long the answer took, and how complete it is.

    `seconds` from the pick to the last unit named, places and shipments included. `complete` of `units` have every
    designator of their bill of material accounted for.
    """

    __tablename__ = "drill"

    drill_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    actor: Mapped[str] = mapped_column(Text)
    seed: Mapped[int] = mapped_column(BigInteger)
    lot: Mapped[str] = mapped_column(Text)
    part_number: Mapped[str | None] = mapped_column(Text)
    packages: Mapped[int] = mapped_column(Integer)
    units: Mapped[int] = mapped_column(Integer)
    exact: Mapped[int] = mapped_column(Integer)
    bounded: Mapped[int] = mapped_column(Integer)
    inferred: Mapped[int] = mapped_column(Integer)
    shipped: Mapped[int] = mapped_column(Integer)
    complete: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
