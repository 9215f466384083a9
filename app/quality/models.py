"""Tables of inspections, tests, and what they found and measured.

A *run* is one unit's entry in one `UnitsInspected` or `UnitsTested`. Its key is (unit, position, event, run): the unit
and position as the machine spoke them, `run` the entry's place in the message from 1 on; 0 is the `InspectedPanel`, so
that a panel's own inspection is told from its boards'. Everything a run brought hangs on that key.

Measurements are one row a run, not a row a pad: what repeats (names, units, limits) is a layout, stored once; what
varies is packed into one string of bytes with known offsets. `STORAGE EXTERNAL` keeps that string uncompressed, so that
`substring` reads one value without the rest. A long column, such as the volumes of 3,000 pads, is a row of its own,
found by station, layout and time: one pad of many boards is one walk through an index.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

Timestamp = TIMESTAMP(timezone=True)

_OUTCOMES = "('passed', 'failed', 'error', 'aborted')"


class Inspection(Base):
    """One run of one unit at an inspection (`InspectedUnit`): SPI, AOI, X-ray, a person's eyes.

    `machine_outcome` is what the machine found, `outcome` what holds after a person's verification: they differ at a
    false call. `verification` is CFX's word for it. `method` is CFX's (`AOI`, `AXI`, `SPI`, `Human`) or the station's.
    `steps` counts the inspections that were made, also where only the failed ones were sent (`TotalInspectionCount`).
    """

    __tablename__ = "inspection"
    __table_args__ = (
        CheckConstraint(f"outcome IN {_OUTCOMES}", name="outcome"),
        CheckConstraint(f"machine_outcome IN {_OUTCOMES}", name="machine_outcome"),
        Index("ix_inspection_station_id_recorded_at", "station_id", "recorded_at"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    transaction_id: Mapped[UUID | None]
    method: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    machine_outcome: Mapped[str] = mapped_column(Text)
    verification: Mapped[str | None] = mapped_column(Text)
    recipe_id: Mapped[int | None] = mapped_column(Integer)
    inspector: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class Test(Base):
    """One run of one unit at a test (`TestedUnit`): ICT, flying probe, functional, boundary scan.

    `outcome` is the unit's overall result as the tester gave it, also where a step inside failed: the step's own result
    is kept with the measurements.
    """

    __tablename__ = "test"
    __test__ = False  # not a test case of pytest's
    __table_args__ = (
        CheckConstraint(f"outcome IN {_OUTCOMES}", name="outcome"),
        Index("ix_test_station_id_recorded_at", "station_id", "recorded_at"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    transaction_id: Mapped[UUID | None]
    method: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    recipe_id: Mapped[int | None] = mapped_column(Integer)
    tester: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class Defect(Base):
    """A defect that a run found. `step` names the inspection or test it was found in.

    `confidence` is in percent. A defect whose `verification` is `DefectRejected` was a false call.
    """

    __tablename__ = "defect"
    __table_args__ = (
        Index("ix_defect_station_id_recorded_at", "station_id", "recorded_at"),
        Index("ix_defect_code_recorded_at", "code", "recorded_at"),
        Index("ix_defect_reference_designator_recorded_at", "reference_designator", "recorded_at"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[str | None] = mapped_column(Text)
    reference_designator: Mapped[str | None] = mapped_column(Text)
    part_number: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    comments: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[int | None] = mapped_column(Integer)
    confidence: Mapped[float | None] = mapped_column(Float(53))
    verification: Mapped[str | None] = mapped_column(Text)
    station_id: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class Symptom(Base):
    """What a run noticed without saying what is defective: a value out of tolerance, a port that does not answer."""

    __tablename__ = "symptom"
    __table_args__ = (
        Index("ix_symptom_station_id_recorded_at", "station_id", "recorded_at"),
        Index("ix_symptom_code_recorded_at", "code", "recorded_at"),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[str | None] = mapped_column(Text)
    reference_designators: Mapped[list[str]] = mapped_column(ARRAY(Text))
    code: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    comments: Mapped[str | None] = mapped_column(Text)
    station_id: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)


class MeasurementLayout(Base):
    """What the runs of one program measure, stored once: columns of items with names, units and limits.

    `content` is deflated JSON (see `app.quality.layout`), `digest` BLAKE2b-128 of it before deflating. Rows are never
    changed: another limit is another layout.
    """

    __tablename__ = "measurement_layout"

    layout_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Measurement(Base):
    """Everything one run measured, packed (see `app.quality.packing`).

    `formats` and `offsets` have one entry for each column of the layout: how its values are written, and where they
    start in `packed` (bytes from 0), which has none of a long column. `failed` and `out_of_limit` list cells of the
    layout: items whose own result is failed, and numbers beyond a limit they can be compared with; both are empty for a
    good board.
    """

    __tablename__ = "measurement"
    __table_args__ = (
        Index("ix_measurement_station_id_recorded_at", "station_id", "recorded_at", "layout_id"),
        Index(
            "ix_measurement_failing",
            "station_id",
            "recorded_at",
            postgresql_where=text("failed <> '{}' OR out_of_limit <> '{}'"),
        ),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    station_id: Mapped[int] = mapped_column(Integer)
    layout_id: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    formats: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    offsets: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    failed: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    out_of_limit: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class MeasurementColumn(Base):
    """A long column of one run (`Place.is_long`): the column's number in the layout, its format, its bytes.

    Up to a page's size (8,160 bytes, all that a page has for one row) it stands in its row, not outside in parts that
    would have to be looked up. The columns before it are 68 bytes with the row's head: 4,012 bytes let two rows share a
    page.
    """

    __tablename__ = "measurement_column"
    __table_args__ = (
        Index(
            "ix_measurement_column_station_id", "station_id", "layout_id", "number", "recorded_at", "event_id", "run"
        ),
    )

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    format: Mapped[int] = mapped_column(SmallInteger)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    station_id: Mapped[int] = mapped_column(Integer)
    layout_id: Mapped[int] = mapped_column(Integer)
    packed: Mapped[bytes] = mapped_column(LargeBinary)


_STORAGE = {
    "measurement": ("ALTER COLUMN packed SET STORAGE EXTERNAL",),
    "measurement_column": ("ALTER COLUMN packed SET STORAGE EXTERNAL", "SET (toast_tuple_target = 8160)"),
}


@event.listens_for(Measurement.__table__, "after_create")
@event.listens_for(MeasurementColumn.__table__, "after_create")
def _store_uncompressed(table: Table, connection: Connection, **_: object) -> None:
    """Set the storage that the migrations set too: neither SQLAlchemy nor Alembic knows a column's storage."""
    for action in _STORAGE[table.name]:
        connection.execute(text(f"ALTER TABLE {table.name} {action}"))
