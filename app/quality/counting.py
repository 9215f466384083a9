"""The kept counts are brought up beside the product's other work, so that a statistic finds little left to count."""

import threading
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.quality.population import keep_counts

log = structlog.get_logger()

_EVERY = 5.0


def bring_up(engine: Engine) -> None:
    """Count all that is known by now, in transactions of a bounded size: for a statistic that must miss nothing."""
    taken = 1
    while taken:
        with engine.begin() as connection:
            taken = keep_counts(connection)


class Counting:
    """Brings the counts up every few seconds for as long as the block runs; a database that is away is waited for."""

    def __init__(self, engine: Engine, *, every: float = _EVERY) -> None:
        self._engine = engine
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counting", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                taken = 1
                while taken and not self._ended.is_set():
                    with self._engine.begin() as connection:
                        taken = keep_counts(connection)
            except (DBAPIError, PoolTimeout) as error:
                log.warning("counting.postponed", reason=str(error).partition("\n")[0])
