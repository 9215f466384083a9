"""Which material sets hold what is looked for, and which designators they fill with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from app.materials.packages import latest
from app.trace.question import Question


@dataclass(frozen=True, slots=True)
class Hit:
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


_SAID = ("lot_id", "part_number", "date_code", "vendor", "received_on")
_PACKAGES = text(
    f"""
    -- Which packages are meant? Those the terms name, and what was split off them, and off that.
    WITH RECURSIVE candidate AS (
        SELECT package_id FROM package WHERE identifier = :package
        UNION
        SELECT package_id FROM package_description JOIN lot USING (lot_id)
        WHERE CAST(:package AS text) IS NULL AND lot_code = :lot
        UNION
        SELECT package_id FROM package_description
        WHERE coalesce(:package, :lot) IS NULL AND deliveries @> ARRAY[CAST(:delivery AS text)]
        UNION
        SELECT package_id FROM package_description
        WHERE coalesce(:package, :lot, :delivery) IS NULL AND part_number = :part_number
        UNION
        SELECT package_id FROM package_description LEFT JOIN lot USING (lot_id)
        WHERE coalesce(:package, :lot, :delivery, :part_number) IS NULL
          AND (date_code = :date_code OR vendor = :vendor OR manufacturer = :manufacturer
               OR CAST(received_on AT TIME ZONE 'UTC' AS date) = :received_on)
    ), named AS (
        SELECT package_id FROM candidate
        CROSS JOIN LATERAL (
            -- As it was described then, of each thing the latest.
            SELECT {", ".join(latest(name) + f" AS {name}" for name in _SAID)},
                bool_or(deliveries @> ARRAY[CAST(:delivery AS text)]) AS delivered
            FROM package_description AS told
            WHERE told.package_id = candidate.package_id
              AND (CAST(:as_of AS timestamptz) IS NULL OR told.received_at <= :as_of)
        ) AS described
        LEFT JOIN lot ON lot.lot_id = described.lot_id
        WHERE (CAST(:lot AS text) IS NULL OR lot.lot_code = :lot)
          AND (CAST(:part_number AS text) IS NULL OR described.part_number = :part_number)
          AND (CAST(:date_code AS text) IS NULL OR described.date_code = :date_code)
          AND (CAST(:manufacturer AS text) IS NULL OR lot.manufacturer = :manufacturer)
          AND (CAST(:vendor AS text) IS NULL OR described.vendor = :vendor)
          AND (CAST(:delivery AS text) IS NULL OR described.delivered)
          AND (CAST(:received_on AS date) IS NULL
               OR CAST(described.received_on AT TIME ZONE 'UTC' AS date) = :received_on)
    ), meant AS (
        SELECT package_id FROM named
        UNION
        SELECT package_link.child_id FROM meant
        JOIN package_link ON package_link.parent_id = meant.package_id AND package_link.kind IN ('split', 'batch')
            AND (CAST(:as_of AS timestamptz) IS NULL OR package_link.received_at <= :as_of)
    )
    SELECT package_id, identifier FROM meant JOIN package USING (package_id)
    """
)
# A package that only machines named has its part number from them.
_PLACED_AS = text(
    """
    -- Which packages did machines place as this part, without anybody describing them?
    SELECT DISTINCT package.package_id, package.identifier
    FROM placement
    JOIN material_chunk ON material_chunk.placement_ids @> ARRAY[placement.placement_id]
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN package ON package.package_id = pair.package_id
    WHERE placement.part_number = :part_number
      AND pair.placement_id = placement.placement_id
      AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN package.part_number IS NULL ELSE NOT EXISTS (
          SELECT FROM package_description AS told
          WHERE told.package_id = package.package_id AND told.part_number IS NOT NULL AND told.received_at <= :as_of
      ) END
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
_NEIGHBOURS = text(
    """
    -- Which placements name a chain these packages are in, or a package filled from them?
    SELECT placement_id FROM placement
    WHERE joined_packages && CAST(:identifiers AS text[]) OR batch_packages && CAST(:identifiers AS text[])
    """
)
_CHUNKS = text(
    """
    -- What does each chunk hold of these packages, at these placements; null: of any, at any?
    SELECT chunk_id, placement.kind, placement.reference_designators,
        CAST(:packages AS integer[]) IS NULL
            OR (joined_packages = '{}' AND (
                pair.package_id = ANY (CAST(:packages AS integer[]))
                OR batch_packages && CAST(:identifiers AS text[])
            )) AS named
    FROM material_chunk
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement ON placement.placement_id = pair.placement_id
    WHERE (CAST(:packages AS integer[]) IS NULL
           OR package_ids && CAST(:packages AS integer[]) OR placement_ids && CAST(:neighbours AS integer[]))
      AND (CAST(:placements AS integer[]) IS NULL OR placement_ids && CAST(:placements AS integer[]))
      AND (CAST(:packages AS integer[]) IS NULL
           OR pair.package_id = ANY (CAST(:packages AS integer[]))
           OR pair.placement_id = ANY (CAST(:neighbours AS integer[])))
      AND (CAST(:placements AS integer[]) IS NULL OR pair.placement_id = ANY (CAST(:placements AS integer[])))
      AND (reference_designators <> '{}' OR rejected_designators = '{}')
    """
)
_SETS = text(
    """
    -- Which material sets hold these chunks? One at a time: the index compares each set with all chunks asked for.
    SELECT chunk_id, set_id
    FROM unnest(CAST(:chunks AS integer[])) AS chunk_id
    CROSS JOIN LATERAL (SELECT set_id FROM material_set WHERE chunk_ids @> ARRAY[chunk_id]) AS holding
    """
)


def packages_meant(connection: Connection, question: Question) -> dict[int, str]:
    """Id and identifier of the packages that the question's terms mean. Raises `NotFound` where there are none."""
    asked = {
        "package": question.package,
        "lot": question.lot,
        "part_number": question.part_number,
        "date_code": question.date_code,
        "manufacturer": question.manufacturer,
        "vendor": question.vendor,
        "delivery": question.delivery,
        "received_on": question.received_on,
        "as_of": question.as_of,
    }
    found = {row[0]: row[1] for row in connection.execute(_PACKAGES, asked)}
    if question.names_part_only:
        rows = connection.execute(_PLACED_AS, asked)
        found.update((row[0], row[1]) for row in rows)
    if not found:
        raise question.not_known
    return found


def find_hits(connection: Connection, question: Question) -> Wanted:
    """The material sets that hold what the question's terms on packages and placements ask for."""
    packages = packages_meant(connection, question) if question.names_packages else None
    placements = None
    if question.names_placements:
        asked = {"slot": question.slot, "feeder": question.feeder, "nozzle": question.nozzle}
        placements = list(connection.execute(_PLACEMENTS, asked).scalars())
    neighbours: list[int] = []
    if packages:
        identifiers = {"identifiers": list(packages.values())}
        neighbours = list(connection.execute(_NEIGHBOURS, identifiers).scalars())
    chunks: dict[int, Hit] = {}
    given = {
        "packages": None if packages is None else list(packages),
        "placements": placements,
        "neighbours": neighbours,
        "identifiers": list((packages or {}).values()),
    }
    told: dict[tuple[str, tuple[str, ...], bool], Hit] = {}
    for chunk_id, kind, designators, named in connection.execute(_CHUNKS, given):
        names = tuple(designators)
        hit = told.get((kind, names, named))
        if hit is None:
            hit = Hit(names if named else (), () if named else names, kind == "applied", bool(named))
            told[kind, names, named] = hit
        chunks[chunk_id] = _together([chunks[chunk_id], hit]) if chunk_id in chunks else hit
    holding: dict[int, list[Hit]] = {}
    if chunks:
        for chunk_id, set_id in connection.execute(_SETS, {"chunks": list(chunks)}):
            holding.setdefault(set_id, []).append(chunks[chunk_id])
    return Wanted(packages or {}, {set_id: _together(hits) for set_id, hits in holding.items()})


def _together(hits: Sequence[Hit]) -> Hit:
    if len(hits) == 1:
        return hits[0]
    named = dict.fromkeys(name for hit in hits for name in hit.named)
    bounded = dict.fromkeys(name for hit in hits for name in hit.bounded if name not in named)
    return Hit(tuple(named), tuple(bounded), all(hit.applied for hit in hits), any(hit.in_some for hit in hits))
