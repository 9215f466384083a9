"""Units that may carry a contained package though no report names it: where-used's suspicions, of a few units.

A screen asks of all units whether any was worked on where a contained package, or one spliced to it, was loaded until
then. Of those only, the whole question is asked.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.db import planned_once, varied
from app.quality.caught import DECIDED_BY_ITSELF
from app.trace.evidence import Evidence
from app.trace.loaded import loaded_intervals
from app.trace.spans import BETWEEN_CLOCKS
from app.trace.suspects import Suspect, suspects
from app.units.families import TIED_AT_MEMBER_ROUND, WORKED_AT_MEMBER_ROUND
from app.units.places import LONGEST_WORK, PLACES_OF_UNITS

NEAR = f"""
    contained AS (
        SELECT hold.package_id, nonconformance_id
        FROM nonconformance JOIN package_hold AS hold USING (nonconformance_id)
        WHERE by_rule AND released_at IS NULL AND NOT EXISTS (
            SELECT FROM package_disposition AS decided
            WHERE decided.package_id = hold.package_id AND decided.nonconformance_id = hold.nonconformance_id
              AND decided.decision IN ('released', 'use_as_is')
        )
    ), chained AS (
        SELECT package_id, nonconformance_id, package_id AS near_id FROM contained
        UNION
        SELECT chained.package_id, nonconformance_id,
            CASE WHEN link.child_id = near_id THEN link.parent_id ELSE link.child_id END
        FROM chained JOIN package_link AS link ON near_id IN (link.child_id, link.parent_id) AND link.kind = 'joined'
    ), worked AS (
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.station_id,
            coalesce(fact.started_at, fact.completed_at) AS began, coalesce(fact.completed_at, 'infinity') AS ended
        FROM place
        JOIN work_record AS fact ON {WORKED_AT_MEMBER_ROUND}
        WHERE EXISTS (SELECT FROM contained)
        UNION ALL
        -- A work may be told of a carrier and the report of a serial: the transaction ties them.
        SELECT place.asked_id, place.member_id, fact.unit_id, fact.station_id,
            coalesce(its.started_at, fact.recorded_at - interval '{LONGEST_WORK}'),
            greatest(fact.recorded_at, its.completed_at)
        FROM place JOIN installation AS fact ON {TIED_AT_MEMBER_ROUND}
        LEFT JOIN work_record AS its
            ON its.transaction_id = fact.transaction_id AND its.station_id = fact.station_id
        WHERE EXISTS (SELECT FROM contained)
    ), near AS (
        SELECT DISTINCT asked_id, member_id, worked.unit_id, chained.package_id, nonconformance_id, worked.station_id
        FROM worked
        CROSS JOIN LATERAL (
            SELECT interval '{BETWEEN_CLOCKS}' + coalesce(max(error), interval '0') AS apart
            FROM known_clock_error AS clock WHERE clock.station_id = worked.station_id
        ) AS clocks
        CROSS JOIN chained
        JOIN loading_event AS loading ON loading.package_id = near_id AND loading.station_id = worked.station_id
            AND loading.kind IN ('loaded', 'spliced') AND loading.recorded_at <= ended + apart
        WHERE NOT EXISTS (
            SELECT FROM loading_event AS gone
            WHERE gone.package_id = near_id AND gone.station_id = worked.station_id
              AND gone.kind IN ('unloaded', 'empty') AND near_id = chained.package_id
              AND gone.recorded_at > loading.recorded_at AND gone.recorded_at < began - apart
        ) AND NOT EXISTS (
            -- Another was put in its place, which is not spliced to it. Of the same slot, which both must have: the two
            -- lines behind, and the earlier time, say no more, but in the words of an index (ix_loading_event_place).
            SELECT FROM loading_event AS other
            WHERE other.station_id = loading.station_id AND other.slot = loading.slot
              AND coalesce(other.slot, other.slot_name, '') = coalesce(loading.slot, loading.slot_name, '')
              AND coalesce(other.lane, '') = coalesce(loading.lane, '') AND other.kind = 'loaded'
              AND other.recorded_at > loading.recorded_at AND other.recorded_at < began - apart
              AND least(other.recorded_at, other.received_at) < began - apart
              AND other.package_id NOT IN (
                  SELECT around.near_id FROM chained AS around WHERE around.package_id = chained.package_id
              )
        ) AND NOT EXISTS (
            SELECT FROM unit_hold AS hold LEFT JOIN unit_disposition AS decided
                USING (unit_id, position_number, nonconformance_id, nth)
            WHERE hold.unit_id = member_id AND hold.position_number = 0
              AND hold.nonconformance_id = chained.nonconformance_id AND decided.decision IS NULL
        )
    )
"""
"""CTEs after `MEMBERS` and `MEMBER_ROUNDS`: the screen. `near` may hold more than is suspected, never less."""

_FEW = 200
_HELD = text(
    f"""
    -- Which holds were written on these units, or on the places they were in, and what was decided of them?
    WITH {PLACES_OF_UNITS}
    SELECT place.unit_id, CASE WHEN place.position_number IS NULL THEN hold.position_number ELSE 0 END
        AS position_number, hold.nonconformance_id, decided.decided_at
    FROM place
    JOIN unit_hold AS hold ON hold.unit_id = place.spoken_id
        AND hold.nonconformance_id = ANY (CAST(:nonconformances AS integer[]))
        AND (place.position_number IS NULL OR hold.position_number IN (place.position_number, 0))
        AND hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
    LEFT JOIN unit_disposition AS decided ON decided.unit_id = hold.unit_id
        AND decided.position_number = hold.position_number AND decided.nonconformance_id = hold.nonconformance_id
        AND decided.nth = hold.nth
    WHERE NOT {DECIDED_BY_ITSELF.format(hold="hold", board="place.unit_id")}
    """
)


def suspected(connection: Connection, near: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], Suspect]]:
    """Of what passed the screen: each suspicion that no hold was written of, the surest of each board.

    One that was released, or decided, is suspected again only of work that was heard of later.
    """
    with planned_once(connection) if len(near) <= _FEW else varied(connection):
        intervals = loaded_intervals(connection, sorted({row.package_id for row in near}), None)
        found = list(suspects(connection, intervals, None, sorted({row.unit_id for row in near})))
        asked = {
            "units": sorted({one.board[0] for one in found}),
            "nonconformances": sorted({row.nonconformance_id for row in near}),
        }
        held = connection.execute(_HELD, asked).all() if found else ()
    told: set[tuple[int, int, int, int]] = set()
    for one in sorted(found, key=_surest_first):
        unit_id, position = one.board
        for row in near:
            key = (row.asked_id, row.member_id, position, row.nonconformance_id)
            if row.member_id != unit_id or row.package_id != one.package_id or key in told:
                continue
            if not any(
                (hold.unit_id, hold.nonconformance_id) == (unit_id, row.nonconformance_id)
                and (position == 0 or hold.position_number in {0, position})
                and (hold.decided_at is None or hold.decided_at >= (one.heard_at or one.recorded_at))
                for hold in held
            ):
                told.add(key)
                yield row, one


def _surest_first(suspect: Suspect) -> tuple[int, bool]:
    return tuple(Evidence).index(suspect.evidence), suspect.pending
