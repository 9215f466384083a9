"""Which events are under way, which wait for their time, and when each is to be published (again).

Bookkeeping only, no clock and no network of its own: times are passed in, in seconds of one
monotonic clock, so that it can be tried out without waiting.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stations.faults import Traffic
from stations.spool import Spooled

_TRIES_UNTIL_TROUBLE: Final = 3


@dataclass(slots=True)
class Flight:
    """One event that has left the spool's reader and has no receipt yet."""

    event: Spooled
    due: float
    tries: int = 0
    sent: bool = False
    reported: bool = False


class Window:
    """The events under way, at most `most_events` and `most_bytes` of them published and unanswered.

    Events that a fault holds back (`traffic`) do not count, or a few late ones would stop the rest.
    """

    def __init__(self, most_events: int, most_bytes: int, traffic: Traffic | None = None) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._traffic = traffic
        self._flights: dict[str, Flight] = {}
        self._repeats: list[tuple[float, int, Spooled]] = []
        self._published = 0
        self._bytes = 0
        self.read_up_to = 0

    @property
    def holding(self) -> int:
        """How many events wait for a receipt or, by a fault, for their time."""
        return len(self._flights) + len(self._repeats)

    def room(self) -> int:
        """How many more events may be read from the spool."""
        if self._bytes >= self._most_bytes:
            return 0
        return max(0, self._most_events - self._published)

    def take(self, events: Sequence[Spooled], now: float) -> None:
        """Take events just read from the spool, in their order. They are due now unless a fault says later."""
        self.read_up_to = events[-1].sequence
        for event in events:
            hold, repeats = (0.0, ()) if self._traffic is None else self._traffic.plan(event)
            flight = Flight(event, now + hold)
            self._flights[event.unique_id] = flight
            if hold == 0.0:
                self._count(flight)
            for number, delay in enumerate(repeats):
                heapq.heappush(self._repeats, (now + hold + delay, event.sequence * 8 + number, event))

    def due(self, now: float, timeout: float, longest: float) -> list[Spooled]:
        """Give what is to be published now, oldest first, and count the wait for its receipt.

        `timeout` is doubled with every try of an event, up to `longest`.
        """
        ready = sorted(
            (flight for flight in self._flights.values() if flight.due <= now),
            key=lambda flight: flight.event.sequence,
        )
        for flight in ready:
            if not flight.sent:
                self._count(flight)
            flight.tries += 1
            flight.due = now + min(timeout * 2 ** (flight.tries - 1), longest)
        events = [flight.event for flight in ready]
        while self._repeats and self._repeats[0][0] <= now:
            events.append(heapq.heappop(self._repeats)[2])
        return events if self._traffic is None else self._traffic.order(events)

    def overdue(self, now: float) -> Iterable[Flight]:
        """Give events published several times in vain; each is told once."""
        for flight in self._flights.values():
            if flight.due <= now and flight.tries >= _TRIES_UNTIL_TROUBLE and not flight.reported:
                flight.reported = True
                yield flight

    def settled(self, unique_id: str) -> None:
        """Forget an event that has its receipt; a repetition planned by a fault is still made."""
        flight = self._flights.pop(unique_id, None)
        if flight is not None and flight.sent:
            self._published -= 1
            self._bytes -= len(flight.event.payload)

    def connection_lost(self) -> None:
        """Whatever was under way is due again at once: its publication or its receipt may be lost."""
        for flight in self._flights.values():
            if flight.sent:
                flight.due, flight.tries = 0.0, 0

    def seconds_to_next(self, now: float) -> float:
        """Give the seconds until something is due; a day when nothing is."""
        times = [flight.due for flight in self._flights.values()]
        if self._repeats:
            times.append(self._repeats[0][0])
        return max(0.0, min(times, default=now + 86_400.0) - now)

    def _count(self, flight: Flight) -> None:
        flight.sent = True
        self._published += 1
        self._bytes += len(flight.event.payload)
