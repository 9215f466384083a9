"""Tables of what runs: processes and when each last showed that it works, and how far long deeds are."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ProcessHeartbeat(Base):
    """One running process, such as `intake:birthmark-intake`, and its last proof of work.

    Intake beats when a canary message of its own has come back through the broker, so a row that
    keeps young says that broker, intake and database work together; a process that ends in good
    order takes its row away, so an old row is a process that died or hangs.
    """

    __tablename__ = "process_heartbeat"

    process: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class Progress(Base):
    """A long deed that is going on: how far it is. Its row is gone when the deed is done or given up.

    Written outside the deed's transaction, so that others see it before the deed commits; `at` that stays old tells of
    a process that died.
    """

    __tablename__ = "progress"

    progress_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    deed: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    done: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    expected: Mapped[int | None] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))
