"""Which package sits in which slot right now? Derived from the loading events, in whatever order they came."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Loaded:
    """A package in a slot since a moment, by the station's clock. One slot may hold several: lanes, or a splice."""

    station_id: int
    package_id: int
    slot: str | None
    slot_name: str | None
    lane: str | None
    feeder: str | None
    since: datetime


# Another package was put in its place; one spliced to it only waits behind it.
_REPLACED = """
    SELECT true FROM {loadings} AS other
    WHERE other.station_id = put.station_id AND other.slot = put.slot AND other.lane IS NOT DISTINCT FROM put.lane
      AND other.kind = 'loaded' AND other.package_id <> put.package_id
      AND other.recorded_at > put.recorded_at AND other.recorded_at <= :at
      AND NOT EXISTS (
          SELECT FROM package_link
          WHERE kind = 'joined' AND parent_id = put.package_id AND child_id = other.package_id
      )
"""
# A scalar stays a step into the index for each package; as an anti-join every loading there ever was would be hashed.
_AT_STATION = text(
    f"""
    -- What sits in the slots of this station? The slots are found by steps in the index, and of each the latest few.
    WITH RECURSIVE slots AS (
        SELECT min(slot) AS slot FROM loading_event WHERE station_id = :station
        UNION ALL
        SELECT (SELECT min(slot) FROM loading_event WHERE station_id = :station AND slot > slots.slot)
        FROM slots WHERE slots.slot IS NOT NULL
    ), loads AS (
        SELECT recent.* FROM slots CROSS JOIN LATERAL (
            SELECT * FROM loading_event
            WHERE station_id = :station AND slot = slots.slot AND kind IN ('loaded', 'spliced')
              AND recorded_at <= :at AND package_id IS NOT NULL
            ORDER BY recorded_at DESC LIMIT 8
        ) AS recent
    ), put AS (
        SELECT DISTINCT ON (package_id) * FROM loads ORDER BY package_id, recorded_at DESC, event_id DESC
    )
    SELECT put.station_id, put.package_id, put.slot, put.slot_name, put.lane, put.feeder, put.recorded_at
    FROM put
    WHERE NOT EXISTS ({_REPLACED.format(loadings="loads")})
      AND (
          SELECT true FROM loading_event AS gone
          WHERE gone.package_id = put.package_id AND gone.station_id = put.station_id
            AND gone.kind IN ('unloaded', 'empty')
            AND gone.recorded_at > put.recorded_at AND gone.recorded_at <= :at
          LIMIT 1
      ) IS NULL
    ORDER BY put.slot, put.lane, put.recorded_at
    """
)
_WHERE = text(
    f"""
    -- In which slots of which stations are these packages?
    WITH put AS (
        SELECT DISTINCT ON (package_id, station_id) * FROM loading_event
        WHERE package_id = ANY (CAST(:packages AS integer[])) AND recorded_at <= :at
          AND kind IN ('loaded', 'spliced', 'unloaded', 'empty')
        ORDER BY package_id, station_id, recorded_at DESC, kind IN ('loaded', 'spliced') DESC, event_id DESC
    )
    SELECT put.station_id, put.package_id, put.slot, put.slot_name, put.lane, put.feeder, put.recorded_at
    FROM put
    WHERE put.kind IN ('loaded', 'spliced') AND ({_REPLACED.format(loadings="loading_event")} LIMIT 1) IS NULL
    ORDER BY put.package_id, put.recorded_at
    """
)


def loaded_at(connection: Connection, station_id: int, *, at: datetime) -> list[Loaded]:
    """What sits in the slots of a station at a moment, by slot and lane."""
    return [Loaded(*row) for row in connection.execute(_AT_STATION, {"station": station_id, "at": at})]


def loaded_where(connection: Connection, package_ids: Collection[int], *, at: datetime) -> list[Loaded]:
    """Every slot these packages sit in at a moment; a package in two stations' slots is in two places at once."""
    if not package_ids:
        return []
    return [Loaded(*row) for row in connection.execute(_WHERE, {"packages": list(package_ids), "at": at})]
