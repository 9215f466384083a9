"""What do open containments catch by rule? SQL, headed by its questions.

The rule of a containment is its terms, asked of a unit's own facts: a package that was placed on it, a tool that
touched it, a recipe it ran under, a unit that was built into it, whatever a station did to it or told of it in a
window; of several terms, each holds of the unit.
Terms that only the whole question can answer (an operator who was logged in, a tool that was loaded, a firmware, a slot
without its packages) are caught when the scope is counted again.
"""

from sqlalchemy import text

from app.materials.packages import latest
from app.units.families import (
    AMONG_MEMBER_ROUND,
    AT_MEMBER_ROUND,
    MEMBER_ROUNDS,
    MEMBERS,
    TIED_AT_MEMBER_ROUND,
    WORKED_AT_MEMBER_ROUND,
)
from app.units.places import passed_over

_OF_PLACEMENTS = "'slot', 'feeder', 'nozzle'"
_OF_WORK = "'tool', 'firmware', 'recipe', 'operator'"
_OF_OTHER_PACKAGES = "'package', 'lot', 'date_code', 'manufacturer', 'vendor', 'delivery', 'received_on'"
_OF_PACKAGES = f"'part_number', {_OF_OTHER_PACKAGES}"
OPEN = f"""
    open AS (
        SELECT nonconformance_id, nonconformance.number, containment.number AS containment, nonconformance.reason,
            nonconformance.opened_at, terms ->> 'package' AS package, terms ->> 'lot' AS lot,
            terms ->> 'part_number' AS part_number, terms ->> 'date_code' AS date_code,
            terms ->> 'manufacturer' AS manufacturer, terms ->> 'vendor' AS vendor, terms ->> 'slot' AS slot,
            terms ->> 'feeder' AS feeder, terms ->> 'nozzle' AS nozzle, terms ->> 'tool' AS tool,
            terms ->> 'serial' AS serial, terms ->> 'recipe' AS recipe, terms ->> 'recipe_revision' AS recipe_revision,
            CAST(terms ->> 'since' AS timestamptz) AS since, CAST(terms ->> 'until' AS timestamptz) AS until,
            (SELECT station_id FROM station WHERE handle = terms ->> 'station') AS station_id,
            terms ? 'station' AS at_station,
            terms ->> 'delivery' AS delivery, CAST(terms ->> 'received_on' AS date) AS received_on,
            terms ?| ARRAY[{_OF_PACKAGES}] AS of_packages,
            terms ? 'part_number' AND NOT terms ?| ARRAY[{_OF_OTHER_PACKAGES}] AS of_part_only,
            terms ?| ARRAY[{_OF_PACKAGES}] AND NOT
                terms ?| ARRAY[{_OF_PLACEMENTS}, {_OF_WORK}, 'station', 'since', 'until'] AS whole_packages,
            NOT terms ?| ARRAY[{_OF_PACKAGES}, {_OF_PLACEMENTS}, {_OF_WORK}, 'serial'] AS by_window,
            -- A station and a time say who reported the material, or, without material, the first of the work.
            terms ?| ARRAY[{_OF_PACKAGES}, {_OF_PLACEMENTS}] AS tool_anywhere,
            terms ?| ARRAY[{_OF_PACKAGES}, {_OF_PLACEMENTS}, 'tool', 'firmware'] AS recipe_anywhere,
            -- So many kinds of facts must say so; of firmware and operators no fact does here.
            greatest(1, CAST(terms ?| ARRAY[{_OF_PACKAGES}, {_OF_PLACEMENTS}] AS integer) + (
                SELECT count(*) FROM unnest(ARRAY[{_OF_WORK}]) AS work_term WHERE terms ? work_term
            )) AS kinds
        FROM nonconformance JOIN containment USING (nonconformance_id)
        WHERE nonconformance.by_rule AND nonconformance.released_at IS NULL
    )
"""
"""CTE: the terms of open containments."""

_NOT_FOUND_GOOD = """
    NOT EXISTS (
        SELECT FROM package_disposition AS decided
        WHERE decided.package_id = {package} AND decided.nonconformance_id = open.nonconformance_id
          AND decided.decision IN ('released', 'use_as_is')
    )
"""
CONTAINED = f"""
    ancestor AS (
        SELECT package_id AS used_id, package_id FROM used
        UNION
        -- What a package was split off from, or filled from.
        SELECT ancestor.used_id, link.parent_id
        FROM ancestor JOIN package_link AS link ON link.child_id = ancestor.package_id
            AND link.kind IN ('split', 'batch')
    ), contained AS (
        SELECT DISTINCT ancestor.used_id AS package_id, open.nonconformance_id
        FROM ancestor
        JOIN package USING (package_id)
        LEFT JOIN lot USING (lot_id)
        JOIN open ON open.of_packages
            AND (open.package IS NULL OR package.identifier = open.package)
            AND (open.lot IS NULL OR lot.lot_code = open.lot)
            AND (open.part_number IS NULL OR package.part_number = open.part_number)
            AND (open.date_code IS NULL OR package.date_code = open.date_code)
            AND (open.manufacturer IS NULL OR lot.manufacturer = open.manufacturer)
            AND (open.vendor IS NULL OR package.vendor = open.vendor)
            AND (open.delivery IS NULL OR EXISTS (
                SELECT FROM package_description AS told
                WHERE told.package_id = package.package_id AND told.deliveries @> ARRAY[open.delivery]
            ))
            AND (open.received_on IS NULL OR open.received_on = (
                SELECT CAST({latest("received_on")} AT TIME ZONE 'UTC' AS date)
                FROM package_description AS told WHERE told.package_id = package.package_id
            ))
        -- A package that was found good in this containment is not meant any more; one that was scrapped is.
        WHERE {_NOT_FOUND_GOOD.format(package="ancestor.used_id")}
    )
"""
"""CTEs after `used` (package_id) and `open`: which of the used packages open containments mean (recursive)."""

# Where and when, of a fact with station_id and recorded_at.
_THERE_AND_THEN = """
    (NOT open.at_station OR fact.station_id = open.station_id)
    AND (open.since IS NULL OR fact.recorded_at >= open.since)
    AND (open.until IS NULL OR fact.recorded_at <= open.until)
"""
_REPORTS = " UNION ALL ".join(
    f"SELECT unit_id, position_number, station_id, recorded_at, received_at, '{deed}' AS deed FROM {table}"
    for table, deed in {
        "installation": "installed material on it",
        "installed_unit": "built a unit into it",
        "removal": "took a part out of it",
        "inspection": "inspected it",
        "test": "tested it",
        "tool_use": "used a tool on it",
    }.items()
)
_PASSED_OVER = f"fact.position_number = 0 AND {passed_over('place.position_number', 'place.member_id')}"

DECIDED_BY_ITSELF = """
    EXISTS (
        SELECT FROM unit_hold AS own
        JOIN unit_disposition AS its USING (unit_id, position_number, nonconformance_id, nth)
        WHERE own.unit_id = {board} AND own.unit_id <> {hold}.unit_id AND own.position_number = 0
          AND own.nonconformance_id = {hold}.nonconformance_id AND its.decided_at >= {hold}.held_at
    )
"""
"""Condition on a hold that was written on the place of a `board`: of the board alone it was decided since."""

CAUGHT = text(
    f"""
    -- What do facts of these units say that an open containment asks for, with all its terms, and no hold was written
    -- of?
    WITH RECURSIVE {MEMBERS}, {MEMBER_ROUNDS}, {OPEN}, installed AS (
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.position_number, fact.set_id, fact.station_id,
            fact.recorded_at, fact.received_at, place.held_from, place.held_until
        FROM place JOIN installation AS fact ON {TIED_AT_MEMBER_ROUND}
            AND (place.position_number IS NULL OR NOT ({_PASSED_OVER}))
    ), paired AS (
        SELECT DISTINCT sets.set_id, pair.placement_id, pair.package_id
        FROM (SELECT DISTINCT set_id FROM installed) AS sets
        JOIN material_set USING (set_id)
        CROSS JOIN LATERAL unnest(material_set.chunk_ids) AS listed (chunk_id)
        JOIN material_chunk USING (chunk_id)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    ), placed AS (
        -- Pieces of a spliced chain, or of a tray filled from several, may be from each of them.
        SELECT set_id, placement_id, package_id FROM paired WHERE package_id <> 0
        UNION
        SELECT set_id, placement_id, package.package_id
        FROM paired JOIN placement USING (placement_id)
        CROSS JOIN LATERAL unnest(joined_packages || batch_packages) AS neighbour (identifier)
        JOIN package ON package.identifier = neighbour.identifier
    ), used AS (
        SELECT DISTINCT package_id FROM placed
    ), {CONTAINED}, meant AS (
        SELECT nonconformance_id, placed.* FROM contained JOIN placed USING (package_id)
        UNION
        -- A package that only machines named has its part number from them.
        SELECT open.nonconformance_id, placed.*
        FROM placed
        JOIN package ON package.package_id = placed.package_id AND package.part_number IS NULL
        JOIN placement USING (placement_id)
        JOIN open ON open.of_part_only AND open.part_number = placement.part_number
        WHERE {_NOT_FOUND_GOOD.format(package="package.package_id")}
    ), told AS (
        SELECT fact.asked_id, fact.member_id, fact.unit_id, fact.position_number, open.nonconformance_id,
            fact.station_id, fact.recorded_at, fact.received_at, fact.held_from, fact.held_until, 'material' AS kind,
            'put package ' || package.identifier || ' on it' AS what
        FROM meant AS placed
        JOIN open USING (nonconformance_id)
        JOIN placement USING (placement_id)
        JOIN package ON package.package_id = placed.package_id
        JOIN installed AS fact USING (set_id)
        WHERE (reference_designators <> '{{}}' OR rejected_designators = '{{}}') AND {_THERE_AND_THEN}
          AND (open.slot IS NULL OR open.slot IN (placement.slot, placement.slot_name))
          AND (open.feeder IS NULL OR placement.feeder = open.feeder)
          AND (open.nozzle IS NULL OR placement.nozzles @> ARRAY[open.nozzle])
        UNION ALL
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.position_number, open.nonconformance_id,
            fact.station_id, fact.recorded_at, fact.received_at, place.held_from, place.held_until, 'tool',
            'used tool ' || fact.tool || ' on it'
        FROM open
        JOIN tool_use AS fact ON fact.tool = open.tool AND (open.tool_anywhere OR {_THERE_AND_THEN})
        JOIN place ON {AT_MEMBER_ROUND}
        WHERE fact.unit_id IN (SELECT unit_id FROM place)
        UNION ALL
        SELECT place.asked_id, place.member_id, fact.unit_id, 0, open.nonconformance_id, fact.station_id,
            coalesce(fact.started_at, fact.completed_at),
            coalesce(fact.completed_received_at, fact.started_received_at), place.held_from, place.held_until, 'work',
            CASE WHEN open.by_window THEN 'worked on it' ELSE 'ran recipe ' || recipe.name || ' on it' END
        FROM place
        JOIN work_record AS fact ON {WORKED_AT_MEMBER_ROUND}
        LEFT JOIN recipe USING (recipe_id)
        JOIN open ON (open.by_window OR (
                recipe.name = open.recipe AND (open.recipe_revision IS NULL OR recipe.revision = open.recipe_revision)
            ))
            AND (open.recipe_anywhere OR (
                (NOT open.at_station OR fact.station_id = open.station_id)
                AND (open.until IS NULL OR coalesce(fact.started_at, fact.completed_at) <= open.until)
                AND (open.since IS NULL OR coalesce(fact.completed_at, fact.started_at) >= open.since)
            ))
        UNION ALL
        -- Not every machine says when it begins and ends.
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.position_number, open.nonconformance_id,
            fact.station_id, fact.recorded_at, fact.received_at, place.held_from, place.held_until, 'work', fact.deed
        FROM place JOIN ({_REPORTS}) AS fact ON {AT_MEMBER_ROUND}
        JOIN open ON open.by_window AND {_THERE_AND_THEN}
        WHERE (SELECT bool_or(by_window) FROM open)
        UNION ALL
        SELECT place.asked_id, place.member_id, fact.unit_id, 0, open.nonconformance_id, fact.station_id,
            fact.recorded_at, fact.received_at, place.held_from, place.held_until, 'work', 'told of it'
        FROM place JOIN unit_event AS fact ON {AMONG_MEMBER_ROUND}
        JOIN open ON open.by_window AND {_THERE_AND_THEN}
        WHERE (SELECT bool_or(by_window) FROM open)
        UNION ALL
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.position_number, open.nonconformance_id,
            fact.station_id, fact.recorded_at, fact.received_at, place.held_from, place.held_until, 'unit',
            'built ' || child.serial || ' into it'
        FROM open
        CROSS JOIN LATERAL (
            SELECT named.unit_id FROM serial AS named WHERE named.serial = open.serial
            UNION
            SELECT board.unit_id FROM serial AS named JOIN panel_position AS board ON board.panel_id = named.unit_id
            WHERE named.serial = open.serial
        ) AS meant
        JOIN unit AS child ON child.unit_id = meant.unit_id
        JOIN installed_unit AS fact ON fact.child_id = child.unit_id
        JOIN place ON {AT_MEMBER_ROUND}
        WHERE (SELECT bool_or(serial IS NOT NULL) FROM open)
    ), of_parts AS (
        -- A board without a serial is held by its position.
        SELECT told.*, CASE WHEN told.unit_id = told.member_id AND (
            EXISTS (SELECT FROM spoken_position WHERE spoken_position.unit_id = told.unit_id)
            OR EXISTS (SELECT FROM spoken_count WHERE spoken_count.unit_id = told.unit_id)
        ) THEN told.position_number ELSE 0 END AS part
        FROM told
    )
    SELECT DISTINCT ON (told.asked_id, told.member_id, part, told.nonconformance_id)
        told.asked_id, told.member_id, part AS position_number, told.nonconformance_id, open.number, open.containment,
        open.reason, open.opened_at, asked.serial, held.serial AS held_serial, station.handle AS station, told.what,
        told.recorded_at
    FROM of_parts AS told
    JOIN open USING (nonconformance_id)
    JOIN unit AS asked ON asked.unit_id = told.asked_id
    JOIN unit AS held ON held.unit_id = told.member_id
    JOIN station ON station.station_id = told.station_id
    WHERE open.kinds = (
        SELECT count(DISTINCT besides.kind) FROM of_parts AS besides
        WHERE (besides.asked_id, besides.member_id, besides.nonconformance_id)
            = (told.asked_id, told.member_id, told.nonconformance_id) AND besides.part IN (0, told.part)
    ) AND NOT EXISTS (
        SELECT FROM unit_hold AS hold
        LEFT JOIN unit_disposition AS decided USING (unit_id, position_number, nonconformance_id, nth)
        WHERE hold.nonconformance_id = told.nonconformance_id
          AND ((hold.unit_id = told.member_id
                AND (part = 0 OR hold.position_number IN (0, part)))
               -- Of its place on a carrier, or all of it, while it was there: the next round's boards are held by
               -- themselves.
               OR (hold.unit_id = told.unit_id AND hold.position_number IN (0, told.position_number)
                   AND hold.fact_at >= told.held_from AND hold.fact_at < told.held_until
                   AND NOT {DECIDED_BY_ITSELF.format(hold="hold", board="told.member_id")}))
          AND (decided.decided_at IS NULL OR decided.decided_at >= told.received_at)
    )
    """
)
