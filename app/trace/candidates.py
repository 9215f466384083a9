"""What may be in a unit though no report names it: the same suspicions as where-used, asked from the unit's side.

Where a machine named the slot and not the package, or reported nothing of a work, every package that was loaded there
then is a candidate, with evidence `bounded` or `inferred` and the reason. Nothing is asked where each report of each
work names its packages and the bill of material is filled.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.db import varied
from app.materials.packages import latest
from app.trace.boards import Place
from app.trace.evidence import Evidence
from app.trace.loaded import loaded_intervals
from app.trace.spans import BETWEEN_CLOCKS
from app.trace.suspects import Suspect, suspects
from app.units.places import LONGEST_WORK, TIED_AT_PLACE, WORKED_AT_PLACE


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that may be in a board, and why. No designator: nobody can say where on it."""

    board: Place
    reference_designator: str | None
    package: str
    part_number: str | None
    lot: str | None
    date_code: str | None
    surface_finish: str | None
    evidence: Evidence
    station: str
    station_id: int
    recorded_at: datetime
    why: str


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR {} <= :as_of)"
OPEN = f"""
        -- Was it worked on where packages are told of, without a report; does a report name no package; or has it
        -- positions of its own, of which some may be without?
        EXISTS (SELECT FROM spoken_position JOIN family USING (unit_id))
        OR EXISTS (SELECT FROM spoken_count JOIN family USING (unit_id))
        OR EXISTS (
            SELECT FROM place JOIN installation AS fact ON {TIED_AT_PLACE}
            JOIN material_set USING (set_id)
            CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
            JOIN material_chunk USING (chunk_id)
            WHERE 0 = ANY (package_ids)
        )
        OR EXISTS (
            SELECT FROM place JOIN work_record AS fact ON {WORKED_AT_PLACE}
            WHERE EXISTS (SELECT FROM loading_event WHERE loading_event.station_id = fact.station_id)
              AND NOT EXISTS (
                SELECT FROM place AS there JOIN installation AS told ON told.unit_id = there.unit_id
                    AND (there.position_number IS NULL OR told.position_number IN (there.position_number, 0))
                    AND told.recorded_at >= there.held_from AND told.recorded_at < there.held_until
                WHERE told.station_id = fact.station_id
                  AND (told.transaction_id = fact.transaction_id
                       OR (told.transaction_id IS NULL AND there.turn IS NULL AND told.recorded_at >= fact.started_at))
                  AND {_KNOWN.format("told.received_at")}
              )
        )
"""
"""After `PLACES_THEN`: whether reports leave room for a package that none names, whatever the bill of material says."""
_NEAR = text(
    f"""
    -- Which packages were in the slots of the stations that worked on these units, while they did?
    WITH spoken AS (
        SELECT unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (unit_id)
        UNION
        SELECT panel_id FROM panel_position
        WHERE unit_id = ANY (CAST(:units AS bigint[])) AND {_KNOWN.format("received_at")}
    ), work AS (
        SELECT station_id, started_at AS begun, completed_at AS ended
        FROM work_record JOIN spoken USING (unit_id)
        WHERE {_KNOWN.format("least(started_received_at, completed_received_at)")}
        UNION
        -- A work may be told of a carrier and the report of a serial: the transaction ties them.
        SELECT fact.station_id,
            least(fact.recorded_at - CAST(:longest_work AS interval), min(its.started_at)),
            greatest(fact.recorded_at, max(its.completed_at))
        FROM installation AS fact JOIN spoken USING (unit_id)
        LEFT JOIN work_record AS its
            ON its.transaction_id = fact.transaction_id AND its.station_id = fact.station_id
        WHERE {_KNOWN.format("fact.received_at")}
        GROUP BY fact.unit_id, fact.position_number, fact.event_id
    ), window_of AS (
        SELECT row_number() OVER () AS nth, station_id, coalesce(begun, ended, '-infinity') - apart AS since,
            coalesce(ended, 'infinity') + apart AS until
        FROM work
        CROSS JOIN LATERAL (
            SELECT CAST(:between_clocks AS interval) + coalesce(max(error), interval '0') AS apart
            FROM known_clock_error
            WHERE known_clock_error.station_id = work.station_id AND {_KNOWN.format("known_from")}
        ) AS clock
        WHERE station_id IN (SELECT station_id FROM loading_event)
    ), loading AS (
        SELECT station_id, slot, lane, kind, package_id, recorded_at FROM loading_event
        WHERE station_id IN (SELECT station_id FROM window_of) AND kind IN ('loaded', 'spliced')
          AND package_id IS NOT NULL AND {_KNOWN.format("received_at")}
    ), before AS (
        SELECT nth, slot, lane, max(recorded_at) AS loaded_at
        FROM window_of JOIN loading USING (station_id)
        WHERE kind = 'loaded' AND recorded_at < since
        GROUP BY nth, slot, lane
    ), there AS (
        SELECT DISTINCT package_id
        FROM window_of JOIN loading USING (station_id)
        LEFT JOIN before ON before.nth = window_of.nth AND before.slot IS NOT DISTINCT FROM loading.slot
            AND before.lane IS NOT DISTINCT FROM loading.lane
        WHERE recorded_at <= until AND recorded_at >= coalesce(loaded_at, '-infinity')
    )
    SELECT package_id FROM there
    """
)
_CHAINED = text(
    f"""
    -- Which packages were spliced to these, directly or through others?
    WITH RECURSIVE chain AS (
        SELECT package_id FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT CASE WHEN link.child_id = chain.package_id THEN link.parent_id ELSE link.child_id END
        FROM chain JOIN package_link AS link ON chain.package_id IN (link.child_id, link.parent_id)
        WHERE link.kind = 'joined' AND {_KNOWN.format("link.received_at")}
    )
    SELECT package_id FROM chain
    """
)
_DESCRIBED = text(
    f"""
    -- What are these packages, as they were described then?
    SELECT package_id, identifier, described.part_number, lot.lot_code AS lot, described.date_code,
        described.surface_finish
    FROM package
    CROSS JOIN LATERAL (
        SELECT {latest("lot_id")} AS lot_id, {latest("part_number")} AS part_number,
            {latest("date_code")} AS date_code, {latest("surface_finish")} AS surface_finish
        FROM package_description AS told
        WHERE told.package_id = package.package_id AND {_KNOWN.format("told.received_at")}
    ) AS described
    LEFT JOIN lot ON lot.lot_id = described.lot_id
    WHERE package_id = ANY (CAST(:packages AS integer[]))
    """
)
_SPOKEN = text(
    """
    SELECT DISTINCT panel_id FROM panel_position WHERE unit_id = ANY (CAST(:units AS bigint[]))
    """
)
_STATIONS = text("SELECT station_id, handle FROM station WHERE station_id = ANY (CAST(:stations AS integer[]))")


def candidates(connection: Connection, units: Collection[int], as_of: datetime | None) -> Iterator[Candidate]:
    """The packages that may be in these units, surest first for each board and designator."""
    asked = {"units": sorted(units), "longest_work": LONGEST_WORK, "between_clocks": BETWEEN_CLOCKS, "as_of": as_of}
    with varied(connection):
        near = list(connection.execute(_NEAR, asked).scalars())
        if not near:
            return
        packages = sorted(connection.execute(_CHAINED, {"packages": near, "as_of": as_of}).scalars())
        spoken = sorted({*units, *connection.execute(_SPOKEN, asked).scalars()})
        intervals = loaded_intervals(connection, packages, as_of)
        found = [one for one in suspects(connection, intervals, as_of, spoken) if one.board[0] in units]
        if found:
            yield from _told(connection, found, as_of)


def _told(connection: Connection, found: list[Suspect], as_of: datetime | None) -> Iterator[Candidate]:
    asked = {"packages": sorted({one.package_id for one in found}), "as_of": as_of}
    described: dict[int, Row[Any]] = {row.package_id: row for row in connection.execute(_DESCRIBED, asked)}
    stations = {"stations": sorted({one.station_id for one in found})}
    handles: dict[int, str] = {row[0]: row[1] for row in connection.execute(_STATIONS, stations)}
    told: set[tuple[Place, str | None, int]] = set()
    for one in sorted(found, key=_surest_first):
        package = described[one.package_id]
        for designator in one.reference_designators or (None,):
            if (one.board, designator, one.package_id) not in told:
                told.add((one.board, designator, one.package_id))
                yield Candidate(
                    one.board, designator, package.identifier, package.part_number, package.lot, package.date_code,
                    package.surface_finish, one.evidence, handles[one.station_id], one.station_id, one.recorded_at,
                    f"{handles[one.station_id]} {one.why}.",
                )  # fmt: skip


def _surest_first(suspect: Suspect) -> tuple[int, datetime, int]:
    return tuple(Evidence).index(suspect.evidence), suspect.recorded_at, suspect.package_id
