"""Where the facts of a unit stand: under its own identifier, and under the panel positions that held it.

A fact under (panel, position) belongs to the unit that the last statement not after the fact put there, or, where all
statements are later, the first. A carrier is used again: what a clock that was seen off told near the change may be of
the round before or after, possibly of both and surely of none, unless its transaction names the board. So is what
statements of one time put two units in. What begins on the carrier as a whole is of no board that was seen outside it
before (`taken_out`); what names its place may be, but speaks for no board that is outside. SQL pieces for questions;
parameters `serial` and `customer_id` (null: any).
"""

from datetime import timedelta

LONGEST_WORK = timedelta(minutes=15)
"""How far back a report without a transaction may reach, where nobody said when that work began."""

DEEPEST = 3
"""How deep panels in carriers are followed."""

# A carrier that holds units of several customers is none of theirs.
VISIBLE = """
    (CAST(:customer_id AS integer) IS NULL OR (
        unit.customer_id = :customer_id AND NOT EXISTS (
            SELECT FROM panel_position JOIN unit AS board USING (unit_id)
            WHERE panel_position.panel_id = unit.unit_id AND board.customer_id IS DISTINCT FROM :customer_id
        )
    ))
"""
"""Condition on `unit`: the asking customer may see it; `customer_id` null sees all."""

NOW = "CAST(NULL AS timestamptz)"
THEN = "CAST(:as_of AS timestamptz)"
"""When it was known what is asked for."""


def seated(statements: str, known_at: str) -> str:
    """CTEs that end in `seated`: which unit was in which place of a panel, from when to when.

    `statements` is a condition on `panel_position`, `known_at` an expression (null: now). Where the clocks matter, or
    two statements of one time contradict each other, `turn` is a `carrier_round`, and the time is widened by the worst
    of the clocks. `gone_at`: when it was seen outside; `moved_at`: when it was told in another panel or carrier, though
    nobody said that it left this one.
    """
    wrong = f"known_clock_error WHERE CAST({known_at} AS timestamptz) IS NULL OR known_from <= {known_at}"
    return f"""
    linked AS (
        SELECT panel_id, position_number, panel_position.unit_id,
            CASE WHEN row_number() OVER in_order = 1 THEN '-infinity' ELSE linked_at END AS held_from,
            coalesce(lead(linked_at) OVER in_order, 'infinity') AS held_until,
            min(unit_id) OVER place < max(unit_id) OVER place AS several,
            min(unit_id) OVER at_once < max(unit_id) OVER at_once AS contradicts,
            coalesce(CASE WHEN EXISTS (SELECT FROM taken_out) THEN (
                SELECT min(taken_at) + interval '2 seconds' + coalesce((SELECT max(error) FROM {wrong}), interval '0')
                FROM taken_out AS seen
                WHERE seen.unit_id = panel_position.unit_id AND seen.taken_at >= panel_position.received_at
                  AND (CAST({known_at} AS timestamptz) IS NULL OR seen.taken_at <= {known_at})
                  AND coalesce(seen.withdrawn_at > {known_at}, seen.withdrawn_at IS NULL)
            ) END, 'infinity') AS gone_at,
            coalesce((
                SELECT min(moved.linked_at) - coalesce((SELECT max(error) FROM {wrong}), interval '0')
                FROM panel_position AS moved
                WHERE moved.unit_id = panel_position.unit_id AND moved.panel_id <> panel_position.panel_id
                  AND moved.linked_at > panel_position.linked_at
                  AND (CAST({known_at} AS timestamptz) IS NULL OR moved.received_at <= {known_at})
            ), 'infinity') AS moved_at
        FROM panel_position WHERE {statements}
          AND (CAST({known_at} AS timestamptz) IS NULL OR panel_position.received_at <= {known_at})
        WINDOW place AS (PARTITION BY panel_id, position_number),
            in_order AS (PARTITION BY panel_id, position_number ORDER BY linked_at, panel_position.unit_id),
            at_once AS (
                PARTITION BY panel_id, position_number ORDER BY linked_at RANGE BETWEEN CURRENT ROW AND CURRENT ROW
            )
    ), stated AS (
        SELECT linked.*, several AND EXISTS (SELECT FROM {wrong})
            OR bool_or(contradicts) OVER (PARTITION BY panel_id, position_number) AS disputed
        FROM linked
    ), seated AS (
        SELECT panel_id, position_number, unit_id, held_from, held_until, gone_at, moved_at,
            CAST(NULL AS carrier_round) AS turn
        FROM stated WHERE NOT disputed
        UNION ALL
        SELECT turn.panel_id, turn.position_number, turn.unit_id, turn.held_from - worst.error,
            turn.held_until + worst.error, gone.at, gone.moved_at, turn
        FROM (
            SELECT array_agg(panel_id), array_agg(position_number)
            FROM (SELECT DISTINCT panel_id, position_number FROM stated WHERE disputed) AS place
        ) AS disputed (panels, positions)
        CROSS JOIN LATERAL rounds_of(panels, positions, {known_at}) AS turn
        LEFT JOIN (
            SELECT panel_id, position_number, unit_id, max(gone_at) AS at, max(moved_at) AS moved_at FROM stated
            WHERE disputed GROUP BY panel_id, position_number, unit_id
        ) AS gone USING (panel_id, position_number, unit_id)
        CROSS JOIN (SELECT coalesce(max(error), interval '0') + interval '2 seconds' AS error FROM {wrong}) AS worst
    )
    """


def _places(known: str, *, nested: bool = False) -> str:
    """`family` holds a panel's boards where a panel was asked for: its identifier answers for all its positions.

    With `nested` also where a panel of the unit sat in a carrier: what is told there may be of any board of that panel.
    """
    here, other = known.format("panel_position"), known.format("other")
    known_at = NOW if known == "true" else THEN
    of_subject = """
        (panel_id, position_number) IN (
            SELECT held.panel_id, held.position_number FROM panel_position AS held
            WHERE held.unit_id IN (SELECT unit_id FROM subject UNION SELECT unit_id FROM around)
        )
    """
    around = f"""
        WITH RECURSIVE outer_panel AS (
            SELECT panel_position.panel_id AS unit_id, 1 AS depth
            FROM panel_position JOIN subject USING (unit_id) WHERE {here}
            UNION
            SELECT panel_position.panel_id, depth + 1
            FROM outer_panel JOIN panel_position USING (unit_id) WHERE depth < {DEEPEST} AND {here}
        )
        SELECT unit_id FROM outer_panel EXCEPT SELECT unit_id FROM subject
    """
    return f"""
    subject AS (
        SELECT unit.unit_id, unit.serial, unit.customer_id, unit.work_order_id
        FROM serial JOIN unit USING (unit_id)
        WHERE serial.serial = :serial
          AND {VISIBLE}
    ),
    family AS (
        SELECT unit_id FROM subject
        UNION
        SELECT panel_position.unit_id FROM subject
        JOIN panel_position ON panel_position.panel_id = subject.unit_id AND {here}
    ),
    around AS ({around if nested else "SELECT unit_id FROM subject WHERE false"}),
    {seated(of_subject, known_at)},
    place AS (
        SELECT unit_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until,
            0 AS positions, CAST('infinity' AS timestamptz) AS gone_at, CAST('infinity' AS timestamptz) AS moved_at,
            CAST(NULL AS carrier_round) AS turn, false AS is_nested
        FROM family
        UNION ALL
        SELECT seated.panel_id, seated.position_number, seated.held_from, seated.held_until,
            -- As many as were told, linked, only spoken of, or counted: an X-out has no board.
            greatest((SELECT count(*) FROM (
                SELECT other.position_number FROM panel_position AS other
                WHERE other.panel_id = seated.panel_id AND {other}
                UNION
                SELECT other.position_number FROM spoken_position AS other
                WHERE other.unit_id = seated.panel_id AND {other}
                UNION
                SELECT other.position_number FROM installation AS other
                WHERE other.unit_id = seated.panel_id AND other.position_number = 1 AND {other}
                  AND EXISTS (SELECT FROM spoken_position WHERE spoken_position.unit_id = other.unit_id)
            ) AS known), (
                SELECT max(unit_count) FROM spoken_count AS other
                WHERE other.unit_id = seated.panel_id AND {other}
            )), seated.gone_at, seated.moved_at, seated.turn, seated.unit_id NOT IN (SELECT unit_id FROM subject)
        FROM seated WHERE unit_id IN (SELECT unit_id FROM subject UNION ALL SELECT unit_id FROM around)
    )
"""


PLACES = _places("true")
"""CTEs that a question about one unit begins with."""

_THEN = "(CAST(:as_of AS timestamptz) IS NULL OR {}.received_at <= :as_of)"
PLACES_THEN = _places(_THEN)
"""The same as it was known at `as_of` (null: now)."""

PLACES_AROUND = _places("true", nested=True)
"""As `PLACES`, and with the places of the unit's panels in carriers (`is_nested`), for what may not be missed."""

PLACES_AROUND_THEN = _places(_THEN, nested=True)
"""The same as it was known at `as_of` (null: now)."""

ORDER_THEN = """
    CASE WHEN CAST(:as_of AS timestamptz) IS NULL OR unit.claim_received_at <= :as_of THEN unit.work_order_id
         ELSE (SELECT former.work_order_id FROM former_claim AS former
               WHERE former.unit_id = unit.unit_id AND former.known_from <= :as_of AND former.known_until > :as_of)
         END
"""
"""The work order of `unit` as it was known at `as_of` (null: now)."""


def of_turn(
    place: str,
    time: str = "fact.recorded_at",
    *,
    heard: str = "fact.received_at",
    transaction: str = "NULL",
    whole: str = "fact.position_number = 0",
    known_at: str = THEN,
) -> str:
    """Condition on a `fact` in the time of `place`: clocks and transactions leave room for that round.

    `whole`: whether the fact is told of the carrier as a whole, and so not of a board that was seen outside before.
    """
    return f"""
        ({place}.turn IS NULL
         OR in_round({place}.turn, fact.station_id, {time}, {heard}, {transaction}, {known_at}) IS NOT NULL)
        AND ({place}.gone_at = 'infinity' OR NOT ({whole}) OR coalesce((
            SELECT min(its.started_at) FROM work_record AS its
            WHERE its.transaction_id = {transaction} AND its.station_id = fact.station_id
              AND (CAST({known_at} AS timestamptz) IS NULL OR its.started_received_at <= {known_at})
        ), {time} - interval '{LONGEST_WORK}') < {place}.gone_at)
    """


def in_time(
    place: str,
    time: str = "fact.recorded_at",
    *,
    heard: str = "fact.received_at",
    transaction: str = "NULL",
    whole: str = "fact.position_number = 0",
    known_at: str = THEN,
) -> str:
    """Condition: what the station of `fact` told may be of the time in which `place` held its board."""
    here = f"{time} >= {place}.held_from AND {time} < {place}.held_until"
    told = of_turn(place, time, heard=heard, transaction=transaction, whole=whole, known_at=known_at)
    return f"{here} AND {told}"


def outside(boards: str) -> str:
    """CTE `outside`: since when `boards` (a selection of unit ids) are outside a place that held them.

    Somebody saw it, or they were told in another panel or carrier since. Told in the same one again they are back.
    """
    return f"""
    outside AS (
        SELECT former.unit_id, former.panel_id, former.position_number, min(gone.gone_at) AS seen_at
        FROM panel_position AS former CROSS JOIN LATERAL (
            SELECT seen.taken_at AS gone_at FROM taken_out AS seen
            WHERE seen.unit_id = former.unit_id AND seen.taken_at >= former.received_at
              AND seen.withdrawn_at IS NULL AND NOT EXISTS (
                SELECT FROM panel_position AS later
                WHERE later.unit_id = former.unit_id AND later.panel_id = former.panel_id
                  AND later.received_at > seen.taken_at
            )
            UNION ALL
            SELECT moved.linked_at FROM panel_position AS moved
            WHERE moved.unit_id = former.unit_id AND moved.panel_id <> former.panel_id
              AND moved.linked_at > former.linked_at AND NOT EXISTS (
                SELECT FROM panel_position AS later
                WHERE later.unit_id = former.unit_id AND later.panel_id = former.panel_id
                  AND later.linked_at > moved.linked_at
              )
        ) AS gone
        WHERE former.unit_id IN ({boards})
        GROUP BY former.unit_id, former.panel_id, former.position_number
    )
    """


def done_without(board: str, time: str) -> str:
    """Condition on a `fact` at `place`: what it says was done there when `board` was outside already.

    After `outside`. `time` is when it began, as far as is known. For what speaks for a board: a station's clock that
    may be behind does not let it count, nor does a machine that goes on naming the place.
    """
    return f"""
        (place.position_number IS NOT NULL AND EXISTS (
            SELECT FROM outside
            WHERE (outside.unit_id, outside.panel_id, outside.position_number)
                = ({board}, place.unit_id, place.position_number)
              AND outside.seen_at <= {time} + coalesce((
                SELECT max(error) FROM known_clock_error AS wrong WHERE wrong.station_id = fact.station_id
              ), interval '0')
        ))
    """


_BEGUN = """
    coalesce((
        SELECT min(its.started_at) FROM work_record AS its
        WHERE its.transaction_id = fact.transaction_id AND its.station_id = fact.station_id
    ), fact.recorded_at)
"""


def passed_without(board: str) -> str:
    """Condition on an `inspection` or `test` at `place`: as `done_without`."""
    return done_without(board, _BEGUN)


def worked_without(board: str) -> str:
    """Condition on a `work_record` at `place`: as `done_without`."""
    return done_without(board, "coalesce(fact.started_at, fact.completed_at)")


def in_doubt(place: str, *, transaction: str = "NULL", known_at: str = THEN) -> str:
    """Expression: of a `fact` that is `in_time`, whether it may as well be of another round, or of no board of ours."""
    asked = f"{place}.turn, fact.station_id, fact.recorded_at, fact.received_at, {transaction}, {known_at}"
    moved = f"coalesce(fact.recorded_at >= {place}.moved_at, false)"
    return f"(({place}.turn IS NOT NULL AND NOT in_round({asked})) OR {moved})"


_NAMED = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
"""
AT_PLACE = f"{_NAMED} AND {in_time('place')}"
"""Join condition of a fact that has one position with `place`."""

IN_DOUBT = f"(place.is_nested OR {in_doubt('place')})"
"""Expression: of a fact `AT_PLACE`, whether it may as well be of another round of the carrier, or of another board."""

TIED_AT_PLACE = f"{_NAMED} AND {in_time('place', transaction='fact.transaction_id')}"
"""The same of a fact with a transaction, which may name the board."""

TIED_IN_DOUBT = f"(place.is_nested OR {in_doubt('place', transaction='fact.transaction_id')})"
"""The same of a fact `TIED_AT_PLACE`."""

_AMONG = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_numbers IS NULL
         OR place.position_number = ANY (fact.position_numbers))
"""
_WHOLE = "fact.position_numbers IS NULL"
AMONG_PLACES = f"{_AMONG} AND {in_time('place', transaction='fact.transaction_id', whole=_WHOLE)}"
"""Join condition of a `unit_event` with `place`: it may have several positions."""

WORKED = {
    "time": "coalesce(fact.started_at, fact.completed_at)",
    "heard": "coalesce(fact.started_received_at, fact.completed_received_at)",
    "transaction": "fact.transaction_id",
    "whole": _WHOLE,
}
"""When a `work_record` began, when that was heard of, and what ties it to boards."""


def sure_of_work(place: str, known_at: str) -> str:
    """Condition: a `work_record` named `fact` is surely of the round `place` is, where there are rounds."""
    asked = f"fact.station_id, {WORKED['time']}, {WORKED['heard']}, {WORKED['transaction']}, {known_at}"
    return f"coalesce(in_round({place}.turn, {asked}), false)"


WORKED_AT_PLACE = f"{_AMONG} AND {in_time('place', **WORKED)}"
"""Join condition of a `work_record` with `place`."""


def skipped(work: str, known_at: str = NOW) -> str:
    """Expression: the positions that a `work_record` was told to pass over, when it began or ended; null for none."""
    known = f"CAST({known_at} AS timestamptz) IS NULL OR {work}."
    return f"""
        (CASE WHEN {known}started_received_at <= {known_at} THEN {work}.skipped_positions END
         || CASE WHEN {known}completed_received_at <= {known_at} THEN {work}.skipped_at_end END)
    """


def passed_over(position: str, board: str, known_at: str = NOW) -> str:
    """Condition on a `fact` with a transaction: its machine said that this `board`, in this `position` of a panel (null
    for a board by its own name), is an X-out.
    """
    told = skipped("its", known_at)
    return f"""
        EXISTS (
            SELECT FROM work_record AS its
            WHERE its.transaction_id = fact.transaction_id AND its.station_id = fact.station_id
              AND (its.skipped_positions IS NOT NULL OR its.skipped_at_end IS NOT NULL)
              AND CASE WHEN its.unit_id <> fact.unit_id THEN its.unit_id = {board} AND {told} IS NOT NULL
                       WHEN {position} IS NULL THEN coalesce(its.position_numbers, '{{0}}') <@ {told}
                       ELSE {position} = ANY ({told}) END
        )
    """


HELD_WINDOW = """
    CASE WHEN EXISTS (
        SELECT FROM panel_position AS earlier
        WHERE earlier.panel_id = held.panel_id AND earlier.position_number = held.position_number
          AND earlier.linked_at < held.linked_at AND earlier.unit_id <> held.unit_id
    ) THEN held.linked_at ELSE '-infinity' END,
    coalesce((
        SELECT min(later.linked_at) FROM panel_position AS later
        WHERE later.panel_id = held.panel_id AND later.position_number = held.position_number
          AND later.linked_at > held.linked_at AND later.unit_id <> held.unit_id
    ), 'infinity')
"""
"""Two columns, from when to when a statement `held` of `panel_position` holds: for questions about a few units, where
looking beside each statement is cheaper than the window over all of `PLACES`.
"""

PLACES_OF_UNITS = f"""
    place AS (
        SELECT asked AS unit_id, asked AS spoken_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM unnest(CAST(:units AS bigint[])) AS asked
        UNION ALL
        SELECT held.unit_id, held.panel_id, held.position_number,
            {HELD_WINDOW}
        FROM panel_position AS held WHERE held.unit_id = ANY (CAST(:units AS bigint[]))
    )
"""
"""CTE: the same for many units by their ids (`units`); `spoken_id` is the name that facts go by."""
