"""Just after an outage what stations did meanwhile is on its way: what seems skipped may have been done."""

import time
from typing import Final

SETTLES: Final = 30.0
"""Seconds after the product came back in which that may be: stations find it again within 18 s, and then say it."""


class Settling:
    """Whether this process, or what it needs, was away until a moment ago."""

    def __init__(self, seconds: float = SETTLES) -> None:
        self._seconds = seconds
        self._over = 0.0

    def __bool__(self) -> bool:
        return time.monotonic() < self._over

    def begin(self) -> None:
        """It is away, or just came back."""
        self._over = time.monotonic() + self._seconds
