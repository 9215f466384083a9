"""What waits in front of each station: units done with one step of their routing and not begun with the next."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from app.lines.queries import StationStatus
from app.products.routing import RoutingStep, Visit, next_operation, skipped_with_leave
from app.units.leave import leaves_to_skip

LOOKED_AT: timedelta = timedelta(hours=1)
"""What was worked on longer ago has been carried away, or its report was lost."""

_ON_THEIR_WAY = text(
    """
    -- Which panels and boards are between two stations? A board counts as the panel it is, or was, on; what the gate
    -- refused last, or a station did not complete, waits for a person and not for a station.
    WITH work AS (
        SELECT coalesce(link.panel_id, record.unit_id) AS unit_id, record.station_id, record.started_at,
            record.completed_at, record.result
        FROM station
        JOIN work_record AS record USING (station_id)
        LEFT JOIN LATERAL (
            SELECT panel_id FROM panel_position WHERE panel_position.unit_id = record.unit_id
            ORDER BY linked_at DESC LIMIT 1
        ) AS link ON true
        WHERE record.started_at > :since AND record.started_at <= :at
    ), latest AS (
        SELECT DISTINCT ON (unit_id) * FROM work ORDER BY unit_id, started_at DESC
    ), done AS (
        -- However long ago: the other side may have been a day before.
        SELECT named.unit_id, array_agg(station_id ORDER BY started_at) AS stations,
            array_agg(started_at ORDER BY started_at) AS times
        FROM (
            SELECT unit_id, unit_id AS worked_id FROM latest
            UNION
            SELECT panel_id, panel_position.unit_id FROM panel_position
            WHERE panel_id IN (SELECT unit_id FROM latest)
        ) AS named JOIN work_record ON work_record.unit_id = worked_id
        WHERE completed_at IS NOT NULL AND started_at <= :at
        GROUP BY named.unit_id
    )
    SELECT latest.unit_id, latest.station_id, revision.routing, done.stations, done.times
    FROM latest JOIN done USING (unit_id)
    LEFT JOIN LATERAL (
        SELECT work_order.product_revision_id FROM (
            SELECT latest.unit_id AS unit_id
            UNION ALL SELECT unit_id FROM panel_position WHERE panel_id = latest.unit_id
        ) AS near JOIN unit USING (unit_id) JOIN work_order USING (work_order_id)
        WHERE work_order.product_revision_id IS NOT NULL LIMIT 1
    ) AS ordered ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(operation, optional) ORDER BY sequence) AS routing
        FROM routing_operation WHERE routing_operation.product_revision_id = ordered.product_revision_id
    ) AS revision ON true
    WHERE latest.completed_at IS NOT NULL AND coalesce(latest.result, 'Completed') = 'Completed'
      AND NOT EXISTS (
          SELECT FROM (
              SELECT latest.unit_id AS unit_id
              UNION ALL SELECT unit_id FROM panel_position WHERE panel_id = latest.unit_id
          ) AS named CROSS JOIN LATERAL (
              SELECT FROM verdict
              WHERE verdict.unit_id = named.unit_id
                AND purpose = 'start' AND NOT allowed AND decided_at > latest.completed_at
                AND decided_at < :at - interval '10 seconds'  -- until then it may be asked about again
              OFFSET 0  -- unit by unit: else all that the gate said of any since is read for each
          ) AS refused
      )
    """
)


def waiting(connection: Connection, stations: Sequence[StationStatus], *, at: datetime) -> Mapping[int, int]:
    """How many panels and single boards wait in front of each station, by station id.

    Where no routing is planned, what is done at a station waits for the next one of its line.
    """
    by_id = {one.station_id: one for one in stations}
    of_line: dict[str | None, list[StationStatus]] = defaultdict(list)
    for one in stations:
        of_line[one.line].append(one)
    found: Counter[int] = Counter()
    rows = connection.execute(_ON_THEIR_WAY, {"at": at, "since": at - LOOKED_AT}).all()
    leaves = leaves_to_skip(connection, [row.unit_id for row in rows])
    for row in rows:
        here = by_id[row.station_id]
        if here.line is None:
            continue
        members = of_line[here.line]
        if row.routing is None:
            to = next(iter(members[members.index(here) + 1 :]), None)
        else:
            steps = [RoutingStep(operation, optional) for operation, optional in row.routing]
            visits = [
                Visit(by_id[station].operation or "", time)
                for station, time in zip(row.stations, row.times, strict=True)
            ]
            step = next_operation(steps, visits, skipped_with_leave(leaves.get(row.unit_id, ()), visits))
            to = next((one for one in members if step is not None and one.operation == step.operation), None)
        if to is not None:
            found[to.station_id] += 1
    return found
