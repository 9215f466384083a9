"""A deed that is done again and again beside the product's other work."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

log = structlog.get_logger()


class Regularly(ABC):
    """Does its deed every few seconds for as long as the block runs; a database that is away is waited for."""

    def __init__(self, name: str, every: float) -> None:
        self._name = name
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def do(self) -> None:
        """The deed. One that takes long looks at `ended` between its transactions."""

    @property
    def ended(self) -> bool:
        """Whether the block is being left."""
        return self._ended.is_set()

    def rest(self, seconds: float) -> None:
        """Leave the machine to others for a while, or until the block is being left."""
        self._ended.wait(seconds)

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
                self.do()
            except (DBAPIError, PoolTimeout) as error:
                log.warning("regularly.postponed", deed=self._name, reason=str(error).partition("\n")[0])
            except Exception:
                log.exception("regularly.fault", deed=self._name)  # without this thread there is no next time
