"""Questions about one unit: what it is, and what happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.sentences import Sentence
from app.units.places import AMONG_PLACES, AT_PLACE, PLACES_THEN, TIED_AT_PLACE, VISIBLE, WORKED_AT_PLACE
from app.units.whereabouts import places_of


@dataclass(frozen=True, slots=True)
class UnitOverview:
    """A unit and where it belongs. `place` is where it is: on the line, in stock, packed, shipped to whom, scrapped.

    `panel` and `position_number` say where it sits or sat last; `boards` are those of a panel. `unplanned` units were
    named by a machine before anybody planned them.
    """

    serial: str
    customer: str | None
    work_order: str | None
    product: str | None
    unplanned: bool
    registered_at: datetime
    place: str
    panel: str | None = None
    position_number: int | None = None
    boards: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class JourneyEntry:
    """Something that happened to a unit: by the station's clock and by the server's.

    `what` is the CFX message's short name; `details` are what a person wants to read of it. `event` is the number of
    the message where one message told it alone (work is told by two), `run` the inspection's or test's in it.
    """

    what: str
    station: str
    recorded_at: datetime
    received_at: datetime
    transaction_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    station_name: str | None = None
    operation: str | None = None
    event: int | None = None
    run: int | None = None


_OVERVIEW = text(
    f"""
    -- What is this unit, and where does it belong?
    SELECT unit.unit_id, unit.serial, customer.name AS customer, work_order.number AS work_order,
        product.part_number || ' rev ' || product_revision.revision AS product, unit.unplanned, unit.registered_at,
        held.panel, held.position_number,
        ARRAY(
            SELECT board.serial FROM panel_position JOIN unit AS board USING (unit_id)
            WHERE panel_position.panel_id = unit.unit_id
            GROUP BY board.serial ORDER BY min(panel_position.position_number), board.serial
        ) AS boards
    FROM serial JOIN unit USING (unit_id)
    LEFT JOIN customer USING (customer_id)
    LEFT JOIN work_order USING (work_order_id)
    LEFT JOIN product_revision USING (product_revision_id)
    LEFT JOIN product USING (product_id)
    LEFT JOIN LATERAL (
        SELECT panel.serial AS panel, panel_position.position_number
        FROM panel_position JOIN unit AS panel ON panel.unit_id = panel_position.panel_id
        WHERE panel_position.unit_id = unit.unit_id
        ORDER BY panel_position.linked_at DESC
        LIMIT 1
    ) AS held ON true
    WHERE serial.serial = :serial
      AND {VISIBLE}
    """
)
_HISTORY = text(
    f"""
    -- What happened to this unit, by its own identifier and as part of its panels?
    WITH {PLACES_THEN},
    work AS (
        SELECT DISTINCT fact.* FROM place JOIN work_record AS fact ON {WORKED_AT_PLACE}
    ),
    happened AS (
        SELECT 'WorkStarted' AS what, station_id, started_at AS recorded_at, started_received_at AS received_at,
            transaction_id, jsonb_strip_nulls(jsonb_build_object(
                'recipe', recipe.name, 'recipe_revision', recipe.revision, 'lane', lane, 'surface', surface
            )) AS details, CAST(NULL AS bigint) AS event_id
        FROM work LEFT JOIN recipe USING (recipe_id) WHERE started_at IS NOT NULL
        UNION ALL
        SELECT 'WorkCompleted', station_id, completed_at, completed_received_at, transaction_id,
            jsonb_strip_nulls(jsonb_build_object('result', result)), CAST(NULL AS bigint)
        FROM work WHERE completed_at IS NOT NULL
        UNION
        SELECT regexp_replace(fact.message_name, '^.*[.]', ''), fact.station_id, fact.recorded_at, fact.received_at,
            fact.transaction_id, coalesce(fact.body, '{{}}'), fact.event_id
        FROM place JOIN unit_event AS fact ON {AMONG_PLACES}
        -- A message about a panel and its boards is told once: as it is told of the unit asked for.
        WHERE fact.unit_id IN (SELECT unit_id FROM subject) OR NOT EXISTS (
            SELECT FROM unit_event AS own JOIN subject USING (unit_id) WHERE own.event_id = fact.event_id
        )
        UNION
        SELECT CASE WHEN counted.applied THEN 'MaterialsApplied' ELSE 'MaterialsInstalled' END, fact.station_id,
            fact.recorded_at, fact.received_at, fact.transaction_id,
            jsonb_build_object('placements', counted.placements, 'packages', counted.packages), fact.event_id
        FROM place JOIN installation AS fact ON {TIED_AT_PLACE}
        JOIN material_set USING (set_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(cardinality(placement.reference_designators)), 0) AS placements,
                count(DISTINCT pair.package_id) AS packages, bool_and(placement.kind = 'applied') AS applied
            FROM unnest(material_set.chunk_ids) AS listed (chunk_id)
            JOIN material_chunk USING (chunk_id)
            CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
            JOIN placement USING (placement_id)
        ) AS counted
        UNION
        SELECT 'MaterialsUninstalled', fact.station_id, fact.recorded_at, fact.received_at, CAST(NULL AS uuid),
            jsonb_strip_nulls(jsonb_build_object(
                'reference_designators', fact.reference_designators, 'package', package.identifier
            )), fact.event_id
        FROM place JOIN removal AS fact ON {AT_PLACE} LEFT JOIN package USING (package_id)
    )
    SELECT what, station.handle AS station, coalesce(station.name, station.handle) AS station_name, station.operation,
        recorded_at, received_at, transaction_id, details, event_id
    FROM happened JOIN station USING (station_id)
    WHERE CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of
    ORDER BY recorded_at, received_at, what
    """
)


def unknown_unit(serial: str) -> NotFound:
    """The error of a serial that is not known, or not that customer's."""
    return NotFound(
        Sentence(
            "No unit %(unit)s is known here. Check the serial, or whether its machines have reported yet.", unit=serial
        )
    )


def unit(connection: Connection, serial: str, *, customer_id: int | None = None) -> UnitOverview:
    """What a unit is. Raises `NotFound` where the serial is not known, or not that customer's."""
    row = connection.execute(_OVERVIEW, {"serial": serial, "customer_id": customer_id}).one_or_none()
    if row is None:
        raise unknown_unit(serial)
    place = places_of(connection, [row.unit_id])[row.unit_id]
    return UnitOverview(
        serial=row.serial,
        customer=row.customer,
        work_order=row.work_order,
        product=row.product,
        unplanned=row.unplanned,
        registered_at=row.registered_at,
        place=place.words if customer_id is None else place.told_to(row.customer),
        panel=row.panel,
        position_number=row.position_number,
        boards=tuple(row.boards),
    )


def history(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> list[JourneyEntry]:
    """What happened to a unit, oldest first by the stations' clocks; inspections and tests are quality's to tell.

    With `as_of` (server's clock) as it was known then. Raises `NotFound` as `unit` does.
    """
    unit(connection, serial, customer_id=customer_id)
    asked = {"serial": serial, "customer_id": customer_id, "as_of": as_of}
    return [
        JourneyEntry(
            what=row.what,
            station=row.station,
            recorded_at=row.recorded_at,
            received_at=row.received_at,
            transaction_id=None if row.transaction_id is None else str(row.transaction_id),
            details=row.details,
            station_name=row.station_name,
            operation=row.operation,
            event=row.event_id,
        )
        for row in connection.execute(_HISTORY, asked)
    ]
