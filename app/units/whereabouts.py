"""Where units are: on the line, in stock, packed, shipped to whom, scrapped."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from app.units.completeness import incomplete
from app.units.families import AT_MEMBER_ROUND, BOARD_THEN, IN_DOUBT_THERE, MEMBER_ROUNDS, REMOVED
from app.units.scrapped import ACCEPTED_SINCE, TOLD_BY_STATION, WHOLLY


class PlaceKind(StrEnum):
    """The steps of a unit's way out, and the one that ends it."""

    line = "line"
    stock = "stock"
    packed = "packed"
    shipped = "shipped"
    scrapped = "scrapped"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit is, and since when. `station` is where it was last worked on, by its CFX handle.

    `perhaps`: clocks leave open whether it or another board of its carrier was scrapped.
    """

    kind: PlaceKind
    station: str | None = None
    shipment: str | None = None
    customer: str | None = None
    at: datetime | None = None
    perhaps: bool = False

    @property
    def words(self) -> str:
        """The place as a person says it."""
        if self.kind is PlaceKind.shipped:
            return f"shipped to {self.customer} with {self.shipment}"
        if self.kind is PlaceKind.packed:
            return f"packed for {self.customer} in {self.shipment}"
        if self.kind is PlaceKind.line:
            return f"on the line, last at {self.station}" if self.station else "not on a line"
        if self.kind is PlaceKind.scrapped:
            return "perhaps scrapped" if self.perhaps else "scrapped"
        return "in stock"

    def told_to(self, customer: str | None) -> str:
        """The words for somebody who may see this customer's units alone: nobody else's name or shipment."""
        if self.customer is None or self.customer == customer:
            return self.words
        return self.kind.value  # inside somebody else's assembly


def is_inside(words: str) -> bool:
    """Whether these words of a place tell one within the factory: not packed, shipped or scrapped."""
    return words.startswith(("on the line", "in stock", "not on a line"))


MOVED = """
    SELECT DISTINCT unit_id FROM work_record WHERE unit_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT unit_id FROM panel_position WHERE unit_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT child_id FROM installed_unit WHERE child_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT unit_id FROM packed_unit WHERE unit_id = ANY (CAST({units} AS bigint[]))
    UNION ALL
    SELECT unit_id FROM scrapped_unit WHERE unit_id = ANY (CAST({units} AS bigint[]))
"""
"""Those of `units` (an array) of which anything says where they are. Of the others `places_of` has nothing to tell."""

# A unit goes where its panel goes, and the assembly it was built into last: of a carrier, the board that was there.
_BEYOND = text(
    f"""
    -- Which of these were scrapped, packed or shipped, by themselves or inside something else? What is scrapped after
    -- it has left is still at the customer's, until it is noted that it came back.
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
        UNION
        SELECT member.asked_id, outside.unit_id
        FROM member CROSS JOIN LATERAL (
            SELECT panel.unit_id FROM (
                SELECT panel_id AS unit_id FROM panel_position WHERE panel_position.unit_id = member.unit_id
                ORDER BY linked_at DESC LIMIT 1
            ) AS panel
            UNION ALL
            SELECT assembly.unit_id FROM (
                SELECT coalesce(({BOARD_THEN}), built.unit_id) AS unit_id FROM installed_unit AS built
                WHERE built.child_id = member.unit_id AND NOT {REMOVED}
                ORDER BY built.recorded_at DESC LIMIT 1
            ) AS assembly
        ) AS outside
    ), {MEMBER_ROUNDS}
    SELECT DISTINCT ON (asked_id) asked_id, kind, shipment, customer, at, perhaps
    FROM (
        SELECT asked_id, 2 AS rank, 'scrapped' AS kind, NULL AS shipment, NULL AS customer, fact.received_at AS at,
            {IN_DOUBT_THERE} AS perhaps
        FROM place JOIN {TOLD_BY_STATION} AS fact ON {AT_MEMBER_ROUND}
        WHERE {WHOLLY} AND NOT ({IN_DOUBT_THERE} AND {ACCEPTED_SINCE.format(unit="place.member_id")})
        UNION ALL
        SELECT asked_id, CASE WHEN shipped_at IS NULL THEN 3 ELSE 1 END,
            CASE WHEN shipped_at IS NULL THEN 'packed' ELSE 'shipped' END, shipment.number, customer.name,
            coalesce(shipped_at, packed_at), false
        FROM member JOIN packed_unit USING (unit_id) JOIN shipment USING (shipment_id)
        JOIN customer USING (customer_id)
        WHERE unpacked_at IS NULL
    ) AS beyond
    ORDER BY asked_id, rank, perhaps
    """
)
_LAST_WORK = text(
    """
    -- Where were these units last worked on, by themselves or in a panel they were in then?
    SELECT asked.unit_id, last.handle, last.at
    FROM unnest(CAST(:units AS bigint[])) AS asked (unit_id)
    CROSS JOIN LATERAL (
        SELECT station.handle, coalesce(work.completed_at, work.started_at) AS at
        FROM (
            SELECT asked.unit_id, CAST('infinity' AS timestamptz)
            UNION ALL
            SELECT held.panel_id, coalesce((
                SELECT min(later.linked_at) FROM panel_position AS later
                WHERE later.panel_id = held.panel_id AND later.position_number = held.position_number
                  AND later.linked_at > held.linked_at AND later.unit_id <> held.unit_id
            ), 'infinity')
            FROM panel_position AS held WHERE held.unit_id = asked.unit_id
        ) AS carrier (unit_id, held_until)
        JOIN work_record AS work ON work.unit_id = carrier.unit_id
            AND coalesce(work.started_at, work.completed_at) < carrier.held_until
        JOIN station USING (station_id)
        ORDER BY 2 DESC
        LIMIT 1
    ) AS last
    """
)


def beyond(connection: Connection, unit_ids: Collection[int]) -> dict[int, Place]:
    """Those of these units that are scrapped, packed or shipped, by themselves or inside something else.

    Set by set, so that it can be asked of a hundred thousand units while they are locked.
    """
    rows = connection.execute(_BEYOND, {"units": sorted(set(unit_ids))}) if unit_ids else ()
    return {
        row.asked_id: Place(
            PlaceKind(row.kind), shipment=row.shipment, customer=row.customer, at=row.at, perhaps=row.perhaps
        )
        for row in rows
    }


def places_of(connection: Connection, unit_ids: Collection[int]) -> dict[int, Place]:
    """Where each of these units is; every one given has an entry."""
    asked = sorted(set(unit_ids))
    found = beyond(connection, asked)
    inside = [unit_id for unit_id in asked if unit_id not in found]
    if inside:
        unfinished = incomplete(connection, inside)
        for unit_id, station, at in connection.execute(_LAST_WORK, {"units": inside}):
            kind = PlaceKind.line if unit_id in unfinished else PlaceKind.stock
            found[unit_id] = Place(kind, station=station, at=at)
    return {unit_id: found.get(unit_id, Place(PlaceKind.line)) for unit_id in asked}
