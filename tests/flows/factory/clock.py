"""The clocks of stations: never quite right, and each wrong in a way of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
WORST = 2.0
"""Seconds a clock may be wrong by; beyond it a factory has its own alarm (field practice)."""


FAR = 600.0
"""Seconds that a clock beyond the alarm is wrong by at most; it is known how far."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`skew` in seconds, `drift` in seconds an hour; a factory of the model lives for less than an hour."""

    skew: float = 0.0
    drift: float = 0.0

    def reads(self, seconds: float) -> datetime:
        """What the clock shows at a moment of the true time, given in seconds since `START`."""
        return START + timedelta(seconds=seconds + self.skew + self.drift * seconds / 3600)


def far_clock(rng: Random) -> Clock:
    """Wrong by more than clocks are."""
    return Clock(skew=rng.choice((-1, 1)) * rng.uniform(WORST, FAR))


def wrong_clock(rng: Random) -> Clock:
    """Right, or wrong by a constant of at most `WORST`, or by less and drifting."""
    kind = rng.randrange(4)
    if kind == 0:
        return Clock()
    if kind == 1:
        return Clock(skew=rng.choice((-WORST, WORST)))
    if kind == 2:
        return Clock(skew=rng.uniform(-WORST, WORST))
    return Clock(skew=rng.uniform(-1, 1), drift=rng.uniform(-1, 1))
