"""What happens in the line right now: which units are inside each station, and how many left it."""

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
    newest few of those not completed, `inside_count` all of them.
    """

    inside: Sequence[UnitInside]
    inside_count: int
    completed: int
    failed: int
    last_event_at: datetime | None


# What did each station do within the last hour, and which units are inside? Work that began longer
# ago and was never completed is a lost message, not a unit inside.
_ACTIVITY = text(
    """
    SELECT station.station_id, work.inside, work.inside_count, work.completed, work.failed,
        greatest(work.last_at, (
            SELECT recorded_at FROM unit_event
            WHERE unit_event.station_id = station.station_id
            ORDER BY recorded_at DESC LIMIT 1
        )) AS last_event_at
    FROM station
    LEFT JOIN LATERAL (
        SELECT
            jsonb_path_query_array(
                jsonb_agg(jsonb_build_array(unit.serial, started_at) ORDER BY started_at DESC)
                    FILTER (WHERE completed_at IS NULL), '$[0 to 2]') AS inside,
            count(*) FILTER (WHERE completed_at IS NULL) AS inside_count,
            count(*) FILTER (WHERE completed_at IS NOT NULL) AS completed,
            count(*) FILTER (WHERE result NOT IN ('Completed')) AS failed,
            greatest(max(started_at), max(completed_at)) AS last_at
        FROM work_record JOIN unit USING (unit_id)
        WHERE work_record.station_id = station.station_id
          AND started_at > now() - interval '1 hour'
    ) AS work ON true
    """
)


def activity(connection: Connection) -> Mapping[int, Activity]:
    """Every station's recent work, by station id."""
    return {
        row.station_id: Activity(
            inside=[UnitInside(serial, datetime.fromisoformat(started_at)) for serial, started_at in row.inside or ()],
            inside_count=row.inside_count,
            completed=row.completed,
            failed=row.failed,
            last_event_at=row.last_event_at,
        )
        for row in connection.execute(_ACTIVITY)
    }
