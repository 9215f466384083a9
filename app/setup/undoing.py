"""A reel was scanned by mistake: the slot's former state stands again.

Nothing is taken back. That it was scanned stays, that it was a mistake is said beside it. For the time in between both
are possible, what was scanned and what was there before: who undoes it says what is in the slot now, and nobody saw
what the machine took from it. So the reel counts as open since it was scanned, as any reel in hand at a feeder; dry
storage pauses that, baking ends it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, text

from app.errors import Conflict, NotFound
from app.facts import Report
from app.lines.tools import station_id_of
from app.materials.loaded import Loaded, identifiers, loaded_at
from app.materials.loadings import LoadingChange, record_loadings
from app.materials.package_events import CLOCK_ERROR, past
from app.people import record_audit
from app.sentences import Sentence
from app.setup.checks import blocks_at
from app.setup.models import SetupCheck
from app.setup.verification import Check, alone_with

_MOMENT = timedelta(microseconds=1)

_CHECK = text(
    """
    -- What was scanned, where did it put the package, and since when does that count?
    SELECT checked.slot AS said, checked.kind, checked.accepted, checked.recorded_at, checked.package_id,
        checked.replaced_id, package.identifier AS package, loading.slot, loading.slot_name, loading.lane,
        least(checked.recorded_at, loading.received_at, link.received_at) AS happened_at
    FROM setup_check AS checked
    JOIN station USING (station_id)
    LEFT JOIN package USING (package_id)
    LEFT JOIN loading_event AS loading
        ON loading.station_id = checked.station_id AND loading.event_id = -checked.check_id
    LEFT JOIN package_link AS link ON link.parent_id = checked.replaced_id AND link.event_id = -checked.check_id
    WHERE checked.check_id = :check AND station.handle = :station
    """
)
_USED_SINCE = text(
    """
    -- Was anything scanned or told of the package or its slot since it was scanned?
    SELECT EXISTS (
        SELECT FROM setup_check AS since
        WHERE since.check_id > checked.check_id AND since.station_id = checked.station_id
          AND (since.slot = checked.slot OR since.package_id = checked.package_id)
    ) OR EXISTS (
        SELECT FROM loading_event AS since
        WHERE since.received_at > checked.received_at AND since.kind IN ('loaded', 'spliced', 'unloaded', 'empty')
          AND (since.package_id = checked.package_id
               OR (since.station_id = checked.station_id AND since.slot = :location))
          AND since.event_id <> -checked.check_id
    )
    FROM setup_check AS checked WHERE checked.check_id = :check
    """
)
_FILLED_SINCE = text(
    """
    -- Was another package put in this place since?
    SELECT EXISTS (
        SELECT FROM loading_event AS since
        WHERE since.station_id = :station AND since.slot IS NOT DISTINCT FROM :slot
          AND since.lane IS NOT DISTINCT FROM :lane AND since.kind = 'loaded' AND since.package_id <> :package
          AND least(since.recorded_at, since.received_at) >= :since
    )
    """
)
_REFUSED_FOR = text(
    """
    SELECT reasons FROM setup_check
    WHERE station_id = :station AND slot = ANY (CAST(:names AS text[])) AND recorded_at = :since AND NOT accepted
    ORDER BY check_id DESC LIMIT 1
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
        raise NotFound(Sentence("That scan is not known here. Scan the slot, then the reel that is in it."))
    there = loaded_at(connection, station_id, at=row.happened_at - _MOMENT)
    place = next((one for one in there if one.package_id == row.replaced_id), None) or row
    location = place.slot or row.said
    moved = [one for one in there if one.package_id == row.package_id]
    slots = {location, *(one.slot for one in moved)}
    alone_with(connection, *(f"slot {station_id} {one}" for one in slots), f"package {row.package_id}")
    if not row.accepted or row.kind not in {"load", "splice"}:
        raise Conflict(
            Sentence(
                "Slot %(slot)s was not loaded by that scan. Scan the right reel, or have a line lead clear it.",
                slot=row.said,
            )
        )
    if connection.execute(_USED_SINCE, {"check": check_id, "location": location}).scalar_one():
        raise Conflict(
            Sentence(
                "Slot %(slot)s or reel %(package)s has been used since. Scan what is in the slot now.",
                slot=row.said,
                package=row.package,
            )
        )
    in_slot = [one for one in there if (one.slot, one.lane) == (place.slot, place.lane)]
    against = _blocked_without(connection, station_id, row.said, check_id)
    audit_id = record_audit(connection, actor=actor, deed="setup.undone", subject=f"station:{station}",
                            slot=row.said, package=row.package, check=check_id)  # fmt: skip
    connection.execute(
        insert(SetupCheck).values(
            check_id=audit_id, station_id=station_id, slot=row.said, kind="undo", undone_id=check_id,
            accepted=against is None, reasons=against or [], actor=actor, recorded_at=when,
        )
    )  # fmt: skip
    if row.package_id not in {one.package_id for one in in_slot}:
        _put_back(connection, row, place, in_slot, moved, Report(-audit_id, station_id, when, datetime.now(UTC)))
    after = loaded_at(connection, station_id, at=datetime.now(UTC) + CLOCK_ERROR)
    names = _identifiers(connection, [one for one in after if (one.slot, one.lane) == (place.slot, place.lane)])
    return Check(True, station, row.said, ", ".join(names.values()) or None, (), place.lane, audit_id)


def _blocked_without(connection: Connection, station_id: int, said: str, check_id: int) -> list[Any] | None:
    """What its slot would be blocked for by now without that scan; None where it would not."""
    now = datetime.now(UTC) + CLOCK_ERROR
    known = identifiers(loaded_at(connection, station_id, at=now))
    slot = known.get(said, said)
    block = blocks_at(connection, station_id, at=now, known=known, without=check_id).get(slot)
    if block is None:
        return None
    names = [slot, *(name for name, location in known.items() if location == slot)]
    asked = {"station": station_id, "names": names, "since": block.since}
    reasons: list[Any] = connection.execute(_REFUSED_FOR, asked).scalar_one()
    return reasons


def _put_back(
    connection: Connection,
    row: Row[Any],
    place: Row[Any] | Loaded,
    in_slot: Sequence[Loaded],
    moved: Sequence[Loaded],
    report: Report,
) -> None:
    """Take the package out of the slot, which held what it held before all the time; so did the slot it came from,
    until another was put there.
    """
    then = replace(report, recorded_at=row.recorded_at)
    now = replace(report, recorded_at=max(report.recorded_at, row.recorded_at + _MOMENT))
    after = replace(now, recorded_at=now.recorded_at + _MOMENT)
    names = _identifiers(connection, [*in_slot, *moved])
    still_free = [one for one in moved if not _filled_since(connection, one, row.happened_at)]
    changes = [LoadingChange(now, "unloaded", row.package, place.slot, place.slot_name, place.lane)]
    changes += [
        LoadingChange(when, "loaded", names[one.package_id], one.slot, one.slot_name, one.lane, one.feeder)
        for when, kept in ((then, [*in_slot, *moved] if row.kind == "load" else []), (after, still_free))
        for one in kept
    ]
    record_loadings(
        connection, changes, {name: package_id for package_id, name in names.items()} | {row.package: row.package_id}
    )


def _filled_since(connection: Connection, one: Loaded, since: datetime) -> bool:
    asked = {"station": one.station_id, "slot": one.slot, "lane": one.lane, "package": one.package_id, "since": since}
    return bool(connection.execute(_FILLED_SINCE, asked).scalar_one())


_IDENTIFIERS = text("SELECT package_id, identifier FROM package WHERE package_id = ANY (CAST(:packages AS integer[]))")


def _identifiers(connection: Connection, loaded: Sequence[Loaded]) -> dict[int, str]:
    packages = sorted({one.package_id for one in loaded})
    return {row[0]: row[1] for row in connection.execute(_IDENTIFIERS, {"packages": packages})}
