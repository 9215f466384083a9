"""What statements cost the database: time and write-ahead log, by the table they write to."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, event

_TABLE = re.compile(r"\b(?:INSERT INTO|UPDATE|FROM|COPY)\s+\"?(\w+)")


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
    """Listens to the statements and COPYs of an engine that has not connected yet.

    Reading the position of the write-ahead log takes time of its own, which `probing` tells, so that it can be taken
    off what the caller measures around it.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._log = Log(url)
        self._committing = 0.0
        self.seconds: dict[str, float] = defaultdict(float)
        self.log_bytes: dict[str, int] = defaultdict(int)
        self.commits = 0.0
        """Seconds from the beginning of COMMIT to the connection's return."""
        self.probing = 0.0
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "commit", self._commits)
        event.listen(engine, "checkin", self._committed)

    def clear(self) -> None:
        """Count from zero."""
        self.seconds.clear()
        self.log_bytes.clear()
        self.commits = self.probing = 0.0

    def position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        started = time.perf_counter()
        position = self._log.position()
        self.probing += time.perf_counter() - started
        return position

    def close(self) -> None:
        """Give up the connection."""
        self._log.close()

    @contextmanager
    def _around(self, statement: str) -> Iterator[None]:
        position = self.position()
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        found = _TABLE.search(statement)
        table = found[1] if found else ""
        self.seconds[table] += seconds
        self.log_bytes[table] += self.position() - position

    def _connected(self, driver: psycopg.Connection[Any], _record: object) -> None:
        around = self._around

        class Metered(psycopg.Cursor[Any]):
            def execute(self, query: Any, *arguments: Any, **options: Any) -> Self:
                with around(str(query)):
                    return super().execute(query, *arguments, **options)

            @contextmanager
            def copy(self, statement: Any, *arguments: Any, **options: Any) -> Iterator[psycopg.Copy]:
                with around(statement.as_string()), super().copy(statement, *arguments, **options) as copy:
                    yield copy

        driver.cursor_factory = Metered

    def _commits(self, _connection: object) -> None:
        self._committing = time.perf_counter()

    def _committed(self, _driver: object, _record: object) -> None:
        if self._committing:
            self.commits += time.perf_counter() - self._committing
            self._committing = 0.0
