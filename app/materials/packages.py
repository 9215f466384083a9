"""Packages: registered as they are named, described by receiving or `MaterialsInitialized`, split and joined."""

from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class PackageDescription:
    """What is known of one package. `described_at` orders descriptions: the latest counts, whatever arrives last."""

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


@dataclass(frozen=True, slots=True)
class PackageRelation:
    """`split`, `batch`: the child came out of the parent; `joined`: the child was spliced on behind the parent."""

    report: Report
    kind: str
    parent: str
    child: str
    quantity: float | None


_FIND = text("SELECT identifier, package_id FROM package WHERE identifier = ANY(CAST(:identifiers AS text[]))")
_ENTER = text(
    """
    INSERT INTO package (identifier, unplanned)
    SELECT given, true FROM unnest(CAST(:identifiers AS text[])) AS given ORDER BY given
    ON CONFLICT DO NOTHING
    RETURNING identifier, package_id
    """
)


def find_packages(connection: Connection, identifiers: Collection[str], known: MutableMapping[str, int]) -> list[str]:
    """Add the packages of `identifiers` to `known`; return the identifiers nobody has registered."""
    missing = sorted({identifier for identifier in identifiers if identifier not in known})
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(_FIND, {"identifiers": missing}))
    return [identifier for identifier in missing if identifier not in known]


def register_packages(connection: Connection, identifiers: Collection[str], known: MutableMapping[str, int]) -> None:
    """Give every identifier a package, `unplanned` until it is described, and add it to `known`."""
    missing = find_packages(connection, identifiers, known)
    if missing:
        entered = connection.execute(_ENTER, {"identifiers": missing})
        known.update((row[0], row[1]) for row in entered)
        find_packages(connection, missing, known)  # those another process entered first


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
_DESCRIBE = text(
    """
    WITH given AS (
        SELECT DISTINCT ON (identifier) *
        FROM unnest(
            CAST(:identifiers AS text[]), CAST(:parts AS text[]), CAST(:described_at AS timestamptz[]),
            CAST(:lot_codes AS text[]), CAST(:manufacturers AS text[]), CAST(:maker_parts AS text[]),
            CAST(:vendors AS text[]), CAST(:vendor_parts AS text[]), CAST(:date_codes AS text[]),
            CAST(:initial AS double precision[]), CAST(:quantities AS double precision[]),
            CAST(:expires_at AS timestamptz[]), CAST(:received_on AS timestamptz[])
        ) AS given (
            identifier, part_number, described_at, lot_code, manufacturer, manufacturer_part_number, vendor,
            vendor_part_number, date_code, initial_quantity, quantity, expires_at, received_on
        )
        ORDER BY identifier, described_at DESC
    ), with_lot AS (
        SELECT given.*, lot.lot_id
        FROM given
        LEFT JOIN lot ON lot.lot_code = given.lot_code
            AND lot.part_number IS NOT DISTINCT FROM given.part_number
            AND lot.manufacturer IS NOT DISTINCT FROM given.manufacturer
    )
    INSERT INTO package AS kept (
        identifier, part_number, lot_id, manufacturer_part_number, vendor, vendor_part_number, date_code,
        initial_quantity, quantity, expires_at, received_on, described_at, unplanned
    )
    SELECT identifier, part_number, lot_id, manufacturer_part_number, vendor, vendor_part_number, date_code,
        initial_quantity, quantity, expires_at, received_on, described_at, false
    FROM with_lot ORDER BY identifier
    ON CONFLICT ON CONSTRAINT uq_package_identifier DO UPDATE SET
        part_number = excluded.part_number,
        lot_id = excluded.lot_id,
        manufacturer_part_number = excluded.manufacturer_part_number,
        vendor = excluded.vendor,
        vendor_part_number = excluded.vendor_part_number,
        date_code = excluded.date_code,
        initial_quantity = excluded.initial_quantity,
        quantity = excluded.quantity,
        expires_at = excluded.expires_at,
        received_on = coalesce(excluded.received_on, kept.received_on),
        described_at = excluded.described_at,
        unplanned = false
    WHERE kept.described_at IS NULL OR kept.described_at < excluded.described_at
    """
)
_KEEP = text(
    """
    INSERT INTO package_description (package_id, described_at, lot_id, part_number, vendor, date_code)
    SELECT DISTINCT ON (package_id, described_at)
        package_id, given.described_at, lot.lot_id, given.part_number, given.vendor, given.date_code
    FROM unnest(
        CAST(:identifiers AS text[]), CAST(:described_at AS timestamptz[]), CAST(:lot_codes AS text[]),
        CAST(:parts AS text[]), CAST(:manufacturers AS text[]), CAST(:vendors AS text[]), CAST(:date_codes AS text[])
    ) AS given (identifier, described_at, lot_code, part_number, manufacturer, vendor, date_code)
    JOIN package USING (identifier)
    LEFT JOIN lot ON lot.lot_code = given.lot_code
        AND lot.part_number IS NOT DISTINCT FROM given.part_number
        AND lot.manufacturer IS NOT DISTINCT FROM given.manufacturer
    ON CONFLICT DO NOTHING
    """
)


def describe_packages(connection: Connection, described: Sequence[PackageDescription]) -> None:
    """Enter or complete packages. The latest description of a package counts as a whole."""
    if not described:
        return
    lots = {
        "lot_codes": [one.lot_code for one in described],
        "parts": [one.part_number for one in described],
        "manufacturers": [one.manufacturer for one in described],
    }
    connection.execute(_LOTS, lots)
    connection.execute(
        _DESCRIBE,
        {
            **lots,
            "identifiers": [one.identifier for one in described],
            "described_at": [one.described_at for one in described],
            "maker_parts": [one.manufacturer_part_number for one in described],
            "vendors": [one.vendor for one in described],
            "vendor_parts": [one.vendor_part_number for one in described],
            "date_codes": [one.date_code for one in described],
            "initial": [one.initial_quantity for one in described],
            "quantities": [one.quantity for one in described],
            "expires_at": [one.expires_at for one in described],
            "received_on": [one.received_on for one in described],
        },
    )
    connection.execute(
        _KEEP,
        {
            **lots,
            "identifiers": [one.identifier for one in described],
            "described_at": [one.described_at for one in described],
            "vendors": [one.vendor for one in described],
            "date_codes": [one.date_code for one in described],
        },
    )


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
