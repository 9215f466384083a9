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
from app.trace.loaded import MAY_HANG, TOLD_OF, loaded_intervals
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
    -- Which packages may have been in the slots of the stations that worked on these units, while they did?
    WITH RECURSIVE spoken AS (
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
        -- Each with what clocks may differ; those of one station that overlap are one.
        SELECT station_id, lower(merged) AS since, upper(merged) AS until
        FROM (
            SELECT station_id,
                range_agg(tstzrange(least(since, until), greatest(since, until), '[]'))
            FROM work
            CROSS JOIN LATERAL (
                SELECT CAST(:between_clocks AS interval) + coalesce(max(error), interval '0') AS apart
                FROM known_clock_error
                WHERE known_clock_error.station_id = work.station_id AND {_KNOWN.format("known_from")}
            ) AS clock
            CROSS JOIN LATERAL (
                SELECT coalesce(begun, ended, '-infinity') - apart, coalesce(ended, 'infinity') + apart
            ) AS widened (since, until)
            WHERE station_id IN (SELECT station_id FROM loading_event)
            GROUP BY station_id
        ) AS worked (station_id, times) CROSS JOIN LATERAL unnest(times) AS merged
    ), loading AS (
        SELECT station_id, slot, lane, kind, package_id, recorded_at FROM loading_event
        WHERE station_id IN (SELECT station_id FROM window_of) AND kind IN ('loaded', 'spliced')
          AND package_id IS NOT NULL AND {_KNOWN.format("received_at")}
    ), before AS (
        SELECT station_id, since, slot, lane, max(recorded_at) AS loaded_at
        FROM window_of JOIN loading USING (station_id)
        WHERE kind = 'loaded' AND recorded_at < since
        GROUP BY station_id, since, slot, lane
    ), hanging AS (
        SELECT loading.package_id
        FROM window_of JOIN loading USING (station_id)
        LEFT JOIN before ON before.station_id = window_of.station_id AND before.since = window_of.since
            AND before.slot IS NOT DISTINCT FROM loading.slot AND before.lane IS NOT DISTINCT FROM loading.lane
        WHERE recorded_at <= until AND recorded_at >= coalesce(loaded_at, '-infinity')
        UNION
        -- And what was spliced to these, directly or through others.
        SELECT link.package_id FROM hanging CROSS JOIN LATERAL (
            SELECT parent_id FROM package_link
            WHERE child_id = hanging.package_id AND kind = 'joined' AND {_KNOWN.format("received_at")}
            UNION ALL
            SELECT child_id FROM package_link
            WHERE parent_id = hanging.package_id AND kind = 'joined' AND {_KNOWN.format("received_at")}
        ) AS link (package_id)
    )
    SELECT package_id FROM hanging CROSS JOIN LATERAL ({TOLD_OF}) AS told
    WHERE EXISTS (SELECT FROM window_of WHERE {MAY_HANG})
    ORDER BY package_id
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
        packages = list(connection.execute(_NEAR, asked).scalars())
        if not packages:
            return
        spoken = sorted({*units, *connection.execute(_SPOKEN, asked).scalars()})
        intervals = loaded_intervals(connection, packages, as_of)
        found = [one for one in suspects(connection, intervals, as_of, spoken) if one.board[0] in units]
        if found:
            yield from _told(connection, found, as_of)


class Nearby:
    """The candidates of a panel and of each of its boards, asked for once for all of them."""

    def __init__(self, connection: Connection, as_of: datetime | None) -> None:
        self._connection = connection
        self._as_of = as_of
        self._asked: frozenset[int] = frozenset()
        self._found: list[Candidate] = []

    def of(self, units: Collection[int]) -> list[Candidate]:
        """As `candidates`; what was asked for before, and lies among it, is not asked for again."""
        if not self._asked.issuperset(units):
            self._asked = frozenset(units)
            self._found = list(candidates(self._connection, units, self._as_of))
        return [one for one in self._found if one.board[0] in units]


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
