"""Packages: registered as they are named, described by receiving or `MaterialsInitialized`, split and joined."""

from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class PackageDescription:
    """What is said of one package. `described_at` orders descriptions: of each thing the latest that is said counts,
    whatever arrives last. `deliveries`: numbers of packing list, invoice and orders it came under.
    """

    identifier: str
    part_number: str | None
    described_at: datetime
    lot_code: str | None = None
    manufacturer: str | None = None
    manufacturer_part_number: str | None = None
    vendor: str | None = None
    vendor_part_number: str | None = None
    date_code: str | None = None
    initial_quantity: float | None = None
    quantity: float | None = None
    expires_at: datetime | None = None
    received_on: datetime | None = None
    deliveries: tuple[str, ...] = ()
    surface_finish: str | None = None


@dataclass(frozen=True, slots=True)
class PackageRelation:
    """`split`, `batch`: the child came out of the parent; `joined`: the child was spliced on behind the parent."""

    report: Report
    kind: str
    parent: str
    child: str
    quantity: float | None


_FIND = text("SELECT identifier, package_id FROM package WHERE identifier = ANY(CAST(:identifiers AS text[]))")
_REGISTER = text(
    """
    WITH known AS (
        SELECT identifier, package_id FROM package WHERE identifier = ANY(CAST(:identifiers AS text[]))
    ), entered AS (
        INSERT INTO package (identifier, unplanned)
        SELECT given, true FROM unnest(CAST(:identifiers AS text[])) AS given
        WHERE NOT EXISTS (SELECT FROM known WHERE identifier = given)
        ORDER BY given
        ON CONFLICT DO NOTHING
        RETURNING identifier, package_id
    )
    SELECT identifier, package_id FROM known UNION ALL SELECT identifier, package_id FROM entered
    """
)


def find_packages(connection: Connection, identifiers: Collection[str], known: MutableMapping[str, int]) -> list[str]:
    """Add the packages of `identifiers` to `known`; return the identifiers nobody has registered."""
    missing = sorted({identifier for identifier in identifiers if identifier not in known})
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(_FIND, {"identifiers": missing}))
    return [identifier for identifier in missing if identifier not in known]


_UNKNOWN_PARTS = text(
    """
    -- Which of these part numbers does no bill of material, approval, product or received package name?
    SELECT given FROM unnest(CAST(:parts AS text[])) AS given
    WHERE NOT EXISTS (SELECT FROM package WHERE part_number = given)
      AND NOT EXISTS (SELECT FROM bom_item WHERE part_number = given)
      AND NOT EXISTS (SELECT FROM approved_part WHERE alternate_part_number = given)
      AND NOT EXISTS (SELECT FROM product WHERE part_number = given)
    ORDER BY given
    """
)


def unknown_parts(connection: Connection, parts: Collection[str]) -> list[str]:
    """Those of the part numbers that nobody planned or received."""
    return list(connection.execute(_UNKNOWN_PARTS, {"parts": sorted(parts)}).scalars()) if parts else []


def register_packages(connection: Connection, identifiers: Collection[str], known: MutableMapping[str, int]) -> None:
    """Give every identifier a package, `unplanned` until it is described, and add it to `known`."""
    missing = sorted({identifier for identifier in identifiers if identifier not in known})
    if missing:
        registered = connection.execute(_REGISTER, {"identifiers": missing})
        known.update((row[0], row[1]) for row in registered)
        find_packages(connection, missing, known)  # those another process entered meanwhile


def latest(column: str) -> str:
    """SQL: the latest value that descriptions `told` of a package say of something, null where none does."""
    return (
        f"(array_agg(told.{column} ORDER BY told.described_at DESC, told.received_at DESC, told.{column})"
        f" FILTER (WHERE told.{column} IS NOT NULL))[1]"
    )


_LOTS = text(
    """
    INSERT INTO lot (lot_code, part_number, manufacturer)
    SELECT DISTINCT lot_code, part_number, manufacturer
    FROM unnest(
        CAST(:lot_codes AS text[]), CAST(:parts AS text[]), CAST(:manufacturers AS text[])
    ) AS given (lot_code, part_number, manufacturer)
    WHERE lot_code IS NOT NULL
    ORDER BY lot_code, part_number, manufacturer
    ON CONFLICT DO NOTHING
    """
)
# The row is locked here, so that whoever settles it last sees every description.
_CLAIM = text(
    """
    INSERT INTO package (identifier, unplanned)
    SELECT given, false FROM (
        SELECT DISTINCT given FROM unnest(CAST(:identifiers AS text[])) AS given ORDER BY given
    ) AS sorted
    ON CONFLICT ON CONSTRAINT uq_package_identifier DO UPDATE SET unplanned = false
    """
)
_KEEP = text(
    """
    INSERT INTO package_description (
        package_id, described_at, lot_id, part_number, manufacturer_part_number, vendor, vendor_part_number, date_code,
        initial_quantity, quantity, expires_at, received_on, deliveries, surface_finish
    )
    SELECT DISTINCT ON (package_id, described_at)
        package_id, given.described_at, lot.lot_id, given.part_number, given.manufacturer_part_number, given.vendor,
        given.vendor_part_number, given.date_code, nullif(given.initial_quantity, 0), given.quantity, given.expires_at,
        given.received_on, CAST(given.deliveries AS text[]), given.surface_finish
    FROM unnest(
        CAST(:identifiers AS text[]), CAST(:described_at AS timestamptz[]), CAST(:lot_codes AS text[]),
        CAST(:parts AS text[]), CAST(:manufacturers AS text[]), CAST(:maker_parts AS text[]),
        CAST(:vendors AS text[]), CAST(:vendor_parts AS text[]), CAST(:date_codes AS text[]),
        CAST(:initial AS double precision[]), CAST(:quantities AS double precision[]),
        CAST(:expires_at AS timestamptz[]), CAST(:received_on AS timestamptz[]), CAST(:deliveries AS text[]),
        CAST(:finishes AS text[])
    ) AS given (
        identifier, described_at, lot_code, part_number, manufacturer, manufacturer_part_number, vendor,
        vendor_part_number, date_code, initial_quantity, quantity, expires_at, received_on, deliveries, surface_finish
    )
    JOIN package USING (identifier)
    LEFT JOIN lot ON lot.lot_code = given.lot_code
        AND lot.part_number IS NOT DISTINCT FROM given.part_number
        AND lot.manufacturer IS NOT DISTINCT FROM given.manufacturer
    ON CONFLICT DO NOTHING
    """
)
_SETTLED = (
    "lot_id", "part_number", "manufacturer_part_number", "vendor", "vendor_part_number", "date_code",
    "initial_quantity", "quantity", "expires_at", "received_on", "surface_finish",
)  # fmt: skip
_SETTLE = text(
    f"""
    -- Of each thing that was ever said of these packages, the latest counts, in whatever order it came.
    UPDATE package SET
        {", ".join(f"{name} = coalesce(said.{name}, package.{name})" for name in _SETTLED)},
        described_at = said.described_at
    FROM (
        SELECT package_id, max(told.described_at) AS described_at,
            {", ".join(latest(name) + f" AS {name}" for name in _SETTLED)}
        FROM package_description AS told JOIN package USING (package_id)
        WHERE package.identifier = ANY (CAST(:identifiers AS text[]))
        GROUP BY package_id
    ) AS said
    WHERE package.package_id = said.package_id
    """
)


def describe_packages(connection: Connection, described: Sequence[PackageDescription]) -> None:
    """Enter or complete packages. What a later description leaves unsaid, an earlier one still says."""
    if not described:
        return
    lots = {
        "lot_codes": [one.lot_code for one in described],
        "parts": [one.part_number for one in described],
        "manufacturers": [one.manufacturer for one in described],
    }
    connection.execute(_LOTS, lots)
    identifiers = {"identifiers": [one.identifier for one in described]}
    connection.execute(_CLAIM, identifiers)
    connection.execute(
        _KEEP,
        {
            **lots,
            **identifiers,
            "described_at": [one.described_at for one in described],
            "maker_parts": [one.manufacturer_part_number for one in described],
            "vendors": [one.vendor for one in described],
            "vendor_parts": [one.vendor_part_number for one in described],
            "date_codes": [one.date_code for one in described],
            "initial": [one.initial_quantity for one in described],
            "quantities": [one.quantity for one in described],
            "expires_at": [one.expires_at for one in described],
            "received_on": [one.received_on for one in described],
            "deliveries": [_array(one.deliveries) for one in described],
            "finishes": [one.surface_finish for one in described],
        },
    )
    connection.execute(_SETTLE, identifiers)


def _array(names: Collection[str]) -> str | None:
    """A PostgreSQL array literal: unnest would flatten a nested array."""
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}" if names else None


_RELATE = text(
    """
    INSERT INTO package_link (parent_id, child_id, event_id, kind, quantity, recorded_at, received_at)
    SELECT * FROM unnest(
        CAST(:parents AS integer[]), CAST(:children AS integer[]), CAST(:events AS bigint[]), CAST(:kinds AS text[]),
        CAST(:quantities AS double precision[]), CAST(:recorded_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)


def relate_packages(
    connection: Connection,
    relations: Sequence[PackageRelation],
    packages: MutableMapping[str, int],
) -> None:
    """Keep splits and joins of packages."""
    if relations:
        connection.execute(
            _RELATE,
            {
                "parents": [packages[one.parent] for one in relations],
                "children": [packages[one.child] for one in relations],
                "events": [one.report.event_id for one in relations],
                "kinds": [one.kind for one in relations],
                "quantities": [one.quantity for one in relations],
                "recorded_at": [one.report.recorded_at for one in relations],
                "received_at": [one.report.received_at for one in relations],
            },
        )
