"""Tables of where a unit is beyond the line: permitted starts, shipments, what was packed, what was scrapped.

Like every table that grows with units these lead with the unit and point at no other such table.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.units.models import Timestamp


class UnitStart(Base):
    """A permission to work on a unit that a station was given. Open while `ended_at` is null.

    The partial unique index is the last wall: no unit has two open starts, whatever the code above does. A start ends
    when the work was completed and the next begins, or when somebody ends it (`ended_by` says who and why).
    """

    __tablename__ = "unit_start"
    __table_args__ = (Index("uq_unit_start_open", "unit_id", unique=True, postgresql_where=text("ended_at IS NULL")),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    start_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    transaction_id: Mapped[UUID | None]
    granted_to: Mapped[str] = mapped_column(Text)
    granted_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    ended_by: Mapped[str | None] = mapped_column(Text)


class Shipment(Base):
    """What goes to one customer as one. It is packed until `shipped_at`, and then closed for good."""

    __tablename__ = "shipment"

    shipment_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.customer_id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))
    opened_by: Mapped[str] = mapped_column(Text)
    shipped_at: Mapped[datetime | None] = mapped_column(Timestamp)
    shipped_by: Mapped[str | None] = mapped_column(Text)


class PackedUnit(Base):
    """A unit in a shipment. `unpacked_at` says when it was taken out again, or came back from the customer.

    The partial unique index is the last wall: a unit is in one shipment at a time.
    """

    __tablename__ = "packed_unit"
    __table_args__ = (
        Index("uq_packed_unit_packed", "unit_id", unique=True, postgresql_where=text("unpacked_at IS NULL")),
        Index("ix_packed_unit_shipment_id", "shipment_id", "unit_id"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    shipment_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    packed_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True, server_default=text("clock_timestamp()"))
    packed_by: Mapped[str] = mapped_column(Text)
    unpacked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    unpacked_by: Mapped[str | None] = mapped_column(Text)
    unpacked_because: Mapped[str | None] = mapped_column(Text)


class ScrappedUnit(Base):
    """A unit, or a position of it, that was scrapped, once and for good: a fact as spoken, see `app.units.scrapped`."""

    __tablename__ = "scrapped_unit"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    scrapped_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
