"""A unit's journey as visits: what one station did with it, from arriving to leaving, is read as one step. Pure.

* Messages of one transaction (`TransactionID`, IPC-2591 5.2) are one visit. Those without belong to the visit that is
  going on at their station; an arrival begins another where the one before had its work.
* A unit that comes to an operation again makes another visit there (`attempt`); a run of the same method at the same
  station after the first that reached a verdict is a retest, and counted apart from first tries.
* A message that reached the server long after the station's clock wrote it says so (`delay`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from app.units.queries import JourneyEntry

LATE = timedelta(minutes=1)
"""From here on a message is told as late: a spool that waited, or a clock that is wrong."""
_TRIES = ("UnitsInspected", "UnitsTested")
_VERDICTS = ("failed", "passed")
_SIDES: Mapping[object, Literal["top", "bottom"]] = {"PrimarySurface": "top", "SecondarySurface": "bottom"}
_ASIDE = frozenset({"UnitsArrived", "UnitsDeparted", "IdentifiersRead"})
"""Said of every visit: kept, but no reason to look at it."""


@dataclass(slots=True)
class Visit:
    """What one station did. `outcome` is its runs' worst or, without runs, its work's result; null while it works.

    `side` of the board as the machine told it (CFX `RelevantSurface`), null where it did not.
    """

    station: str
    station_name: str
    operation: str | None
    started_at: datetime
    ended_at: datetime
    received_at: datetime
    attempt: int = 1
    outcome: str | None = None
    recipe: str | None = None
    side: Literal["top", "bottom"] | None = None
    operators: list[str] = field(default_factory=list)
    retests: int = 0
    delay: float | None = None
    """Seconds between the clocks of station and server, of the latest message, where that is more than `LATE`."""
    entries: list[JourneyEntry] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it lasted, by the station's clock."""
        return (self.ended_at - self.started_at).total_seconds()


def visits(entries: Iterable[JourneyEntry]) -> list[Visit]:
    """The visits of a journey, in order of their beginning."""
    found: list[Visit] = []
    here: dict[str, Visit] = {}
    for entry in sorted(entries, key=lambda one: (one.recorded_at, one.received_at)):
        visit = here.get(entry.station)
        if visit is None or _begins_another(visit, entry):
            name = entry.station_name or entry.station
            visit = Visit(entry.station, name, entry.operation, entry.recorded_at, entry.recorded_at, entry.received_at)
            found.append(visit)
            here[entry.station] = visit
        visit.entries.append(entry)
        if entry.what == "UnitsDeparted":
            del here[entry.station]
    attempts: Counter[tuple[str, str | None]] = Counter()
    tries: Counter[tuple[str, str, object]] = Counter()
    for visit in found:
        side = next((str(one.details["surface"]) for one in visit.entries if one.details.get("surface")), None)
        if any(one.what not in _ASIDE for one in visit.entries):
            attempts[visit.operation or visit.station, side] += 1
        visit.side = _SIDES.get(side)
        visit.attempt = max(attempts[visit.operation or visit.station, side], 1)
        _sum_up(visit, tries)
    return found


def _begins_another(visit: Visit, entry: JourneyEntry) -> bool:
    known = {one.transaction_id for one in visit.entries if one.transaction_id}
    if entry.transaction_id:
        return bool(known) and entry.transaction_id not in known
    return entry.what == "UnitsArrived" and any(one.what not in _ASIDE for one in visit.entries)


def _sum_up(visit: Visit, tries: Counter[tuple[str, str, object]]) -> None:
    visit.ended_at = max(one.recorded_at for one in visit.entries)
    last = max(visit.entries, key=lambda one: one.received_at)
    visit.received_at = last.received_at
    waited = last.received_at - last.recorded_at
    visit.delay = waited.total_seconds() if abs(waited) > LATE else None
    outcomes = []
    for one in visit.entries:
        details = one.details
        visit.recipe = visit.recipe or details.get("recipe")
        if (by := details.get("by")) and by not in visit.operators:
            visit.operators.append(str(by))
        if one.what in _TRIES:
            outcomes.append(str(details.get("outcome")))
            kind = (details.get("method"), details.get("recipe"), details.get("position_number"))
            key = (one.what, visit.station, kind)
            if details.get("outcome") in _VERDICTS:
                visit.retests += tries[key] > 0
                tries[key] += 1
    result = next((str(one.details["result"]) for one in visit.entries if one.details.get("result")), None)
    visit.outcome = _outcome(outcomes) or (result.lower() if result else None)


def _outcome(outcomes: Sequence[str]) -> str | None:
    """The outcome of a visit whose runs ended so: the last verdict, unless a run of it reached none."""
    verdicts = [one for one in outcomes if one in _VERDICTS]
    return verdicts[-1] if verdicts else (outcomes[-1] if outcomes else None)
