"""What stands at the gates now: policies, locks, overrides in force, last verdicts, units that wait. Read only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from app.errors import NotFound
from app.interlock.models import GateOverride, GatePolicy, LoggedVerdict, StationCalibration, StationLock
from app.lines.models import Line, Station
from app.sentences import Sentence
from app.units.models import Unit
from app.units.provisional import PASSED_WITHOUT, provisional_starts


@dataclass(frozen=True, slots=True)
class StationGate:
    """A station as the gate has it. `refused` counts the verdicts of the last hour that forbade something."""

    station_id: int
    station: str
    name: str | None
    line: str | None
    operation: str | None
    policy: str
    snapshot_seconds: int
    calibrated_until: datetime | None
    locked_because: str | None
    locked_by: str | None
    locked_at: datetime | None
    refused: int


def station_gates(connection: Connection, station: str | None = None) -> list[StationGate]:
    """Every station by line and place in it, or the one with this CFX handle. Raises `NotFound` for an unknown one."""
    refused = (
        select(func.count())
        .where(
            LoggedVerdict.station_id == Station.station_id,
            LoggedVerdict.decided_at > func.now() - func.make_interval(0, 0, 0, 0, 1),
            ~LoggedVerdict.allowed,
        )
        .correlate(Station)
        .scalar_subquery()
    )
    asked = (
        select(
            Station.station_id,
            Station.handle,
            Station.name,
            Line.name,
            Station.operation,
            func.coalesce(GatePolicy.policy, "fail_closed"),
            func.coalesce(GatePolicy.snapshot_seconds, 900),
            StationCalibration.due_at,
            StationLock.reason,
            StationLock.locked_by,
            StationLock.locked_at,
            refused,
        )
        .outerjoin(Line, Line.line_id == Station.line_id)
        .outerjoin(GatePolicy, GatePolicy.station_id == Station.station_id)
        .outerjoin(StationCalibration, StationCalibration.station_id == Station.station_id)
        .outerjoin(StationLock, (StationLock.station_id == Station.station_id) & StationLock.unlocked_at.is_(None))
        .order_by(Line.name.nulls_last(), Station.line_order, Station.handle)
    )
    if station is not None:
        asked = asked.where(Station.handle == station)
    rows: Iterable[Any] = connection.execute(asked)
    found = [StationGate(*row) for row in rows]
    if station is not None and not found:
        raise NotFound(
            Sentence("No station %(station)s is known here. Plan it, or let it say something first.", station=station)
        )
    return found


@dataclass(frozen=True, slots=True)
class OverrideInForce:
    """A reason that passes until a time: for one unit at a station, or (no `serial`) for the station."""

    override_id: int
    code: str
    subject: str | None
    station: str | None
    serial: str | None
    reason: str
    given_by: str
    given_role: str
    second_by: str | None
    given_at: datetime
    expires_at: datetime


def overrides_in_force(connection: Connection, *, station: str | None = None) -> list[OverrideInForce]:
    """Every override that holds now, the one that ends first in front."""
    asked = (
        select(
            GateOverride.override_id,
            GateOverride.code,
            GateOverride.subject,
            Station.handle,
            Unit.serial,
            GateOverride.reason,
            GateOverride.given_by,
            GateOverride.given_role,
            GateOverride.second_by,
            GateOverride.given_at,
            GateOverride.expires_at,
        )
        .outerjoin(Station, Station.station_id == GateOverride.station_id)
        .outerjoin(Unit, Unit.unit_id == GateOverride.unit_id)
        .where(GateOverride.revoked_at.is_(None), GateOverride.expires_at > func.now())
        .order_by(GateOverride.expires_at)
    )
    if station is not None:
        asked = asked.where(Station.handle == station)
    return [OverrideInForce(*row) for row in connection.execute(asked)]


_AT_STATION = text(
    """
    -- What did the gate say at this station?
    SELECT verdict.verdict_id, verdict.identifier, verdict.position_number, unit.serial, verdict.purpose,
        verdict.allowed, verdict.codes, verdict.overridden, verdict.actor, verdict.decided_at
    FROM station JOIN verdict USING (station_id)
    LEFT JOIN unit ON unit.unit_id = verdict.unit_id
    WHERE station.handle = :station AND (verdict.allowed IS FALSE OR NOT :refused)
    ORDER BY verdict.decided_at DESC, verdict.verdict_id DESC
    LIMIT :limit
    """
)


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict as it was given: `codes` are the reasons that stood, `overridden` those that somebody let pass."""

    verdict_id: int
    identifier: str
    position_number: int
    serial: str | None
    purpose: str
    allowed: bool
    codes: list[str]
    overridden: list[str]
    actor: str
    decided_at: datetime


def verdicts_at(connection: Connection, station: str, *, refused: bool = False, limit: int = 100) -> list[Given]:
    """The verdicts at a station, newest first; with `refused` those that forbade something."""
    rows = connection.execute(_AT_STATION, {"station": station, "refused": refused, "limit": limit})
    return [Given(*row) for row in rows]


_WAITING = text(
    f"""
    -- Which units passed a gate without the product lately, and where?
    SELECT DISTINCT coalesce(held.unit_id, fact.unit_id) AS unit_id
    FROM unit_event AS fact LEFT JOIN panel_position AS held ON held.panel_id = fact.unit_id
    WHERE {PASSED_WITHOUT}
      AND NOT EXISTS (
        SELECT FROM provisional_release AS released
        WHERE released.event_id = fact.event_id AND released.unit_id = coalesce(held.unit_id, fact.unit_id)
      )
    LIMIT :limit
    """
)
_NAMES = text(
    """
    SELECT unit.serial, station.handle
    FROM unnest(CAST(:units AS bigint[]), CAST(:stations AS int[])) AS given (unit_id, station_id)
    JOIN unit USING (unit_id) LEFT JOIN station USING (station_id)
    ORDER BY unit.serial, station.handle
    """
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unit that waits for its release, and the station that let it in without the product."""

    serial: str
    station: str | None


def waiting_for_release(connection: Connection, *, limit: int = 500) -> list[Waiting]:
    """Units that nobody has released since they passed a gate while the product could not be reached."""
    units = connection.execute(_WAITING, {"limit": limit}).scalars().all()
    starts = provisional_starts(connection, units)
    found = {"units": [one.unit_id for one in starts], "stations": [one.station_id for one in starts]}
    return list(dict.fromkeys(Waiting(*row) for row in connection.execute(_NAMES, found)))
