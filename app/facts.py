"""What every fact carries: which station reported it, in which event, and by both clocks."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The event a fact comes from.

    `recorded_at` is the station's clock (the envelope's `TimeStamp`), `received_at` the server's.
    """

    event_id: int
    station_id: int
    recorded_at: datetime
    received_at: datetime
