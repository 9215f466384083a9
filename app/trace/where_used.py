"""Which units carry this package, lot or child unit, where on them, and how sure is that?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.errors import Invalid, NotFound
from app.trace.evidence import Evidence, evidence_of

LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class CarryingUnit:
    """A unit that carries what was asked for.

    `via` is the child unit it came in with; `place` the station it was last worked on. `position_number` tells boards
    of a panel apart that have no serial of their own.
    """

    serial: str
    evidence: Evidence
    reason: str
    reference_designators: list[str]
    place: str | None
    via: str | None = None
    position_number: int | None = None
    recorded_at: datetime | None = None
    unit_id: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Units by evidence, and by place."""

    exact: int = 0
    bounded: int = 0
    inferred: int = 0
    by_place: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhereUsed:
    """A page of the answer; `counts` are over the whole answer, `next` is the cursor of the next page."""

    counts: Counts
    units: list[CarryingUnit]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Packages asked for, and the designators each material set fills from them."""

    packages: list[int]
    designators: dict[int, list[str]]
    kinds: dict[int, str]
    what: str


_PACKAGES = text(
    """
    -- Which packages are meant? Those named, of the lot, of the part; and what was split off them, and off that.
    WITH RECURSIVE named AS (
        SELECT package_id FROM package LEFT JOIN lot USING (lot_id)
        WHERE (CAST(:package AS text) IS NULL OR package.identifier = :package)
          AND (CAST(:lot AS text) IS NULL OR lot.lot_code = :lot)
          AND (CAST(:part_number AS text) IS NULL OR package.part_number = :part_number)
    ), meant AS (
        SELECT package_id FROM named
        UNION
        SELECT package_link.child_id FROM meant
        JOIN package_link ON package_link.parent_id = meant.package_id AND package_link.kind = 'split'
    )
    SELECT package_id FROM meant
    """
)
_CHUNKS = text(
    """
    -- Which designators does each chunk fill from these packages?
    SELECT chunk_id, kind, reference_designators
    FROM material_chunk
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    WHERE package_ids && CAST(:packages AS integer[])
      AND pair.package_id = ANY (CAST(:packages AS integer[]))
      AND (reference_designators <> '{}' OR rejected_designators = '{}')
    """
)
_SETS = text(
    """
    -- Which material sets hold these chunks?
    SELECT set_id, chunk_ids FROM material_set WHERE chunk_ids && CAST(:chunks AS integer[])
    """
)
# The unit in the position when the fact was recorded: the last statement not after it, or else the first of all.
_OCCUPANT = """
    LEFT JOIN LATERAL (
        SELECT p.unit_id, p.position_number,
            (SELECT count(DISTINCT position_number) FROM panel_position WHERE panel_id = fact.unit_id) AS positions
        FROM panel_position AS p
        WHERE p.panel_id = fact.unit_id
          AND (fact.position_number = 0 OR p.position_number = fact.position_number)
          AND NOT EXISTS (
              SELECT FROM panel_position AS later
              WHERE later.panel_id = p.panel_id AND later.position_number = p.position_number
                AND (later.linked_at, later.unit_id) > (p.linked_at, p.unit_id)
                AND later.linked_at <= fact.recorded_at
          )
          AND (p.linked_at <= fact.recorded_at OR NOT EXISTS (
              SELECT FROM panel_position AS earlier
              WHERE earlier.panel_id = p.panel_id AND earlier.position_number = p.position_number
                AND (earlier.linked_at, earlier.unit_id) < (p.linked_at, p.unit_id)
          ))
    ) AS occupant ON true
"""
_CARRYING = f"""
    carrying AS (
        SELECT coalesce(occupant.unit_id, fact.unit_id) AS board_id,
            CASE WHEN occupant.unit_id IS NULL AND fact.position_number > 1 THEN fact.position_number ELSE 0 END
                AS position_number,
            fact.set_id, fact.station_id, fact.recorded_at, fact.position_number AS spoken_position,
            coalesce(occupant.positions, 0) AS positions
        FROM installation AS fact
        {_OCCUPANT}
        WHERE fact.set_id = ANY (CAST(:sets AS integer[]))
    )
"""
# Where a unit is: the station of its last work, told of itself or of the panel it is in.
_PLACE = """
    LEFT JOIN LATERAL (
        SELECT station.handle
        FROM (
            SELECT unit.unit_id
            UNION ALL
            SELECT panel_id FROM panel_position WHERE panel_position.unit_id = unit.unit_id
        ) AS carrier (unit_id)
        JOIN work_record ON work_record.unit_id = carrier.unit_id
        JOIN station USING (station_id)
        ORDER BY coalesce(work_record.completed_at, work_record.started_at) DESC
        LIMIT 1
    ) AS place ON true
"""
_PAGE = text(
    f"""
    -- Which boards carry these material sets, in order of their ids, from one on?
    WITH {_CARRYING}
    SELECT board_id, position_number, unit.serial, place.handle AS place,
        array_agg(DISTINCT set_id) AS sets, min(recorded_at) AS recorded_at,
        min(station.handle) AS station, max(positions) AS positions,
        min(spoken_position) AS spoken_position
    FROM carrying
    JOIN unit ON unit.unit_id = board_id
    JOIN station ON station.station_id = carrying.station_id
    {_PLACE}
    WHERE (board_id, position_number) > (:after_board, :after_position)
      AND (CAST(:customer_id AS integer) IS NULL OR unit.customer_id = :customer_id)
    GROUP BY board_id, position_number, unit.serial, place.handle
    ORDER BY board_id, position_number
    LIMIT :limit
    """
)
_PARENTS = text(
    f"""
    -- Into which units were these units built, told by child identifier or as a material?
    WITH child AS (
        SELECT unit_id, serial FROM unit WHERE unit_id = ANY (CAST(:children AS bigint[]))
    ), told AS (
        SELECT fact.unit_id, fact.position_number, fact.reference_designator, fact.station_id, fact.recorded_at,
            child.serial AS via, child.unit_id AS child_id
        FROM child JOIN installed_unit AS fact ON fact.child_id = child.unit_id
        UNION ALL
        SELECT fact.unit_id, fact.position_number, designator, fact.station_id, fact.recorded_at, child.serial,
            child.unit_id
        FROM child
        JOIN package ON package.identifier = child.serial
        JOIN material_chunk ON material_chunk.package_ids @> ARRAY[package.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id AND pair.package_id = package.package_id
            AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
        LEFT JOIN LATERAL unnest(reference_designators) AS designator ON true
        JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
        JOIN installation AS fact USING (set_id)
    )
    SELECT coalesce(occupant.unit_id, fact.unit_id) AS board_id, unit.serial, place.handle AS place, fact.via,
        array_remove(array_agg(DISTINCT fact.reference_designator), NULL) AS reference_designators,
        min(fact.recorded_at) AS recorded_at, min(station.handle) AS station
    FROM told AS fact
    {_OCCUPANT}
    JOIN unit ON unit.unit_id = coalesce(occupant.unit_id, fact.unit_id)
    JOIN station USING (station_id)
    {_PLACE}
    WHERE CAST(:customer_id AS integer) IS NULL OR unit.customer_id = :customer_id
    GROUP BY 1, unit.serial, place.handle, fact.via
    ORDER BY 1, fact.via
    """
)
_UNIT = text("SELECT unit_id FROM serial WHERE serial = :serial")


def where_used(
    connection: Connection,
    *,
    package: str | None = None,
    lot: str | None = None,
    part_number: str | None = None,
    serial: str | None = None,
    customer_id: int | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> WhereUsed:
    """A page of the units that carry a package, a lot (of a part), or a child unit; whatever was ever in them.

    A removed part counts, a rejected placement does not. Parent assemblies follow, each naming its child in `via`.
    With `customer_id` only that customer's units are seen. Raises `NotFound` where nothing of that name is known,
    `Invalid` where nothing is asked for, or the cursor is none.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(f"limit must be between 1 and {LARGEST_PAGE}.")
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    if cursor and not cursor.isdecimal():
        raise Invalid("This cursor is not one that this query gave. Leave it out to start over.")
    everything = list(
        stream_where_used(
            connection, package=package, lot=lot, part_number=part_number, serial=serial, customer_id=customer_id
        )
    )
    page = everything[start : start + limit]
    following = start + limit
    return WhereUsed(_count(everything), page, str(following) if following < len(everything) else None)


def stream_where_used(
    connection: Connection,
    *,
    package: str | None = None,
    lot: str | None = None,
    part_number: str | None = None,
    serial: str | None = None,
    customer_id: int | None = None,
) -> Iterator[CarryingUnit]:
    """The whole answer of `where_used`, unit by unit."""
    if serial is not None:
        unit_id = connection.execute(_UNIT, {"serial": serial}).scalar_one_or_none()
        if unit_id is None:
            raise NotFound(f"No unit {serial} is known here.")
        yield from _parents(connection, [unit_id], customer_id)
        return
    wanted = _wanted(connection, package, lot, part_number)
    found: list[int] = []
    for unit in _carrying(connection, wanted, customer_id):
        found.append(unit.unit_id)
        yield unit
    yield from _parents(connection, found, customer_id)


def _wanted(connection: Connection, package: str | None, lot: str | None, part_number: str | None) -> _Wanted:
    if package is None and lot is None and part_number is None:
        raise Invalid("Say which package, lot, part_number or serial is meant.")
    asked = {"package": package, "lot": lot, "part_number": part_number}
    packages = list(connection.execute(_PACKAGES, asked).scalars())
    what = " ".join(f"{name.replace('_', ' ')} {value}" for name, value in asked.items() if value)
    if not packages:
        raise NotFound(f"No {what} is known here. Check the spelling, or whether it was ever received or loaded.")
    chunks: dict[int, set[str]] = {}
    kinds: dict[int, str] = {}
    for chunk_id, kind, designators in connection.execute(_CHUNKS, {"packages": packages}):
        chunks.setdefault(chunk_id, set()).update(designators)
        kinds[chunk_id] = kind
    designators_of: dict[int, list[str]] = {}
    kind_of: dict[int, str] = {}
    if chunks:
        for set_id, chunk_ids in connection.execute(_SETS, {"chunks": list(chunks)}):
            hits = [chunk for chunk in chunk_ids if chunk in chunks]
            designators_of[set_id] = sorted(set().union(*(chunks[chunk] for chunk in hits)))
            kind_of[set_id] = kinds[hits[0]]
    return _Wanted(packages, designators_of, kind_of, what)


def _carrying(connection: Connection, wanted: _Wanted, customer_id: int | None) -> Iterator[CarryingUnit]:
    after = (0, -1)
    while wanted.designators:
        rows = connection.execute(
            _PAGE,
            {
                "sets": list(wanted.designators),
                "after_board": after[0],
                "after_position": after[1],
                "customer_id": customer_id,
                "limit": LARGEST_PAGE,
            },
        ).all()
        for row in rows:
            yield _carrier(row, wanted)
        if len(rows) < LARGEST_PAGE:
            return
        after = (rows[-1].board_id, rows[-1].position_number)


def _carrier(row: Row[Any], wanted: _Wanted) -> CarryingUnit:
    designators = sorted({name for set_id in row.sets for name in wanted.designators[set_id]}, key=_order)
    kind = wanted.kinds[row.sets[0]]
    evidence = evidence_of(kind, row.spoken_position, row.positions)
    filled = ", ".join(designators[:8]) + (f" and {len(designators) - 8} more" if len(designators) > 8 else "")
    deed = f"placed {filled} from {wanted.what}" if designators else f"applied {wanted.what}"
    if evidence is Evidence.bounded:
        deed += " on one of the boards of its panel; the machine did not say on which"
    return CarryingUnit(
        serial=row.serial,
        evidence=evidence,
        reason=f"{row.station} {deed}, {row.recorded_at:%Y-%m-%d %H:%M:%S} UTC.",
        reference_designators=designators,
        place=row.place,
        position_number=row.position_number or None,
        recorded_at=row.recorded_at,
        unit_id=row.board_id,
    )


def _order(designator: str) -> tuple[str, int, str]:
    letters = designator.rstrip("0123456789")
    digits = designator[len(letters) :]
    return letters, int(digits) if digits else 0, designator


def _parents(connection: Connection, children: Sequence[int], customer_id: int | None) -> Iterator[CarryingUnit]:
    """Assemblies around the children, and around those; each once, so that a cycle in the reports ends."""
    seen = set(children)
    level: Iterable[int] = children
    while level := list(level):
        rows = connection.execute(_PARENTS, {"children": level, "customer_id": customer_id}).all()
        level = []
        for row in rows:
            if row.board_id in seen:
                continue
            seen.add(row.board_id)
            level.append(row.board_id)
            where = f" at {', '.join(row.reference_designators)}" if row.reference_designators else ""
            yield CarryingUnit(
                serial=row.serial,
                evidence=Evidence.exact,
                reason=f"{row.station} built {row.via} into it{where}, {row.recorded_at:%Y-%m-%d %H:%M:%S} UTC.",
                reference_designators=list(row.reference_designators),
                place=row.place,
                via=row.via,
                recorded_at=row.recorded_at,
                unit_id=row.board_id,
            )


def _count(units: Sequence[CarryingUnit]) -> Counts:
    by_evidence = dict.fromkeys(Evidence, 0)
    by_place: dict[str, int] = {}
    for unit in units:
        by_evidence[unit.evidence] += 1
        place = unit.place or "not on a line"
        by_place[place] = by_place.get(place, 0) + 1
    return Counts(by_evidence[Evidence.exact], by_evidence[Evidence.bounded], by_evidence[Evidence.inferred], by_place)
