"""Units that were scrapped, by a person's decision or a machine's word (`UnitsDisqualified`): facts, as spoken.

A fact is about (unit, position number) like every other: on a panel whose boards have no serials it crosses out one
position; on a carrier that is used again it is about the board that sat there then.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.units.families import AT_MEMBER_PLACE, MEMBER_PLACES


@dataclass(frozen=True, slots=True)
class Scrapped:
    """A unit, or one position of it, was scrapped at `recorded_at` (station's clock), known since `received_at`.

    `by` is the person who decided it; None: the station said so.
    """

    unit_id: int
    position_number: int
    recorded_at: datetime
    received_at: datetime
    reason: str
    by: str | None = None
    station_id: int | None = None


WHOLLY = """
    (place.position_number IS NOT NULL OR fact.position_number = 0 OR NOT EXISTS (
        SELECT FROM spoken_position AS spoken
        WHERE spoken.unit_id = fact.unit_id AND NOT EXISTS (
            SELECT FROM scrapped_unit AS crossed
            WHERE crossed.unit_id = spoken.unit_id AND crossed.position_number IN (0, spoken.position_number)
        )
    ))
"""
"""Condition on a `scrapped_unit` named `fact` at `place`: all of the unit is meant. A panel whose boards have no
serials goes on with some of its positions crossed out, not with all.
"""

TOLD_BY_STATION = """
    (SELECT scrapped_unit.*, station_id FROM scrapped_unit LEFT JOIN station ON handle = scrapped_by)
"""
"""`scrapped_unit` where the clock that told it matters: with the station's id, null where a person said so."""
ACCEPTED_SINCE = """
    EXISTS (
        SELECT FROM unit_disposition AS accepted JOIN nonconformance AS opened USING (nonconformance_id)
        WHERE accepted.unit_id = {unit} AND accepted.decision IN ('use_as_is', 'released')
          AND NOT opened.by_rule AND opened.opened_at > fact.received_at
    )
"""
"""Condition on what was told of one board of a carrier, and clocks leave open which: quality found this one good.

Who opened a nonconformance for a lot, or before it was told, has not looked at that.
"""

_ENTER = text(
    """
    INSERT INTO scrapped_unit (unit_id, position_number, recorded_at, received_at, scrapped_by, reason)
    SELECT unit_id, position_number, recorded_at, received_at, coalesce(person, station.handle), reason
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[]), CAST(:by AS text[]), CAST(:stations AS integer[]),
        CAST(:reasons AS text[])
    ) AS given (unit_id, position_number, recorded_at, received_at, person, station_id, reason)
    LEFT JOIN station USING (station_id)
    ON CONFLICT DO NOTHING
    """
)
_CROSSED_OUT = text(
    f"""
    -- Which positions of these units were scrapped, by themselves?
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_PLACES}
    SELECT DISTINCT place.asked_id, fact.position_number
    FROM place JOIN scrapped_unit AS fact ON {AT_MEMBER_PLACE.format(time="recorded_at")}
    WHERE place.position_number IS NULL AND NOT {WHOLLY}
    ORDER BY 1, 2
    """
)


def record_scrapped(connection: Connection, scrapped: Sequence[Scrapped]) -> None:
    """Keep that units were scrapped; a repetition changes nothing."""
    if scrapped:
        connection.execute(
            _ENTER,
            {
                "units": [one.unit_id for one in scrapped],
                "positions": [one.position_number for one in scrapped],
                "recorded_at": [one.recorded_at for one in scrapped],
                "received_at": [one.received_at for one in scrapped],
                "by": [one.by for one in scrapped],
                "stations": [one.station_id for one in scrapped],
                "reasons": [one.reason for one in scrapped],
            },
        )


def crossed_out(connection: Connection, unit_ids: Collection[int]) -> dict[int, list[int]]:
    """The scrapped positions of panels whose boards have no serials, where others of their positions are good."""
    found: dict[int, list[int]] = {}
    for unit_id, position in connection.execute(_CROSSED_OUT, {"units": sorted(set(unit_ids))}) if unit_ids else ():
        found.setdefault(unit_id, []).append(position)
    return found
