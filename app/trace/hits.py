"""Which material sets hold what is looked for, and which designators they fill with it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain, count
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, TextClause, text

from app.db import at_once
from app.materials.packages import latest
from app.trace.boards import Board
from app.trace.question import Question
from app.trace.run_over import RunOver, run_over


class Hit(NamedTuple):
    """What one material set holds of what is looked for.

    `named` are designators the machine filled from a package by name; `bounded` those for which it left a choice: a
    spliced neighbour's pieces may be among them. `applied`: material without designators, on the unit as a whole.
    """

    named: tuple[str, ...]
    bounded: tuple[str, ...]
    applied: bool
    in_some: bool
    """Whether a package is named (not only a spliced neighbour)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The packages meant, by id and identifier, and the material sets that hold them."""

    packages: Mapping[int, str]
    sets: Mapping[int, Hit] = field(default_factory=dict)
    ever_loaded: bool = False
    """Whether any of the packages was loaded, or spliced to another, as far as anybody told."""
    over: Mapping[int, Sequence[tuple[datetime, int]]] = field(default_factory=dict)
    """Material sets that name reels beyond their pieces: from when on, latest first, and by which negative number what
    they hold then is in `sets`. See `app.trace.run_over`."""

    @property
    def reported_sets(self) -> list[int]:
        """The numbers of the sets whose reports are asked for."""
        return sorted({*self.over, *(set_id for set_id in self.sets if set_id > 0)})

    def as_held(self, boards: Iterator[Board]) -> Iterator[Board]:
        """Boards with their reports by what the sets held when they were reported; none without such a report."""
        return self._held_then(boards) if self.over else boards

    def _held_then(self, boards: Iterator[Board]) -> Iterator[Board]:
        for board in boards:
            reports = []
            for at, (set_id, *rest) in board.reports:
                held = next((number for since, number in self.over.get(set_id, ()) if at >= since), set_id)
                if held in self.sets:
                    reports.append((at, (held, *rest)))
            if reports:
                yield replace(board, reports=reports)


_SAID = ("lot_id", "part_number", "date_code", "vendor", "received_on")
_DESCRIBED_AS = {
    "lot": "lot.lot_code = :lot",
    "part_number": "described.part_number = :part_number",
    "date_code": "described.date_code = :date_code",
    "manufacturer": "lot.manufacturer = :manufacturer",
    "vendor": "described.vendor = :vendor",
    "delivery": "described.delivered",
    "received_on": "CAST(described.received_on AT TIME ZONE 'UTC' AS date) = :received_on",
}
"""What a term asks of a package as it was described."""
_SOUGHT_BY = {
    "package": "package WHERE identifier = :package",
    "lot": "package_description JOIN lot USING (lot_id) WHERE lot_code = :lot",
    "delivery": "package_description WHERE deliveries @> ARRAY[CAST(:delivery AS text)]",
    "part_number": "package_description WHERE part_number = :part_number",
    "date_code": "package_description WHERE date_code = :date_code",
    "vendor": "package_description WHERE vendor = :vendor",
    "manufacturer": "package_description JOIN lot USING (lot_id) WHERE manufacturer = :manufacturer",
    "received_on": "package_description WHERE CAST(received_on AT TIME ZONE 'UTC' AS date) = :received_on",
}
"""Where packages are found of which a term may hold; the narrowest term first."""


_EVER_LOADED = """
    (SELECT EXISTS (SELECT FROM loading_event WHERE package_id = ANY (ARRAY(SELECT package_id FROM meant)))
        OR EXISTS (SELECT FROM package_link WHERE parent_id = ANY (ARRAY(SELECT package_id FROM meant)))
        OR EXISTS (SELECT FROM package_link WHERE child_id = ANY (ARRAY(SELECT package_id FROM meant))))
"""


def _meant_by(terms: tuple[str, ...], *, then: bool) -> str:
    """CTEs, the last one `meant` (package_id): the packages that the terms name, and what came out of them."""
    narrowest = next(name for name in _SOUGHT_BY if name in terms)
    delivered = "bool_or(deliveries @> ARRAY[CAST(:delivery AS text)])" if "delivery" in terms else "NULL"
    conditions = [_DESCRIBED_AS[name] for name in terms if name in _DESCRIBED_AS]
    described = f"""
        CROSS JOIN LATERAL (
            -- As it was described then, of each thing the latest.
            SELECT {", ".join(latest(name) + f" AS {name}" for name in _SAID)},
                {delivered} AS delivered
            FROM package_description AS told
            WHERE told.package_id = candidate.package_id {"AND told.received_at <= :as_of" if then else ""}
        ) AS described
        LEFT JOIN lot ON lot.lot_id = described.lot_id
        WHERE {" AND ".join(conditions)}
    """
    return f"""
        candidate AS (
            SELECT DISTINCT package_id FROM {_SOUGHT_BY[narrowest]}
        ), meant AS (
            SELECT package_id FROM candidate {described if conditions else ""}
            UNION
            SELECT package_link.child_id FROM meant
            JOIN package_link ON package_link.parent_id = meant.package_id AND package_link.kind IN ('split', 'batch')
                {"AND package_link.received_at <= :as_of" if then else ""}
        )
    """


@cache
def _packages(terms: tuple[str, ...], *, then: bool) -> TextClause:
    """A text for each combination of terms, for a plan that fits all would fit none; `then`: as known at `as_of`."""
    return text(
        f"""
        -- Which packages are meant? Those the terms name, and what was split off them, and off that.
        WITH RECURSIVE {_meant_by(terms, then=then)}
        SELECT package_id, identifier, {_EVER_LOADED} FROM meant JOIN package USING (package_id)
        """
    )


# A package that only machines named has its part number from them.
_PLACED_AS = text(
    f"""
    -- Which packages did machines place as this part, without anybody describing them?
    WITH meant AS MATERIALIZED (
        SELECT DISTINCT package.package_id, package.identifier
        FROM placement
        JOIN material_chunk ON material_chunk.placement_ids @> ARRAY[placement.placement_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN package ON package.package_id = pair.package_id
        WHERE placement.part_number = :part_number
          AND pair.placement_id = placement.placement_id
          AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN package.part_number IS NULL ELSE NOT EXISTS (
              SELECT FROM package_description AS told
              WHERE told.package_id = package.package_id AND told.part_number IS NOT NULL
                AND told.received_at <= :as_of
          ) END
    )
    SELECT package_id, identifier, {_EVER_LOADED} FROM meant
    """
)
_PLACEMENTS = text(
    """
    -- Which placements are at this slot, from this feeder, by this nozzle?
    SELECT placement_id FROM placement
    WHERE (CAST(:slot AS text) IS NULL OR :slot IN (slot, slot_name))
      AND (CAST(:feeder AS text) IS NULL OR feeder = :feeder)
      AND (CAST(:nozzle AS text) IS NULL OR nozzles @> ARRAY[CAST(:nozzle AS text)])
    """
)


@cache
def _holding(*, by_package: bool, by_placement: bool) -> TextClause:
    """A text for each way to ask: of these packages, at these placements, or both."""
    chunks, pairs, named = [], [], "true"
    if by_package:
        chunks.append(
            "(package_ids && CAST(:packages AS integer[])"
            " OR placement_ids && ARRAY(SELECT placement_id FROM neighbour))"
        )
        pairs.append(
            "(pair.package_id = ANY (CAST(:packages AS integer[]))"
            " OR pair.placement_id IN (SELECT placement_id FROM neighbour))"
        )
        named = """joined_packages = '{}' AND (
            pair.package_id = ANY (CAST(:packages AS integer[])) OR batch_packages && CAST(:identifiers AS text[])
        )"""
    if by_placement:
        chunks.append("placement_ids && CAST(:placements AS integer[])")
        pairs.append("pair.placement_id = ANY (CAST(:placements AS integer[]))")
    return text(
        f"""
        -- Which material sets hold these packages, at these placements, and what does each chunk of them hold?
        WITH neighbour AS (
            -- Placements that name a chain these packages are in, or a package filled from them.
            SELECT placement_id FROM placement
            WHERE joined_packages && CAST(:identifiers AS text[]) OR batch_packages && CAST(:identifiers AS text[])
        ), chunk AS MATERIALIZED (
            SELECT placement_ids, package_ids, ARRAY(
                -- One chunk at a time: the index compares each set with all that are asked for.
                SELECT set_id FROM material_set WHERE chunk_ids @> ARRAY[chunk_id]
            ) AS set_ids
            FROM material_chunk WHERE {" AND ".join(chunks)}
        )
        SELECT set_ids, placement.kind, placement.reference_designators, {named} AS named
        FROM chunk
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id
        WHERE {" AND ".join(pairs)} AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
        """
    )


@cache
def _holding_few(terms: tuple[str, ...], *, then: bool) -> TextClause:
    """The same of the packages that the terms mean, if those are few: each is looked for in each chunk's list.

    Each row says again which those are and whether any was ever loaded; where no set holds them, one says that alone.
    """
    return text(
        f"""
        -- Which material sets hold the packages that are meant, and what does each chunk of them hold?
        WITH RECURSIVE {_meant_by(terms, then=then)}, given AS MATERIALIZED (
            SELECT array_agg(package_id) AS packages, array_agg(identifier) AS identifiers,
                bool_or({_EVER_LOADED}) AS ever_loaded
            FROM meant JOIN package USING (package_id)
        ), neighbour AS MATERIALIZED (
            SELECT placement_id FROM placement
            WHERE joined_packages && (SELECT identifiers FROM given)
               OR batch_packages && (SELECT identifiers FROM given)
        ), chunk AS MATERIALIZED (
            SELECT placement_ids, package_ids, ARRAY(
                SELECT set_id FROM material_set WHERE chunk_ids @> ARRAY[chunk_id]
            ) AS set_ids
            FROM material_chunk
            WHERE package_ids && (SELECT packages FROM given)
               OR placement_ids && ARRAY(SELECT placement_id FROM neighbour)
        )
        SELECT packages, identifiers, ever_loaded, held.*
        FROM given LEFT JOIN LATERAL (
            SELECT set_ids, placement.kind, placement.reference_designators,
                joined_packages = '{{}}' AND (pair.is_meant OR batch_packages && identifiers) AS named
            FROM chunk CROSS JOIN LATERAL (
                SELECT placement_ids[place] AS placement_id, true AS is_meant
                FROM unnest(packages) AS wanted
                CROSS JOIN LATERAL unnest(array_positions(package_ids, wanted)) AS place
                UNION ALL
                SELECT placement_id, false FROM neighbour WHERE placement_id = ANY (placement_ids)
            ) AS pair
            CROSS JOIN LATERAL (
                -- One by one: nobody can tell how many there are, and not to read them all.
                SELECT * FROM placement WHERE placement.placement_id = pair.placement_id LIMIT 1
            ) AS placement
            WHERE reference_designators <> '{{}}' OR rejected_designators = '{{}}'
        ) AS held ON true
        """
    )


def packages_meant(connection: Connection, question: Question) -> dict[int, str]:
    """Id and identifier of the packages that the question's terms mean. Raises `NotFound` where there are none."""
    return _meant(connection, question)[0]


def _meant(connection: Connection, question: Question) -> tuple[dict[int, str], bool]:
    """The same, and whether any of them was ever loaded."""
    terms, asked = _terms(question)
    also = [(_PLACED_AS, {"part_number": question.part_number, "as_of": question.as_of})]
    statement = _packages(terms, then=question.as_of is not None)
    return _told_of(question, *at_once(connection, (statement, asked), *(also if question.names_part_only else ())))


def _terms(question: Question) -> tuple[tuple[str, ...], dict[str, object]]:
    """The terms on packages, and what is asked with them."""
    asked: dict[str, object] = {name: value for name in _SOUGHT_BY if (value := getattr(question, name))}
    terms = tuple(asked)
    if question.as_of is not None:
        asked["as_of"] = question.as_of
    return terms, asked


def _told_of(question: Question, *answers: list[Any]) -> tuple[dict[int, str], bool]:
    rows = list(chain(*answers))
    if not rows:
        raise question.not_known
    return {row[0]: row[1] for row in rows}, any(row[2] for row in rows)


def find_hits(connection: Connection, question: Question, found_good: Collection[int] = ()) -> Wanted:
    """The material sets that hold what the question's terms on packages and placements ask for.

    `found_good`: ids of packages that are not looked for, whatever the terms say; what came out of them still is.
    """
    packages: dict[int, str] = {}
    ever_loaded = False
    placements: list[int] | None = None
    if question.package and not (question.names_placements or found_good):
        # Mostly it is a reel, and who asks waits: with one question less.
        terms, asked = _terms(question)
        (told_of,) = at_once(connection, (_holding_few(terms, then=question.as_of is not None), asked))
        package_ids, identifiers, ever_loaded, *_ = told_of[0]
        if package_ids is None:
            raise question.not_known
        packages = dict(zip(package_ids, identifiers, strict=True))
        rows = [row[3:] for row in told_of if row[3] is not None]
    else:
        if question.names_packages:
            packages, ever_loaded = _meant(connection, question)
        packages = {package_id: name for package_id, name in packages.items() if package_id not in found_good}
        given: dict[str, object] = {"identifiers": list(packages.values())}
        if question.names_packages:
            given["packages"] = list(packages)
        if question.names_placements:
            asked = {"slot": question.slot, "feeder": question.feeder, "nozzle": question.nozzle}
            placements = list(connection.execute(_PLACEMENTS, asked).scalars())
            given["placements"] = placements
        statement = _holding(by_package=question.names_packages, by_placement=question.names_placements)
        (rows,) = at_once(connection, (statement, given))
    told: dict[tuple[str, tuple[str, ...], bool], Hit] = {}
    holding: dict[int, list[Hit]] = {}
    for set_ids, kind, designators, named in rows:
        names = tuple(designators)
        hit = told.get((kind, names, named))
        if hit is None:
            hit = Hit(names if named else (), () if named else names, kind == "applied", named)
            told[kind, names, named] = hit
        for set_id in set_ids:
            holding.setdefault(set_id, []).append(hit)
    sets = {set_id: _together(hits) for set_id, hits in holding.items()}
    over = run_over(connection, packages, question.as_of) if ever_loaded else ()
    sets, since = _from_then_on(sets, over, packages, placements)
    return Wanted(packages, sets, ever_loaded, since)


def _from_then_on(
    sets: dict[int, Hit], over: Iterable[RunOver], packages: Collection[int], placements: Collection[int] | None
) -> tuple[dict[int, Hit], dict[int, list[tuple[datetime, int]]]]:
    """What sets hold, and from when on they hold what a negative number says: pieces of a head beyond what it held, and
    of each head that comes to its end later.

    Where a whole chain is looked for, it does not matter which reel they are of.
    """
    since: dict[int, list[tuple[datetime, int]]] = {}
    number = count(-1, -1)
    for one in sorted(over, key=lambda one: one.since):
        if one.head in packages and one.followers <= set(packages):
            continue
        for set_id, told in one.sets.items():
            steps = since.get(set_id, [])
            before = sets.get(steps[0][1] if steps else set_id) or Hit((), (), applied=False, in_some=False)
            filled = [names for placement, names in told if placements is None or placement in placements]
            if not filled:
                continue
            names = {name for one in filled for name in one}
            named = tuple(name for name in before.named if name not in names)
            bounded = (*(name for name in before.bounded if name not in names), *sorted(names))
            held = next(number)
            sets[held] = Hit(named, bounded, before.applied, bool(named))
            since[set_id] = [(one.since, held), *steps]
    return sets, since


def _together(hits: Sequence[Hit]) -> Hit:
    if len(hits) == 1:
        return hits[0]
    named = dict.fromkeys(name for hit in hits for name in hit.named)
    bounded = dict.fromkeys(name for hit in hits for name in hit.bounded if name not in named)
    return Hit(tuple(named), tuple(bounded), all(hit.applied for hit in hits), any(hit.in_some for hit in hits))
