"""The station's spool: an event is on this disk before the machine is told that it is safe.

* `Spool.store` returns when the events are in the database file and the file is on the disk
  (SQLite, write-ahead log, synchronous FULL); only then does the station confirm to the machine.
* An event leaves the spool through `settle` alone: a receipt ``stored`` or ``duplicate`` deletes
  it, ``rejected`` moves it to the rejected events with the reason, where it stays for a person.
  A PUBACK deletes nothing: it is the broker's word, not the product's.
* The spool is bounded. `SpoolFull` means: stop the machine and say so, because an event that
  cannot be kept must not happen.

Safe between threads of one process; one process owns a spool.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

DEFAULT_MAX_BYTES: Final = 512 * 1024 * 1024
DEFAULT_MAX_EVENTS: Final = 1_000_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pending (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    unique_id TEXT NOT NULL UNIQUE,
    message_name TEXT NOT NULL,
    payload BLOB NOT NULL,
    stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE TABLE IF NOT EXISTS rejected (
    unique_id TEXT PRIMARY KEY,
    message_name TEXT NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    rejected_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
"""


class SpoolFull(Exception):
    """The spool holds as much as it may; the message says how much and what clears it."""


class SpoolConflict(Exception):
    """The machine gave another event the identifier of one that is still in the spool."""


class SpoolInUse(Exception):
    """Another program has this spool open; the message names it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes out: the encoded CFX envelope and what the spool must know of it."""

    unique_id: str
    message_name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event in the spool; `sequence` is the order in which the machine reported it."""

    sequence: int
    unique_id: str
    message_name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event the product refused, kept until a person has dealt with the reason."""

    unique_id: str
    message_name: str
    payload: bytes
    reason: str
    rejected_at: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch of receipts did: how many events left, were moved aside, or were not here."""

    delivered: int
    rejected: int
    unknown: int


class Journal:
    """The witness of the fault tests: every event confirmed to the machine, kept for good.

    One line an event, ``unique_id sha256-of-payload message_name``, in a file apart from the spool
    and synchronised before the confirmation, so that a fault of the spool cannot hide itself.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A line cut short by a kill was never confirmed; it must not swallow the next one.
        torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        self._file = path.open("ab", buffering=0)
        if torn:
            self._file.write(b"\n")

    def confirmed(self, events: Iterable[Event]) -> None:
        """Write and synchronise the events' lines."""
        self._file.write(
            b"".join(
                f"{event.unique_id} {hashlib.sha256(event.payload).hexdigest()} {event.message_name}\n".encode()
                for event in events
            )
        )
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def read(path: Path) -> Iterator[tuple[str, str, str]]:
        """Give (unique_id, sha256, message_name) of every confirmed event, torn lines left out."""
        for line in path.read_bytes().split(b"\n")[:-1]:
            fields = line.decode(errors="replace").split(" ")
            if len(fields) == 3 and len(fields[1]) == 64:
                yield fields[0], fields[1], fields[2]


class Spool:
    """The events of one station that the product has not yet confirmed.

    `max_bytes` counts the payloads. `journal` is for the fault tests.
    Raises sqlite3.DatabaseError where the file is not a spool or the disk fails; such an event was
    not stored and must not be confirmed.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_events: int = DEFAULT_MAX_EVENTS,
        journal: Journal | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.max_bytes = max_bytes
        self.max_events = max_events
        self._journal = journal
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=0.3, isolation_level=None, check_same_thread=False)
        try:
            # A second program on the same spool would publish everything twice and take the
            # other's receipts; the exclusive lock makes it fail at the start instead.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
            events, size = self._database.execute(
                "SELECT count(*), coalesce(sum(length(payload)), 0) FROM pending"
            ).fetchone()
            (rejected,) = self._database.execute("SELECT count(*) FROM rejected").fetchone()
        except sqlite3.OperationalError as error:
            self._database.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise SpoolInUse(
                f"Another program has the spool {path} open. Stop it, or give this station a data folder of its own."
            ) from error
        except BaseException:
            self._database.close()
            raise
        self._events: int = events
        self._bytes: int = size
        self._rejected: int = rejected

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Events waiting for their receipt."""
        return self._events

    @property
    def size(self) -> int:
        """Bytes of the payloads waiting."""
        return self._bytes

    @property
    def rejected_count(self) -> int:
        """Events the product refused."""
        return self._rejected

    def store(self, events: Sequence[Event], *, into_reserve: bool = False) -> int:
        """Store events in order, in one transaction, and return how many were new.

        An event already here (same identifier, same bytes) is the machine repeating itself and is
        confirmed again; one the product rejected stays rejected. `into_reserve` is for the event
        that says that the station has stopped: it may use the last twentieth on top.
        Raises SpoolFull (nothing is stored), SpoolConflict (likewise).
        """
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                fresh = [event for event in events if self._is_new(event)]
                size = sum(len(event.payload) for event in fresh)
                self._refuse_overflow(len(fresh), size, 1.05 if into_reserve else 1.0)
                self._database.executemany(
                    "INSERT INTO pending (unique_id, message_name, payload) VALUES (?, ?, ?)",
                    [(event.unique_id, event.message_name, event.payload) for event in fresh],
                )
                self._database.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                self._database.execute("ROLLBACK")
                raise SpoolConflict("One identifier was given to two events.") from error
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            self._events += len(fresh)
            self._bytes += size
            if self._journal is not None:
                self._journal.confirmed(events)
        return len(fresh)

    def _is_new(self, event: Event) -> bool:
        row = self._database.execute(
            "SELECT payload FROM pending WHERE unique_id = ?1"
            " UNION ALL SELECT payload FROM rejected WHERE unique_id = ?1",
            (event.unique_id,),
        ).fetchone()
        if row is None:
            return True
        if row[0] != event.payload:
            raise SpoolConflict(
                f"Event {event.unique_id} ({event.message_name}) is in the spool with another "
                "content. The machine must give every event an identifier of its own."
            )
        return False

    def _refuse_overflow(self, events: int, size: int, share: float) -> None:
        if events == 0:
            return
        if self._events + events > self.max_events * share or self._bytes + size > self.max_bytes * share:
            raise SpoolFull(
                f"The spool {self.path.name} is full: {self._events} events and {self._bytes} bytes"
                f" wait for a receipt (limits {self.max_events} and {self.max_bytes}). The station "
                "stops until the product takes them: bring the network, broker or intake back."
            )

    def pending(self, *, after: int = 0, limit: int = 100) -> list[Spooled]:
        """Give up to `limit` events with a sequence above `after`, in the order of their report."""
        with self._lock:
            rows = self._database.execute(
                "SELECT sequence, unique_id, message_name, payload FROM pending"
                " WHERE sequence > ? ORDER BY sequence LIMIT ?",
                (after, limit),
            ).fetchall()
        return [Spooled(*row) for row in rows]

    def settle(self, accepted: Iterable[str], rejected: Iterable[tuple[str, str]] = ()) -> Settled:
        """Let go of events by their receipts, in one transaction.

        `accepted` are the unique_ids of ``stored`` and ``duplicate`` receipts, `rejected` pairs of
        unique_id and reason. Receipts for events not here (late, repeated) change nothing.
        """
        delivered = moved = unknown = freed = 0
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                for unique_id in accepted:
                    size = self._forget(unique_id)
                    if size is None:
                        unknown += 1
                    else:
                        delivered += 1
                        freed += size
                for unique_id, reason in rejected:
                    self._database.execute(
                        "INSERT OR IGNORE INTO rejected"
                        " (unique_id, message_name, payload, reason, stored_at)"
                        " SELECT unique_id, message_name, payload, ?, stored_at FROM pending"
                        " WHERE unique_id = ?",
                        (reason, unique_id),
                    )
                    size = self._forget(unique_id)
                    if size is None:
                        unknown += 1
                    else:
                        moved += 1
                        freed += size
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            self._events -= delivered + moved
            self._rejected += moved
            self._bytes -= freed
        return Settled(delivered, moved, unknown)

    def _forget(self, unique_id: str) -> int | None:
        row = self._database.execute(
            "DELETE FROM pending WHERE unique_id = ? RETURNING length(payload)", (unique_id,)
        ).fetchone()
        return None if row is None else int(row[0])

    def rejected(self, *, limit: int = 100) -> list[Rejected]:
        """Give the events the product refused, oldest first, each with its reason."""
        with self._lock:
            rows = self._database.execute(
                "SELECT unique_id, message_name, payload, reason, rejected_at FROM rejected"
                " ORDER BY rejected_at, rowid LIMIT ?",
                (limit,),
            ).fetchall()
        return [Rejected(*row) for row in rows]

    def retry(self, unique_id: str) -> bool:
        """Put one rejected event back, for a person who has removed the reason. False: not here."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                row = self._database.execute(
                    "DELETE FROM rejected WHERE unique_id = ? RETURNING unique_id, message_name, payload",
                    (unique_id,),
                ).fetchone()
                if row is not None:
                    self._database.execute(
                        "INSERT INTO pending (unique_id, message_name, payload) VALUES (?, ?, ?)",
                        row,
                    )
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            if row is None:
                return False
            self._events += 1
            self._bytes += len(row[2])
            self._rejected -= 1
        return True

    def close(self) -> None:
        """Close the files; everything stored is still there at the next start."""
        with self._lock:
            self._database.close()
            if self._journal is not None:
                self._journal.close()
