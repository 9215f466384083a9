"""Units that were built in as a material: a package whose identifier is a known serial.

A machine may tell a child unit as a component's `InstalledUnitIdentifier`, or as a material that goes by its serial.
Both become rows of `installed_unit`, so that whoever asks what is inside a unit asks one table. Which of the two names
becomes known first does not matter: `tie` is told the names that a transaction learned, finds the packages among them
that are units, and writes what was installed of them before.

Material sets are stored once for many units, so what is asked for each message is small: `material_child` tells which
sets hold a unit.
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

_PAIR = text(
    """
    -- Which of these names are a package and a unit, and were not known to be both? No row where nothing is.
    WITH fresh AS (
        INSERT INTO unit_package (package_id, unit_id)
        SELECT package_id, unit_id
        FROM unnest(CAST(:names AS text[])) AS named (identifier)
        JOIN package USING (identifier)
        JOIN serial ON serial.serial = named.identifier
        WHERE NOT EXISTS (SELECT FROM unit_package AS known WHERE known.package_id = package.package_id)
        ORDER BY package_id
        ON CONFLICT DO NOTHING
        RETURNING package_id
    )
    SELECT package_id FROM fresh
    UNION ALL SELECT NULL WHERE EXISTS (SELECT FROM unit_package)
    """
)
_ENTER = """
    INSERT INTO material_child (set_id, child_id, package_id, reference_designator)
    SELECT DISTINCT ON (set_id, unit_id) set_id, unit_id, package_id, reference_designators[1]
    FROM held
    JOIN placement USING (placement_id)
    WHERE reference_designators <> '{}' OR rejected_designators = '{}'  -- picked and thrown away: not in it
    ORDER BY set_id, unit_id, reference_designators[1]
    ON CONFLICT DO NOTHING
    RETURNING set_id
"""
_OF_PACKAGES = text(
    f"""
    WITH held AS (
        SELECT set_id, tied.unit_id, tied.package_id, pair.placement_id
        FROM unit_package AS tied
        JOIN material_chunk ON material_chunk.package_ids @> ARRAY[tied.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
        WHERE tied.package_id = ANY (CAST(:packages AS integer[])) AND pair.package_id = tied.package_id
    )
    {_ENTER}
    """
)
_OF_SETS = text(
    f"""
    WITH held AS (
        SELECT set_id, tied.unit_id, tied.package_id, pair.placement_id
        FROM material_set
        CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
        JOIN material_chunk USING (chunk_id)
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN unit_package AS tied ON tied.package_id = pair.package_id
        WHERE set_id = ANY (CAST(:sets AS integer[])) AND EXISTS (SELECT FROM unit_package)
    )
    {_ENTER}
    """
)
_INSTALLED_BEFORE = text(
    """
    INSERT INTO installed_unit (
        unit_id, position_number, event_id, child_id, package_id, reference_designator, station_id, candidates,
        recorded_at, received_at
    )
    SELECT installation.unit_id, position_number, event_id, child_id, package_id, reference_designator, station_id,
        candidates, recorded_at, received_at
    FROM material_child JOIN installation USING (set_id)
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND child_id <> installation.unit_id
    ON CONFLICT DO NOTHING
    """
)
_LATEST = text("SELECT identifier FROM package ORDER BY package_id DESC LIMIT 1000")
_CHILDREN = text(
    """
    SELECT set_id, child_id, package_id, reference_designator FROM material_child
    WHERE set_id = ANY (CAST(:sets AS integer[]))
    """
)


def tie(connection: Connection, names: Collection[str], set_ids: Collection[int]) -> bool:
    """Keep which of these packages and serials are one thing, which of these sets hold such, and in what they are.

    `names` and `set_ids` are those a transaction has just learned of. Harmless to repeat. False where nothing at all is
    a package and a unit.
    """
    sets: set[int] = set()
    if names:
        told = connection.execute(_PAIR, {"names": sorted(names)}).scalars().all()
        packages = [package for package in told if package is not None]
        if packages:
            sets.update(connection.execute(_OF_PACKAGES, {"packages": packages}).scalars())
        if not told:
            return False  # most factories tell children as units
    if set_ids:
        sets.update(connection.execute(_OF_SETS, {"sets": sorted(set_ids)}).scalars())
    if sets:
        connection.execute(_INSTALLED_BEFORE, {"sets": sorted(sets)})
    return True


def tie_missed(connection: Connection) -> None:
    """The same for the packages registered last: two processes that each heard one of the names at the same moment,
    as package and as unit, saw nothing of one another.
    """
    tie(connection, list(connection.execute(_LATEST).scalars()), ())


def children_in(connection: Connection, set_ids: Collection[int]) -> dict[int, list[tuple[int, int, str | None]]]:
    """The units in each of these material sets that holds some: (unit, package, designator)."""
    found: dict[int, list[tuple[int, int, str | None]]] = {}
    if set_ids:
        for set_id, *child in connection.execute(_CHILDREN, {"sets": sorted(set(set_ids))}):
            found.setdefault(set_id, []).append((child[0], child[1], child[2]))
    return found
