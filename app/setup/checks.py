"""What the scans at the slots say: which slots are blocked, and who verified what is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.materials.loaded import identifiers, loaded_at
from app.reasons import Reason, said_again
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Block:
    """A slot whose last scan was refused and that nobody cleared since."""

    station_id: int
    slot: str
    since: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verified:
    """Who verified a package in a slot, and when (station's clock)."""

    actor: str
    at: datetime


# The slots are found by steps in the index: there are many scans of few slots.
_SCANS = text(
    """
    -- What became of the last scan of each slot, by the time it was made? And of one that was refused afterwards,
    -- whatever time it gives: has the slot been found right since? And which packages were verified in which slots, and
    -- not taken out of any slot since?
    WITH RECURSIVE slots AS (
        SELECT min(slot) AS slot FROM setup_check WHERE station_id = :station
        UNION ALL
        SELECT (SELECT min(slot) FROM setup_check WHERE station_id = :station AND slot > slots.slot)
        FROM slots WHERE slots.slot IS NOT NULL
    )
    SELECT latest.check_id, station_id, latest.slot, label, reasons, accepted, recorded_at,
        CAST(NULL AS integer) AS verified_id, actor
    FROM slots CROSS JOIN LATERAL (
        (SELECT * FROM setup_check
         WHERE setup_check.station_id = :station AND setup_check.slot = slots.slot AND recorded_at <= :at
           AND check_id <> :without
         ORDER BY recorded_at DESC, check_id DESC LIMIT 1)
        UNION ALL
        SELECT * FROM (
            SELECT * FROM setup_check
            WHERE setup_check.station_id = :station AND setup_check.slot = slots.slot AND recorded_at <= :at
              AND NOT accepted
            ORDER BY check_id DESC LIMIT 1
        ) AS refused
        WHERE NOT EXISTS (
            SELECT FROM setup_check AS since
            WHERE since.station_id = :station AND since.slot = refused.slot AND since.accepted
              AND since.recorded_at >= refused.recorded_at AND since.recorded_at <= :at
              AND since.check_id > refused.check_id AND since.check_id <> :without
        )
    ) AS latest
    UNION ALL
    SELECT verified.* FROM (
        SELECT DISTINCT ON (checked.slot, checked.package_id)
            checked.check_id, checked.station_id, checked.slot, checked.label, checked.reasons, true,
            checked.recorded_at, checked.package_id, checked.actor
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        JOIN setup_check AS checked USING (package_id)
        WHERE checked.station_id = :station AND checked.accepted AND checked.recorded_at <= :at
          AND NOT EXISTS (
              SELECT FROM loading_event AS gone
              WHERE gone.package_id = checked.package_id AND gone.kind IN ('unloaded', 'empty')
                AND gone.recorded_at > checked.recorded_at AND gone.recorded_at <= :at
          )
          AND NOT EXISTS (
              SELECT FROM setup_check AS undone WHERE undone.undone_id = checked.check_id AND undone.recorded_at <= :at
          )
        ORDER BY checked.slot, checked.package_id, checked.recorded_at DESC
    ) AS verified
    """
)
_SCANNED = text(
    """
    SELECT station_id FROM station
    WHERE EXISTS (SELECT FROM setup_check WHERE setup_check.station_id = station.station_id)
    ORDER BY station_id
    """
)


def scans_at(
    connection: Connection,
    station_id: int,
    package_ids: Sequence[int],
    *,
    at: datetime,
    known: Mapping[str, str],
    without: int = 0,
) -> tuple[dict[str, Block], dict[tuple[str, int], Verified]]:
    """What the scans at a station say at a moment, by slots' identifiers as far as they are `known`.

    First the blocked slots. Of scans of one slot under several names the last one tells, made last or refused last: who
    refuses it now has the reel in their hands, whatever time they give. Then who verified these packages, by slot and
    package. `without`: as if this scan had not been.
    """
    told: dict[str, list[Row[Any]]] = {}
    verified: dict[tuple[str, int], Verified] = {}
    asked = {"station": station_id, "packages": list(package_ids), "at": at, "without": without}
    for row in connection.execute(_SCANS, asked):
        slot = known.get(row.slot, row.slot)
        if row.verified_id is not None:
            verified[slot, row.verified_id] = Verified(row.actor, row.recorded_at)
        else:
            told.setdefault(slot, []).append(row)
    blocked: dict[str, Block] = {}
    for slot, rows in told.items():
        last = max(rows, key=lambda row: (row.recorded_at, row.check_id))
        against = [row for row in rows if not row.accepted and (row is last or row.check_id > last.check_id)]
        if against:
            blocked[slot] = _block(slot, max(against, key=lambda row: row.check_id))
    return blocked, verified


def blocks_at(
    connection: Connection, station_id: int, *, at: datetime, known: Mapping[str, str], without: int = 0
) -> dict[str, Block]:
    """The blocked slots alone."""
    return scans_at(connection, station_id, (), at=at, known=known, without=without)[0]


def blocked_locations(connection: Connection, *, at: datetime) -> list[Block]:
    """Every blocked slot of every station at a moment."""
    found: list[Block] = []
    for station_id in connection.execute(_SCANNED).scalars().all():
        known = identifiers(loaded_at(connection, station_id, at=at))
        found += blocks_at(connection, station_id, at=at, known=known).values()
    return found


def _block(slot: str, row: Row[Any]) -> Block:
    why = said_again(row.reasons[0]) if row.reasons else Sentence("The scan was refused.")
    reason = Reason(
        "location_blocked",
        Sentence("Slot %(slot)s is blocked since %(time)s: %(why)s", slot=slot, time=row.recorded_at, why=why),
        Sentence("Scan the slot and the right reel, or have a line lead clear it."),
    )
    return Block(row.station_id, slot, row.recorded_at, reason)


@dataclass(frozen=True, slots=True)
class Checked:
    """One scan at a slot, or a clearance, and what became of it. `reasons` are sentences."""

    check_id: int
    station: str
    slot: str
    kind: str
    label: str | None
    package: str | None
    replaced: str | None
    accepted: bool
    reasons: list[str]
    actor: str
    recorded_at: datetime
    received_at: datetime


_CHECKS = text(
    """
    -- Which scans were there, newest first?
    SELECT check_id, station.handle, slot, kind, label, package.identifier, replaced.identifier, accepted,
        ARRAY(SELECT reason ->> 'sentence' FROM jsonb_array_elements(reasons) AS reason), actor,
        recorded_at, received_at
    FROM setup_check
    JOIN station USING (station_id)
    LEFT JOIN package USING (package_id)
    LEFT JOIN package AS replaced ON replaced.package_id = replaced_id
    WHERE (CAST(:station AS integer) IS NULL OR station_id = :station)
      AND (CAST(:slot AS text) IS NULL OR slot = :slot)
      AND (CAST(:package AS text) IS NULL OR package.identifier = :package)
      AND (CAST(:accepted AS boolean) IS NULL OR accepted = :accepted)
      AND (CAST(:before AS bigint) IS NULL OR check_id < :before)
    ORDER BY check_id DESC LIMIT :limit
    """
)


def checks(
    connection: Connection,
    *,
    station_id: int | None = None,
    slot: str | None = None,
    package: str | None = None,
    accepted: bool | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Checked]:
    """Scans at slots, newest first; `before` is the last `check_id` of the page before."""
    given = {
        "station": station_id, "slot": slot, "package": package, "accepted": accepted, "before": before, "limit": limit,
    }  # fmt: skip
    return [Checked(*row) for row in connection.execute(_CHECKS, given)]
