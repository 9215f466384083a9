"""The kept counts are brought up beside the product's other work, so that a statistic finds little left to count."""

import time

from sqlalchemy import Engine

from app.quality.population import keep_counts
from app.regularly import Regularly

_EVERY = 5.0
_STEP = 500


def bring_up(engine: Engine) -> None:
    """Count all that is known by now, in transactions of a bounded size: for a statistic that must miss nothing."""
    taken = 1
    while taken:
        with engine.begin() as connection:
            taken = keep_counts(connection)


class Counting(Regularly):
    """Brings the counts up every few seconds."""

    def __init__(self, engine: Engine, *, every: float = _EVERY) -> None:
        super().__init__("counting", every)
        self._engine = engine

    def do(self) -> None:
        """Count until nothing is left, in small steps with rests twice as long: verdicts are asked for meanwhile."""
        taken = 1
        while taken and not self.ended:
            began = time.monotonic()
            with self._engine.begin() as connection:
                taken = keep_counts(connection, most=_STEP)
            self.rest(2 * (time.monotonic() - began))
