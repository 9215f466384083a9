"""How far long deeds are: told while their transaction is still open, through a connection of its own."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from app.live.changes import announce
from app.live.models import Progress

_AT_MOST_EVERY = 0.3
_FORGOTTEN_AFTER = 3600


@dataclass(frozen=True, slots=True)
class Step:
    """A deed that is going on: `done` of `expected` (null: not known yet) at this `stage`, `seconds` since it began."""

    deed: str
    actor: str
    stage: str
    done: int
    expected: int | None
    started_at: datetime
    seconds: float


class Reporter:
    """Writes one deed's progress, a few times a second however often it is called."""

    def __init__(self, engine: Engine, progress_id: int) -> None:
        self._engine = engine
        self._progress_id = progress_id
        self._stage = ""
        self._told = 0.0

    def __call__(self, stage: str, done: int, expected: int | None = None) -> None:
        """Say how far the deed is. A new stage is told at once."""
        now = time.monotonic()
        if stage == self._stage and now - self._told < _AT_MOST_EVERY:
            return
        self._stage, self._told = stage, now
        said = {"stage": stage, "done": done, "expected": expected, "at": func.now()}
        with self._engine.begin() as connection:
            connection.execute(update(Progress).where(Progress.progress_id == self._progress_id).values(said))
            announce(connection)


@contextmanager
def reporting(engine: Engine, *, deed: str, actor: str) -> Iterator[Reporter]:
    """Make a long deed visible for as long as the block runs, however it ends."""
    with engine.begin() as connection:
        old = Progress.at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, _FORGOTTEN_AFTER)
        connection.execute(delete(Progress).where(old))
        row = insert(Progress).values(deed=deed, actor=actor, stage="begun").returning(Progress.progress_id)
        progress_id = connection.execute(row).scalar_one()
        announce(connection)
    try:
        yield Reporter(engine, progress_id)
    finally:
        with engine.begin() as connection:
            connection.execute(delete(Progress).where(Progress.progress_id == progress_id))
            announce(connection)


def going_on(connection: Connection) -> Sequence[Step]:
    """Every long deed that is going on, the oldest first."""
    seconds = func.extract("epoch", func.clock_timestamp() - Progress.started_at)
    rows = connection.execute(
        select(
            Progress.deed, Progress.actor, Progress.stage, Progress.done, Progress.expected, Progress.started_at,
            seconds,
        ).order_by(Progress.progress_id)
    )  # fmt: skip
    return [Step(*row[:-1], seconds=float(row[-1])) for row in rows]
