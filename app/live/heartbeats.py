"""Signs of life of the processes of this product, kept in the database they all share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.live.models import ProcessHeartbeat


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process and its last proof of work; `age` is in seconds by the database's clock."""

    process: str
    at: datetime
    age: float
    details: dict[str, Any]


def beat(connection: Connection, process: str, **details: float | str) -> None:
    """Say that this process works. Call it only once that is proven, never on a timer alone.

    `details` go to readiness and, where they are numbers, to the metrics.
    """
    values = {"at": func.now(), "details": details}
    connection.execute(
        insert(ProcessHeartbeat)
        .values(process=process, **values)
        .on_conflict_do_update(index_elements=[ProcessHeartbeat.process], set_=values)
    )


def leave(connection: Connection, process: str) -> None:
    """Say that this process ends in good order: nobody shall miss it."""
    connection.execute(delete(ProcessHeartbeat).where(ProcessHeartbeat.process == process))


def heartbeats(connection: Connection) -> Sequence[Heartbeat]:
    """Every process that has not left, by name."""
    age = func.extract("epoch", func.now() - ProcessHeartbeat.at)
    rows = connection.execute(
        select(ProcessHeartbeat.process, ProcessHeartbeat.at, age, ProcessHeartbeat.details).order_by(
            ProcessHeartbeat.process
        )
    )
    return [Heartbeat(process, at, float(old), details) for process, at, old, details in rows]
