"""What happens in the line right now: which units are inside each station, and how many left it, or were left in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class UnitInside:
    """A unit whose work began at a station and has not been completed."""

    serial: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """A station's recent work; times by the station's clock.

    `completed` and `failed` count the work records begun within the last hour; `inside` lists the
    newest few of those not completed, `inside_count` all of them. `left_behind` likewise: begun, not
    completed, and no longer believed to be inside.
    """

    inside: Sequence[UnitInside]
    inside_count: int
    completed: int
    failed: int
    last_event_at: datetime | None
    left_behind: Sequence[UnitInside]
    left_behind_count: int


# What did each station do within the last hour, and which units are inside? Work that began longer ago and was never
# completed is a lost message. So is work before the station was restarted (EndpointConnected is none: it tells of the
# network alone, which comes back while the unit is worked on); and what takes far longer than anything else did here,
# once the station goes on without it. Not a unit as soon as a later one is done: testers have several places, and lanes
# overtake each other. Where nothing else happens a unit may stay for long: half an hour at least.
_ACTIVITY = text(
    """
    SELECT station.station_id, work.inside, work.inside_count, work.left_behind, work.left_behind_count,
        work.completed, work.failed,
        greatest(work.last_at, (
            SELECT recorded_at FROM unit_event
            WHERE unit_event.station_id = station.station_id
            ORDER BY recorded_at DESC LIMIT 1
        )) AS last_event_at
    FROM station
    LEFT JOIN LATERAL (
        SELECT max(recorded_at) AS at FROM station_event
        WHERE station_event.station_id = station.station_id
          AND message_name IN ('CFX.EndpointShuttingDown', 'CFX.ResourcePerformance.StationOnline',
            'CFX.ResourcePerformance.StationOffline')
          AND recorded_at > now() - interval '1 hour'
    ) AS restarted ON true
    LEFT JOIN LATERAL (
        SELECT CASE WHEN body ->> 'NewState' IN ('SBY_NoProduct', '2200', 'SBY_NoProductStarved', '2202')
            THEN recorded_at END AS at
        FROM station_event
        WHERE station_event.station_id = station.station_id
          AND message_name = 'CFX.ResourcePerformance.StationStateChanged'
        ORDER BY recorded_at DESC LIMIT 1
    ) AS idle ON true
    LEFT JOIN LATERAL (
        SELECT
            jsonb_path_query_array(
                jsonb_agg(jsonb_build_array(serial, started_at) ORDER BY started_at DESC)
                    FILTER (WHERE open AND NOT lost), '$[0 to 2]') AS inside,
            count(*) FILTER (WHERE open AND NOT lost) AS inside_count,
            jsonb_path_query_array(
                jsonb_agg(jsonb_build_array(serial, started_at) ORDER BY started_at DESC)
                    FILTER (WHERE open AND lost), '$[0 to 2]') AS left_behind,
            count(*) FILTER (WHERE open AND lost) AS left_behind_count,
            count(*) FILTER (WHERE NOT open) AS completed,
            count(*) FILTER (WHERE result NOT IN ('Completed')) AS failed,
            greatest(max(started_at), max(completed_at)) AS last_at
        FROM (
            SELECT serial, started_at, completed_at, result, completed_at IS NULL AS open,
                coalesce(started_at < restarted.at, false) OR now() - started_at > CASE
                    WHEN started_at < idle.at OR started_at < max(started_at) FILTER (WHERE completed_at IS NOT NULL)
                        OVER () THEN coalesce(2 * max(completed_at - started_at) OVER (), interval '0')
                    ELSE greatest(interval '30 minutes', 2 * max(completed_at - started_at) OVER ())
                END AS lost
            FROM work_record JOIN unit USING (unit_id)
            WHERE work_record.station_id = station.station_id
              AND started_at > now() - interval '1 hour'
        ) AS begun
    ) AS work ON true
    """
)


def activity(connection: Connection) -> Mapping[int, Activity]:
    """Every station's recent work, by station id."""
    return {
        row.station_id: Activity(
            inside=_units(row.inside),
            inside_count=row.inside_count,
            completed=row.completed,
            failed=row.failed,
            last_event_at=row.last_event_at,
            left_behind=_units(row.left_behind),
            left_behind_count=row.left_behind_count,
        )
        for row in connection.execute(_ACTIVITY)
    }


def _units(found: Sequence[tuple[str, str]] | None) -> list[UnitInside]:
    return [UnitInside(serial, datetime.fromisoformat(started_at)) for serial, started_at in found or ()]
