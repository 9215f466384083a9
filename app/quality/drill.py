"""The blind recall drill: a lot that nobody chose, the clock, and how complete the answer is.

Whoever waits for a real recall to find out how long the answer takes finds out too late. The drill asks the question a
recall asks (every unit that carries the lot, where it is, to whom it was shipped), on the stored record as it is.
"""

import random
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.people import record_audit
from app.quality.scope import scope_of
from app.quality.terms import terms_of
from app.sentences import Sentence
from app.trace.evidence import Evidence
from app.units.families import AT_MEMBER_PLACE, MEMBER_PLACES
from app.units.whereabouts import PlaceKind, places_of

_BLOCK = 5000
_PICKS = 50


@dataclass(frozen=True, slots=True)
class DrillResult:
    """One drill. `complete` of `units` have every designator of their bill of material reported with its package."""

    at: datetime
    actor: str
    seed: int
    lot: str
    part_number: str | None
    packages: int
    units: int
    exact: int
    bounded: int
    inferred: int
    shipped: int
    complete: int
    seconds: float

    @property
    def completeness(self) -> float:
        """Units with complete genealogy among all (0..1); 1 where the lot is in none."""
        return self.complete / self.units if self.units else 1.0


_LOTS = text("SELECT count(*) FROM lot")
_NTH = text("SELECT lot_id, lot_code, part_number FROM lot ORDER BY lot_id OFFSET :nth LIMIT 1")
_PLACED = text(
    """
    SELECT EXISTS (
        SELECT FROM package JOIN material_chunk ON material_chunk.package_ids @> ARRAY[package.package_id]
        WHERE package.lot_id = :lot
    )
    """
)
_STORE = text(
    """
    INSERT INTO drill (
        actor, seed, lot, part_number, packages, units, exact, bounded, inferred, shipped, complete, seconds
    )
    VALUES (
        :actor, :seed, :lot, :part_number, :packages, :units, :exact, :bounded, :inferred, :shipped, :complete, :seconds
    )
    RETURNING at
    """
)
_DRILLS = text(
    """
    SELECT at, actor, seed, lot, part_number, packages, units, exact, bounded, inferred, shipped, complete, seconds
    FROM drill ORDER BY drill_id DESC LIMIT :limit
    """
)
# Boards built alike share their material sets, so a combination is read once however many units have it.
_SETS = text(
    f"""
    -- Which material sets does each of these units have, and which bill?
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_PLACES}
    SELECT member.asked_id, work_order.product_revision_id,
        ARRAY(
            SELECT DISTINCT fact.set_id
            FROM place JOIN installation AS fact ON {AT_MEMBER_PLACE.format(time="recorded_at")}
            WHERE place.asked_id = member.asked_id
            ORDER BY fact.set_id
        ) AS sets
    FROM member JOIN unit USING (unit_id) LEFT JOIN work_order USING (work_order_id)
    """
)
_MISSING = text(
    """
    -- How many designators of the bill does no report with a package fill?
    SELECT count(*) AS items, count(*) FILTER (WHERE reference_designator <> ALL (ARRAY(
        SELECT DISTINCT designator
        FROM material_set
        CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
        JOIN material_chunk USING (chunk_id)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id
        CROSS JOIN LATERAL unnest(placement.reference_designators) AS designator
        WHERE set_id = ANY (CAST(:sets AS integer[])) AND pair.package_id <> 0
    ))) AS missing
    FROM bom_item WHERE product_revision_id = :revision
    """
)


def run_drill(connection: Connection, *, actor: str, seed: int | None = None) -> DrillResult:
    """Pick a lot at random, ask for it, time the answer, and store what came of it.

    The same seed picks the same lot as long as no lot is added. Raises `NotFound` where no lot is known yet.
    """
    seed = random.SystemRandom().getrandbits(31) if seed is None else seed
    lot_code, part_number = _pick(connection, random.Random(seed))  # noqa: S311  (to be repeated, not secret)
    began = time.perf_counter()
    scope = scope_of(connection, terms_of({"lot": lot_code, "part_number": part_number}))
    units = sorted({unit_id for unit_id, _ in scope.units})
    shipped = sum(
        place.kind is PlaceKind.shipped
        for start in range(0, len(units), _BLOCK)
        for place in places_of(connection, units[start : start + _BLOCK]).values()
    )
    seconds = time.perf_counter() - began
    counted = Counter(unit.evidence for unit in scope.units.values())
    found: dict[str, Any] = {
        "actor": actor,
        "seed": seed,
        "lot": lot_code,
        "part_number": part_number,
        "packages": len(scope.packages),
        "units": len(units),
        **{evidence.value: counted[evidence] for evidence in Evidence},
        "shipped": shipped,
        "complete": _complete(connection, units),
        "seconds": seconds,
    }
    at = connection.execute(_STORE, found).scalar_one()
    record_audit(connection, actor=actor, deed="drill.run", subject=f"lot:{lot_code}", seed=seed,
                 units=len(units), seconds=round(seconds, 3))  # fmt: skip
    return DrillResult(at=at, **found)


def _pick(connection: Connection, chance: random.Random) -> tuple[str, str | None]:
    """A lot that was placed somewhere; where a few picks find none, the last pick."""
    lots = connection.execute(_LOTS).scalar_one()
    if not lots:
        raise NotFound(
            Sentence("No lot is known here yet. Receive a package with its lot code, or let a machine name one.")
        )
    picked = None
    for _ in range(_PICKS):
        picked = connection.execute(_NTH, {"nth": chance.randrange(lots)}).one()
        if connection.execute(_PLACED, {"lot": picked.lot_id}).scalar_one():
            break
    assert picked is not None
    return picked.lot_code, picked.part_number


def _complete(connection: Connection, units: Sequence[int]) -> int:
    """How many units have all of their bill reported. Without a bill nothing can be called complete."""
    alike: Counter[tuple[int, tuple[int, ...]]] = Counter()
    for start in range(0, len(units), _BLOCK):
        for row in connection.execute(_SETS, {"units": units[start : start + _BLOCK]}):
            if row.product_revision_id is not None:
                alike[row.product_revision_id, tuple(row.sets)] += 1
    return sum(number for (revision, sets), number in alike.items() if _is_complete(connection, revision, sets))


def _is_complete(connection: Connection, revision: int, sets: Collection[int]) -> bool:
    row = connection.execute(_MISSING, {"revision": revision, "sets": list(sets)}).one()
    return bool(row.items > 0 and row.missing == 0)


def drills(connection: Connection, *, limit: int = 100) -> list[DrillResult]:
    """Every drill, the newest first."""
    return [DrillResult(*row) for row in connection.execute(_DRILLS, {"limit": limit})]
