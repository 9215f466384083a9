"""Tables of setups: what must be in which slot, and what was checked there."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)


class RequiredSetup(Base):
    """What a station must hold to build one side of a product revision; null `side`: whatever the side.

    `unplanned`: learned from what was loaded when nobody had planned it.
    """

    __tablename__ = "required_setup"
    __table_args__ = (
        UniqueConstraint("product_revision_id", "station_id", "side", postgresql_nulls_not_distinct=True),
    )

    setup_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_revision_id: Mapped[int] = mapped_column(ForeignKey("product_revision.product_revision_id"))
    station_id: Mapped[int] = mapped_column(ForeignKey("station.station_id"))
    side: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))


class RequiredSlot(Base):
    """One slot of a required setup. `lane` is "" where any lane of the slot is meant.

    `alternates` are part numbers approved for this slot besides those the product revision approves;
    `manufacturer_parts`, where not empty, the only makers' numbers that may be used. `pieces_per_unit` is null where
    the bill of material tells it.
    """

    __tablename__ = "required_slot"

    setup_id: Mapped[int] = mapped_column(ForeignKey("required_setup.setup_id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[str] = mapped_column(Text, primary_key=True)
    lane: Mapped[str] = mapped_column(Text, primary_key=True, server_default=text("''"))
    part_number: Mapped[str] = mapped_column(Text)
    part_revision: Mapped[str | None] = mapped_column(Text)
    alternates: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    manufacturer_parts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    pieces_per_unit: Mapped[float | None]


class SetupCheck(Base):
    """A scan at a slot and what became of it; `check_id` is the number of its audit row.

    `kind` is load, splice, clearance (a person with the right cleared the blocked slot) or undo (the scan `undone_id`
    was a mistake). Whether a slot is blocked and who verified what is in it is derived from these, by the station's
    clock and the order in which they came.
    """

    __tablename__ = "setup_check"
    __table_args__ = (
        Index("ix_setup_check_slot", "station_id", "slot", "recorded_at"),
        Index("ix_setup_check_refused", "station_id", "slot", "check_id", postgresql_where=text("NOT accepted")),
        Index("uq_setup_check_undone", "undone_id", unique=True, postgresql_where=text("undone_id IS NOT NULL")),
    )

    check_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    station_id: Mapped[int] = mapped_column(Integer)
    slot: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    label: Mapped[str | None] = mapped_column(Text)
    package_id: Mapped[int | None] = mapped_column(Integer, index=True)
    replaced_id: Mapped[int | None] = mapped_column(Integer)
    product_revision_id: Mapped[int | None] = mapped_column(Integer)
    accepted: Mapped[bool]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    actor: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    undone_id: Mapped[int | None] = mapped_column(BigInteger)
