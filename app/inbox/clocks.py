"""What messages tell of their stations' clocks by the way."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from app.lines.clocks import ALARM, SUSPECT, note_heard

_EVERY: Final = 60.0
"""Seconds after which it is noted once more that a station's messages come when they say."""


class Clocks:
    """Notes them, one per process."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def heard(self, connection: Connection, told: Iterable[tuple[str, datetime]], received_at: datetime) -> None:
        """Stations, by their CFX handles, told of these times in what was received at once."""
        ahead: dict[str, timedelta] = {}
        close = set()
        for station, recorded_at in told:
            error = recorded_at - received_at
            if error > SUSPECT:
                ahead[station] = max(error, ahead.get(station, error))
            if abs(error) <= ALARM:
                close.add(station)
        now = time.monotonic()
        wrong = {station for station, error in ahead.items() if error > ALARM}
        due = sorted(one for one in close - wrong if now - self._noted.get(one, -_EVERY) >= _EVERY)
        note_heard(connection, ahead, due)
        self._noted.update(dict.fromkeys(due, now))
