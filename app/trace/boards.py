"""Which boards carry these material sets? Streamed in order of the boards' ids, however many they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter

from sqlalchemy import Connection, text

from app.trace.question import Question

_BLOCK = 1000
"""Boards whose particulars are looked up together."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One report on one board that holds a hit.

    `positions`: how many the panel spoken of has, 0 for no panel. `candidates`: how many units the report may mean.
    """

    set_id: int
    station_id: int
    recorded_at: datetime
    spoken_position: int
    positions: int
    candidates: int


@dataclass(frozen=True, slots=True)
class Board:
    """A board: its unit, or, without a serial of its own, its place on the panel."""

    unit_id: int
    position_number: int
    reports: Sequence[Reported]


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is shown of a unit. `place` is the station it was last worked on."""

    serial: str
    customer_id: int | None
    place: str | None


_CARRYING = text(
    """
    -- Which boards do the reports with these material sets speak of, in order?
    WITH fact AS (
        SELECT unit_id, position_number, set_id, station_id, recorded_at, candidates
        FROM installation
        WHERE (CAST(:sets AS integer[]) IS NULL OR set_id = ANY (CAST(:sets AS integer[])))
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
          AND (CAST(:station AS text) IS NULL
               OR station_id = (SELECT station_id FROM station WHERE handle = :station))
          AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR recorded_at <= :until)
    ), told AS (
        SELECT panel_id, position_number, unit_id,
            CASE WHEN row_number() OVER statements = 1 THEN '-infinity' ELSE linked_at END AS held_from,
            coalesce(lead(linked_at) OVER statements, 'infinity') AS held_until
        FROM panel_position
        WHERE panel_id IN (SELECT unit_id FROM fact)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
        WINDOW statements AS (PARTITION BY panel_id, position_number ORDER BY linked_at, unit_id)
    ), width AS (
        SELECT panel_id, count(DISTINCT position_number) AS positions FROM told GROUP BY panel_id
    )
    SELECT coalesce(told.unit_id, fact.unit_id) AS board_id,
        CASE WHEN told.unit_id IS NULL THEN fact.position_number ELSE 0 END AS board_position,
        fact.set_id, fact.station_id, fact.recorded_at, fact.position_number, coalesce(width.positions, 0),
        fact.candidates
    FROM fact
    LEFT JOIN told ON told.panel_id = fact.unit_id AND fact.position_number IN (0, told.position_number)
        AND fact.recorded_at >= told.held_from AND fact.recorded_at < told.held_until
    LEFT JOIN width ON width.panel_id = fact.unit_id
    WHERE coalesce(told.unit_id, fact.unit_id) > :after
    ORDER BY 1, 2, 5
    """
)
_PARTICULARS = text(
    """
    -- What are these units called, whose are they, and where were they worked on last?
    SELECT unit.unit_id, unit.serial, unit.customer_id, place.handle
    FROM unit
    LEFT JOIN LATERAL (
        SELECT station.handle
        FROM (
            SELECT unit.unit_id, CAST('infinity' AS timestamptz)
            UNION ALL
            SELECT held.panel_id, coalesce((
                SELECT min(later.linked_at) FROM panel_position AS later
                WHERE later.panel_id = held.panel_id AND later.position_number = held.position_number
                  AND later.linked_at > held.linked_at AND later.unit_id <> held.unit_id
            ), 'infinity')
            FROM panel_position AS held WHERE held.unit_id = unit.unit_id
        ) AS carrier (unit_id, held_until)
        JOIN work_record ON work_record.unit_id = carrier.unit_id
            AND coalesce(work_record.started_at, work_record.completed_at) < carrier.held_until
        JOIN station USING (station_id)
        ORDER BY coalesce(work_record.completed_at, work_record.started_at) DESC
        LIMIT 1
    ) AS place ON true
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[]))
    """
)


def boards_carrying(
    connection: Connection, sets: Sequence[int] | None, question: Question, *, after: int = 0
) -> Iterator[Board]:
    """Boards with their reports, from the first unit id past `after` on. `sets` None: any material at all."""
    if sets is not None and not sets:
        return
    asked = {
        "sets": None if sets is None else list(sets),
        "as_of": question.as_of,
        "station": question.station,
        "since": question.since,
        "until": question.until,
        "after": after,
    }
    rows = connection.execute(_CARRYING, asked, execution_options={"stream_results": True, "yield_per": _BLOCK})
    by_unit = ((unit_id, list(told)) for unit_id, told in groupby(rows, key=itemgetter(0)))
    while block := list(islice(by_unit, _BLOCK)):
        panels = _panels(connection, ((unit_id, row[1]) for unit_id, told in block for row in told))
        for unit_id, told in block:
            reports: dict[int, list[Reported]] = {}
            for row in told:
                position = row[1] if unit_id in panels else 0
                reports.setdefault(position, []).append(Reported(*row[2:]))
            for position, own in sorted(reports.items()):
                yield Board(unit_id, position, own)


def particulars(connection: Connection, units: Sequence[int]) -> dict[int, Particulars]:
    """Serial, customer and place of units."""
    return {row[0]: Particulars(*row[1:]) for row in connection.execute(_PARTICULARS, {"units": list(units)})}


_OCCUPANTS = text(
    """
    -- Which boards were in these places at these times? A place is a unit and a position on it, 0 for the whole.
    WITH fact AS (
        SELECT * FROM unnest(
            CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:times AS timestamptz[])
        ) WITH ORDINALITY AS fact (unit_id, position_number, recorded_at, nth)
    ), told AS (
        SELECT panel_id, position_number, unit_id,
            CASE WHEN row_number() OVER statements = 1 THEN '-infinity' ELSE linked_at END AS held_from,
            coalesce(lead(linked_at) OVER statements, 'infinity') AS held_until
        FROM panel_position
        WHERE panel_id IN (SELECT unit_id FROM fact)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
        WINDOW statements AS (PARTITION BY panel_id, position_number ORDER BY linked_at, unit_id)
    )
    SELECT fact.nth - 1, coalesce(told.unit_id, fact.unit_id),
        CASE WHEN told.unit_id IS NULL THEN fact.position_number ELSE 0 END
    FROM fact
    LEFT JOIN told ON told.panel_id = fact.unit_id AND fact.position_number IN (0, told.position_number)
        AND fact.recorded_at >= told.held_from AND fact.recorded_at < told.held_until
    ORDER BY 1, 2, 3
    """
)


def occupants(
    connection: Connection, places: Sequence[tuple[int, int, datetime]], as_of: datetime | None
) -> Iterator[tuple[int, int, int]]:
    """(index of the place, board's unit id, its position without a serial) for each (unit, position, time)."""
    if places:
        asked = {
            "units": [place[0] for place in places],
            "positions": [place[1] for place in places],
            "times": [place[2] for place in places],
            "as_of": as_of,
        }
        found = connection.execute(_OCCUPANTS, asked).all()
        panels = _panels(connection, ((row[1], row[2]) for row in found))
        for index, unit_id, position in found:
            yield index, unit_id, position if unit_id in panels else 0


# A machine may give a board that travels alone the position 1; a panel's boards without serials are told by theirs.
_PANELS = text(
    """
    -- Which of these units were spoken of with other positions than 1?
    SELECT unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (unit_id)
    WHERE EXISTS (SELECT FROM installation WHERE installation.unit_id = asked.unit_id AND position_number > 1)
       OR EXISTS (SELECT FROM work_record WHERE work_record.unit_id = asked.unit_id
                  AND 1 < ANY (work_record.position_numbers))
       OR EXISTS (SELECT FROM panel_position WHERE panel_position.panel_id = asked.unit_id)
    """
)


def _panels(connection: Connection, places: Iterable[tuple[int, int]]) -> set[int]:
    """Those of the units that are panels."""
    spoken = list(places)
    sure = {unit_id for unit_id, position in spoken if position > 1}
    unsure = sorted({unit_id for unit_id, position in spoken if position == 1} - sure)
    return sure | set(connection.execute(_PANELS, {"units": unsure}).scalars()) if unsure else sure
