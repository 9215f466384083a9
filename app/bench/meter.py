"""How much write-ahead log statements write, by the table they write to."""

import re
import time
from collections import defaultdict
from typing import Any

import psycopg
from sqlalchemy import Engine, event

_TABLE = re.compile(r"\b(?:INSERT INTO|UPDATE|FROM)\s+(\w+)")


class Meter:
    """Listens to an engine whose statements nothing else on the server disturbs.

    Reading the position of the write-ahead log costs time of its own, which `probing` tells, so that it can be taken
    off what the caller measures around it.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._probe = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self.log_bytes: dict[str, int] = defaultdict(int)
        self.probing = 0.0
        self._position = 0
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        started = time.perf_counter()
        row = self._probe.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        self.probing += time.perf_counter() - started
        assert row is not None  # a function without a table gives one row
        return int(row[0])

    def close(self) -> None:
        """Give up the connection."""
        self._probe.close()

    def _before(self, *_: Any) -> None:
        self._position = self.position()

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = _TABLE.search(statement)
        table = found[1] if found else ""
        self.log_bytes[table] += self.position() - self._position
