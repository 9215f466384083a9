"""Tables of lots, packages and loadings. None of them grows with boards."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Interval, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)


class Lot(Base):
    """What a maker produced as one: a part number with the maker's lot code."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("lot_code", "part_number", "manufacturer", postgresql_nulls_not_distinct=True),)

    lot_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    lot_code: Mapped[str] = mapped_column(Text)
    part_number: Mapped[str | None] = mapped_column(Text)
    manufacturer: Mapped[str | None] = mapped_column(Text)


class Package(Base):
    """One physical reel, tray, tube or container, known by its identifier.

    A machine may name a package before anything else is known of it; then it is `unplanned`, and what
    `MaterialsInitialized` or receiving says later is added. `described_at` is the station's time of the latest
    description. What is kept here follows from `PackageDescription`.
    """

    __tablename__ = "package"

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    identifier: Mapped[str] = mapped_column(Text, unique=True)
    part_number: Mapped[str | None] = mapped_column(Text, index=True)
    part_revision: Mapped[str | None] = mapped_column(Text)
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.lot_id"), index=True)
    manufacturer_part_number: Mapped[str | None] = mapped_column(Text)
    vendor: Mapped[str | None] = mapped_column(Text)
    vendor_part_number: Mapped[str | None] = mapped_column(Text)
    date_code: Mapped[str | None] = mapped_column(Text)
    surface_finish: Mapped[str | None] = mapped_column(Text)
    initial_quantity: Mapped[float | None]
    quantity: Mapped[float | None]
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)
    received_on: Mapped[datetime | None] = mapped_column(Timestamp)
    unplanned: Mapped[bool] = mapped_column(server_default=text("false"))
    described_at: Mapped[datetime | None] = mapped_column(Timestamp)
    registered_at: Mapped[datetime] = mapped_column(Timestamp, server_default=text("now()"))


class PackageDescription(Base):
    """Every description a package ever had: what was known of it when. Of each thing the latest that is said counts, in
    whatever order descriptions arrive. `deliveries`: numbers of packing list, invoice and orders it came under.
    """

    __tablename__ = "package_description"
    __table_args__ = (Index("ix_package_description_deliveries", "deliveries", postgresql_using="gin"),)

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    described_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True, server_default=text("now()"))
    lot_id: Mapped[int | None] = mapped_column(Integer, index=True)
    part_number: Mapped[str | None] = mapped_column(Text, index=True)
    manufacturer_part_number: Mapped[str | None] = mapped_column(Text)
    vendor: Mapped[str | None] = mapped_column(Text)
    vendor_part_number: Mapped[str | None] = mapped_column(Text)
    date_code: Mapped[str | None] = mapped_column(Text)
    initial_quantity: Mapped[float | None]
    quantity: Mapped[float | None]
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)
    received_on: Mapped[datetime | None] = mapped_column(Timestamp)
    deliveries: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    surface_finish: Mapped[str | None] = mapped_column(Text)


class PackageLink(Base):
    """Ancestry of packages: the child came out of the parent (`split`, or a tray filled from a `batch`), or was spliced
    on behind it (`joined`).
    """

    __tablename__ = "package_link"
    __table_args__ = (Index("ix_package_link_child_id", "child_id"),)

    parent_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    child_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    quantity: Mapped[float | None]
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class LoadingEvent(Base):
    """A package came into a slot, left it, ran empty in it, or was spliced on in it.

    The `loading` (package in slot, an interval) follows from these: it begins at `loaded` or `spliced` and ends at the
    package's next `unloaded`, `empty` or `spliced` away. Events are kept, intervals are derived, so that the order in
    which messages arrive does not matter. `consumed`, `split` and `retired` only tell how many pieces were left then.
    What a person scanned has the negated number of its audit row as `event_id`.
    """

    __tablename__ = "loading_event"
    __table_args__ = (
        Index("ix_loading_event_package_id", "package_id"),
        # A place is a lane of a slot; the order is that of `app.materials.loaded`.
        Index(
            "ix_loading_event_place",
            "station_id",
            text("coalesce(slot, slot_name, '')"),
            text("coalesce(lane, '')"),
            text("least(recorded_at, received_at)"),
        ),
        Index("ix_loading_event_loaded", "station_id", "slot", "recorded_at", postgresql_where=text("kind = 'loaded'")),
    )

    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    package_id: Mapped[int | None] = mapped_column(Integer)
    slot: Mapped[str | None] = mapped_column(Text)
    slot_name: Mapped[str | None] = mapped_column(Text)
    lane: Mapped[str | None] = mapped_column(Text)
    feeder: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[float | None]
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class PackageEvent(Base):
    """What happened to a package that decides whether it may still be used: opened, dried, baked, thawed, retired.

    `kind` is a `Happened` of `app.materials.happenings`. Events are kept and the state is derived, so that the order in
    which they arrive does not matter. What a person stated has the negated number of its audit row as `event_id`.
    `withdrawn_id`: the audit row by which it was said to be a mistake; it counts no more.
    """

    __tablename__ = "package_event"
    __table_args__ = (Index("ix_package_event_recorded_at", "package_id", "recorded_at"),)

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    moisture_level: Mapped[str | None] = mapped_column(Text)
    floor_life_left: Mapped[timedelta | None] = mapped_column(Interval)
    station_id: Mapped[int | None] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    withdrawn_id: Mapped[int | None] = mapped_column(BigInteger)


class PartHandling(Base):
    """How packages of a part number must be treated; times in hours, null where the part sets none of its own.

    `kind` is component, paste, adhesive or bare_board. `floor_life_hours` is the label's time, in place of the level's.
    """

    __tablename__ = "part_handling"

    part_number: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, server_default=text("'component'"))
    moisture_level: Mapped[str | None] = mapped_column(Text)
    floor_life_hours: Mapped[float | None]
    thaw_hours: Mapped[float | None]
    thawed_hours: Mapped[float | None]
    open_hours: Mapped[float | None]
    surface_finish: Mapped[str | None] = mapped_column(Text)


class FloorLife(Base):
    """The factory's own floor life of a moisture level or surface finish, in place of the default; null: unlimited."""

    __tablename__ = "floor_life"

    level: Mapped[str] = mapped_column(Text, primary_key=True)
    hours: Mapped[float | None]
