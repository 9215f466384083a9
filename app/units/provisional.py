"""Units that passed a gate while the product could not be reached: provisional until somebody released them.

The station says so of each work it began like that (CFX `ActivitiesExecuted`, an activity named `OPENLY` or `CACHED`),
through its spool like everything else, so that the statement arrives with the work it is about. After `OPENLY` quality
looks at each unit; after `CACHED` the gate looks again, and quality only where it would have said no. What is
provisional follows from these statements and the releases; no unit carries a flag.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.cfx.gate import CACHED, OPENLY
from app.units.families import MEMBER_ROUNDS
from app.units.places import NOW, in_time

# Statements are few and the texts above are ours: a JSON path finds them whatever else was executed.
PASSED_WITHOUT = f"""
    fact.message_name = 'CFX.Production.ActivitiesExecuted'
    AND jsonb_path_exists(fact.body, '$.Activities[*] ? (@.ActivityName == "{OPENLY}" || @.ActivityName == "{CACHED}")')
"""
"""Condition on a `unit_event` named `fact`: its work began without the product's word."""

BY_GATE = "gate"
"""Who released what the gate looked at again."""


def released(board: str) -> str:
    """Condition on a `fact` at `place`: the start without the product that it tells was released for `board`.

    Who releases a panel has in hand what is in it: that counts for a board that was in it then, and told so only later.
    The gate, which looks at facts, looks at each of those again. What was released of a board is not asked of the
    carrier that it came out of.
    """
    return f"""
    (EXISTS (
        SELECT FROM provisional_release AS given WHERE given.unit_id = {board} AND given.event_id = fact.event_id
    ) OR EXISTS (
        SELECT FROM provisional_release AS given
        WHERE given.unit_id = place.unit_id AND given.unit_id <> {board} AND given.event_id = fact.event_id
          AND given.released_by <> '{BY_GATE}'
          AND given.released_at >= place.held_from AND given.released_at < place.held_until AND NOT EXISTS (
            SELECT FROM panel_position AS held
            WHERE held.panel_id = place.unit_id AND held.unit_id = {board} AND held.received_at <= given.released_at
          )
    ) OR (place.unit_id = {board} AND EXISTS (
        SELECT FROM panel_position AS held
        JOIN provisional_release AS given ON given.unit_id = held.unit_id AND given.event_id = fact.event_id
        WHERE held.panel_id = place.unit_id
          AND held.position_number = coalesce(place.position_number, held.position_number)
    ) AND NOT EXISTS (
        -- The boards without a serial are released with their panel.
        SELECT FROM spoken_position AS told
        WHERE told.unit_id = place.unit_id
          AND told.position_number = coalesce(place.position_number, told.position_number) AND NOT EXISTS (
            SELECT FROM panel_position AS held
            WHERE held.panel_id = told.unit_id AND held.position_number = told.position_number
          )
    )))
    """


_UNRELEASED = f"""
    WITH member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_ROUNDS}
    SELECT DISTINCT place.asked_id AS unit_id, fact.event_id, fact.station_id, fact.recorded_at,
        jsonb_path_exists(fact.body, '$.Activities[*] ? (@.ActivityName == "{CACHED}")') AS cached
    FROM place JOIN unit_event AS fact ON fact.unit_id = place.unit_id
        AND (place.position_number IS NULL OR fact.position_numbers IS NULL
             OR place.position_number = ANY (fact.position_numbers))
        AND {in_time("place", transaction="fact.transaction_id", whole="fact.position_numbers IS NULL", known_at=NOW)}
    WHERE {PASSED_WITHOUT} AND NOT {released("place.asked_id")}
    ORDER BY place.asked_id, fact.event_id
"""
_ASK = text(f"-- Where did these units pass a gate without the product, not released since?\n{_UNRELEASED}")
_RELEASE = text(
    """
    INSERT INTO provisional_release (unit_id, event_id, released_by, reason)
    SELECT unit_id, event_id, :actor, :reason
    FROM unnest(CAST(:units AS bigint[]), CAST(:events AS bigint[])) AS given (unit_id, event_id)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class ProvisionalStart:
    """A unit's start without the product's word; `cached`: on a snapshot that the product had signed.

    `recorded_at` by the station's clock.
    """

    unit_id: int
    event_id: int
    station_id: int
    recorded_at: datetime
    cached: bool


def provisional_starts(connection: Connection, unit_ids: Iterable[int]) -> list[ProvisionalStart]:
    """Starts without the product's word that nobody has released, of these units and the panels they are on."""
    rows = connection.execute(_ASK, {"units": sorted(set(unit_ids))})
    return [ProvisionalStart(row.unit_id, row.event_id, row.station_id, row.recorded_at, row.cached) for row in rows]


def provisional_units(connection: Connection, unit_ids: Iterable[int]) -> set[int]:
    """Those of these units that must not leave yet."""
    return {start.unit_id for start in provisional_starts(connection, unit_ids)}


def release_starts(connection: Connection, starts: Sequence[ProvisionalStart], *, actor: str, reason: str) -> None:
    """Release these starts: somebody has looked at them. Who may, and the audit, are the caller's."""
    if starts:
        given = {"units": [one.unit_id for one in starts], "events": [one.event_id for one in starts]}
        connection.execute(_RELEASE, {**given, "actor": actor, "reason": reason})


__all__ = [
    "BY_GATE",
    "CACHED",
    "OPENLY",
    "PASSED_WITHOUT",
    "ProvisionalStart",
    "provisional_starts",
    "provisional_units",
    "release_starts",
    "released",
]
