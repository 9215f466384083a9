"""Which tools are at a station, what did they do, and may they be used?

A tool's life is kept as one sum, less what came after the moment asked about (`tool_count`). What it did since a
cleaning is summed from the hours after that, and of the cleaning's own hour from the units it touched (`tool_use`):
exact, and never more than an hour is read. What is told with placements alone is kept by the hour; of the cleaning's
own hour its share of the time counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from app.lines.tool_life import STROKES, Limits, ToolFacts, judge_tool
from app.lines.tools import tool_limits
from app.reasons import Reason


@dataclass(frozen=True, slots=True)
class ToolState:
    """A tool: what it did, and whether it may be used. `since_loaded` is None where nobody said that it was loaded.

    `cycles_since_cleaning` are those of its life where it was never cleaned.
    """

    tool: str
    kind: str | None
    name: str | None
    since_loaded: datetime | None
    cycles: int
    cycles_since_cleaning: int
    cleaned_at: datetime | None
    calibration_due: datetime | None
    limits: Limits
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


_HERE = text(
    """
    -- Which tools are at this station: loaded and not taken out, or used in its last hours of work; and the station.
    WITH RECURSIVE named AS (
        SELECT min(tool_id) AS tool_id FROM tool_event WHERE station_id = :station
        UNION ALL
        SELECT (SELECT min(tool_id) FROM tool_event WHERE station_id = :station AND tool_id > named.tool_id)
        FROM named WHERE named.tool_id IS NOT NULL
    ), used AS (
        SELECT tool_id, max(hour) AS hour FROM tool_count
        WHERE station_id = :station AND hour <= :at
          AND hour >= (SELECT max(hour) FROM tool_count WHERE station_id = :station AND hour <= :at) - interval '1 hour'
        GROUP BY tool_id
    ), candidate AS (
        SELECT tool_id, used.hour FROM named FULL JOIN used USING (tool_id) WHERE tool_id IS NOT NULL
    )
    SELECT candidate.tool_id, CASE moved.kind WHEN 'loaded' THEN moved.recorded_at END AS since
    FROM candidate
    LEFT JOIN LATERAL (
        SELECT kind, station_id, recorded_at FROM tool_event
        WHERE tool_event.tool_id = candidate.tool_id AND kind IN ('loaded', 'unloaded') AND recorded_at <= :at
        ORDER BY recorded_at DESC, kind LIMIT 1
    ) AS moved ON true
    WHERE CASE
        WHEN moved.kind = 'loaded' AND moved.station_id = :station THEN true
        WHEN moved.kind IS NULL THEN candidate.hour IS NOT NULL
        ELSE moved.recorded_at < candidate.hour  -- used here after it was taken out, or was elsewhere
    END
    UNION
    SELECT tool_id, NULL FROM tool JOIN station ON station.handle = tool.identifier WHERE station_id = :station
    """
)
_STATES = text(
    """
    -- What did these tools do, and what happened to them?
    SELECT tool.tool_id, tool.identifier, tool.kind, tool.name,
        tool.cycles_limit, tool.cleaning_limit, tool.calibration_days,
        cleaned.at AS cleaned_at, calibrated.at AS calibrated_at, calibrated.due_at,
        EXISTS (
            SELECT FROM tool_event
            WHERE tool_event.tool_id = tool.tool_id AND tool_event.kind = 'retired' AND recorded_at <= :at
        ) AS retired,
        life.strokes, life.picks,
        coalesce(since.strokes + coalesce(rest.strokes, 0), life.strokes) AS strokes_since,
        coalesce(
            greatest(since.picks + coalesce(rest.picks, 0), since.placed + coalesce(part.placed, 0)), life.picks
        ) AS picks_since
    FROM tool
    LEFT JOIN LATERAL (
        SELECT max(recorded_at) AS at FROM tool_event
        WHERE tool_event.tool_id = tool.tool_id AND tool_event.kind = 'cleaned' AND recorded_at <= :at
    ) AS cleaned ON true
    LEFT JOIN LATERAL (
        SELECT recorded_at AS at, due_at FROM tool_event
        WHERE tool_event.tool_id = tool.tool_id AND tool_event.kind = 'calibrated' AND recorded_at <= :at
        ORDER BY recorded_at DESC LIMIT 1
    ) AS calibrated ON true
    LEFT JOIN tool_count AS whole
        ON whole.tool_id = tool.tool_id AND whole.hour = 'epoch' AND whole.station_id = 0
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(strokes), 0) AS strokes, coalesce(sum(picks), 0) AS picks,
            coalesce(sum(placed), 0) AS placed
        FROM tool_count WHERE tool_count.tool_id = tool.tool_id AND hour > :at
    ) AS later
    CROSS JOIN LATERAL (
        SELECT coalesce(whole.strokes, 0) - later.strokes AS strokes,
            greatest(coalesce(whole.picks, 0) - later.picks, coalesce(whole.placed, 0) - later.placed) AS picks
    ) AS life
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(strokes), 0) AS strokes, coalesce(sum(picks), 0) AS picks,
            coalesce(sum(placed), 0) AS placed
        FROM tool_count WHERE tool_count.tool_id = tool.tool_id AND hour > cleaned.at AND hour <= :at
    ) AS since ON cleaned.at IS NOT NULL
    LEFT JOIN LATERAL (
        -- What was placed in the cleaning's own hour, as if evenly.
        SELECT floor(sum(placed) * extract(epoch FROM ends.at - cleaned.at) / extract(epoch FROM ends.at - starts.at))
            AS placed
        FROM (SELECT date_trunc('hour', cleaned.at, 'UTC')) AS starts (at)
        CROSS JOIN LATERAL (SELECT least(starts.at + interval '1 hour', :at)) AS ends (at)
        JOIN tool_count ON tool_count.tool_id = tool.tool_id AND hour = starts.at
        WHERE ends.at > starts.at
        GROUP BY starts.at, ends.at
    ) AS part ON cleaned.at IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT sum(most) AS strokes, sum(each) AS picks
        FROM (
            SELECT max(coalesce(cycles, 1)) AS most, sum(coalesce(cycles, 1)) AS each FROM tool_use
            WHERE tool_use.tool = tool.identifier AND tool_use.recorded_at > cleaned.at
              AND tool_use.recorded_at < date_trunc('hour', cleaned.at, 'UTC') + interval '1 hour'
            GROUP BY event_id
        ) AS event
    ) AS rest ON cleaned.at IS NOT NULL
    WHERE tool.tool_id = ANY (CAST(:tools AS integer[]))
    ORDER BY tool.kind NULLS LAST, tool.identifier
    """
)
_LIMITED = text(
    """
    -- Which of these tools has any limit, of its own or of its kind, or was retired?
    SELECT tool_id FROM tool LEFT JOIN tool_limit USING (kind)
    WHERE tool_id = ANY (CAST(:tools AS integer[]))
      AND (coalesce(
              tool.cycles_limit, tool.cleaning_limit, tool.calibration_days,
              tool_limit.cycles_limit, tool_limit.cleaning_limit, tool_limit.calibration_days) IS NOT NULL
           OR EXISTS (
               SELECT FROM tool_event
               WHERE tool_event.tool_id = tool.tool_id AND tool_event.kind IN ('retired', 'calibrated')))
    """
)
_PAGE = text(
    """
    SELECT tool_id FROM tool
    WHERE (CAST(:tool AS text) IS NULL OR identifier = :tool) AND (CAST(:kind AS text) IS NULL OR kind = :kind)
      AND (CAST(:after AS integer) IS NULL OR tool_id > :after)
    ORDER BY tool_id LIMIT :limit
    """
)


def tools_at(connection: Connection, station_id: int, *, at: datetime, limited_only: bool = False) -> list[ToolState]:
    """The tools at a station at a moment, each judged; `limited_only` leaves out those that nothing can stop.

    A tool is there from its loading until it is taken out or loaded elsewhere; one that nobody loaded is there where it
    worked within the station's last hours of work. The station itself is among them where it was ever calibrated.
    """
    here = {row.tool_id: row.since for row in connection.execute(_HERE, {"station": station_id, "at": at})}
    wanted = list(here)
    if limited_only and wanted:
        wanted = list(connection.execute(_LIMITED, {"tools": wanted}).scalars())
    return _states(connection, wanted, here, at)


def tools(
    connection: Connection,
    *,
    tool: str | None = None,
    kind: str | None = None,
    after: int | None = None,
    limit: int = 100,
    at: datetime,
) -> tuple[list[ToolState], int | None]:
    """Tools in order of their registration, and the `after` of the next page where there is one."""
    given = {"tool": tool, "kind": kind, "after": after, "limit": limit}
    ids = list(connection.execute(_PAGE, given).scalars())
    return _states(connection, ids, {}, at), ids[-1] if len(ids) == limit else None


def _states(
    connection: Connection, tool_ids: Sequence[int], since: dict[int, datetime | None], at: datetime
) -> list[ToolState]:
    if not tool_ids:
        return []
    kinds = tool_limits(connection)
    rows = connection.execute(_STATES, {"tools": list(tool_ids), "at": at}).mappings()
    return [_state(row, kinds.get(row["kind"] or "", Limits()), since.get(row["tool_id"]), at) for row in rows]


def _state(row: RowMapping, of_kind: Limits, since: datetime | None, at: datetime) -> ToolState:
    limits = Limits(
        cycles=_first(row["cycles_limit"], of_kind.cycles),
        cleaning=_first(row["cleaning_limit"], of_kind.cleaning),
        calibration_days=_first(row["calibration_days"], of_kind.calibration_days),
    )
    counted = "strokes" if row["kind"] in STROKES else "picks"
    facts = ToolFacts(
        tool=row["identifier"],
        kind=row["kind"],
        cycles=int(row[counted]),
        cycles_since_cleaning=int(row[f"{counted}_since"]),
        calibrated_at=row["calibrated_at"],
        due_at=row["due_at"],
        retired=row["retired"],
    )
    judged = judge_tool(facts, limits, at=at)
    return ToolState(
        tool=facts.tool,
        kind=facts.kind,
        name=row["name"],
        since_loaded=since,
        cycles=facts.cycles,
        cycles_since_cleaning=facts.cycles_since_cleaning,
        cleaned_at=row["cleaned_at"],
        calibration_due=judged.calibration_due,
        limits=limits,
        reasons=judged.reasons,
        warnings=judged.warnings,
    )


def _first(own: int | None, of_kind: int | None) -> int | None:
    return own if own is not None else of_kind
