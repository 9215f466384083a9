"""What the scans at the slots say: which slots are blocked, and who verified what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.materials.rules import moment
from app.reasons import Reason


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


def _blocks(first: str, following: str) -> str:
    # The slots are found by steps in the index: there are many scans of few slots.
    return f"""
    -- Of which slots was the last scan refused?
    WITH RECURSIVE slots AS (
        (SELECT station_id, slot FROM setup_check WHERE {first} ORDER BY station_id, slot LIMIT 1)
        UNION ALL
        SELECT following.station_id, following.slot FROM slots CROSS JOIN LATERAL (
            SELECT station_id, slot FROM setup_check
            WHERE {following}
            ORDER BY station_id, slot LIMIT 1
        ) AS following
    )
    SELECT latest.* FROM slots CROSS JOIN LATERAL (
        SELECT station_id, slot, label, reasons, accepted, recorded_at FROM setup_check
        WHERE setup_check.station_id = slots.station_id AND setup_check.slot = slots.slot AND recorded_at <= :at
        ORDER BY recorded_at DESC, check_id DESC LIMIT 1
    ) AS latest
    WHERE NOT latest.accepted
    """


_BLOCKS = text(_blocks("station_id = :station", "setup_check.station_id = :station AND setup_check.slot > slots.slot"))
_BLOCKS_EVERYWHERE = text(
    _blocks("true", "(setup_check.station_id, setup_check.slot) > (slots.station_id, slots.slot)")
)
_VERIFIED = text(
    """
    -- Which packages were verified in which slots of this station, and not taken out of any slot since?
    SELECT DISTINCT ON (checked.slot, checked.package_id)
        checked.slot, checked.package_id, checked.actor, checked.recorded_at
    FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
    JOIN setup_check AS checked USING (package_id)
    WHERE checked.station_id = :station AND checked.accepted AND checked.recorded_at <= :at
      AND NOT EXISTS (
          SELECT FROM loading_event AS gone
          WHERE gone.package_id = checked.package_id AND gone.kind IN ('unloaded', 'empty')
            AND gone.recorded_at > checked.recorded_at AND gone.recorded_at <= :at
      )
    ORDER BY checked.slot, checked.package_id, checked.recorded_at DESC
    """
)


def blocks_at(connection: Connection, station_id: int, *, at: datetime) -> dict[str, Block]:
    """The blocked slots of a station at a moment."""
    rows = connection.execute(_BLOCKS, {"station": station_id, "at": at})
    return {row.slot: _block(row) for row in rows}


def blocked_locations(connection: Connection, *, at: datetime) -> list[Block]:
    """Every blocked slot of every station at a moment."""
    return [_block(row) for row in connection.execute(_BLOCKS_EVERYWHERE, {"at": at})]


def verified_at(
    connection: Connection, station_id: int, package_ids: list[int], *, at: datetime
) -> Mapping[tuple[str, int], Verified]:
    """Who verified these packages, by slot and package."""
    if not package_ids:
        return {}
    rows = connection.execute(_VERIFIED, {"station": station_id, "packages": package_ids, "at": at})
    return {(row.slot, row.package_id): Verified(row.actor, row.recorded_at) for row in rows}


def _block(row: Row[Any]) -> Block:
    why = row.reasons[0]["sentence"] if row.reasons else "The scan was refused."
    reason = Reason(
        "location_blocked",
        f"Slot {row.slot} is blocked since {moment(row.recorded_at)}: {why}",
        "Scan the slot and the right reel, or have a line lead clear it.",
    )
    return Block(row.station_id, row.slot, row.recorded_at, reason)


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
