"""Units within units: which assemblies hold a unit, up to the outermost."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from app.trace.boards import AT, HELD
from app.trace.evidence import Evidence, weaker


@dataclass(frozen=True, slots=True)
class Within:
    """A unit that holds another, told by the child's identifier or by a material that goes by it."""

    unit_id: int
    child_id: int
    via: str
    reference_designators: tuple[str, ...]
    evidence: Evidence
    station: str
    recorded_at: datetime


class Span(NamedTuple):
    """From when to when a unit held something, by the stations' clocks; None where an end is not known."""

    since: datetime | None = None
    until: datetime | None = None

    def common(self, other: "Span") -> "Span | None":
        """The time both cover; None where they never meet."""
        since = max(filter(None, (self.since, other.since)), default=None)
        until = min(filter(None, (self.until, other.until)), default=None)
        return None if since and until and until < since else Span(since, until)


@dataclass(frozen=True, slots=True)
class Held:
    """A unit to look outward from: how sure it is, and when it held what is looked for."""

    evidence: Evidence
    spans: tuple[Span, ...] = (Span(),)


_STRENGTHS = tuple(Evidence)

_AROUND = text(
    f"""
    -- Which units were these built into, from when to when?
    WITH child AS (
        SELECT unit_id, serial FROM unit WHERE unit_id = ANY (CAST(:children AS bigint[]))
    ), fact AS (
        SELECT installed.unit_id, installed.position_number, installed.reference_designator, installed.station_id,
            installed.recorded_at, child.unit_id AS child_id, child.serial AS via, 'installed' AS kind
        FROM child JOIN installed_unit AS installed ON installed.child_id = child.unit_id
        WHERE CAST(:as_of AS timestamptz) IS NULL OR installed.received_at <= :as_of
        UNION ALL
        SELECT installation.unit_id, installation.position_number, designator, installation.station_id,
            installation.recorded_at, child.unit_id, child.serial, placement.kind
        FROM child
        JOIN package ON package.identifier = child.serial
        JOIN material_chunk ON material_chunk.package_ids @> ARRAY[package.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id AND pair.package_id = package.package_id
            AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
        LEFT JOIN LATERAL unnest(reference_designators) AS designator ON true
        JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
        JOIN installation USING (set_id)
        WHERE CAST(:as_of AS timestamptz) IS NULL OR installation.received_at <= :as_of
    ), {HELD}
    SELECT coalesce(held.board_id, fact.unit_id) AS unit_id, fact.child_id, fact.via,
        array_remove(array_agg(DISTINCT fact.reference_designator), NULL) AS reference_designators,
        bool_or(fact.position_number > 0 OR held.board_id IS NULL) AS exact,
        min(station.handle) AS station, min(fact.recorded_at) AS recorded_at,
        (
            SELECT min(removal.recorded_at) FROM removal
            LEFT JOIN package USING (package_id)
            WHERE removal.unit_id = min(fact.unit_id)
              AND (removal.child_id = fact.child_id OR package.identifier = fact.via)
              AND removal.recorded_at >= max(fact.recorded_at)
              AND (CAST(:as_of AS timestamptz) IS NULL OR removal.received_at <= :as_of)
        ) AS removed_at
    FROM fact
    LEFT JOIN held ON {AT}
    JOIN station ON station.station_id = fact.station_id
    GROUP BY 1, fact.child_id, fact.via
    ORDER BY 1, fact.via
    """
)


def assemblies_around(
    connection: Connection, children: Mapping[int, Held], as_of: datetime | None, *, told: Container[int] = ()
) -> Iterator[Within]:
    """Every unit around these, level by level, each once; reports that form a cycle end where they began.

    The evidence is the weakest on the way out. A unit that gave up what is looked for before it was built in, or got
    it after it was taken out, makes no carrier of its assembly. Units that were `told` already are not told again.
    """
    best: dict[int, tuple[Held, Within | None]] = {unit_id: (held, None) for unit_id, held in children.items()}
    level = set(children)
    while level:
        rows = connection.execute(_AROUND, {"children": sorted(level), "as_of": as_of}).all()
        level = set()
        for row in rows:
            child, _ = best[row.child_id]
            found = _around(child, row)
            if found is None or row.unit_id in children or row.unit_id in told:
                continue
            known = best.get(row.unit_id)
            merged = _both(known, found) if known else found
            if known is None or merged[0] != known[0]:
                level.add(row.unit_id)  # what surrounds it may be surer by it, too
            best[row.unit_id] = merged
    yield from (within for _, within in best.values() if within is not None)


def _around(child: Held, row: Row[Any]) -> tuple[Held, Within] | None:
    """The unit around a child; None where the child lost it before it was built in, or got it after it came out."""
    stay = Span(row.recorded_at, row.removed_at)
    spans = tuple(filter(None, (span.common(stay) for span in child.spans)))
    if not spans:
        return None
    evidence = child.evidence if row.exact else weaker(child.evidence, Evidence.bounded)
    designators = tuple(row.reference_designators)
    within = Within(row.unit_id, row.child_id, row.via, designators, evidence, row.station, row.recorded_at)
    return Held(evidence, spans), within


def _both(one: tuple[Held, Within | None], other: tuple[Held, Within]) -> tuple[Held, Within]:
    """A unit that got what is looked for by several ways: as sure as the surest, held whenever one of them says so."""
    if one[1] is None or _STRENGTHS.index(other[0].evidence) < _STRENGTHS.index(one[0].evidence):
        best, second = other[1], one[1]
    else:
        best, second = one[1], other[1]
    held = Held(best.evidence, tuple(dict.fromkeys((*one[0].spans, *other[0].spans))))
    if second is None:
        return held, best
    via = dict.fromkeys((*best.via.split(", "), *second.via.split(", ")))
    designators = dict.fromkeys((*best.reference_designators, *second.reference_designators))
    return held, replace(best, via=", ".join(via), reference_designators=tuple(designators))
