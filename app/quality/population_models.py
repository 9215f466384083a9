"""Tables of counts that are kept: how many units have what, so that statistics need not scan for it."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class DueCount(Base):
    """A unit of which something became known that its counts do not hold yet; written by triggers, never waited for.

    `since`: from then on (station's clock) what became known may be about units that were in it.
    """

    __tablename__ = "due_count"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    since: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class CountedUnit(Base):
    """What was counted of a board: the material sets on it, ascending, and its work order, 0 for none."""

    __tablename__ = "counted_unit"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    work_order_id: Mapped[int] = mapped_column(Integer)
    set_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class Population(Base):
    """How many boards of a work order (0: of none) have something placed from it, at it, by it.

    `kind` is package, slot, feeder or nozzle; `unit`, with an empty value, counts all boards with material.
    """

    __tablename__ = "population"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    work_order_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    units: Mapped[int] = mapped_column(BigInteger)
