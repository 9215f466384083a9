"""Open containments are counted again, so that what their rules catch is held by a row that everybody sees.

Intake writes the hold of a unit with the fact that it is caught by. What is left is what such a fact does not touch: a
package whose lot becomes known after it was placed, an operator's log-in that arrives late, a fact that was recorded
while the containment was being opened. Where a report names the material, the rule holds those from the first moment,
and the row, the list of held units and the news of it come with the next count; so it is for a unit that only may have
a package that was contained by then (`app.quality.suspected`). An audit row says how many were new.
"""

import time
from functools import partial

import structlog
from sqlalchemy import Connection, Engine, text

from app.db import retrying
from app.errors import BirthmarkError
from app.quality.containments import count_again
from app.regularly import Regularly
from app.units.as_material import tie_missed

log = structlog.get_logger()

ACTOR = "birthmark"
_LOOK_EVERY = 10.0
_COUNT_EVERY = 60.0
_SHARE = 20
"""A containment rests twenty times as long as its count took: together they never take more than a twentieth."""

_OPEN = text(
    """
    SELECT containment.number FROM nonconformance JOIN containment USING (nonconformance_id)
    WHERE by_rule AND released_at IS NULL
    ORDER BY nonconformance_id
    """
)
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext(:number), 5)")


class Recounting(Regularly):
    """Counts each open containment once a minute, the large ones as seldom as they are slow."""

    def __init__(self, engine: Engine, *, every: float = _COUNT_EVERY) -> None:
        super().__init__("recounting", min(every, _LOOK_EVERY))
        self._engine = engine
        self._rest = every
        self._due: dict[str, float] = {}

    def do(self) -> None:
        """Count what is due."""
        with self._engine.begin() as connection:
            tie_missed(connection)
            numbers = list(connection.execute(_OPEN).scalars())
        self._due = {number: at for number, at in self._due.items() if number in numbers}
        for number in numbers:
            if self.ended:
                return
            began = time.monotonic()
            if began < self._due.get(number, 0.0):
                continue
            try:
                retrying(self._engine, partial(_count, number))
            except BirthmarkError as refused:  # released meanwhile
                log.info("recounting.refused", containment=number, reason=refused.sentence)
            took = time.monotonic() - began
            self._due[number] = began + took + max(self._rest, _SHARE * took)


def _count(number: str, connection: Connection) -> None:
    if connection.execute(_ALONE, {"number": number}).scalar_one():  # else another process is at it
        count_again(connection, number, actor=ACTOR)
