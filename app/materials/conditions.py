"""In which condition are packages? Gathered from what is recorded, judged by `app.materials.rules`."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from app.lines.clocks import MAY_HAVE_BEEN
from app.materials.handling import DEFAULT_LIMITS
from app.materials.happenings import Happened, Happening
from app.materials.moisture import stricter
from app.materials.rules import Condition, Handling, KnownPackage, condition_of

__all__ = ["Condition", "conditions"]

_WHEN = MAY_HAVE_BEEN.format(
    station="told.station_id", told="told.recorded_at", heard="told.received_at", since="told.here_since"
)
_KNOWN = text(
    f"""
    -- What is known of these packages, and what happened to them?
    WITH RECURSIVE line AS (
        -- What was split off, or put into a tray, was exposed with what it came from until then.
        SELECT package_id, package_id AS ancestor_id, CAST('infinity' AS timestamptz) AS until
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT line.package_id, link.parent_id, least(line.until, link.recorded_at, link.received_at)
        FROM line JOIN package_link AS link ON link.child_id = line.ancestor_id
        WHERE link.kind IN ('split', 'batch')
    ), origin AS (
        -- Nothing happened here to what was not here yet: goods are received within a day. But what was named before it
        -- was received was in use unreceived, for who knows how long.
        SELECT line.*, received.since AS known_since,
            CASE WHEN received.since <= registered_at THEN least(received_on, registered_at) - interval '1 day' END
            AS here_since
        FROM line JOIN package ON package.package_id = line.ancestor_id
        CROSS JOIN LATERAL (
            SELECT min(description.received_at) AS since FROM package_description AS description
            WHERE description.package_id = line.ancestor_id AND description.received_on IS NOT NULL
        ) AS received
    ), told AS (
        SELECT line.package_id, line.until,
            CASE WHEN event.received_at >= known_since THEN here_since END AS here_since,
            CASE WHEN withdrawn_id IS NULL THEN event.kind END AS kind, event.station_id, event.event_id,
            event.recorded_at, event.received_at, event.moisture_level, event.floor_life_left
        FROM origin AS line JOIN package_event AS event ON event.package_id = line.ancestor_id
        WHERE (event.kind <> 'retired' OR line.package_id = line.ancestor_id)
        UNION ALL
        SELECT line.package_id, line.until, CASE WHEN loading.received_at >= known_since THEN here_since END, 'loaded',
            CASE WHEN loading.event_id > 0 THEN loading.station_id END,  -- a scan's time is a person's
            loading.event_id, loading.recorded_at, loading.received_at, NULL, NULL
        FROM origin AS line JOIN loading_event AS loading ON loading.package_id = line.ancestor_id
        WHERE loading.kind IN ('loaded', 'spliced')
    ), happened AS (
        SELECT package_id, array_agg(kind) AS kinds, array_agg(earliest) AS times,
            array_agg(floor_life_left) AS floor_lives_left, array_agg(latest) AS latest,
            array_agg(station_id) AS clocks, array_agg(recorded_at) AS told, array_agg(event_id) AS heard,
            array_agg(moisture_level) FILTER (WHERE moisture_level IS NOT NULL) AS moisture_levels
        FROM told CROSS JOIN LATERAL ({_WHEN}) AS may_have_been
        WHERE earliest <= least(until, :at) GROUP BY package_id
    )
    SELECT package.package_id, package.identifier, package.part_number, lot.lot_code, package.part_revision,
        package.manufacturer_part_number, package.unplanned, counted.quantity AS remaining,
        (SELECT min(ancestor.expires_at) FROM line JOIN package AS ancestor ON ancestor.package_id = line.ancestor_id
         WHERE line.package_id = package.package_id) AS expires_at,
        coalesce(handling.kind, 'component') AS kind, handling.moisture_level, handling.floor_life_hours,
        handling.thaw_hours, handling.thawed_hours, handling.open_hours, handling.surface_finish,
        (SELECT jsonb_object_agg(level, hours) FROM floor_life) AS own_limits,
        happened.kinds, happened.times, happened.floor_lives_left, happened.latest, happened.clocks, happened.told,
        happened.heard, happened.moisture_levels
    FROM package
    LEFT JOIN lot USING (lot_id)
    LEFT JOIN part_handling AS handling ON handling.part_number = package.part_number
    LEFT JOIN happened USING (package_id)
    LEFT JOIN LATERAL (
        SELECT quantity FROM (
            SELECT CASE loading.kind WHEN 'empty' THEN 0 ELSE loading.quantity END AS quantity,
                least(loading.recorded_at, loading.received_at) AS recorded_at
            FROM loading_event AS loading
            WHERE loading.package_id = package.package_id AND least(loading.recorded_at, loading.received_at) <= :at
              AND (loading.quantity > 0 OR loading.kind = 'empty')
            UNION ALL
            SELECT package.quantity, coalesce(package.described_at, package.registered_at) WHERE package.quantity > 0
        ) AS counted
        ORDER BY recorded_at DESC LIMIT 1
    ) AS counted ON true
    WHERE package.package_id = ANY (CAST(:packages AS integer[]))
    """
)


def conditions(connection: Connection, package_ids: Collection[int], *, at: datetime) -> dict[int, Condition]:
    """The condition of each of these packages at a moment, from what is recorded by now."""
    if not package_ids:
        return {}
    found = {}
    for row in connection.execute(_KNOWN, {"packages": list(package_ids), "at": at}):
        columns = (row.kinds, row.times, row.floor_lives_left, row.latest, row.clocks, row.told, row.heard)
        told = zip(*columns, strict=True) if row.kinds else ()
        known = KnownPackage(
            package_id=row.package_id,
            identifier=row.identifier,
            part_number=row.part_number,
            lot=row.lot_code,
            part_revision=row.part_revision,
            manufacturer_part_number=row.manufacturer_part_number,
            unplanned=row.unplanned,
            remaining=row.remaining,
            expires_at=row.expires_at,
            moisture_level=stricter(row.moisture_levels or ()),
            handling=Handling(
                part_number=row.part_number,
                kind=row.kind,
                moisture_level=row.moisture_level,
                floor_life_hours=row.floor_life_hours,
                thaw_hours=row.thaw_hours,
                thawed_hours=row.thawed_hours,
                open_hours=row.open_hours,
                surface_finish=row.surface_finish,
            ),
            # What was withdrawn did not happen; the level that it told is the package's all the same.
            happenings=[Happening(Happened(kind), *how) for kind, *how in told if kind is not None],
        )
        found[row.package_id] = condition_of(known, limits={**DEFAULT_LIMITS, **(row.own_limits or {})}, at=at)
    return found
