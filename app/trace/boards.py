"""Which boards carry these material sets? Streamed in order of the boards' ids, however many they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat, takewhile
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, text

from app.db import at_once, varied
from app.trace.asked_time import asked_time
from app.trace.question import Question
from app.trace.shown import MORE_TO_ASK, Particulars
from app.units.places import DEEPEST, THEN, in_doubt, in_time, passed_over, seated

_FIRST = 1000
"""Reports that are fetched at once; only where there are more, the database holds a cursor."""
_BLOCK = 1000

Place: TypeAlias = tuple[int, int]
"""A board: its unit id, and, where it has no serial of its own, its position on the panel (else 0)."""


class Reported(NamedTuple):
    """What a report that holds a hit says of a board, apart from when.

    `positions`: how many the panel spoken of has, 0 for no panel. `candidates`: how many units the report may mean.
    `in_doubt`: whether it may as well be of another round of the carrier. `is_nested`: whether it names the place of a
    panel in a carrier, and so any board of that panel.
    """

    set_id: int
    station_id: int
    station: str
    spoken_position: int
    positions: int
    candidates: int
    in_doubt: bool
    is_nested: bool


Report: TypeAlias = tuple[int, int, str, int, int, int, bool, bool]
"""The members of a `Reported`: few of them differ from board to board."""


class Board(Struct, frozen=True, gc=False):
    """A board, and what was reported of it when, in the order of the stations' clocks.

    `shown`: what is shown of it, where it is known already that there is nothing more to ask.
    """

    place: Place
    reports: Sequence[tuple[datetime, Report]]
    shown: Particulars | None


HELD = f"""
    {seated("panel_id IN (SELECT unit_id FROM fact)", THEN)}, several AS (
        SELECT unit_id, position_number FROM spoken_position
        WHERE unit_id IN (SELECT unit_id FROM fact)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), sized AS (
        SELECT unit_id, max(unit_count) AS unit_count FROM spoken_count
        WHERE unit_id IN (SELECT unit_id FROM fact)
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
        GROUP BY unit_id
    ), divided AS (
        SELECT unit_id FROM several UNION SELECT unit_id FROM sized
    ), spoken_of AS (
        SELECT unit_id, position_number FROM several
        UNION
        SELECT installation.unit_id, installation.position_number
        FROM installation JOIN divided USING (unit_id)
        WHERE installation.position_number = 1
          AND (CAST(:as_of AS timestamptz) IS NULL OR installation.received_at <= :as_of)
        UNION
        SELECT work_record.unit_id, CAST(1 AS smallint)
        FROM work_record JOIN divided USING (unit_id)
        WHERE 1 = ANY (work_record.position_numbers)
          AND (CAST(:as_of AS timestamptz) IS NULL
               OR least(work_record.started_received_at, work_record.completed_received_at) <= :as_of)
    ), spoken AS (
        SELECT unit_id, position_number FROM spoken_of
        UNION
        -- A panel with a second and a third place has a first, which may never be named.
        SELECT unit_id, CAST(generate_series(1, max(position_number)) AS smallint)
        FROM spoken_of
        WHERE NOT EXISTS (SELECT FROM seated WHERE seated.panel_id = spoken_of.unit_id)
        GROUP BY unit_id HAVING count(*) > 1
    ), unnamed AS (
        -- So many boards were counted that nobody has named each.
        SELECT unit_id FROM spoken_of JOIN sized USING (unit_id)
        WHERE NOT EXISTS (SELECT FROM seated WHERE seated.panel_id = spoken_of.unit_id)
          AND NOT EXISTS (
              SELECT FROM panel_position
              WHERE panel_position.unit_id = spoken_of.unit_id
                AND (CAST(:as_of AS timestamptz) IS NULL OR panel_position.received_at <= :as_of)
          )
        GROUP BY unit_id HAVING max(unit_count) > count(*)
    ), nested AS (
        -- A panel in a carrier: what is told of its place there may be of any board that was ever said to be in it.
        WITH RECURSIVE nest AS (
            SELECT panel_id, position_number, unit_id, held_from, held_until, gone_at, moved_at, turn,
                0 AS depth
            FROM seated
            UNION ALL
            SELECT nest.panel_id, nest.position_number, inner_board.unit_id, held_from, held_until, gone_at, moved_at,
                turn, depth + 1
            FROM nest CROSS JOIN LATERAL (
                SELECT DISTINCT panel_position.unit_id FROM panel_position
                WHERE panel_position.panel_id = nest.unit_id
                  AND (CAST(:as_of AS timestamptz) IS NULL OR panel_position.received_at <= :as_of)
            ) AS inner_board
            WHERE depth < {DEEPEST} AND inner_board.unit_id <> nest.panel_id
        )
        SELECT * FROM nest WHERE depth > 0
    ), held AS (
        SELECT panel_id, position_number, unit_id AS board_id, CAST(0 AS smallint) AS board_position,
            held_from, held_until, gone_at, moved_at, turn, false AS is_nested
        FROM seated
        UNION ALL
        SELECT DISTINCT panel_id, position_number, unit_id, CAST(0 AS smallint), held_from, held_until, gone_at,
            moved_at, turn, true
        FROM nested
        UNION ALL
        -- Positions of a panel that no board is linked to. A unit that sits in a panel is none, whatever its position.
        SELECT unit_id, position_number, unit_id, position_number, '-infinity', 'infinity', 'infinity', 'infinity',
            NULL, false
        FROM spoken
        WHERE NOT EXISTS (
            SELECT FROM seated
            WHERE seated.panel_id = spoken.unit_id AND seated.position_number = spoken.position_number
        ) AND (
            EXISTS (SELECT FROM seated WHERE seated.panel_id = spoken.unit_id)
            OR (NOT EXISTS (
                    SELECT FROM panel_position
                    WHERE panel_position.unit_id = spoken.unit_id
                      AND (CAST(:as_of AS timestamptz) IS NULL OR panel_position.received_at <= :as_of)
                )
                AND (SELECT count(*) FROM spoken AS other WHERE other.unit_id = spoken.unit_id) > 1)
            OR EXISTS (SELECT FROM unnamed WHERE unnamed.unit_id = spoken.unit_id)
        )
        UNION ALL
        -- The others are meant where the panel is: they go by its identifier alone.
        SELECT unit_id, NULL, unit_id, 0, '-infinity', 'infinity', 'infinity', 'infinity', NULL, false FROM unnamed
    ), width AS (
        -- How many boards has a panel?
        SELECT panel_id, greatest(count(DISTINCT position_number), max(sized.unit_count)) AS positions
        FROM held LEFT JOIN sized ON sized.unit_id = panel_id
        GROUP BY panel_id
    )
"""
"""CTEs after one named `fact` (unit_id, position_number, station_id, recorded_at, received_at): which board was where
when, and of how many `positions` a panel is; parameter `as_of`. See `app.units.places`.
"""
_HERE = "held.panel_id = fact.unit_id AND fact.position_number IN (0, held.position_number)"
AT = f"{_HERE} AND {in_time('held')}"
"""Join condition of `held` with `fact`; without a match the fact is about its own unit."""
IN_DOUBT = f"(coalesce(held.is_nested, false) OR {in_doubt('held')})"
"""Expression: whether a fact may as well be of another round of the carrier than the one of `held`, or of another
board of a panel that sits in it."""
TIED = f"{_HERE} AND {in_time('held', transaction='fact.transaction_id')}"
"""As `AT`, of facts with a `transaction_id`, which may name the board."""
TIED_IN_DOUBT = f"(coalesce(held.is_nested, false) OR {in_doubt('held', transaction='fact.transaction_id')})"
"""As `IN_DOUBT`, of a fact that is `TIED`."""

_PASSED_OVER = f"fact.position_number = 0 AND {passed_over('held.position_number', 'held.board_id', THEN)}"
NOT_PASSED_OVER = f"{TIED} AND NOT ({_PASSED_OVER})"
"""As `TIED`, without boards that the machine passed over."""
_ITSELF_PASSED_OVER = f"held.board_id IS NULL AND fact.candidates > 1 AND {passed_over('NULL', 'fact.unit_id', THEN)}"

_PLAIN = text(
    f"""
    -- Which reports hold these material sets, of whom, and is there more to ask of any of those units? Where no report
    -- speaks of a panel, each is about the board it names. In one row: arrays are read faster than as many rows.
    WITH fact AS MATERIALIZED (
        SELECT unit_id, set_id, station_id, recorded_at, position_number, candidates
        FROM installation WHERE set_id = ANY (CAST(:sets AS integer[]))
    ), ordered AS MATERIALIZED (
        -- By itself, so that no index that has this order is read from end to end for it.
        SELECT * FROM fact ORDER BY unit_id, recorded_at, set_id
    ), every AS MATERIALIZED (
        -- In order, as each question below would sort them.
        SELECT array_agg(unit_id ORDER BY unit_id) AS units FROM ordered
    ), panel AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM panel_position WHERE panel_id = ANY (units))
            OR EXISTS (SELECT FROM spoken_position WHERE unit_id = ANY (units))
            OR EXISTS (SELECT FROM spoken_count WHERE unit_id = ANY (units))
            -- Or of a work on several, which may have passed over one of them.
            OR EXISTS (SELECT FROM fact WHERE candidates > 1) AS meant
        FROM every
    ), report AS (
        SELECT * FROM ordered WHERE unit_id > :after ORDER BY unit_id, recorded_at, set_id LIMIT :first
    ), first AS MATERIALIZED (
        SELECT array_agg(unit_id) AS units, array_agg(recorded_at) AS times, array_agg(set_id) AS sets,
            array_agg(station_id) AS stations, array_agg(position_number) AS positions,
            array_agg(candidates) AS candidates
        FROM report
    ), named AS MATERIALIZED (
        SELECT array_agg(serial) AS serials, array_agg(customer_id) AS customers
        FROM (
            SELECT serial, customer_id FROM unit
            WHERE unit_id = ANY (CAST((SELECT units FROM first) AS bigint[])) ORDER BY unit_id
        ) AS unit
    ), asked AS MATERIALIZED (
        SELECT EXISTS (
            {MORE_TO_ASK.format(units="(SELECT units FROM first)", serials="(SELECT serials FROM named)")}
        ) AS more
    )
    SELECT panel.meant, asked.more, first.*, named.*, teller.*
    FROM panel, asked, first, named, LATERAL (
        SELECT array_agg(station_id) AS tellers, array_agg(handle) AS handles
        FROM station WHERE station_id = ANY (stations)
    ) AS teller
    """
)


class _Plain(NamedTuple):
    """The one row of `_PLAIN`."""

    meant: bool
    more: bool
    units: list[int]
    times: list[datetime]
    sets: list[int]
    stations: list[int]
    positions: list[int]
    candidates: list[int]
    serials: list[str]
    customers: list[int | None]
    tellers: list[int]
    handles: list[str]


_CARRYING = text(
    f"""
    -- Which boards do the reports with these material sets speak of, in order?
    WITH fact AS (
        SELECT unit_id, position_number, set_id, station_id, recorded_at, received_at, transaction_id, candidates
        FROM installation
        WHERE (CAST(:sets AS integer[]) IS NULL OR set_id = ANY (CAST(:sets AS integer[])))
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
          AND (CAST(:station AS text) IS NULL
               OR station_id = (SELECT station_id FROM station WHERE handle = :station))
          AND (CAST(:since AS timestamptz) IS NULL OR recorded_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR recorded_at <= :until)
    ), {HELD}
    SELECT coalesce(held.board_id, fact.unit_id) AS board_id, coalesce(held.board_position, 0) AS board_position,
        fact.recorded_at, fact.set_id, fact.station_id, station.handle, fact.position_number,
        coalesce(width.positions, 0), fact.candidates, {TIED_IN_DOUBT},
        coalesce(held.is_nested, false)
    FROM fact JOIN station USING (station_id)
    LEFT JOIN held ON {NOT_PASSED_OVER}
    LEFT JOIN width ON width.panel_id = fact.unit_id
    WHERE coalesce(held.board_id, fact.unit_id) > :after AND NOT ({_ITSELF_PASSED_OVER})
    ORDER BY 1, 2, 3, 4
    """
)


def boards_carrying(
    connection: Connection, sets: Sequence[int] | None, question: Question, *, after: int = 0
) -> Iterator[Board]:
    """Boards with their reports, from the first unit id past `after` on. `sets` None: any material at all."""
    if sets is None or question.names_reports or question.as_of is not None:
        yield from resolved(connection, sets, question, after)
    elif sets:
        ((told,),) = at_once(connection, (_PLAIN, {"sets": list(sets), "after": after, "first": _FIRST}))
        plain = _Plain._make(told)
        if plain.meant:
            yield from resolved(connection, sets, question, after)
        elif plain.units and len(plain.units) == len(plain.serials) < _FIRST and not plain.more:
            yield from _reported_once(plain)
        elif plain.units:
            rows, shown = _reports(plain), {} if plain.more else _particulars(plain)
            if len(plain.units) < _FIRST:
                yield from _boards(rows, shown)
            else:
                last = plain.units[-1]  # some of its reports may be behind
                yield from _boards(takewhile(lambda row: row[0] != last, rows), shown)
                yield from resolved(connection, sets, question, last - 1)


def _reported_once(plain: _Plain) -> Iterator[Board]:
    """Boards of which each has one report, as those of most reels: in half the time."""
    named = zip(_reports(plain), plain.serials, plain.customers, strict=True)
    for (unit_id, _, at, report), serial, customer_id in named:
        yield Board((unit_id, 0), [(at, report)], Particulars(serial, customer_id, None))


def _reports(plain: _Plain) -> Iterator[tuple[int, int, datetime, Report]]:
    """Unit, position without a serial, time and report, one after the other."""
    handles = map(dict(zip(plain.tellers, plain.handles, strict=True)).__getitem__, plain.stations)
    told = zip(plain.sets, plain.stations, handles, plain.positions, repeat(0), plain.candidates, *[repeat(False)] * 2)
    return zip(plain.units, repeat(0), plain.times, told)  # of what is repeated there is no end


def _particulars(plain: _Plain) -> dict[int, Particulars]:
    named = zip(dict.fromkeys(plain.units), plain.serials, plain.customers, strict=True)
    return {unit_id: Particulars(serial, customer_id, None) for unit_id, serial, customer_id in named}


def resolved(connection: Connection, sets: Sequence[int] | None, question: Question, after: int) -> Iterator[Board]:
    """The same whatever the reports speak of, and with all terms of the question.

    Of clocks that were seen off, what may have been in the time asked for comes too.
    """
    time = asked_time(connection, question)
    since, until = time.widest
    asked = {
        "sets": None if sets is None else list(sets),
        "as_of": question.as_of,
        "station": question.station,
        "since": since,
        "until": until,
        "after": after,
    }
    options = {"stream_results": True, "yield_per": _BLOCK}
    # Both end also where a page ends early.
    with varied(connection), connection.execute(_CARRYING, asked, execution_options=options) as rows:
        told: Iterable[Any] = rows
        if time.is_doubtful:
            told = (row for row in rows if time.evidence(row.station_id, row.recorded_at, row.recorded_at))
        yield from _boards(((row[0], row[1], row[2], tuple(row[3:])) for row in told), {})


def _boards(rows: Iterable[tuple[int, int, datetime, Report]], shown: Mapping[int, Particulars]) -> Iterator[Board]:
    last: Place | None = None
    reports: list[tuple[datetime, Report]] = []
    for unit_id, position, recorded_at, report in rows:
        place = (unit_id, position)
        if place != last:
            if last is not None:
                yield Board(last, reports, shown.get(last[0]))
            last, reports = place, []
        reports.append((recorded_at, report))
    if last is not None:
        yield Board(last, reports, shown.get(last[0]))


_OCCUPANTS = text(
    f"""
    -- Which boards were in these places at these times?
    WITH fact AS (
        SELECT * FROM unnest(
            CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:times AS timestamptz[]),
            CAST(:stations AS integer[]), CAST(:transactions AS uuid[]), CAST(:heard AS timestamptz[])
        ) WITH ORDINALITY AS fact (
            unit_id, position_number, recorded_at, station_id, transaction_id, received_at, nth
        )
    ), {HELD}
    SELECT DISTINCT fact.nth - 1, coalesce(held.board_id, fact.unit_id), coalesce(held.board_position, 0),
        {TIED_IN_DOUBT}
    FROM fact
    LEFT JOIN held ON {TIED} AND (:every OR NOT ({_PASSED_OVER}))
    ORDER BY 1, 2, 3
    """
)


class Spoken(NamedTuple):
    """What a station spoke of and when: a unit, and a position on it, 0 for the whole. See `app.units.places`."""

    unit_id: int
    position_number: int
    recorded_at: datetime
    station_id: int
    transaction_id: UUID | None = None
    heard_at: datetime | None = None


def occupants(
    connection: Connection, spoken: Sequence[Spoken], as_of: datetime | None, *, every: bool = False
) -> Iterator[tuple[int, int, int, bool]]:
    """(index, board's unit id, its position without a serial, whether another round may be meant) of each `spoken`.

    Of a panel as a whole, boards are left out that the machine passed over in that work; not so with `every`.
    """
    if spoken:
        units, positions, times, stations, transactions, heard = map(list, zip(*spoken, strict=True))
        asked = {
            "units": units,
            "positions": positions,
            "times": times,
            "stations": stations,
            "transactions": transactions,
            "heard": heard,
            "every": every,
            "as_of": as_of,
        }
        yield from (tuple(row) for row in connection.execute(_OCCUPANTS, asked))
