"""Tables of units and panels, their work, and what is installed in them.

A fact is stored under (unit, position number) as the machine spoke it: a panel is a unit whose positions hold other
units, position 0 means that the machine named none. `panel_position` says which board is in a position; questions
resolve it. So nothing is rewritten when a link becomes known late, and the order of messages does not matter.

Every table that grows with boards leads its key with the unit, holds that key in each unique constraint, and has no
foreign key to another such table: it can be distributed by unit and partitioned by time.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)

_PENDING = {"fastupdate": "on", "gin_pending_list_limit": "64"}
"""New entries of a GIN index wait in a list of up to 64 kB: eight pages more to read in a lookup (20 us), instead of a
rewritten posting list for each of a chunk's keys, which is four times the write-ahead log."""


class Serial(Base):
    """The registry of identifiers: one unit each, for the whole factory."""

    __tablename__ = "serial"

    serial: Mapped[str] = mapped_column(Text, primary_key=True)
    unit_id: Mapped[int] = mapped_column(BigInteger, Identity())


class Unit(Base):
    """A board, panel, carrier or assembly: whatever a machine calls by an identifier.

    `customer_id` is its work order's, kept in step by a trigger: what belongs to an OEM carries its customer.
    `claimed_at` is the station's time of the message that put it into its work order, `initialized` whether that was
    `UnitsInitialized`, `claim_received_at` since when that order is known here.
    """

    __tablename__ = "unit"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    serial: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(Integer)
    work_order_id: Mapped[int | None] = mapped_column(Integer, index=True)
    unplanned: Mapped[bool] = mapped_column(server_default=text("true"))
    claimed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    initialized: Mapped[bool] = mapped_column(server_default=text("false"))
    claim_received_at: Mapped[datetime | None] = mapped_column(Timestamp)
    registered_at: Mapped[datetime] = mapped_column(Timestamp)


class FormerClaim(Base):
    """A work order that a unit was thought to belong to, from when to when by the server's clock."""

    __tablename__ = "former_claim"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    known_from: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    known_until: Mapped[datetime] = mapped_column(Timestamp)
    work_order_id: Mapped[int] = mapped_column(Integer)


class PanelPosition(Base):
    """A statement that a position of a panel or carrier holds a unit, from `linked_at` (station's clock) on.

    A fact under (panel, position) belongs to the unit of the last statement not after the fact, or, where all are
    later, to that of the first: a panel is etched once, a carrier is used again.
    """

    __tablename__ = "panel_position"
    __table_args__ = (Index("ix_panel_position_unit_id", "unit_id"),)

    panel_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    linked_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class TakenOut(Base):
    """Somebody saw that a board is no longer in its panel or carrier, of which a machine tells nothing.

    It ends what was heard until `taken_at` (server's clock) of where the board is, unless it was a mistake and is
    withdrawn.
    """

    __tablename__ = "taken_out"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True, server_default=text("clock_timestamp()"))
    taken_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Timestamp)
    withdrawn_by: Mapped[str | None] = mapped_column(Text)
    withdrawn_because: Mapped[str | None] = mapped_column(Text)


class SpokenPosition(Base):
    """A position of a unit that a machine spoke of: what tells a panel without linked boards from a board.

    Kept for positions from 2 on, and for 1 where a message names several: a board that travels alone often has the 1.
    """

    __tablename__ = "spoken_position"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class SpokenCount(Base):
    """How many units a machine said go by an identifier that it spoke of as a whole (`UnitCount`), where more than one.

    On a panel of which some positions are spoken of by themselves, it tells that there are others that nobody names.
    """

    __tablename__ = "spoken_count"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    unit_count: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class WorkRecord(Base):
    """One unit at one operation: the CFX transaction, from `WorkStarted` to `WorkCompleted`.

    Each message fills its own columns, so they may come in either order. `position_numbers` is null where the machine
    spoke of the unit as a whole. `skipped_positions` are those that it listed with status Skip when it started, and
    `skipped_at_end` when it was done: an X-out, which it passes over (0 for a unit without a position); null where
    there are none.
    """

    __tablename__ = "work_record"
    __table_args__ = (
        Index("ix_work_record_transaction_id", "transaction_id"),
        Index("ix_work_record_station_id_started_at", "station_id", "started_at"),
        Index(
            "ix_work_record_skipped",
            "transaction_id",
            postgresql_where=text("skipped_positions IS NOT NULL OR skipped_at_end IS NOT NULL"),
        ),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    position_numbers: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    skipped_positions: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    skipped_at_end: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    lane: Mapped[int | None] = mapped_column(SmallInteger)
    recipe_id: Mapped[int | None] = mapped_column(Integer)
    surface: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(Timestamp)
    started_received_at: Mapped[datetime | None] = mapped_column(Timestamp)
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    completed_received_at: Mapped[datetime | None] = mapped_column(Timestamp)
    result: Mapped[str | None] = mapped_column(Text)


class UnitEvent(Base):
    """Anything else a machine said of a unit: arrivals, departures, stages, tools, process data, disqualification."""

    __tablename__ = "unit_event"
    __table_args__ = (
        Index("ix_unit_event_station_id_recorded_at", "station_id", "recorded_at"),
        # Few: among them the starts without the product's word, see `app.units.provisional`.
        Index(
            "ix_unit_event_activities",
            "received_at",
            postgresql_where=text("message_name = 'CFX.Production.ActivitiesExecuted'"),
        ),
        # Which boards have a firmware is asked by what stands in the message.
        Index(
            "ix_unit_event_personalized",
            "body",
            postgresql_using="gin",
            postgresql_ops={"body": "jsonb_path_ops"},
            postgresql_where=text("message_name = 'CFX.Production.Assembly.UnitsPersonalized'"),
        ),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_numbers: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    station_id: Mapped[int] = mapped_column(Integer)
    transaction_id: Mapped[UUID | None]
    message_name: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Placement(Base):
    """What one location of a machine puts on a board: the template of an `InstalledMaterial`, stored once.

    `template` is the deflated text with holes (see `app.cfx.installed`); the other columns are read out of it, for
    questions. `digest` is BLAKE2b-128 of kind and template.
    """

    __tablename__ = "placement"
    __table_args__ = (
        Index("ix_placement_slot", "slot"),
        Index("ix_placement_feeder", "feeder"),
        Index("ix_placement_part_number", "part_number"),
        Index("ix_placement_joined_packages", "joined_packages", postgresql_using="gin"),
        Index("ix_placement_batch_packages", "batch_packages", postgresql_using="gin"),
        Index("ix_placement_nozzles", "nozzles", postgresql_using="gin"),
    )

    placement_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    reference_designators: Mapped[list[str]] = mapped_column(ARRAY(Text))
    rejected_designators: Mapped[list[str]] = mapped_column(ARRAY(Text))
    part_number: Mapped[str | None] = mapped_column(Text)
    reference_part_number: Mapped[str | None] = mapped_column(Text)
    slot: Mapped[str | None] = mapped_column(Text)
    slot_name: Mapped[str | None] = mapped_column(Text)
    lane: Mapped[str | None] = mapped_column(Text)
    feeder: Mapped[str | None] = mapped_column(Text)
    joined_packages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    batch_packages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    nozzles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    nozzle_picks: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text("'{}'"))
    template: Mapped[bytes] = mapped_column(LargeBinary)


class MaterialChunk(Base):
    """About eight neighbouring placements with the package each was filled from, stored once.

    `placement_ids` and `package_ids` run in step; package 0 means that the machine named none. `digest` is BLAKE2b-128
    of the placements' digests and the packages' identifiers, so that it does not depend on ids.
    """

    __tablename__ = "material_chunk"
    __table_args__ = (
        Index(
            "ix_material_chunk_package_ids",
            "package_ids",
            postgresql_using="gin",
            postgresql_with=_PENDING,
        ),
        Index(
            "ix_material_chunk_placement_ids",
            "placement_ids",
            postgresql_using="gin",
            postgresql_with=_PENDING,
        ),
    )

    chunk_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    placement_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    package_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class MaterialSet(Base):
    """All chunks of one unit's entries in one message, in order, stored once. `digest` is over the chunks' digests."""

    __tablename__ = "material_set"
    __table_args__ = (
        Index(
            "ix_material_set_chunk_ids",
            "chunk_ids",
            postgresql_using="gin",
            postgresql_with=_PENDING,
        ),
    )

    set_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    chunk_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class Installation(Base):
    """One message's material set on one unit: with it, every (package, reference designator) of that unit.

    `candidates` is 1 where the machine named the unit; where it named only the transaction, the number of units in
    that work, any of which may be meant.
    """

    __tablename__ = "installation"
    __table_args__ = (Index("ix_installation_set_id", "set_id", "unit_id"),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    set_id: Mapped[int] = mapped_column(Integer)
    candidates: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    transaction_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class InstalledUnit(Base):
    """A unit built into another; `candidates` as there.

    `package_id` is null where the machine named the child (`InstalledComponents[].InstalledUnitIdentifier`), and the
    package where it came as a material that goes by its serial: see `app.units.as_material`.
    """

    __tablename__ = "installed_unit"
    __table_args__ = (Index("ix_installed_unit_child_id", "child_id"),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    child_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    package_id: Mapped[int | None] = mapped_column(Integer)
    reference_designator: Mapped[str | None] = mapped_column(Text)
    station_id: Mapped[int] = mapped_column(Integer)
    candidates: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class UnitPackage(Base):
    """A package whose identifier is a serial: the unit, handled as a material."""

    __tablename__ = "unit_package"

    package_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(BigInteger)


class MaterialChild(Base):
    """A unit in a material set, as a material."""

    __tablename__ = "material_child"

    set_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    child_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    package_id: Mapped[int] = mapped_column(Integer)
    reference_designator: Mapped[str | None] = mapped_column(Text)


class ToolUse(Base):
    """A tool that touched a unit (`ToolsUsed`): stencil, squeegee, nozzle, fixture, test adapter."""

    __tablename__ = "tool_use"
    __table_args__ = (Index("ix_tool_use_tool_recorded_at", "tool", "recorded_at"),)

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tool: Mapped[str] = mapped_column(Text, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    cycles: Mapped[int | None] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class Removal(Base):
    """Designators whose part was taken out of a unit (`MaterialsUninstalled`); what was in stays on record.

    `package_id` is null where the machine did not name it: then whatever was in the designators is meant. `candidates`
    as for installations.
    """

    __tablename__ = "removal"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    package_id: Mapped[int | None] = mapped_column(Integer)
    child_id: Mapped[int | None] = mapped_column(BigInteger)
    reference_designators: Mapped[list[str]] = mapped_column(ARRAY(Text))
    station_id: Mapped[int] = mapped_column(Integer)
    candidates: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
