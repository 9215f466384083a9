"""A reel was scanned by mistake: the slot's former state stands again.

Nothing is taken back. That it was scanned stays, that it was a mistake is said beside it. For the time in between both
are possible, what was scanned and what was there before: who undoes it says what is in the slot now, and nobody saw
what the machine took from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, text

from app.errors import Conflict, NotFound
from app.facts import Report
from app.lines.tools import station_id_of
from app.materials.loaded import Loaded, loaded_at
from app.materials.loadings import LoadingChange, record_loadings
from app.materials.package_events import past
from app.people import record_audit
from app.setup.checks import blocks_at
from app.setup.models import SetupCheck
from app.setup.verification import Check, alone_with

_MOMENT = timedelta(microseconds=1)

_CHECK = text(
    """
    -- What was scanned, where did it put the package, and was anything scanned or told of either since?
    SELECT checked.slot AS said, checked.kind, checked.accepted, checked.recorded_at, checked.package_id,
        checked.replaced_id, package.identifier AS package, loading.slot, loading.slot_name, loading.lane,
        EXISTS (
            SELECT FROM setup_check AS since
            WHERE since.check_id > checked.check_id AND since.station_id = checked.station_id
              AND (since.slot = checked.slot OR since.package_id = checked.package_id)
        ) AS scanned_since,
        EXISTS (
            SELECT FROM loading_event AS since
            WHERE since.received_at > checked.received_at AND since.kind IN ('loaded', 'spliced', 'unloaded', 'empty')
              AND (since.package_id = checked.package_id
                   OR (since.station_id = checked.station_id AND since.slot = coalesce(loading.slot, checked.slot)))
              AND since.event_id <> -checked.check_id
        ) AS told_since,
        (
            SELECT refused.reasons FROM setup_check AS refused
            WHERE refused.station_id = checked.station_id AND refused.slot = checked.slot AND NOT refused.accepted
              AND refused.check_id < checked.check_id
            ORDER BY check_id DESC LIMIT 1
        ) AS refused_for
    FROM setup_check AS checked
    JOIN station USING (station_id)
    LEFT JOIN package USING (package_id)
    LEFT JOIN loading_event AS loading
        ON loading.station_id = checked.station_id AND loading.event_id = -checked.check_id
    WHERE checked.check_id = :check AND station.handle = :station
    """
)


def undo_loading(
    connection: Connection, check_id: int, *, station: str, actor: str, at: datetime | None = None
) -> Check:
    """Say that an accepted scan was a mistake; see the module. Returns what is in the slot again (`package`).

    Raises `NotFound` for a scan that was none at this station, `Conflict` where it was refused, or where the slot or
    the package was scanned or told of since: then that counts.
    """
    when = past(at)
    station_id = station_id_of(connection, station)
    row = connection.execute(_CHECK, {"check": check_id, "station": station}).one_or_none()
    if row is None:
        raise NotFound("That scan is not known here. Scan the slot, then the reel that is in it.")
    alone_with(connection, f"slot {station_id} {row.slot or row.said}", f"package {row.package_id}")
    row = connection.execute(_CHECK, {"check": check_id, "station": station}).one()
    if not row.accepted or row.kind not in {"load", "splice"}:
        raise Conflict(
            f"Slot {row.said} was not loaded by that scan. Scan the right reel, or have a line lead clear it."
        )
    if row.scanned_since or row.told_since:
        raise Conflict(f"Slot {row.said} or reel {row.package} has been used since. Scan what is in the slot now.")
    before = row.recorded_at - _MOMENT
    there = loaded_at(connection, station_id, at=before)
    place = next((one for one in there if one.package_id == row.replaced_id), None) or row
    in_slot = [one for one in there if (one.slot, one.lane) == (place.slot, place.lane)]
    blocked = row.said in blocks_at(connection, station_id, at=before, known={})
    audit_id = record_audit(connection, actor=actor, deed="setup.undone", subject=f"station:{station}",
                            slot=row.said, package=row.package, check=check_id)  # fmt: skip
    connection.execute(
        insert(SetupCheck).values(
            check_id=audit_id, station_id=station_id, slot=row.said, kind="undo", undone_id=check_id,
            accepted=not blocked, reasons=row.refused_for if blocked else [], actor=actor, recorded_at=when,
        )
    )  # fmt: skip
    if row.package_id not in {one.package_id for one in in_slot}:
        moved = [one for one in there if one.package_id == row.package_id]
        _put_back(connection, row, place, in_slot, moved, Report(-audit_id, station_id, when, datetime.now(UTC)))
    names = _identifiers(connection, in_slot)
    return Check(True, station, row.said, ", ".join(names.values()) or None, (), audit_id)


def _put_back(
    connection: Connection,
    row: Row[Any],
    place: Row[Any] | Loaded,
    in_slot: Sequence[Loaded],
    moved: Sequence[Loaded],
    report: Report,
) -> None:
    """Take the package out of the slot, which held what it held before all the time, as did the slot it came from."""
    then = replace(report, recorded_at=row.recorded_at)
    now = replace(report, recorded_at=max(report.recorded_at, row.recorded_at + _MOMENT))
    after = replace(now, recorded_at=now.recorded_at + _MOMENT)
    names = _identifiers(connection, [*in_slot, *moved])
    changes = [LoadingChange(now, "unloaded", row.package, place.slot, place.slot_name, place.lane)]
    changes += [
        LoadingChange(when, "loaded", names[one.package_id], one.slot, one.slot_name, one.lane, one.feeder)
        for when, kept in ((then, [*in_slot, *moved] if row.kind == "load" else []), (after, moved))
        for one in kept
    ]
    record_loadings(
        connection, changes, {name: package_id for package_id, name in names.items()} | {row.package: row.package_id}
    )


_IDENTIFIERS = text("SELECT package_id, identifier FROM package WHERE package_id = ANY (CAST(:packages AS integer[]))")


def _identifiers(connection: Connection, loaded: Sequence[Loaded]) -> dict[int, str]:
    packages = sorted({one.package_id for one in loaded})
    return {row[0]: row[1] for row in connection.execute(_IDENTIFIERS, {"packages": packages})}
