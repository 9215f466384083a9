"""The time that a question asks for, and what clocks that are wrong say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from app.lines.clocks import clock_errors
from app.trace.evidence import Evidence
from app.trace.question import Question

_STATIONS = text(
    "SELECT station_id, handle FROM station WHERE CAST(:station AS text) IS NULL OR handle = CAST(:station AS text)"
)


@dataclass(frozen=True, slots=True)
class AskedTime:
    """From when to when was asked for, None where an end is open; `clocks`: how far stations' clocks were seen off.

    What a clock that was seen off tells near an end may have been on either side of it.
    """

    since: datetime | None
    until: datetime | None
    clocks: Mapping[int, timedelta]
    stations: Mapping[int, str]

    @property
    def is_doubtful(self) -> bool:
        """Whether any clock matters."""
        return bool(self.clocks) and (self.since is not None or self.until is not None)

    @property
    def widest(self) -> tuple[datetime | None, datetime | None]:
        """The time widened by the worst clock."""
        worst = max(self.clocks.values(), default=timedelta())
        return (self.since - worst if self.since else None), (self.until + worst if self.until else None)

    def evidence(self, station_id: int, begun: datetime, ended: datetime | None) -> Evidence | None:
        """How sure it is that what a station told, from `begun` to `ended` (None: it goes on), reached into it."""
        off = self.clocks.get(station_id, timedelta())
        if (self.until and begun - off > self.until) or (self.since and ended and ended + off < self.since):
            return None
        sure = (not self.until or begun + off <= self.until) and (
            not self.since or not ended or ended - off >= self.since
        )
        return Evidence.exact if sure else Evidence.bounded

    def doubt(self, station_id: int) -> str:
        """Why that is not sure, to follow a sentence without its stop."""
        off = self.clocks[station_id].total_seconds()
        return f"; the clock of {self.stations[station_id]} was seen off by up to {off:.0f} s"


def asked_time(connection: Connection, question: Question) -> AskedTime:
    """The time that the question asks for, with the clocks of the stations it means as they were known then."""
    if question.since is None and question.until is None:
        return AskedTime(None, None, {}, {})
    stations: dict[int, str] = {row[0]: row[1] for row in connection.execute(_STATIONS, {"station": question.station})}
    return AskedTime(question.since, question.until, clock_errors(connection, stations, question.as_of), stations)
