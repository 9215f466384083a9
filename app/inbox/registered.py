"""What waits in quarantine until somebody registers what it names is taken in by itself once that is done."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from app.db import transaction
from app.inbox.quarantine import UNREGISTERED, resolve
from app.inbox.record import Delivery, Recorder
from app.people import record_audit

_AT_ONCE = 100
_BYTES_AT_ONCE = 16 * 1024 * 1024
_MOST_PER_LOOK = 400
_WHATEVER_WAS_SEEN = 300.0
_REGISTERED = text(
    """
    SELECT (SELECT max(station_id) FROM station), (SELECT max(work_order_id) FROM work_order),
        (SELECT max(package_id) FROM package), (SELECT max(unit_id) FROM unit),
        (SELECT max(recipe_id) FROM recipe), (SELECT max(product_revision_id) FROM product_revision)
    """
)
_WAITING = text(
    """
    SELECT quarantine_id, source, raw
    FROM (
        SELECT quarantine_id, source, raw, sum(octet_length(raw)) OVER (ORDER BY quarantine_id) AS bytes
        FROM (
            SELECT quarantine_id, source, raw FROM quarantine
            WHERE resolved_at IS NULL AND code = :code AND quarantine_id > :after
            ORDER BY quarantine_id LIMIT :limit
        ) AS waiting
    ) AS measured
    WHERE bytes - octet_length(raw) < :bytes
    ORDER BY quarantine_id
    """
)


class RegisteredSince:
    """Takes quarantined messages in again whenever something was registered since the last look.

    Every `whatever_was_seen` seconds they are tried in any case: what was registered in a long transaction may become
    visible after what has a higher number.
    """

    def __init__(
        self, engine: Engine, recorder: Recorder, *, actor: str, whatever_was_seen: float = _WHATEVER_WAS_SEEN
    ) -> None:
        self._engine = engine
        self._recorder = recorder
        self._actor = actor
        self._every = whatever_was_seen
        self._next_in_any_case = 0.0
        self._seen: tuple[int | None, ...] | None = None
        self._after: int | None = None
        """Where the pass under way has got to."""
        self._taken_in_pass = 0

    def look(self) -> int:
        """Replay what nothing keeps waiting any longer; how many messages were taken in.

        A look tries a few hundred messages, so that those that arrive need not wait for it; the next one goes on where
        it ended. Those that still name something unknown stay as they are. Raises `Unavailable` when the database is
        away.
        """
        if self._after is None and not self._is_due():
            return 0
        taken = tried = 0
        while tried < _MOST_PER_LOOK:
            waiting = self._waiting(self._after or 0)
            if waiting:
                tried += len(waiting)
                taken += self._replay(waiting)
                continue
            self._after = None
            # What was taken in may have registered what another message waits for.
            if not self._taken_in_pass:
                break
            self._begin()
        return taken

    def _is_due(self) -> bool:
        if self._registered() == self._seen and time.monotonic() < self._next_in_any_case:
            return False
        self._begin()
        return True

    def _begin(self) -> None:
        self._seen = self._registered()
        self._after = self._taken_in_pass = 0
        self._next_in_any_case = time.monotonic() + self._every

    def _registered(self) -> tuple[int | None, ...]:
        with self._engine.connect() as connection:
            return tuple(connection.execute(_REGISTERED).one())

    def _waiting(self, after: int) -> Sequence[Row[Any]]:
        given = {"code": UNREGISTERED, "after": after, "limit": _AT_ONCE, "bytes": _BYTES_AT_ONCE}
        with self._engine.connect() as connection:
            return connection.execute(_WAITING, given).all()

    def _replay(self, waiting: Sequence[Row[Any]]) -> int:
        taken = 0
        receipts = self._recorder.retry([Delivery(row.raw, row.source) for row in waiting])
        with transaction(self._engine) as connection:
            for row, told in zip(waiting, receipts, strict=True):
                if not any(receipt.status == "rejected" for receipt in told):
                    self._resolve(connection, row.quarantine_id)
                    taken += 1
        self._after = waiting[-1].quarantine_id
        self._taken_in_pass += taken
        return taken

    def _resolve(self, connection: Connection, quarantine_id: int) -> None:
        resolve(connection, quarantine_id, "taken in: what it names was registered")
        subject = f"quarantine:{quarantine_id}"
        record_audit(connection, actor=self._actor, deed="quarantine.replayed", subject=subject)
