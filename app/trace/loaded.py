"""When was each package in which slot, as the stations tell it? Derived from loading events and splices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from app.lines.clocks import ERROR_OF
from app.trace.spans import BETWEEN_CLOCKS, CLOCK_ERROR


@dataclass(frozen=True, slots=True)
class LoadedInterval:
    """A package in a slot, by the station's clock; `until` is None while it is still there.

    `clock_error`: how far that clock may be off.
    """

    package_id: int
    station_id: int
    slot: str | None
    since: datetime
    until: datetime | None
    clock_error: timedelta = CLOCK_ERROR


# One package's intervals do not depend on which others are asked for: so many at once keep it from sorting on disk.
_AT_ONCE = 500

# What ran empty at the very moment is not in it any more; what was taken down then may hang again.
_GONE = "mine.kind IN ('unloaded', 'empty') AND (CAST(:as_of AS timestamptz) IS NULL OR mine.received_at <= :as_of)"
_LOADED = text(
    f"""
    -- When was each of these packages in which slot?
    WITH RECURSIVE chain AS (
        -- A package spliced on is in the slot of the one before it from the join on, detected or not.
        SELECT package_id AS asked_id, package_id AS leading_id, CAST('-infinity' AS timestamptz) AS since,
            CAST(NULL AS timestamptz) AS spliced_at
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT chain.asked_id, link.parent_id, greatest(chain.since, link.recorded_at),
            coalesce(chain.spliced_at, link.recorded_at)
        FROM chain JOIN package_link AS link ON link.child_id = chain.leading_id AND link.kind = 'joined'
        WHERE CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of
    ), ahead AS (
        -- A reel spliced ahead of another came in with it, unless it was taken down or ran empty since `spliced_at`;
        -- `event_id` where one message told of all splices between.
        SELECT package_id AS asked_id, package_id AS trailing_id, CAST('-infinity' AS timestamptz) AS since,
            CAST(NULL AS timestamptz) AS spliced_at, CAST(NULL AS bigint) AS event_id
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT ahead.asked_id, link.child_id, greatest(ahead.since, link.recorded_at),
            coalesce(ahead.spliced_at, link.recorded_at),
            CASE WHEN ahead.event_id IS NULL OR ahead.event_id = link.event_id THEN link.event_id ELSE 0 END
        FROM ahead JOIN package_link AS link ON link.parent_id = ahead.trailing_id AND link.kind = 'joined'
        WHERE CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of
    ), led AS (
        SELECT ahead.asked_id AS package_id, loading.station_id, loading.slot, loading.lane,
            loading.recorded_at AS since, loading.event_id, ahead.event_id = loading.event_id AS told,
            ahead.spliced_at
        FROM ahead JOIN loading_event AS loading ON loading.package_id = ahead.trailing_id
        WHERE ahead.trailing_id <> ahead.asked_id AND loading.kind = 'loaded'
          AND loading.recorded_at >= ahead.since - CAST(:between_clocks AS interval)
          AND (CAST(:as_of AS timestamptz) IS NULL OR loading.received_at <= :as_of)
          AND NOT EXISTS (
              SELECT FROM loading_event AS mine
              WHERE mine.package_id = ahead.asked_id AND {_GONE}
                AND mine.recorded_at BETWEEN ahead.spliced_at AND loading.recorded_at
                AND (mine.kind = 'empty' OR mine.recorded_at NOT IN (ahead.spliced_at, loading.recorded_at))
          )
    ), hung AS (
        SELECT chain.asked_id AS package_id, loading.station_id, loading.slot, loading.lane,
            greatest(loading.recorded_at, chain.since) AS since, loading.event_id
        FROM chain JOIN loading_event AS loading ON loading.package_id = chain.leading_id
        WHERE loading.kind IN ('loaded', 'spliced')
          AND (CAST(:as_of AS timestamptz) IS NULL OR loading.received_at <= :as_of)
          -- A chain that was taken down is hung up again as told: a package named alone is alone then.
          AND NOT EXISTS (
              SELECT FROM loading_event AS mine
              WHERE mine.package_id = chain.asked_id AND chain.asked_id <> chain.leading_id
                AND {_GONE} AND mine.recorded_at > chain.spliced_at
                AND mine.recorded_at <= greatest(loading.recorded_at, chain.since)
                AND (mine.kind = 'empty' OR mine.recorded_at < greatest(loading.recorded_at, chain.since))
          )
        UNION
        SELECT package_id, station_id, slot, lane, since, event_id FROM led WHERE told
    ), begun AS (
        SELECT * FROM hung
        UNION
        -- The machine may know the name of the last package only; but what hung elsewhere since did not come with it.
        SELECT package_id, station_id, slot, lane, since, event_id FROM led
        WHERE told IS NOT TRUE AND NOT EXISTS (
            SELECT FROM hung
            WHERE hung.package_id = led.package_id AND hung.since < led.since
              AND (hung.station_id, hung.slot) IS DISTINCT FROM (led.station_id, led.slot)
              AND NOT EXISTS (
                  SELECT FROM loading_event AS mine
                  WHERE mine.package_id = led.package_id AND {_GONE}
                    AND mine.recorded_at > hung.since AND mine.recorded_at <= led.spliced_at
              )
        )
    ), ended AS (
        SELECT DISTINCT begun.package_id, begun.station_id, begun.slot, begun.since,
            least(gone.at, replaced.at) AS until
        FROM begun
        LEFT JOIN LATERAL (
            -- It was taken out, ran empty, or turned up in another slot.
            SELECT min(recorded_at) AS at FROM loading_event AS mine
            WHERE mine.package_id = begun.package_id AND mine.recorded_at > begun.since
              AND (kind IN ('unloaded', 'empty')
                   OR (kind IN ('loaded', 'spliced')
                       AND (station_id, slot) IS DISTINCT FROM (begun.station_id, begun.slot)))
              AND (CAST(:as_of AS timestamptz) IS NULL OR mine.received_at <= :as_of)
        ) AS gone ON true
        LEFT JOIN LATERAL (
            -- Another package was put in its place; one spliced to it only waits behind it.
            SELECT min(other.recorded_at) AS at FROM loading_event AS other
            WHERE other.station_id = begun.station_id AND other.slot = begun.slot
              AND other.lane IS NOT DISTINCT FROM begun.lane
              AND other.kind = 'loaded' AND other.package_id <> begun.package_id
              AND other.recorded_at > begun.since AND other.recorded_at < coalesce(gone.at, 'infinity')
              AND other.event_id <> begun.event_id
              AND (CAST(:as_of AS timestamptz) IS NULL OR other.received_at <= :as_of)
              AND (begun.package_id, other.package_id) NOT IN (SELECT asked_id, trailing_id FROM ahead)  -- hashed once
        ) AS replaced ON true
    )
    SELECT ended.*, {ERROR_OF.format(station="ended.station_id")} AS clock_error FROM ended
    """
)


TOLD_OF = """
    -- Of a package `hanging`: when it was loaded, and spliced behind and ahead of others, as was known then.
    SELECT own.*, link.*
    FROM (
        SELECT min(recorded_at) AS first_loaded_at, max(recorded_at) AS last_loaded_at FROM loading_event
        WHERE loading_event.package_id = hanging.package_id AND kind IN ('loaded', 'spliced')
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ) AS own, (
        SELECT min(recorded_at) AS first_joined_at,
            max(recorded_at) FILTER (WHERE child_id = hanging.package_id) AS last_behind_at,
            max(recorded_at) FILTER (WHERE parent_id = hanging.package_id) AS last_ahead_at
        FROM package_link
        WHERE hanging.package_id IN (parent_id, child_id) AND kind = 'joined'
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ) AS link
"""
MAY_HANG = """
    least(told.first_loaded_at, told.first_joined_at - CAST(:between_clocks AS interval)) <= window_of.until
    AND NOT EXISTS (
        SELECT FROM loading_event AS mine
        WHERE mine.package_id = hanging.package_id AND mine.recorded_at < window_of.since
          AND mine.recorded_at > greatest(told.last_loaded_at, told.last_behind_at)
          AND (kind = 'empty' AND mine.recorded_at >= coalesce(told.last_ahead_at, '-infinity')
               OR kind = 'unloaded' AND told.first_joined_at IS NULL)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    )
"""
"""Condition on `hanging` (package_id), its `told` (a lateral `TOLD_OF`) and `window_of` (since, until): whether an
interval of `loaded_intervals` may reach into that time. What ran empty before, and nobody told of since, has none; nor
what was told of only later. Far cheaper than the intervals, of which each depends on all that was ever spliced to it.
"""


def loaded_intervals(connection: Connection, packages: Sequence[int], as_of: datetime | None) -> list[LoadedInterval]:
    """When each package was in which slot, as the stations tell it."""
    given = {"between_clocks": BETWEEN_CLOCKS, "as_of": as_of}
    found: list[LoadedInterval] = []
    for at in range(0, len(packages), _AT_ONCE):
        rows = connection.execute(_LOADED, {**given, "packages": list(packages[at : at + _AT_ONCE])})
        found += [LoadedInterval(*row) for row in rows]
    return found


def windows(intervals: Sequence[LoadedInterval]) -> dict[str, object]:
    """As parameters of a question: widened by what the station's clock may differ from another's."""
    far = datetime.max.replace(tzinfo=intervals[0].since.tzinfo, year=9000)
    return {
        "packages": [one.package_id for one in intervals],
        "stations": [one.station_id for one in intervals],
        "slots": [one.slot for one in intervals],
        "since": [one.since - one.clock_error - CLOCK_ERROR for one in intervals],
        "until": [one.until + one.clock_error + CLOCK_ERROR if one.until else far for one in intervals],
    }
