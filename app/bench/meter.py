"""What statements cost the database: time and write-ahead log, by the table they write to."""

import re
import time
from collections import defaultdict
from typing import Any

import psycopg
from sqlalchemy import Engine, event

_TABLE = re.compile(r"\b(?:INSERT INTO|UPDATE|FROM)\s+(\w+)")


class Log:
    """The write-ahead log of a server that nothing else disturbs."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)

    def position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None  # a function without a table gives one row
        return int(row[0])

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()


class Meter:
    """Listens to the statements of an engine.

    Reading the position of the write-ahead log takes time of its own, which `probing` tells, so that it can be taken
    off what the caller measures around it.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._log = Log(url)
        self._began = 0.0
        self._position = 0
        self.seconds: dict[str, float] = defaultdict(float)
        self.log_bytes: dict[str, int] = defaultdict(int)
        self.probing = 0.0
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def clear(self) -> None:
        """Count from zero."""
        self.seconds.clear()
        self.log_bytes.clear()
        self.probing = 0.0

    def position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        started = time.perf_counter()
        position = self._log.position()
        self.probing += time.perf_counter() - started
        return position

    def close(self) -> None:
        """Give up the connection."""
        self._log.close()

    def _before(self, *_: Any) -> None:
        self._position = self.position()
        self._began = time.perf_counter()

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seconds = time.perf_counter() - self._began
        found = _TABLE.search(statement)
        table = found[1] if found else ""
        self.seconds[table] += seconds
        self.log_bytes[table] += self.position() - self._position
