"""What the gate said last: at each station, and of what was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.interlock.gathering import Asked, gather
from app.interlock.rules import decide
from app.interlock.verdicts import Verdict
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class LastVerdict:
    """What the gate said last of one identifier at a station: of a panel, all its boards together.

    `asked` boards, `refused` of them, `codes`, `verdict_id` and `unit_id` are those of the first refused board, or
    of the first.
    """

    identifier: str
    asked: int
    refused: int
    codes: tuple[str, ...]
    unit_id: int
    verdict_id: int
    decided_at: datetime

    @property
    def allowed(self) -> bool:
        """Whether all of it may start."""
        return not self.refused


# A station asks again, some times a second, while a report is on its way: hence the many rows that are looked at.
_LOOKED_AT = 300
_AT_STATIONS = text(
    """
    -- What did the gate say last at each station? Of each identifier, the rows of the last time it was asked about.
    SELECT station.station_id, told.*
    FROM station
    CROSS JOIN LATERAL (
        SELECT identifier, count(*) AS asked, count(*) FILTER (WHERE NOT allowed) AS refused,
            (array_agg(array_to_string(codes, ' ') ORDER BY allowed, position_number))[1] AS codes,
            (array_agg(unit_id ORDER BY allowed, position_number))[1] AS unit_id,
            (array_agg(verdict_id ORDER BY allowed, position_number))[1] AS verdict_id, max(decided_at) AS decided_at
        FROM (
            SELECT DISTINCT ON (identifier, position_number)
                identifier, position_number, allowed, unit_id, verdict_id, decided_at, codes
            FROM (
                SELECT * FROM verdict
                WHERE verdict.station_id = station.station_id AND purpose = 'start'
                ORDER BY decided_at DESC LIMIT :looked_at
            ) AS recent
            ORDER BY identifier, position_number, decided_at DESC, verdict_id DESC
        ) AS latest
        GROUP BY identifier
        ORDER BY max(decided_at) DESC LIMIT :each
    ) AS told
    ORDER BY station_id, decided_at DESC
    """
)


def last_verdicts(connection: Connection, *, each: int = 3) -> Mapping[int, Sequence[LastVerdict]]:
    """The last few things that each station asked about, newest first, by station id."""
    found: dict[int, list[LastVerdict]] = {}
    for row in connection.execute(_AT_STATIONS, {"each": each, "looked_at": _LOOKED_AT}):
        found.setdefault(row.station_id, []).append(
            LastVerdict(
                identifier=row.identifier,
                asked=row.asked,
                refused=row.refused,
                codes=tuple(row.codes.split()),
                unit_id=row.unit_id,
                verdict_id=row.verdict_id,
                decided_at=row.decided_at,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Stopped:
    """A station that stopped before something it had been refused; `cleared_at` is None while it stands."""

    station: str
    identifier: str
    serial: str | None
    codes: tuple[str, ...]
    sentence: str | None
    unit_id: int
    verdict_id: int
    decided_at: datetime
    stopped_at: datetime
    cleared_at: datetime | None


_STOPPED = text(
    """
    -- Which station stopped last because of what the gate had refused it, and over what?
    SELECT coalesce(
            station.name, upper(left(operation, 1)) || replace(substr(operation, 2), '_', ' '), station.handle
        ) AS station,
        refused.identifier, unit.serial, refused.codes, fault.body #>> '{Fault,Description}' AS sentence,
        refused.unit_id, refused.verdict_id, refused.decided_at, fault.recorded_at AS stopped_at, (
            SELECT min(recorded_at) FROM station_event AS cleared
            WHERE cleared.station_id = fault.station_id AND cleared.recorded_at >= fault.recorded_at
              AND cleared.message_name = 'CFX.ResourcePerformance.FaultCleared'
        ) AS cleared_at
    FROM station
    CROSS JOIN LATERAL (
        SELECT * FROM station_event
        WHERE station_event.station_id = station.station_id
          AND message_name = 'CFX.ResourcePerformance.FaultOccurred'
        ORDER BY recorded_at DESC LIMIT 50
    ) AS fault
    CROSS JOIN LATERAL (
        SELECT * FROM verdict
        WHERE verdict.station_id = station.station_id AND NOT allowed AND purpose = 'start'
          AND decided_at <= fault.received_at AND decided_at > fault.received_at - interval '1 minute'
        ORDER BY decided_at DESC, position_number LIMIT 1
    ) AS refused
    LEFT JOIN unit ON unit.unit_id = refused.unit_id
    WHERE fault.body #>> '{Fault,FaultCode}' = 'NOT_ADMITTED' AND 'skipped' = ANY (refused.codes)
    ORDER BY fault.recorded_at DESC LIMIT 1
    """
)


def last_skipped(connection: Connection) -> Stopped | None:
    """The last time a station stopped because something had skipped an operation."""
    row = connection.execute(_STOPPED).one_or_none()
    if row is None:
        return None
    return Stopped(
        station=row.station,
        identifier=row.identifier,
        serial=row.serial,
        codes=tuple(row.codes),
        sentence=row.sentence,
        unit_id=row.unit_id,
        verdict_id=row.verdict_id,
        decided_at=row.decided_at,
        stopped_at=row.stopped_at,
        cleared_at=row.cleared_at,
    )


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """A verdict as it is in the log, with the facts it saw."""

    identifier: str
    position_number: int
    serial: str | None
    station: str
    handle: str
    allowed: bool
    codes: tuple[str, ...]
    overridden: tuple[str, ...]
    actor: str
    decided_at: datetime
    facts: Mapping[str, Any]


_ONE = text(
    """
    SELECT verdict.identifier, verdict.position_number, unit.serial, station.handle,
        coalesce(
            station.name, upper(left(operation, 1)) || replace(substr(operation, 2), '_', ' '), station.handle
        ) AS station,
        verdict.allowed, verdict.codes, verdict.overridden, verdict.actor, verdict.decided_at, verdict.facts
    FROM verdict
    JOIN station USING (station_id)
    LEFT JOIN unit ON unit.unit_id = verdict.unit_id
    WHERE verdict.unit_id = :unit AND verdict.verdict_id = :number
    """
)


def given_verdict(connection: Connection, unit_id: int, verdict_id: int) -> GivenVerdict:
    """One verdict of the log. Raises `NotFound`."""
    row = connection.execute(_ONE, {"unit": unit_id, "number": verdict_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(Sentence("The gate gave no verdict %(number)s on this unit.", number=verdict_id))
    return GivenVerdict(**{**row, "codes": tuple(row["codes"]), "overridden": tuple(row["overridden"])})


def verdict_now(connection: Connection, given: GivenVerdict) -> Verdict:
    """What the gate would say now to the same question; not logged, since nobody asks to start."""
    facts = gather(connection, station=given.handle, asked=[Asked(given.identifier, given.position_number)])
    return decide(facts[0])
