"""Permitted starts: a unit is in one station's hands at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from app.errors import Conflict, Invalid, NotFound
from app.people import record_audit
from app.units.locks import lock_units


@dataclass(frozen=True, slots=True)
class Start:
    """An open permission to work on a unit."""

    unit_id: int
    start_id: int
    station: str
    station_id: int
    transaction_id: UUID | None
    granted_at: datetime


class AlreadyStarted(Conflict):
    """The unit is in another station's hands."""

    code = "already_started"
    title = "The unit was started elsewhere"


# A start ends with the work it permitted: told by the transaction, or, without one, by any later end at the station.
_OPEN = text(
    """
    SELECT unit_id, start_id, station.handle, station_id, transaction_id, granted_at,
        EXISTS (
            SELECT FROM (
                SELECT CAST(unit_start.unit_id AS bigint) AS unit_id
                UNION ALL
                SELECT panel_id FROM panel_position WHERE panel_position.unit_id = unit_start.unit_id
            ) AS spoken
            JOIN work_record AS work USING (unit_id)
            WHERE work.station_id = unit_start.station_id
              AND (work.transaction_id = unit_start.transaction_id
                   OR (unit_start.transaction_id IS NULL AND work.completed_received_at >= unit_start.granted_at))
              AND work.completed_at IS NOT NULL
        ) AS completed
    FROM unit_start JOIN station USING (station_id)
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND ended_at IS NULL
    """
)
_END = text(
    """
    UPDATE unit_start SET ended_at = clock_timestamp(), ended_by = :ended_by
    WHERE unit_id = :unit AND ended_at IS NULL
    """
)
_BEGIN = text(
    """
    INSERT INTO unit_start (unit_id, station_id, transaction_id, granted_to)
    VALUES (:unit, :station, :transaction, :actor)
    RETURNING start_id, (SELECT handle FROM station WHERE station_id = :station), granted_at
    """
)


def open_starts(connection: Connection, unit_ids: Collection[int]) -> dict[int, Start]:
    """The open start of each unit that has one; work that was completed since does not count."""
    rows = connection.execute(_OPEN, {"units": sorted(unit_ids)})
    return {row.unit_id: Start(*row[:6]) for row in rows if not row.completed} if unit_ids else {}


def begin_start(
    connection: Connection, unit_id: int, *, station_id: int, transaction_id: UUID | None, actor: str
) -> Start:
    """Give a station the unit; the caller holds `lock_units` and has judged that it may.

    The same station with the same transaction gets the same start again. Raises `AlreadyStarted` while another has it.
    """
    row = connection.execute(_OPEN, {"units": [unit_id]}).one_or_none()
    if row is not None and not row.completed:
        same = row.station_id == station_id and transaction_id in {None, row.transaction_id}
        if same:
            return Start(*row[:6])
        raise _elsewhere(row.handle, row.granted_at)
    if row is not None:
        connection.execute(_END, {"unit": unit_id, "ended_by": "the work was completed"})
    given = {"unit": unit_id, "station": station_id, "transaction": transaction_id, "actor": actor}
    try:
        with connection.begin_nested():
            begun = connection.execute(_BEGIN, given).one()
    except IntegrityError as taken:  # somebody started it without the lock: the index is the last wall
        raise AlreadyStarted("The unit was started elsewhere just now. Complete its work there first.") from taken
    return Start(unit_id, begun.start_id, begun.handle, station_id, transaction_id, begun.granted_at)


def _elsewhere(station: str, since: datetime) -> AlreadyStarted:
    return AlreadyStarted(
        f"The unit was started at {station}, {since:%Y-%m-%d %H:%M:%S} UTC, and its work there is not completed. "
        "Complete it there, or have the start ended by somebody who saw that it was given up.",
        station=station,
    )


def end_start(connection: Connection, unit_id: int, *, reason: str, actor: str) -> None:
    """End a start that was given up: the station will not complete it. Raises `NotFound` where none is open."""
    if not reason.strip():
        raise Invalid("Say why the start is ended.")
    lock_units(connection, [unit_id])  # a start that is being judged right now is seen, or comes later
    if connection.execute(_END, {"unit": unit_id, "ended_by": f"{actor}: {reason.strip()}"}).rowcount == 0:
        raise NotFound("This unit has no open start.")
    record_audit(connection, actor=actor, deed="start.ended", subject=f"unit:{unit_id}", reason=reason.strip())
