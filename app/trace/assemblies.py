"""Units within units: which assemblies hold a unit, up to the outermost.

A unit is in one assembly at a time. Where it is told into another and nobody told that it was taken out, it may still
be in the former, and what it gets from then on may be in either.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, text

from app.lines.clocks import ERROR_OF
from app.trace.boards import AT, HELD, IN_DOUBT, Place
from app.trace.designators import natural_order
from app.trace.evidence import Evidence, evidence_of
from app.trace.removals import Removal, removals_from, went_before
from app.trace.spans import Span, may_follow, merged, stay, surest
from app.units.places import THEN, seated


@dataclass(frozen=True, slots=True)
class Within:
    """A board or assembly that holds others with what is looked for; `via` names those, the surest first."""

    board: Place
    via: str
    reference_designators: tuple[str, ...]
    evidence: Evidence
    station: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class _Stay:
    """A child in a board, once."""

    board: Place
    via: str
    reference_designator: str | None
    station: str
    station_id: int
    recorded_at: datetime
    clock_error: timedelta
    evidence: Evidence
    ends: Sequence[Removal]
    spans: Sequence[Span] = ()
    elsewhere_at: datetime | None = None
    """When it was told into another board, though nobody took it out of this one."""


@dataclass(slots=True)
class _Way:
    """What a board holds by one child."""

    via: str
    station: str
    recorded_at: datetime
    evidence: Evidence
    reference_designators: set[str] = field(default_factory=set)


_OF_CHILDREN = """
    (panel_id, position_number) IN (
        SELECT held.panel_id, held.position_number FROM panel_position AS held
        WHERE held.unit_id = ANY (CAST(:children AS bigint[]))
    )
"""
_NAMES = text(
    f"""
    -- By the names of which panels may these units have been built in, and while they were there?
    WITH {seated(_OF_CHILDREN, THEN)}
    SELECT unit_id, panel_id, CAST(held_from AS text), CAST(held_until AS text), turn IS NOT NULL FROM seated
    WHERE unit_id = ANY (CAST(:children AS bigint[]))
    """
)
_AROUND = text(
    f"""
    -- Which boards were these units built into, told by the child's identifier or by a material that goes by it?
    WITH child AS (
        SELECT named.*, serial FROM unnest(
            CAST(:children AS bigint[]), CAST(:names AS bigint[]), CAST(:since AS timestamptz[]),
            CAST(:until AS timestamptz[]), CAST(:doubtful AS boolean[])
        ) AS named (child_id, unit_id, held_from, held_until, doubtful)
        JOIN unit USING (unit_id)
    ), fact AS (
        SELECT installed.unit_id, installed.position_number, installed.reference_designator, installed.station_id,
            installed.recorded_at, installed.received_at, installed.candidates, false AS chained,
            child.child_id, child.unit_id AS named_id, child.serial AS via, child.doubtful
        FROM child JOIN installed_unit AS installed ON installed.child_id = child.unit_id
            AND installed.recorded_at >= held_from AND installed.recorded_at < held_until
        WHERE installed.package_id IS NULL  -- those that came as a material follow
          AND (CAST(:as_of AS timestamptz) IS NULL OR installed.received_at <= :as_of)
        UNION ALL
        SELECT installation.unit_id, installation.position_number, designator, installation.station_id,
            installation.recorded_at, installation.received_at, installation.candidates, joined_packages <> '{{}}',
            child.child_id, child.unit_id, child.serial, child.doubtful
        FROM child
        JOIN package ON package.identifier = child.serial
        JOIN material_chunk ON material_chunk.package_ids @> ARRAY[package.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id AND pair.package_id = package.package_id
            AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
        LEFT JOIN LATERAL unnest(reference_designators) AS designator ON true
        JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
        JOIN installation USING (set_id)
        WHERE installation.recorded_at >= held_from AND installation.recorded_at < held_until
          AND (CAST(:as_of AS timestamptz) IS NULL OR installation.received_at <= :as_of)
    ), {HELD}
    SELECT coalesce(held.board_id, fact.unit_id) AS board_id, coalesce(held.board_position, 0) AS board_position,
        fact.child_id, fact.named_id, fact.via, fact.reference_designator, fact.position_number, fact.candidates,
        fact.chained, coalesce(width.positions, 0) AS positions, station.handle AS station, fact.station_id,
        fact.recorded_at, {ERROR_OF.format(station="fact.station_id")} AS clock_error,
        fact.doubtful OR {IN_DOUBT} AS in_doubt
    FROM fact
    LEFT JOIN held ON {AT}
    LEFT JOIN width ON width.panel_id = fact.unit_id
    JOIN station ON station.station_id = fact.station_id
    ORDER BY fact.recorded_at, 1, 2, fact.via, fact.reference_designator
    """
)


def assemblies_around(
    connection: Connection, held: Mapping[Place, Sequence[Span]], as_of: datetime | None
) -> Iterator[Within]:
    """Every board around these, level by level, each once; reports that form a cycle end where they began.

    `held`: when boards hold what is looked for. The evidence is the weakest on the way out, and the best of all ways. A
    unit that gave up what is looked for before it was built in, or got it after it was taken out, makes no carrier of
    its assembly. Boards of `held` come too, where others in them hold it as well.
    """
    spans: dict[int, dict[int, tuple[Span, ...]]] = {}
    for (unit_id, position), told in held.items():
        spans.setdefault(unit_id, {})[position] = merged(told)
    ways: dict[Place, dict[int, _Way]] = {}
    stays: dict[int, list[_Stay]] = {}
    level = set(spans)
    while level:
        _find_stays(connection, level - stays.keys(), stays, as_of)
        above: set[int] = set()
        for child_id in sorted(level):
            inside = merged(span for told in spans[child_id].values() for span in told)
            for one in stays[child_id]:
                met = [common for span in inside for its in one.spans if (common := span.common(its))]
                if not met or one.board[0] == child_id:
                    continue
                _note_way(ways.setdefault(one.board, {}), child_id, one, surest(met))
                unit_id, position = one.board
                known = spans.setdefault(unit_id, {}).get(position, ())
                now = merged((*known, *met))
                if now != known:
                    spans[unit_id][position] = now
                    above.add(unit_id)  # what surrounds it may hold it longer, or be surer, by that
        level = above
    for board, by_child in ways.items():
        yield _together(board, list(by_child.values()))


_CHILDREN = text("SELECT unit_id FROM unit WHERE serial = ANY (CAST(:serials AS text[]))")


def told_elsewhere(
    connection: Connection, serials: Collection[str], as_of: datetime | None
) -> dict[tuple[str, datetime], datetime]:
    """When units were told into another assembly though nobody took them out, by serial and when they were built in."""
    children = connection.execute(_CHILDREN, {"serials": sorted(serials)}).scalars().all()
    stays: dict[int, list[_Stay]] = {}
    _find_stays(connection, children, stays, as_of)
    every = (one for told in stays.values() for one in told)
    return {(one.via, one.recorded_at): one.elsewhere_at for one in every if one.elsewhere_at is not None}


def _find_stays(
    connection: Connection, children: Collection[int], stays: dict[int, list[_Stay]], as_of: datetime | None
) -> None:
    """Add where each of these units was built in."""
    for child_id in children:
        stays[child_id] = []
    if not children:
        return
    asked: dict[str, Any] = {"children": sorted(children), "as_of": as_of}
    named = [(child, child, "-infinity", "infinity", False) for child in asked["children"]]
    named += map(tuple, connection.execute(_NAMES, asked))
    columns = zip(("children", "names", "since", "until", "doubtful"), map(list, zip(*named, strict=True)), strict=True)
    rows = connection.execute(_AROUND, asked | dict(columns)).all()
    removals = removals_from(connection, {(row.board_id, row.board_position) for row in rows}, as_of)
    for row in rows:
        board = row.board_id, row.board_position
        evidence = evidence_of(
            applied=False,
            chained=row.chained,
            position_number=row.position_number,
            positions=row.positions,
            candidates=row.candidates,
            in_doubt=row.in_doubt,
        )
        after = (one for one in removals.get(board, ()) if not went_before(row, one))
        ends = [removal for removal in after if _means(removal, row)]
        stays[row.child_id].append(
            _Stay(
                board, row.via, row.reference_designator, row.station, row.station_id, row.recorded_at,
                row.clock_error, evidence, ends,
            )
        )  # fmt: skip
    for child_id in children:
        stays[child_id] = list(_judged(stays[child_id]))


def _judged(stays: Sequence[_Stay]) -> Iterator[_Stay]:
    """Stays of one child, in order of time, each with when it lasted."""
    times = [one.recorded_at for one in stays]
    widest = 2 * max((one.clock_error for one in stays), default=timedelta())
    for one in stays:
        near = range(bisect_left(times, one.recorded_at - widest), len(stays))
        later = (stays[nth] for nth in near if stays[nth].board != one.board and may_follow(one, stays[nth]))
        moved = list(islice(later, 1))
        for other in later:  # one that a worse clock told may have been before the first
            if other.recorded_at > moved[0].recorded_at + widest:
                break
            moved.append(other)
        spans = stay(one, one.evidence, one.ends, moved)
        until = spans[-1].until
        moved_at = max(one.recorded_at, moved[0].recorded_at) if moved else None
        still = moved_at is not None and (until is None or moved_at < until)
        yield replace(one, spans=spans, elsewhere_at=moved_at if still else None)


def _means(removal: Removal, row: Row[Any]) -> bool:
    """Whether a removal means the child at its designator."""
    names = removal.reference_designators
    if removal.child_id is None and removal.package is None:
        return row.reference_designator in names
    meant = removal.child_id in (row.child_id, row.named_id) or removal.package == row.via
    return meant and (not names or row.reference_designator is None or row.reference_designator in names)


def _note_way(ways: dict[int, _Way], child_id: int, stay: _Stay, evidence: Evidence) -> None:
    way = ways.setdefault(child_id, _Way(stay.via, stay.station, stay.recorded_at, evidence))
    way.evidence = min(way.evidence, evidence, key=_STRENGTHS.index)
    if stay.reference_designator is not None:
        way.reference_designators.add(stay.reference_designator)


_STRENGTHS = tuple(Evidence)


def _together(board: Place, ways: Sequence[_Way]) -> Within:
    ordered = sorted(ways, key=lambda way: (_STRENGTHS.index(way.evidence), way.recorded_at, way.via))
    names = {name for way in ways for name in way.reference_designators}
    return Within(
        board,
        ", ".join(way.via for way in ordered),
        tuple(sorted(names, key=natural_order)),
        ordered[0].evidence,
        ordered[0].station,
        ordered[0].recorded_at,
    )
