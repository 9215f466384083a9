"""Was one package identifier seen on two machines at overlapping times? Then it is two reels with one label, or two
stations that report the same placements.

A package goes where a station says it was loaded, or its splice ran in. A sign of it is a report of parts placed from
it, or that it ran empty.

* A sign at a station that had it before, though another loaded it since, and nobody loaded it back: contradiction.
  Work that was begun before the other loaded it is none: a reel may be taken out in the middle of a board.
* What clocks that were seen off tell within that of one another is in no order, and contradicts nothing.
* A station that never says what is loaded has it whenever it places from it. Its two signs within `MOVING`, with
  another station's sign between: contradiction. Nobody carries a reel over and back, loading it twice, in that time.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, text

from app.trace.spans import CLOCK_ERROR

MOVING = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Sign:
    """A package at a station, some time from `since` to `until` (stations' clocks); `arrives`: it was loaded there."""

    station_id: int
    since: datetime
    until: datetime
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class TwoPlaces:
    """The first contradiction: the package was at `station_id`, then at `other_id`, and still at the first `at`."""

    station_id: int
    other_id: int
    at: datetime
    times: int
    """How many signs contradict."""


_SIGNS = text(
    """
    -- Where were these packages loaded, placed from, and found empty, in order of time?
    SELECT package_id, station_id, recorded_at AS since, recorded_at AS until, kind <> 'empty' AS arrives
    FROM loading_event
    WHERE package_id = ANY (CAST(:packages AS integer[])) AND kind IN ('loaded', 'spliced', 'empty')
      AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    UNION ALL
    SELECT DISTINCT taken.package_id, fact.station_id,
        least(fact.recorded_at, (
            SELECT work.started_at FROM work_record AS work
            WHERE work.unit_id = fact.unit_id AND work.transaction_id = fact.transaction_id
              AND work.station_id = fact.station_id
              AND (CAST(:as_of AS timestamptz) IS NULL OR work.started_received_at <= :as_of)
        )),
        fact.recorded_at, false
    FROM (
        SELECT DISTINCT asked.package_id, chunk_id
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        JOIN material_chunk ON package_ids @> ARRAY[asked.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id
        WHERE pair.package_id = asked.package_id AND joined_packages = '{}' AND kind = 'installed'
    ) AS taken
    JOIN material_set ON chunk_ids @> ARRAY[taken.chunk_id]
    JOIN installation AS fact USING (set_id)
    WHERE CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of
    ORDER BY package_id, until, since
    """
)


def in_two_places(
    connection: Connection, packages: Sequence[int], clocks: Mapping[int, timedelta], as_of: datetime | None
) -> dict[int, TwoPlaces]:
    """Those of the packages that were seen on two machines at overlapping times.

    `clocks`: by how much those of stations were seen off, where that is more than `CLOCK_ERROR`.
    """
    found: dict[int, TwoPlaces] = {}
    rows = connection.execute(_SIGNS, {"packages": list(packages), "as_of": as_of}) if packages else ()
    for package_id, own in groupby(rows, key=itemgetter(0)):
        contradicting = contradiction([Sign(*row[1:]) for row in own], clocks)
        if contradicting:
            found[package_id] = contradicting
    return found


def contradiction(signs: Sequence[Sign], clocks: Mapping[int, timedelta]) -> TwoPlaces | None:
    """Whether the signs of one package, in order of `until`, cannot be of one thing that is in one place at a time."""
    arrivals = [sign for sign in signs if sign.arrives]
    announcing = {sign.station_id for sign in arrivals}
    last: dict[int, datetime] = {}
    found: list[tuple[int, int, datetime]] = []
    for sign in signs:
        if sign.station_id in announcing:
            other = _taken_since(sign, arrivals, clocks) if not sign.arrives else None
        else:
            other = _meanwhile(sign, last, clocks)
        if other is not None:
            found.append((sign.station_id, other, sign.until))
        last[sign.station_id] = sign.until
    return TwoPlaces(*found[0], times=len(found)) if found else None


def _apart(one: int, other: int, clocks: Mapping[int, timedelta]) -> timedelta:
    """Within this, what two stations told is in no order."""
    none = timedelta()
    return max(CLOCK_ERROR, clocks.get(one, none) + clocks.get(other, none))


def _taken_since(sign: Sign, arrivals: Sequence[Sign], clocks: Mapping[int, timedelta]) -> int | None:
    """The other station that loaded it last before the sign began, after the sign's own station did."""
    here = [arrival.until for arrival in arrivals if arrival.station_id == sign.station_id]
    before = bisect_left(arrivals, sign.since - CLOCK_ERROR, key=lambda arrival: arrival.until)
    for elsewhere in reversed(arrivals[:before]):
        if elsewhere.station_id == sign.station_id:
            return None
        apart = _apart(sign.station_id, elsewhere.station_id, clocks)
        if elsewhere.until < sign.since - apart:
            off = apart if apart > CLOCK_ERROR else timedelta()
            came_back = any(elsewhere.until - off <= at <= sign.until for at in here)
            return None if here[0] > elsewhere.until or came_back else elsewhere.station_id
    return None


def _meanwhile(sign: Sign, last: Mapping[int, datetime], clocks: Mapping[int, timedelta]) -> int | None:
    """The other station that had it between this sign and the one before at the same station."""
    before = last.get(sign.station_id)
    if before is None or sign.until - before > MOVING:
        return None
    between = []
    for station_id, until in last.items():
        apart = _apart(sign.station_id, station_id, clocks)
        if station_id != sign.station_id and before + apart < until < sign.until - apart:
            between.append((until, station_id))
    return max(between, default=(None, None))[1]
