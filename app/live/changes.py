"""News of what was recorded: PostgreSQL NOTIFY, fanned out to whoever watches.

One connection listens for the whole process. A watcher is told *that* something changed, at most
twice a second however much happens, and asks for the state again; so nothing is missed for good
when a notification is, and a reconnect counts as a change. Async, because hundreds of browsers
wait here at once.
"""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator

import psycopg
import structlog
from sqlalchemy import Connection, Engine, func, select

log = structlog.get_logger()

CHANNEL = "birthmark"
"""The notification channel; intake sends one notification a batch."""

_AT_MOST_EVERY = 0.5
_RECONNECT_AFTER = 2.0


def announce(connection: Connection, payload: str = "{}") -> None:
    """Tell everybody who watches, when this transaction commits."""
    connection.execute(select(func.pg_notify(CHANNEL, payload)))


class Changes:
    """Listens, and wakes the watchers of this process."""

    def __init__(self, engine: Engine) -> None:
        url = engine.url.set(drivername="postgresql")
        self._conninfo = url.render_as_string(hide_password=False)
        self._watchers: set[asyncio.Event] = set()
        self._run = secrets.token_hex(4)
        self._count = 0
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.listening = False

    @property
    def watchers(self) -> int:
        """How many watch right now."""
        return len(self._watchers)

    @property
    def position(self) -> str:
        """Names what was told so far; another process's position is never ours."""
        return f"{self._run}-{self._count}"

    async def listen(self) -> None:
        """Listen until cancelled; a lost database is waited for, and counts as a change."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                if self.listening:
                    log.warning("live.listener_lost", reason=str(error).strip())
                self.listening = False
                await asyncio.sleep(_RECONNECT_AFTER)

    async def _listen_once(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=5, application_name="birthmark-live"
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.listening = True
            self._tell()
            async for _ in connection.notifies():
                self._tell()

    def _tell(self) -> None:
        self._count += 1
        self._wake()

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def close(self) -> None:
        """End every watch: a server that stops must not wait for open browsers.

        May be called from any thread and from a signal handler, and again when all has ended.
        """
        self._closed.set()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    async def watch(self, *, since: str = "", quiet: float = 15.0) -> AsyncIterator[str]:
        """Yield the position at once unless it is `since`, then after each change.

        An empty text says that nothing happened for `quiet` seconds.
        """
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            while not self._closed.is_set():
                changed.clear()
                if since != self.position:
                    since = self.position
                    yield since
                    await asyncio.sleep(_AT_MOST_EVERY)
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), quiet)
                except TimeoutError:
                    yield ""
        finally:
            self._watchers.discard(changed)
