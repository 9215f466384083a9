"""The board, worked out at most once a second however many look at it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine

from app.line_board.board import Background, LineBoard, background, line_board

_AT_MOST_EVERY: Final = 1.0
_BACKGROUND_EVERY: Final = 10.0


class KeptBoard:
    """Whoever asks gets a board that was worked out after they asked, or one since which nothing was recorded.

    `position` names what was recorded last (`app.live.Changes.position`); `shift_begun` says when this shift began.
    Async, because hundreds of browsers wait here for one answer.
    """

    def __init__(self, engine: Engine, position: Callable[[], str], shift_begun: Callable[[], datetime]) -> None:
        self._engine = engine
        self._position = position
        self._shift_begun = shift_begun
        self._began = -_AT_MOST_EVERY
        self._kept: tuple[str, LineBoard] | None = None
        self._next: asyncio.Task[LineBoard] | None = None
        self._slow: tuple[float, Background] | None = None
        self._alone = asyncio.Lock()
        self.computed = 0

    async def now(self) -> LineBoard:
        """The board."""
        recent = time.monotonic() - self._began < _AT_MOST_EVERY
        if recent and self._kept is not None and self._kept[0] == self._position():
            return self._kept[1]
        if self._next is None:
            self._next = asyncio.create_task(self._compute())
        return await asyncio.shield(self._next)

    async def _compute(self) -> LineBoard:
        async with self._alone:
            try:
                await asyncio.sleep(self._began + _AT_MOST_EVERY - time.monotonic())
            finally:
                self._next = None  # whoever asks from here on asks for another one
            self._began = time.monotonic()
            position = self._position()
            board = await asyncio.to_thread(self._ask)
            self._kept = (position, board)
            return board

    def _ask(self) -> LineBoard:
        self.computed += 1
        at = datetime.now(UTC)
        with self._engine.connect().execution_options(postgresql_readonly=True) as connection:
            if self._slow is None or time.monotonic() - self._slow[0] > _BACKGROUND_EVERY:
                slow = background(connection, at=at, shift_begun=self._shift_begun())
                self._slow = (time.monotonic(), slow)
            return line_board(connection, self._slow[1], at=at)
