"""Which lots do the boards that failed have in common, more than chance would have it?

* A board counts as failed if any inspection or test of the window found it failed, after verification.
* Compared are the boards that were inspected or tested in the window: those with the lot, and those without.
* `chance` is Fisher's exact test, one-sided: how likely at least as many of the boards with the lot would fail if it
  did not matter; times the number of lots looked at (Bonferroni), so that among many none is blamed by accident.
* Lots that were loaded at the same time are on the same boards. Those come first whose part defects or symptoms named
  by its designator; what leads the list is where to look first, no proof.
"""

from dataclasses import dataclass
from datetime import datetime
from math import exp, lgamma

from sqlalchemy import Connection, text

from app.quality.outcome import FALSE_CALLS


@dataclass(frozen=True, slots=True)
class SuspectLot:
    """A lot, and how the boards with it did beside those without; `chance` 0..1, smaller is more suspect.

    `named`: failed boards with the lot of which a defect or symptom named a place of its part.
    """

    lot: str
    part_number: str
    manufacturer: str | None
    failed_with: int
    boards_with: int
    failed_without: int
    boards_without: int
    named: int
    chance: float


_OCCUPANT = """
    LEFT JOIN LATERAL (
        SELECT unit_id FROM panel_position
        WHERE panel_id = spoken.unit_id AND position_number = spoken.position_number
        ORDER BY linked_at <= spoken.recorded_at DESC, abs(extract(epoch FROM linked_at - spoken.recorded_at))
        LIMIT 1
    ) AS occupant ON true
"""
_WITH_LOTS = text(
    f"""
    -- How many of the boards inspected and tested in this window have each lot, and how many of those failed?
    WITH spoken AS (
        SELECT unit_id, position_number, outcome, recorded_at FROM inspection
        WHERE recorded_at >= :since AND recorded_at < :until AND run > 0 AND outcome IN ('passed', 'failed')
        UNION ALL
        SELECT unit_id, position_number, outcome, recorded_at FROM test
        WHERE recorded_at >= :since AND recorded_at < :until AND run > 0 AND outcome IN ('passed', 'failed')
    ), judged AS (
        SELECT coalesce(occupant.unit_id, spoken.unit_id) AS unit_id, bool_or(outcome = 'failed') AS failed
        FROM spoken {_OCCUPANT}
        GROUP BY 1
    ), named AS (
        SELECT DISTINCT unit.unit_id, item.part_number
        FROM (
            SELECT unit_id, position_number, recorded_at, reference_designator FROM defect
            WHERE recorded_at >= :since AND recorded_at < :until
              AND coalesce(verification <> ALL (CAST(:false_calls AS text[])), true)
            UNION ALL
            SELECT unit_id, position_number, recorded_at, unnest(reference_designators) FROM symptom
            WHERE recorded_at >= :since AND recorded_at < :until
        ) AS spoken {_OCCUPANT}
        JOIN unit ON unit.unit_id = coalesce(occupant.unit_id, spoken.unit_id)
        JOIN work_order USING (work_order_id)
        JOIN bom_item AS item USING (product_revision_id, reference_designator)
    ), held AS MATERIALIZED (
        SELECT judged.unit_id, failed, set_ids FROM judged JOIN counted_unit USING (unit_id)
    ), lot_of_set AS MATERIALIZED (
        SELECT DISTINCT set_id, package.lot_id
        FROM (SELECT DISTINCT unnest(set_ids) AS set_id FROM held) AS used
        JOIN material_set USING (set_id)
        JOIN material_chunk ON chunk_id = ANY (chunk_ids)
        CROSS JOIN LATERAL unnest(package_ids) AS in_chunk (package_id)
        JOIN package USING (package_id)
        WHERE package.lot_id IS NOT NULL
    )
    SELECT lot.lot_code, lot.part_number, lot.manufacturer,
        count(DISTINCT held.unit_id) AS boards_with, count(DISTINCT held.unit_id) FILTER (WHERE failed) AS failed_with,
        count(DISTINCT named.unit_id) FILTER (WHERE failed) AS named,
        (SELECT count(*) FROM held) AS boards, (SELECT count(*) FROM held WHERE failed) AS failed
    FROM held
    CROSS JOIN LATERAL unnest(set_ids) AS mine (set_id)
    JOIN lot_of_set USING (set_id)
    JOIN lot USING (lot_id)
    LEFT JOIN named ON named.unit_id = held.unit_id AND named.part_number = lot.part_number
    GROUP BY lot.lot_id
    """
)


def suspect_lots(
    connection: Connection, since: datetime, until: datetime, *, below: float = 0.05, most: int = 10
) -> list[SuspectLot]:
    """Lots whose boards failed more often than chance explains (`below`), the most suspect first.

    As of the last count of what is on which board (`app.quality.counting`), a few seconds ago.
    """
    rows = connection.execute(_WITH_LOTS, {"since": since, "until": until, "false_calls": list(FALSE_CALLS)}).all()
    suspects = []
    for row in rows:
        if row.failed_with == 0 or row.boards_with == row.boards:
            continue
        chance = at_least(row.failed_with, row.boards_with, row.failed, row.boards) * len(rows)
        if chance < below:
            suspects.append(
                SuspectLot(
                    lot=row.lot_code,
                    part_number=row.part_number,
                    manufacturer=row.manufacturer,
                    failed_with=row.failed_with,
                    boards_with=row.boards_with,
                    failed_without=row.failed - row.failed_with,
                    boards_without=row.boards - row.boards_with,
                    named=row.named,
                    chance=chance,
                )
            )
    return sorted(suspects, key=lambda one: (-one.named, one.chance))[:most]


def at_least(hits: int, drawn: int, marked: int, all_of_them: int) -> float:
    """Chance of at least `hits` marked ones among `drawn` of `all_of_them`, `marked` of which are (hypergeometric)."""
    whole = _choose(all_of_them, drawn)
    most = min(drawn, marked)
    some = (_choose(marked, k) + _choose(all_of_them - marked, drawn - k) - whole for k in range(hits, most + 1))
    return min(1.0, sum(exp(one) for one in some))


def _choose(of: int, some: int) -> float:
    """The logarithm of "of choose some"; minus infinity where there is no way."""
    if not 0 <= some <= of:
        return float("-inf")
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
