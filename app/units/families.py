"""Units that go together: a panel with the boards in it, an assembly with the units built into it.

A hold on one of them concerns the others: a panel does not enter a station while one of its boards is on hold, and an
assembly not while a unit inside it is. SQL pieces for questions about many units; parameter `units`.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, text

from app.units.places import HELD_WINDOW, NOW, WORKED, in_doubt, of_turn, outside, seated

BOARD_THEN = """
    SELECT held.unit_id FROM panel_position AS held
    WHERE held.panel_id = built.unit_id AND held.position_number = built.position_number
    ORDER BY held.linked_at <= built.recorded_at DESC,
        CASE WHEN held.linked_at <= built.recorded_at THEN held.linked_at END DESC, held.linked_at
    LIMIT 1
"""
"""Which board sat in the position that `built` (an installed_unit) names, when it was reported."""

REMOVED = f"""
    EXISTS (
        -- The board may be told by its own name when the child goes in, and by its panel's when it comes out.
        SELECT FROM (SELECT coalesce(({BOARD_THEN}), built.unit_id) AS unit_id) AS board
        CROSS JOIN LATERAL (
            SELECT board.unit_id, CASE WHEN board.unit_id = built.unit_id THEN built.position_number ELSE 0 END,
                CAST('-infinity' AS timestamptz), CAST('infinity' AS timestamptz)
            UNION ALL
            SELECT held.panel_id, held.position_number, {HELD_WINDOW}
            FROM panel_position AS held WHERE held.unit_id = board.unit_id
        ) AS named (unit_id, position_number, held_from, held_until)
        JOIN removal ON removal.unit_id = named.unit_id AND removal.recorded_at >= built.recorded_at
            -- Within the error of clocks that were seen off, it may have been before; at the same time of the same
            -- station, the old part comes out first.
            AND CASE WHEN removal.station_id = built.station_id THEN removal.recorded_at > built.recorded_at
            ELSE removal.recorded_at >= built.recorded_at + coalesce((
                SELECT sum(largest_error) FROM station_clock AS wrong
                WHERE wrong.station_id IN (removal.station_id, built.station_id)
                  AND largest_error > interval '2 seconds'
            ), interval '0') END
        WHERE removal.child_id = built.child_id OR removal.package_id = built.package_id
           -- Nothing was named: whatever was in the designators is meant.
           OR (removal.child_id IS NULL AND removal.package_id IS NULL
               AND built.reference_designator = ANY (removal.reference_designators)
               AND removal.position_number = named.position_number
               AND removal.recorded_at >= named.held_from AND removal.recorded_at < named.held_until)
    )
"""
"""Condition on `built` (an installed_unit): the child was taken out again."""

_LEFT = f"""
    EXISTS (
        SELECT FROM taken_out
        WHERE taken_out.unit_id = held.unit_id AND taken_at >= held.received_at AND withdrawn_at IS NULL
    )
    OR (held.linked_at < held.newest AND (
        EXISTS (
            SELECT FROM panel_position AS other
            WHERE other.unit_id = held.unit_id AND other.panel_id <> held.panel_id
              AND other.linked_at > held.linked_at AND other.received_at > held.received_at
        ) OR EXISTS (
            SELECT FROM packed_unit JOIN shipment USING (shipment_id)
            WHERE packed_unit.unit_id = held.unit_id AND unpacked_at IS NULL AND shipped_at > held.received_at
        ) OR EXISTS (
            SELECT FROM installed_unit AS built
            WHERE built.child_id = held.unit_id AND built.recorded_at > held.linked_at
              AND built.received_at > held.received_at AND NOT {REMOVED}
        )
    ))
"""


def boards_in(panel: str, position: str = "0") -> str:
    """Select: `position_number` and `unit_id` of the boards in a panel now, or of the one in `position` (0: all).

    A carrier has held others before, and may hold fewer now. That the last of a position is gone is known where it was
    seen to be (`taken_out`), and, on a carrier that holds others since, where both its clocks and ours heard of it in
    another panel or assembly, or it was shipped. Links that name the others prove nothing of it.
    """
    return f"""
        SELECT held.position_number, held.unit_id FROM (
            SELECT DISTINCT ON (position_number) panel_position.*, max(linked_at) OVER () AS newest
            FROM panel_position
            WHERE panel_position.panel_id = {panel} AND ({position} = 0 OR position_number = {position})
            ORDER BY position_number, linked_at DESC, unit_id DESC
        ) AS held
        WHERE NOT ({_LEFT})
    """


_MAY_HAVE_BEEN_THERE = """
    EXISTS (
        SELECT FROM rounds_of(ARRAY[place.panel_id], ARRAY[place.position_number], NULL) AS turn
        WHERE turn.unit_id = place.unit_id
          AND in_round(turn, built.station_id, built.recorded_at, built.received_at, NULL, NULL) IS NOT NULL
    )
"""
"""Condition: clocks leave open whether the board of `place` was there when `built` was told."""


def members(asked: str) -> str:
    """CTE (recursive): each unit of the array `asked` with itself, its boards, and the units inside them."""
    return f"""
    member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest({asked}) AS asked (asked_id)
        UNION
        SELECT member.asked_id, inside.unit_id
        FROM member CROSS JOIN LATERAL (
            SELECT board.unit_id FROM ({boards_in("member.unit_id")}) AS board
            UNION ALL
            SELECT built.child_id FROM installed_unit AS built
            WHERE built.unit_id = member.unit_id AND ({BOARD_THEN}) IS NULL AND NOT {REMOVED}
            UNION ALL
            -- Built in while it was still in its panel: what was told of a position is in the board that was there.
            SELECT built.child_id
            FROM panel_position AS place
            JOIN installed_unit AS built ON built.unit_id = place.panel_id
                AND built.position_number = place.position_number
            WHERE place.unit_id = member.unit_id AND NOT {REMOVED}
              AND (({BOARD_THEN}) = member.unit_id OR {_MAY_HAVE_BEEN_THERE})
        ) AS inside
    )
    """


MEMBERS = members("CAST(:units AS bigint[])")

MEMBER_PLACES = """
    statement AS (
        SELECT panel_id, position_number, panel_position.unit_id,
            CASE WHEN row_number() OVER told = 1 THEN '-infinity' ELSE linked_at END AS held_from,
            coalesce(lead(linked_at) OVER told, 'infinity') AS held_until
        FROM panel_position
        WHERE (panel_id, position_number) IN (
            SELECT held.panel_id, held.position_number FROM panel_position AS held
            WHERE held.unit_id IN (SELECT unit_id FROM member)
        )
        WINDOW told AS (PARTITION BY panel_id, position_number ORDER BY linked_at, panel_position.unit_id)
    ), place AS (
        SELECT asked_id, unit_id AS member_id, unit_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM member
        UNION ALL
        SELECT member.asked_id, member.unit_id, panel_id, position_number, held_from, held_until
        FROM member JOIN statement USING (unit_id)
    )
"""
"""CTEs after `member`: where the facts of each member stand, as in `app.units.places`."""

_OF_MEMBERS = """
    (panel_id, position_number) IN (
        SELECT held.panel_id, held.position_number FROM panel_position AS held
        WHERE held.unit_id IN (SELECT unit_id FROM member)
    )
"""
MEMBER_ROUNDS = f"""
    {seated(_OF_MEMBERS, NOW)}, {outside("SELECT unit_id FROM member")}, place AS (
        SELECT asked_id, unit_id AS member_id, unit_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until,
            CAST('infinity' AS timestamptz) AS gone_at, CAST('infinity' AS timestamptz) AS moved_at,
            CAST(NULL AS carrier_round) AS turn
        FROM member
        UNION ALL
        SELECT member.asked_id, member.unit_id, panel_id, position_number, held_from, held_until, gone_at, moved_at,
            turn
        FROM member JOIN seated USING (unit_id)
    )
"""
"""In place of `MEMBER_PLACES` where nothing may be missed: with every round of a carrier that clocks leave open."""

AT_MEMBER_PLACE = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
    AND fact.{time} >= place.held_from AND fact.{time} < place.held_until
    AND (place.position_number IS NOT NULL OR NOT EXISTS (
        -- What is said of a panel's positions is said of the boards that were there.
        SELECT FROM panel_position AS linked
        WHERE linked.panel_id = fact.unit_id AND fact.position_number IN (0, linked.position_number)
    ))
"""
"""Join condition of a fact that has one position with `place`; `time` is the column of its station's time."""

AT_MEMBER_ROUND = f"{AT_MEMBER_PLACE.format(time='recorded_at')} AND {of_turn('place', known_at=NOW)}"
"""The same with a `place` of `MEMBER_ROUNDS`."""
TIED_AT_MEMBER_ROUND = f"""
    {AT_MEMBER_PLACE.format(time="recorded_at")}
    AND {of_turn("place", transaction="fact.transaction_id", known_at=NOW)}
"""
"""The same of a fact with a transaction, which may name the board."""

IN_DOUBT_THERE = in_doubt("place", known_at=NOW)
"""Expression: of a fact `AT_MEMBER_ROUND`, whether it may as well be of another round of the carrier."""

TIED_IN_DOUBT_THERE = in_doubt("place", transaction="fact.transaction_id", known_at=NOW)
"""The same of a fact `TIED_AT_MEMBER_ROUND`."""

AMONG_MEMBER_PLACES = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_numbers IS NULL
         OR place.position_number = ANY (fact.position_numbers))
    AND {time} >= place.held_from AND {time} < place.held_until
    AND (place.position_number IS NOT NULL OR NOT EXISTS (
        SELECT FROM panel_position AS linked WHERE linked.panel_id = fact.unit_id
          AND (fact.position_numbers IS NULL OR linked.position_number = ANY (fact.position_numbers))
    ))
"""
"""Join condition of a fact that has several positions with `place`; `time` is an expression of its station's time."""

_WHOLE = "fact.position_numbers IS NULL"
AMONG_MEMBER_ROUND = f"""
    {AMONG_MEMBER_PLACES.format(time="fact.recorded_at")}
    AND {of_turn("place", transaction="fact.transaction_id", whole=_WHOLE, known_at=NOW)}
"""
"""Join condition of a `unit_event` with a `place` of `MEMBER_ROUNDS`."""

WORKED_AT_MEMBER_ROUND = f"""
    {AMONG_MEMBER_PLACES.format(time=WORKED["time"])} AND {of_turn("place", **WORKED, known_at=NOW)}
"""
"""Join condition of a `work_record` with a `place` of `MEMBER_ROUNDS`."""

_FAMILY = text(f"WITH RECURSIVE {MEMBERS} SELECT asked_id, unit_id FROM member")


def family(connection: Connection, unit_ids: Collection[int]) -> dict[int, set[int]]:
    """For each unit: itself, the boards in it if it is a panel, and the units built into any of them."""
    found: dict[int, set[int]] = {unit_id: {unit_id} for unit_id in unit_ids}
    for asked, member in connection.execute(_FAMILY, {"units": sorted(found)}):
        found[asked].add(member)
    return found


_BUILT_INTO = text(
    f"""
    -- In which other units are these now?
    SELECT DISTINCT ON (built.child_id) built.child_id, parent.serial
    FROM installed_unit AS built
    LEFT JOIN LATERAL ({BOARD_THEN}) AS board ON true
    JOIN unit AS parent ON parent.unit_id = coalesce(board.unit_id, built.unit_id)
    WHERE built.child_id = ANY (CAST(:units AS bigint[])) AND parent.unit_id <> built.child_id AND NOT {REMOVED}
    ORDER BY built.child_id, built.recorded_at DESC
    """
)


def built_into(connection: Connection, unit_ids: Collection[int]) -> dict[int, str]:
    """The serial of the unit that each of these was built into last, of those that are still inside."""
    rows = connection.execute(_BUILT_INTO, {"units": sorted(set(unit_ids))}) if unit_ids else ()
    return {row[0]: row[1] for row in rows}


_NAMED = text(
    f"""
    -- Which units does each of these serials stand for: the boards in it now, or itself?
    SELECT given.serial, coalesce(board.unit_id, named.unit_id)
    FROM unnest(CAST(:serials AS text[])) WITH ORDINALITY AS given (serial, nth)
    JOIN serial AS named ON named.serial = given.serial
    LEFT JOIN LATERAL ({boards_in("named.unit_id")}) AS board ON true
    ORDER BY given.nth, board.position_number
    """
)


def named_units(connection: Connection, serials: Iterable[str]) -> dict[str, list[int]]:
    """The units that each serial stands for, a panel's identifier for the boards in it; unknown ones are left out."""
    found: dict[str, list[int]] = {}
    for serial, unit_id in connection.execute(_NAMED, {"serials": list(dict.fromkeys(serials))}):
        found.setdefault(serial, []).append(unit_id)
    return found
