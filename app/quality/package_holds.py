"""Packages on hold: by rows written when a containment is opened, and when a package that one means becomes known.

A package received, described or split off while its lot is contained is on hold from its first moment, in the same
transaction: units that only may carry it are suspected by that row (`app.quality.suspected`). Whoever opens a
containment, and whoever tells of packages meanwhile, meet at one lock, so that one of them sees the other.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, text

from app.materials.receiving import Arrival, receive_package
from app.quality.caught import CONTAINED, OPEN
from app.quality.holds import STANDS, hold_clears
from app.quality.scope import packages_of
from app.quality.terms import Terms
from app.reasons import Reason, ended
from app.sentences import Sentence, both

_LOCK_KEY = 0x706B67  # "pkg"
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(:key)")
_WHERE_IT_IS = """
    (SELECT CASE WHEN last.kind IN ('loaded', 'spliced')
        THEN station.handle || coalesce(' slot ' || last.slot, '') ELSE 'in store' END
     FROM loading_event AS last JOIN station USING (station_id)
     WHERE last.package_id = given.package_id AND last.kind IN ('loaded', 'spliced', 'unloaded', 'empty')
     ORDER BY last.recorded_at DESC, last.ordinal DESC LIMIT 1)
"""
_HOLD = text(
    f"""
    INSERT INTO package_hold (package_id, nonconformance_id, held_at, place, later)
    SELECT given.package_id, :nonconformance, clock_timestamp(), {_WHERE_IT_IS}, :later
    FROM unnest(CAST(:packages AS integer[])) AS given (package_id)
    ORDER BY given.package_id
    ON CONFLICT DO NOTHING
    """
)
_HOLD_TOLD_OF = text(
    f"""
    -- Which of these packages, and of what came out of them, do open containments mean?
    WITH RECURSIVE used AS (
        SELECT package_id FROM package WHERE identifier = ANY (CAST(:identifiers AS text[]))
        UNION
        SELECT link.child_id FROM used JOIN package_link AS link ON link.parent_id = used.package_id
        WHERE link.kind IN ('split', 'batch')
    ), {OPEN}, {CONTAINED}
    INSERT INTO package_hold (package_id, nonconformance_id, held_at, place, later)
    SELECT given.package_id, given.nonconformance_id, clock_timestamp(), {_WHERE_IT_IS}, true
    FROM contained AS given JOIN open USING (nonconformance_id)
    WHERE open.whole_packages
    ORDER BY given.package_id, given.nonconformance_id
    ON CONFLICT DO NOTHING
    """
)

_FOUND_GOOD = text(
    """
    SELECT package_id FROM package_disposition
    WHERE nonconformance_id = :nonconformance AND decision IN ('released', 'use_as_is')
    """
)
_HELD = text(
    f"""
    -- Which of these packages are on hold?
    SELECT asked.package_id, asked.identifier, nonconformance.number, containment.number AS containment,
        nonconformance.reason
    FROM package AS asked
    JOIN package_hold USING (package_id)
    JOIN nonconformance USING (nonconformance_id)
    LEFT JOIN containment USING (nonconformance_id)
    LEFT JOIN package_disposition AS decided USING (package_id, nonconformance_id)
    WHERE asked.package_id = ANY (CAST(:packages AS integer[])) AND {STANDS}
    """
)


def held_packages(connection: Connection, package_ids: Collection[int]) -> dict[int, Reason]:
    """Why those of these packages that are on hold must not be used. One statement."""
    asked = {"packages": sorted(set(package_ids))}
    return {
        row.package_id: Reason(
            "package_held",
            Sentence(
                "Package %(package)s is on hold, %(containment)s: %(reason)s",
                package=row.identifier,
                containment=row.containment or row.number,
                reason=ended(row.reason),
            ),
            both(Sentence("Load another package."), hold_clears(row.number, row.containment)),
        )
        for row in (connection.execute(_HELD, asked) if package_ids else ())
    }


def packages_found_good(connection: Connection, nonconformance_id: int) -> set[int]:
    """Ids of the packages that may be used again, as it was decided under this nonconformance."""
    return set(connection.execute(_FOUND_GOOD, {"nonconformance": nonconformance_id}).scalars())


def hold_packages(connection: Connection, nonconformance_id: int, packages: Collection[int], *, later: bool) -> int:
    """Hold these packages; returns how many were new."""
    given = {"packages": sorted(packages), "nonconformance": nonconformance_id, "later": later}
    return connection.execute(_HOLD, given).rowcount if packages else 0


def hold_packages_meant(connection: Connection, nonconformance_id: int, terms: Terms) -> Mapping[int, str]:
    """Hold the packages that the terms mean at this moment; returns them.

    Until the caller's COMMIT nobody else tells of packages. Units are locked before, never after.
    """
    connection.execute(_ALONE, {"key": _LOCK_KEY})
    packages = packages_of(connection, terms)
    hold_packages(connection, nonconformance_id, packages, later=False)
    return packages


def hold_told_of(connection: Connection, identifiers: Collection[str]) -> int:
    """Hold those of the packages, described or split off in this transaction, that open containments mean.

    Returns how many were new. The last deed of its transaction that waits for others.
    """
    if not identifiers:
        return 0
    connection.execute(_TOGETHER, {"key": _LOCK_KEY})
    return connection.execute(_HOLD_TOLD_OF, {"identifiers": sorted(set(identifiers))}).rowcount


def take_in_package(connection: Connection, arrival: Arrival, *, label: str | None = None, actor: str) -> str:
    """`app.materials.receiving.receive_package`; what is contained is on hold as soon as it is received."""
    identifier = receive_package(connection, arrival, label=label, actor=actor)
    hold_told_of(connection, [identifier])
    return identifier
