"""What the rooms of setup and tools say of a station, as the rules see it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.interlock.facts import Judged


def judged_setup(
    connection: Connection, row: Any, product_revision_id: int | None, at: datetime
) -> tuple[bool, tuple[Judged, ...]]:
    """Whether a setup is planned for this product at this station, and each slot with what is against it."""
    del connection, row, product_revision_id, at
    return False, ()


def judged_tools(connection: Connection, row: Any, at: datetime) -> tuple[Judged, ...]:
    """Each tool in the station with what is against it."""
    del connection, row, at
    return ()
