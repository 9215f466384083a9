"""How many boards have each package, slot, feeder, nozzle? Kept, so that no statistic scans all boards for it.

What reports say of a board may come late, twice, and through several processes at once. So nothing is counted where it
comes in: triggers note which units it is about, in the same transaction. `keep_counts` takes those notes, works out
anew what the boards concerned have, by the same rules as where-used, and moves each from what it was counted as to what
it is. One process does that at a time; whoever does it twice changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from sqlalchemy import Connection, text

from app.trace.boards import HELD, TIED

Kind: TypeAlias = Literal["unit", "package", "slot", "feeder", "nozzle"]
Factor: TypeAlias = tuple[Kind, str]
Had: TypeAlias = tuple[int, tuple[int, ...]]
"""(work order id, or 0; material sets): what a board is counted as."""

AT_ONCE = 2000
_LOCK_KEY = 0x706F70  # "pop"
_ALL: Factor = ("unit", "")

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_TAKE = text(
    """
    -- In the order of their key: an index passes what was taken just now, which a table shows until it is vacuumed.
    DELETE FROM due_count
    WHERE (unit_id, number) IN (SELECT unit_id, number FROM due_count ORDER BY unit_id, number LIMIT :most)
    RETURNING unit_id, CAST(since AS text) AS since
    """
)
_CONCERNED = text(
    """
    -- Which units is this about: these themselves, and those that were in them from then on?
    WITH due AS (
        SELECT unit_id, min(since) AS since
        FROM (
            SELECT unit_id, CAST(since AS timestamptz) AS since
            FROM unnest(CAST(:units AS bigint[]), CAST(:since AS text[])) AS noted (unit_id, since)
        ) AS noted
        GROUP BY unit_id
    ), statement AS (
        SELECT panel_id, unit_id, coalesce(lead(linked_at) OVER told, 'infinity') AS held_until
        FROM panel_position WHERE panel_id IN (SELECT unit_id FROM due)
        WINDOW told AS (PARTITION BY panel_id, position_number ORDER BY linked_at, unit_id)
    )
    SELECT unit_id FROM due
    UNION
    SELECT statement.unit_id FROM statement JOIN due ON due.unit_id = panel_id AND held_until >= due.since
    """
)
_FACTS = """
    fact AS (
        SELECT unit_id, position_number, set_id, station_id, recorded_at, received_at, transaction_id
        FROM installation
        WHERE unit_id = ANY (CAST(:units AS bigint[])) OR unit_id IN (
            SELECT panel_id FROM panel_position WHERE unit_id = ANY (CAST(:units AS bigint[]))
        )
    )
"""
_HAVE = text(
    f"""
    -- Which material sets do these boards have, by what is known now?
    WITH {_FACTS}, {HELD}
    SELECT unit.unit_id, coalesce(held.board_position, 0), coalesce(unit.work_order_id, 0),
        array_agg(DISTINCT fact.set_id ORDER BY fact.set_id)
    FROM fact
    -- A panel in a carrier is counted itself: which of its boards are due at once must not matter.
    LEFT JOIN held ON {TIED} AND NOT held.is_nested
    JOIN unit ON unit.unit_id = coalesce(held.board_id, fact.unit_id)
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[]))
    GROUP BY 1, 2, 3
    """
)
_COUNTED = text(
    """
    DELETE FROM counted_unit WHERE unit_id = ANY (CAST(:units AS bigint[]))
    RETURNING unit_id, position_number, work_order_id, set_ids
    """
)
_ENTER = text(
    """
    INSERT INTO counted_unit (unit_id, position_number, work_order_id, set_ids)
    SELECT unit_id, position_number, work_order_id, CAST(set_ids AS integer[])
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:orders AS integer[]), CAST(:sets AS text[])
    ) AS given (unit_id, position_number, work_order_id, set_ids)
    """
)
_CHUNKS = text(
    """
    -- Which chunks are these material sets put together of?
    SELECT set_id, chunk_ids FROM material_set WHERE set_id = ANY (CAST(:sets AS integer[]))
    """
)
# As where-used says it: a rejected placement was never in a unit.
_HELD_BY = text(
    """
    -- What is placed from, at and by, in each of these chunks?
    SELECT DISTINCT chunk_id, factor.kind, factor.value
    FROM material_chunk
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    LEFT JOIN package USING (package_id)
    CROSS JOIN LATERAL (
        VALUES ('package', package.identifier), ('slot', placement.slot), ('feeder', placement.feeder)
        UNION ALL
        SELECT 'nozzle', unnest(placement.nozzles)
    ) AS factor (kind, value)
    WHERE chunk_id = ANY (CAST(:chunks AS integer[])) AND factor.value IS NOT NULL
      AND (placement.reference_designators <> '{}' OR placement.rejected_designators = '{}')
    """
)
_ADD = text(
    """
    INSERT INTO population (kind, value, work_order_id, units)
    SELECT * FROM unnest(
        CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:orders AS integer[]), CAST(:units AS bigint[])
    ) AS given (kind, value, work_order_id, units)
    ON CONFLICT (kind, value, work_order_id) DO UPDATE SET units = population.units + excluded.units
    """
)
_NONE_LEFT = text(
    """
    DELETE FROM population USING unnest(CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:orders AS integer[]))
        AS given (kind, value, work_order_id)
    WHERE (population.kind, population.value, population.work_order_id)
        = (given.kind, given.value, given.work_order_id) AND units = 0
    """
)


def keep_counts(connection: Connection, *, most: int = AT_ONCE) -> int:
    """Bring the counts up to what became known, up to `most` notes of it; how many were taken. 0: all is counted.

    One transaction; the caller commits. Processes wait for one another.
    """
    connection.execute(_LOCK, {"key": _LOCK_KEY})
    due = connection.execute(_TAKE, {"most": most}).all()
    if not due:
        return 0
    asked = {"units": [row.unit_id for row in due], "since": [row.since for row in due]}
    concerned = {"units": list(connection.execute(_CONCERNED, asked).scalars())}
    before = _told(connection.execute(_COUNTED, concerned).all())
    now = _told(connection.execute(_HAVE, concerned | {"as_of": None}).all())
    if now:
        _enter(connection, now)
    moved: Counter[Had] = Counter(now.values())
    moved.subtract(before.values())
    _move(connection, {had: units for had, units in moved.items() if units})
    return len(due)


def _told(rows: Iterable[Sequence[object]]) -> dict[tuple[object, object], Had]:
    told: dict[tuple[object, object], Had] = {}
    for unit_id, position, order, sets in rows:
        assert isinstance(order, int)
        assert isinstance(sets, list)
        told[unit_id, position] = (order, tuple(sets))
    return told


def _enter(connection: Connection, now: Mapping[tuple[object, object], Had]) -> None:
    given = {
        "units": [unit_id for unit_id, _ in now],
        "positions": [position for _, position in now],
        "orders": [order for order, _ in now.values()],
        "sets": ["{" + ",".join(map(str, sets)) + "}" for _, sets in now.values()],
    }
    connection.execute(_ENTER, given)


def _move(connection: Connection, moved: Mapping[Had, int]) -> None:
    factors, held_by = _factors(connection, {one for _, sets in moved for one in sets})
    change: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for (order, sets), units in moved.items():
        counted = change[order]
        for number in held_by[sets[0]].union(*(held_by[one] for one in sets[1:])):
            counted[number] += units
    changed = sorted(
        (*factors[number], order, units)
        for order, counted in change.items()
        for number, units in counted.items()
        if units
    )
    if changed:
        kinds, values, orders, added = map(list, zip(*changed, strict=True))
        given = {"kinds": kinds, "values": values, "orders": orders}
        connection.execute(_ADD, given | {"units": added})
        connection.execute(_NONE_LEFT, given)


def _factors(connection: Connection, sets: Collection[int]) -> tuple[list[Factor], dict[int, set[int]]]:
    """All factors of these material sets, and by set the places in that list of those it has.

    What is in a chunk is asked for once: from one board's sets to the next, few chunks differ.
    """
    chunks = {row[0]: row[1] for row in connection.execute(_CHUNKS, {"sets": sorted(sets)})}
    asked = {"chunks": sorted({one for listed in chunks.values() for one in listed})}
    numbers: dict[Factor, int] = {_ALL: 0}
    held: defaultdict[int, set[int]] = defaultdict(set)
    for chunk_id, kind, value in connection.execute(_HELD_BY, asked):
        held[chunk_id].add(numbers.setdefault((kind, value), len(numbers)))
    return list(numbers), {set_id: {0}.union(*(held[one] for one in listed)) for set_id, listed in chunks.items()}


_UNITS = text(
    """
    SELECT value, CAST(sum(units) AS bigint) FROM population
    WHERE kind = :kind AND (CAST(:values AS text[]) IS NULL OR value = ANY (CAST(:values AS text[])))
      AND (CAST(:orders AS integer[]) IS NULL OR work_order_id = ANY (CAST(:orders AS integer[])))
    GROUP BY value
    """
)


def units_with(
    connection: Connection,
    kind: Kind,
    values: Collection[str] | None = None,
    *,
    work_orders: Collection[int] | None = None,
) -> dict[str, int]:
    """How many boards have each of these (all, where none are named), as of the last `keep_counts`; 0 is left out."""
    asked = {
        "kind": kind,
        "values": None if values is None else list(values),
        "orders": None if work_orders is None else list(work_orders),
    }
    return {row[0]: row[1] for row in connection.execute(_UNITS, asked)}


def units_counted(connection: Connection, *, work_orders: Collection[int] | None = None) -> int:
    """How many boards have any material: the whole that shares are taken of."""
    return units_with(connection, "unit", work_orders=work_orders).get("", 0)
