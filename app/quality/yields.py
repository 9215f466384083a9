"""First pass yield: of the units that came to a station, how many passed at their first try.

- A try is a run that reached a verdict: passed or failed. An aborted run (a pretest abort, a skipped board) is none,
  and an error is about the tester.
- The first try is the first there ever was of this unit at this station with this method and recipe, not the first in
  the window: a board that failed yesterday and passes today is a retest today. Its second side is none of the first.
- The verdict is the one after verification. A false call costs no yield; it is counted.
- A unit is the same unit by whatever name the station called it: its own serial, or a panel's or carrier's position at
  the time. Inspections of a panel as a whole are not tries of its boards.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class FirstPassYield:
    """One station's figures in a window. `tried` and `passed` are units (a side, where each has its recipe) at their
    first try, the rest are runs.

    `passed_by_machine` is what `passed` would be without verification.
    """

    kind: Literal["inspection", "test"]
    station_id: int
    station: str
    method: str | None
    tried: int
    passed: int
    passed_by_machine: int
    false_calls: int
    retests: int
    retests_passed: int
    errors: int
    aborted: int

    @property
    def first_pass_yield(self) -> float | None:
        """Units passed at first try / units tried (0..1); None where none was tried."""
        return self.passed / self.tried if self.tried else None


# The board in a position when something was recorded: the last statement not after it, or else the first of all.
_RUNS_IN_WINDOW = """
    SELECT '{table}' AS kind, unit_id, position_number, event_id, run, station_id, coalesce(method, '') AS method,
        coalesce((SELECT name FROM recipe WHERE recipe.recipe_id = {table}.recipe_id), '') AS recipe,
        outcome, {machine_outcome} AS machine_outcome, recorded_at
    FROM {table}
    WHERE recorded_at >= :since AND recorded_at < :until AND run > 0
      AND (CAST(:station_id AS integer) IS NULL OR station_id = :station_id)
"""
_TRIED_BEFORE = """
    SELECT address.kind, address.station_id, address.method, address.recipe, address.board_id, address.board_position
    FROM address JOIN {table} AS earlier ON earlier.unit_id = address.unit_id
        AND (address.position_number IS NULL OR earlier.position_number = address.position_number)
        AND earlier.station_id = address.station_id AND coalesce(earlier.method, '') = address.method
        AND coalesce((SELECT name FROM recipe WHERE recipe.recipe_id = earlier.recipe_id), '') = address.recipe
    WHERE address.kind = '{table}' AND earlier.run > 0 AND earlier.outcome IN ('passed', 'failed')
      AND earlier.recorded_at < :since
      AND earlier.recorded_at >= address.since AND earlier.recorded_at < address.until
"""
_YIELDS = text(
    f"""
    -- How many units came to each station in this window, and passed at their first try?
    WITH spoken AS (
        {_RUNS_IN_WINDOW.format(table="inspection", machine_outcome="machine_outcome")}
        UNION ALL
        {_RUNS_IN_WINDOW.format(table="test", machine_outcome="outcome")}
    ), runs AS MATERIALIZED (
        SELECT spoken.*, coalesce(occupant.unit_id, spoken.unit_id) AS board_id,
            CASE WHEN occupant.unit_id IS NULL AND spoken.position_number > 1 THEN spoken.position_number ELSE 0 END
                AS board_position
        FROM spoken LEFT JOIN LATERAL (
            SELECT unit_id FROM panel_position
            WHERE panel_id = spoken.unit_id AND position_number = spoken.position_number
            ORDER BY linked_at <= spoken.recorded_at DESC, abs(extract(epoch FROM linked_at - spoken.recorded_at)),
                CASE WHEN linked_at <= spoken.recorded_at THEN -unit_id ELSE unit_id END
            LIMIT 1
        ) AS occupant ON true
    ), board AS (
        SELECT DISTINCT kind, station_id, method, recipe, board_id, board_position FROM runs
        WHERE outcome IN ('passed', 'failed')
    ), address AS (
        -- Under which names, and when, could this board have been spoken of before?
        SELECT board.*, board_id AS unit_id, CASE WHEN board_position > 1 THEN board_position END AS position_number,
            '-infinity'::timestamptz AS since, 'infinity'::timestamptz AS until
        FROM board
        UNION ALL
        SELECT board.*, link.panel_id, link.position_number,
            CASE WHEN EXISTS (
                SELECT FROM panel_position AS earlier
                WHERE earlier.panel_id = link.panel_id AND earlier.position_number = link.position_number
                  AND (earlier.linked_at, earlier.unit_id) < (link.linked_at, link.unit_id)
            ) THEN link.linked_at ELSE '-infinity' END,
            coalesce((
                SELECT min(later.linked_at) FROM panel_position AS later
                WHERE later.panel_id = link.panel_id AND later.position_number = link.position_number
                  AND (later.linked_at, later.unit_id) > (link.linked_at, link.unit_id)
            ), 'infinity')
        FROM board JOIN panel_position AS link ON link.unit_id = board.board_id AND board.board_position = 0
    ), tried_before AS (
        SELECT DISTINCT * FROM (
            {_TRIED_BEFORE.format(table="inspection")}
            UNION ALL
            {_TRIED_BEFORE.format(table="test")}
        ) AS earlier
    ), ranked AS (
        SELECT runs.*, runs.outcome IN ('passed', 'failed') AS is_try,
            tried_before.board_id IS NULL AND row_number() OVER (
                PARTITION BY runs.kind, runs.station_id, runs.method, runs.recipe, runs.board_id, runs.board_position,
                    runs.outcome IN ('passed', 'failed')
                ORDER BY runs.recorded_at, runs.event_id, runs.run
            ) = 1 AS is_first
        FROM runs LEFT JOIN tried_before USING (kind, station_id, method, recipe, board_id, board_position)
    )
    SELECT kind, station_id, coalesce(station.name, station.handle) AS station, nullif(method, '') AS method,
        count(*) FILTER (WHERE is_try AND is_first) AS tried,
        count(*) FILTER (WHERE is_try AND is_first AND outcome = 'passed') AS passed,
        count(*) FILTER (WHERE is_try AND is_first AND machine_outcome = 'passed') AS passed_by_machine,
        count(*) FILTER (WHERE outcome = 'passed' AND machine_outcome = 'failed') AS false_calls,
        count(*) FILTER (WHERE is_try AND NOT is_first) AS retests,
        count(*) FILTER (WHERE is_try AND NOT is_first AND outcome = 'passed') AS retests_passed,
        count(*) FILTER (WHERE outcome = 'error') AS errors,
        count(*) FILTER (WHERE outcome = 'aborted') AS aborted
    FROM ranked JOIN station USING (station_id)
    GROUP BY kind, station_id, station.name, station.handle, station.line_id, station.line_order, method
    ORDER BY station.line_id, station.line_order, station_id, kind, method
    """
)


def first_pass_yields(
    connection: Connection, since: datetime, until: datetime, *, station_id: int | None = None
) -> list[FirstPassYield]:
    """Each station's yield from `since` up to but not at `until`, by the stations' clocks, in line order."""
    rows = connection.execute(_YIELDS, {"since": since, "until": until, "station_id": station_id})
    return [FirstPassYield(**row) for row in rows.mappings()]
