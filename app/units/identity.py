"""Who is who: identifiers become units, positions of panels hold them, orders claim them."""

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from app.facts import Report


@dataclass(frozen=True, slots=True)
class PanelLink:
    """A machine said that a position of a panel (or carrier) holds a unit."""

    report: Report
    panel: str
    position_number: int
    serial: str


@dataclass(frozen=True, slots=True)
class OrderClaim:
    """A machine said that units belong to a work order. `initialized` claims (`UnitsInitialized`) outrank others."""

    report: Report
    serials: tuple[str, ...]
    work_order_id: int
    initialized: bool


_FIND = text("SELECT serial, unit_id FROM serial WHERE serial = ANY(CAST(:serials AS text[]))")
_REGISTER = text(
    """
    WITH known AS (
        SELECT serial, unit_id FROM serial WHERE serial = ANY(CAST(:serials AS text[]))
    ), entered AS (
        INSERT INTO serial (serial)
        SELECT given FROM unnest(CAST(:serials AS text[])) AS given
        WHERE NOT EXISTS (SELECT FROM known WHERE serial = given)
        ORDER BY given
        ON CONFLICT DO NOTHING
        RETURNING serial, unit_id
    ), unit_rows AS (
        INSERT INTO unit (unit_id, serial, registered_at)
        SELECT unit_id, serial, :received_at FROM entered
    )
    SELECT serial, unit_id FROM known UNION ALL SELECT serial, unit_id FROM entered
    """
)


def find_units(connection: Connection, serials: Collection[str], known: MutableMapping[str, int]) -> list[str]:
    """Add the units of `serials` to `known`; return the serials nobody has registered."""
    missing = sorted({serial for serial in serials if serial not in known})
    if missing:
        known.update((row[0], row[1]) for row in connection.execute(_FIND, {"serials": missing}))
    return [serial for serial in missing if serial not in known]


def register_units(
    connection: Connection,
    serials: Collection[str],
    known: MutableMapping[str, int],
    received_at: datetime,
) -> None:
    """Give every serial a unit, and add it to `known`. Two processes that meet get the same unit."""
    missing = sorted({serial for serial in serials if serial not in known})
    if missing:
        registered = connection.execute(_REGISTER, {"serials": missing, "received_at": received_at})
        known.update((row[0], row[1]) for row in registered)
        find_units(connection, missing, known)  # those another process entered meanwhile


_LINK = text(
    """
    INSERT INTO panel_position (panel_id, position_number, linked_at, unit_id, event_id, received_at)
    SELECT * FROM unnest(
        CAST(:panels AS bigint[]), CAST(:positions AS smallint[]), CAST(:linked_at AS timestamptz[]),
        CAST(:units AS bigint[]), CAST(:events AS bigint[]), CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)


def link_positions(connection: Connection, links: Sequence[PanelLink], units: MutableMapping[str, int]) -> None:
    """Keep the statements of which unit is in which position."""
    if links:
        connection.execute(
            _LINK,
            {
                "panels": [units[link.panel] for link in links],
                "positions": [link.position_number for link in links],
                "linked_at": [link.report.recorded_at for link in links],
                "units": [units[link.serial] for link in links],
                "events": [link.report.event_id for link in links],
                "received_at": [link.report.received_at for link in links],
            },
        )


_COUNTS = """
    CASE WHEN unit.work_order_id IS NULL THEN true
         WHEN claim.initialized <> unit.initialized THEN claim.initialized
         WHEN claim.initialized THEN unit.claimed_at < claim.claimed_at
         ELSE unit.claimed_at > claim.claimed_at END
"""
_CLAIM = text(
    f"""
    WITH claim AS (
        SELECT DISTINCT ON (unit_id) *
        FROM unnest(
            CAST(:units AS bigint[]), CAST(:orders AS integer[]), CAST(:claimed_at AS timestamptz[]),
            CAST(:initialized AS boolean[]), CAST(:received_at AS timestamptz[])
        ) AS claim (unit_id, work_order_id, claimed_at, initialized, received_at)
        ORDER BY unit_id, initialized DESC, CASE WHEN initialized THEN claimed_at END DESC, claimed_at
    ), former AS (
        INSERT INTO former_claim (unit_id, known_from, known_until, work_order_id)
        SELECT unit.unit_id, unit.claim_received_at, claim.received_at, unit.work_order_id
        FROM claim JOIN unit USING (unit_id)
        WHERE unit.work_order_id <> claim.work_order_id AND unit.claim_received_at < claim.received_at AND {_COUNTS}
        ON CONFLICT DO NOTHING
    )
    UPDATE unit SET
        work_order_id = claim.work_order_id,
        customer_id = work_order.customer_id,
        unplanned = work_order.unplanned,
        claimed_at = claim.claimed_at,
        initialized = claim.initialized,
        claim_received_at = CASE WHEN unit.work_order_id = claim.work_order_id THEN unit.claim_received_at
                                 ELSE claim.received_at END
    FROM claim JOIN work_order USING (work_order_id)
    WHERE unit.unit_id = claim.unit_id AND {_COUNTS}
    """
)


def claim_units(connection: Connection, claims: Sequence[OrderClaim], units: MutableMapping[str, int]) -> None:
    """Enter units into their work orders, whatever arrives first.

    * The latest `UnitsInitialized` counts before any other mention.
    * Without one, the order counts that the unit was worked on under first: rework and the second side may run under
      orders of their own.
    """
    rows = [(units[serial], claim) for claim in claims for serial in claim.serials]
    if rows:
        connection.execute(
            _CLAIM,
            {
                "units": [unit for unit, _ in rows],
                "orders": [claim.work_order_id for _, claim in rows],
                "claimed_at": [claim.report.recorded_at for _, claim in rows],
                "initialized": [claim.initialized for _, claim in rows],
                "received_at": [claim.report.received_at for _, claim in rows],
            },
        )


_SPEAK = text(
    """
    INSERT INTO spoken_position (unit_id, position_number, received_at)
    SELECT * FROM unnest(
        CAST(:units AS bigint[]), CAST(:numbers AS smallint[]), CAST(:received_at AS timestamptz[])
    ) AS said (unit_id, position_number)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    """
)


_COUNT = text(
    """
    INSERT INTO spoken_count (unit_id, unit_count, received_at)
    SELECT * FROM unnest(
        CAST(:units AS bigint[]), CAST(:numbers AS smallint[]), CAST(:received_at AS timestamptz[])
    ) AS said (unit_id, unit_count)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    """
)


def note_positions(connection: Connection, spoken: Mapping[tuple[int, int], datetime]) -> None:
    """Keep which positions of which units machines speak of, and since when that is known; see `SpokenPosition`."""
    _note(connection, _SPEAK, spoken)


def note_counts(connection: Connection, counted: Mapping[tuple[int, int], datetime]) -> None:
    """Keep how many units machines say go by one identifier, and since when that is known; see `SpokenCount`."""
    _note(connection, _COUNT, counted)


def _note(connection: Connection, statement: TextClause, said: Mapping[tuple[int, int], datetime]) -> None:
    if said:
        given = {
            "units": [unit_id for unit_id, _ in said],
            "numbers": [number for _, number in said],
            "received_at": list(said.values()),
        }
        connection.execute(statement, given)
