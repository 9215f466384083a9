"""Table of what quality released: units that passed a gate while the product could not be reached."""

from datetime import datetime

from sqlalchemy import BigInteger, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ProvisionalRelease(Base):
    """A provisional start of a unit that somebody looked at afterwards and released. See `app.units.provisional`."""

    __tablename__ = "provisional_release"

    unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    released_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    released_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))
