"""What waits in quarantine until somebody registers what it names is taken in by itself once that is done."""

import structlog
from sqlalchemy import Connection, Engine, text

from app.db import transaction
from app.inbox.quarantine import UNREGISTERED, resolve
from app.inbox.record import Delivery, Recorder
from app.people import record_audit

log = structlog.get_logger()

_AT_ONCE = 200
_REGISTERED = text(
    """
    SELECT (SELECT max(station_id) FROM station), (SELECT max(work_order_id) FROM work_order),
        (SELECT max(package_id) FROM package), (SELECT max(unit_id) FROM unit)
    """
)
_WAITING = text(
    """
    SELECT quarantine_id, source, raw FROM quarantine
    WHERE resolved_at IS NULL AND code = :code AND quarantine_id > :after
    ORDER BY quarantine_id LIMIT :limit
    """
)


class RegisteredSince:
    """Takes quarantined messages in again whenever something was registered since the last look."""

    def __init__(self, engine: Engine, recorder: Recorder, *, actor: str) -> None:
        self._engine = engine
        self._recorder = recorder
        self._actor = actor
        self._seen: tuple[int | None, ...] | None = None

    def look(self) -> int:
        """Replay what nothing keeps waiting any longer; how many messages were taken in.

        Those that still name something unknown stay as they are. Raises `Unavailable` when the database is away.
        """
        taken = 0
        # What is taken in may register what another message waits for.
        while (registered := self._registered()) != self._seen:
            taken += self._replay_all()
            self._seen = registered
        return taken

    def _registered(self) -> tuple[int | None, ...]:
        with self._engine.connect() as connection:
            return tuple(connection.execute(_REGISTERED).one())

    def _replay_all(self) -> int:
        taken, after = 0, 0
        while True:
            with self._engine.connect() as connection:
                given = {"code": UNREGISTERED, "after": after, "limit": _AT_ONCE}
                waiting = connection.execute(_WAITING, given).all()
            if not waiting:
                return taken
            after = waiting[-1].quarantine_id
            receipts = self._recorder.retry([Delivery(row.raw, row.source) for row in waiting])
            with transaction(self._engine) as connection:
                for row, told in zip(waiting, receipts, strict=True):
                    if not any(receipt.status == "rejected" for receipt in told):
                        self._resolve(connection, row.quarantine_id)
                        taken += 1

    def _resolve(self, connection: Connection, quarantine_id: int) -> None:
        resolve(connection, quarantine_id, "taken in: what it names was registered")
        subject = f"quarantine:{quarantine_id}"
        record_audit(connection, actor=self._actor, deed="quarantine.replayed", subject=subject)
