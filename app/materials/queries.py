"""Questions about packages and lots."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class PackageOrigin:
    """A package and the lot it is from: all that is told outside the factory."""

    identifier: str
    part_number: str | None
    part_revision: str | None
    lot: str | None
    manufacturer: str | None
    manufacturer_part_number: str | None
    vendor: str | None
    vendor_part_number: str | None
    date_code: str | None


@dataclass(frozen=True, slots=True)
class PackageSummary(PackageOrigin):
    """The same with what the factory has of it; `unplanned` where only machines have named it so far."""

    package_id: int
    initial_quantity: float | None
    quantity: float | None
    expires_at: datetime | None
    received_on: datetime | None
    unplanned: bool
    registered_at: datetime

    def origin(self) -> PackageOrigin:
        """Without what is the factory's own business: stock, receipt, names of records."""
        return PackageOrigin(**{one.name: getattr(self, one.name) for one in fields(PackageOrigin)})


_PACKAGES = """
    SELECT identifier, package.part_number, part_revision, lot_code, manufacturer, manufacturer_part_number,
        vendor, vendor_part_number, date_code, package_id, initial_quantity, quantity, expires_at, received_on,
        unplanned, registered_at
    FROM package LEFT JOIN lot USING (lot_id)
"""
_BY_IDENTIFIER = text(_PACKAGES + "WHERE identifier = :identifier")
_NEWEST = text(
    _PACKAGES
    + """
    WHERE (CAST(:before AS integer) IS NULL OR package_id < :before)
      AND (CAST(:lot AS text) IS NULL OR lot_code = :lot)
      AND (CAST(:part_number AS text) IS NULL OR package.part_number = :part_number)
    ORDER BY package_id DESC LIMIT :limit
    """
)


def package(connection: Connection, identifier: str) -> PackageSummary | None:
    """The package of this identifier, or None."""
    row = connection.execute(_BY_IDENTIFIER, {"identifier": identifier}).one_or_none()
    return None if row is None else PackageSummary(*row)


def packages(
    connection: Connection,
    *,
    lot: str | None = None,
    part_number: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[PackageSummary]:
    """Packages, newest first; `before` is the last id of the page before."""
    given = {"lot": lot, "part_number": part_number, "before": before, "limit": limit}
    return [PackageSummary(*row) for row in connection.execute(_NEWEST, given)]


@dataclass(frozen=True, slots=True)
class Relative:
    """A package that was split off from another or spliced to it; `relation` seen from the asker."""

    identifier: str
    relation: str
    recorded_at: datetime


# Which packages came out of this one or were spliced on to it, and which did it come from?
_RELATIVES = text(
    """
    SELECT other.identifier,
        CASE kind WHEN 'split' THEN 'split off' ELSE 'spliced on' END AS relation, recorded_at
    FROM package_link JOIN package AS other ON other.package_id = child_id
    WHERE parent_id = :package_id
    UNION ALL
    SELECT other.identifier,
        CASE kind WHEN 'split' THEN 'split from' ELSE 'spliced to' END, recorded_at
    FROM package_link JOIN package AS other ON other.package_id = parent_id
    WHERE child_id = :package_id
    ORDER BY recorded_at
    """
)


def relatives(connection: Connection, package_id: int) -> Sequence[Relative]:
    """Packages related by a split or a splice, in order of time."""
    return [Relative(*row) for row in connection.execute(_RELATIVES, {"package_id": package_id})]


@dataclass(frozen=True, slots=True)
class LoadingStatement:
    """What a machine said of a package in a slot; `kind` is loaded, unloaded, empty or spliced."""

    kind: str
    station: str
    slot: str | None
    feeder: str | None
    recorded_at: datetime


_LOADINGS = text(
    """
    SELECT kind, coalesce(station.name, station.handle), coalesce(slot_name, slot), feeder, recorded_at
    FROM loading_event JOIN station USING (station_id)
    WHERE package_id = :package_id ORDER BY recorded_at DESC LIMIT 100
    """
)


def loading_statements(connection: Connection, package_id: int) -> Sequence[LoadingStatement]:
    """Where a package was loaded and taken out, newest first, at most 100."""
    rows = connection.execute(_LOADINGS, {"package_id": package_id})
    return [LoadingStatement(*row) for row in rows]
