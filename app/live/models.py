"""Table of the processes of this product and when each last showed that it works."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, text
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
