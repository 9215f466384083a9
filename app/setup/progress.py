"""How far is an order at a station, how fast does the station work, and what does a unit take from each slot?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.sentences import Sentence
from app.setup.outlook import Pace
from app.setup.rules import Required


@dataclass(frozen=True, slots=True)
class Order:
    """A work order as planned. `quantity` is None where nobody said how many."""

    work_order_id: int
    number: str
    product_revision_id: int | None
    quantity: int | None


_ORDER = text("SELECT work_order_id, number, product_revision_id, quantity FROM work_order WHERE number = :number")
# A panel's work is that of its boards; one whose boards nobody named counts the positions that were spoken of.
_BOARDS = """
    greatest(1, cardinality(work.position_numbers), (
        SELECT count(DISTINCT position_number) FROM panel_position WHERE panel_id = work.unit_id
    ))
"""
_DONE = text(
    f"""
    -- How many units of this order did this station complete?
    SELECT coalesce(sum(boards), 0) FROM (
        SELECT max({_BOARDS}) AS boards
        FROM unit JOIN work_record AS work USING (unit_id)
        WHERE unit.work_order_id = :work_order AND work.station_id = :station AND work.completed_at <= :at
          AND (CAST(:side AS text) IS NULL OR work.surface IS NULL OR work.surface =
               CASE :side WHEN 'top' THEN 'PrimarySurface' ELSE 'SecondarySurface' END)
        GROUP BY unit_id
    ) AS done
    """
)
_PACE = text(
    f"""
    -- How many units did this station begin in its last works, and within how long?
    SELECT boards, started_at FROM (
        SELECT {_BOARDS} AS boards, started_at FROM work_record AS work
        WHERE station_id = :station AND started_at <= :at AND started_at > :at - interval '8 hours'
        ORDER BY started_at DESC LIMIT 50
    ) AS recent
    ORDER BY started_at
    """
)
_IN_BILL = text(
    """
    -- How often does a board have these parts, on this side or any, and in how many slots of all stations are they?
    SELECT asked.part_number, count(item.reference_designator) AS designators, (
            SELECT count(*) FROM required_slot JOIN required_setup USING (setup_id)
            WHERE product_revision_id = :revision AND required_slot.part_number = asked.part_number
              AND (CAST(:side AS text) IS NULL OR side IS NULL OR side = :side)
        ) AS slots
    FROM unnest(CAST(:parts AS text[])) AS asked (part_number)
    LEFT JOIN bom_item AS item ON item.product_revision_id = :revision AND item.part_number = asked.part_number
        AND (CAST(:side AS text) IS NULL OR item.side IS NULL OR item.side = :side)
    GROUP BY asked.part_number
    """
)


def order_of(connection: Connection, number: str) -> Order:
    """The work order of this number. Raises `NotFound`."""
    row = connection.execute(_ORDER, {"number": number.strip()}).one_or_none()
    if row is None:
        raise NotFound(
            Sentence("There is no work order %(number)s. Check its number, or plan it first.", number=number)
        )
    return Order(*row)


def units_done(connection: Connection, order: Order, station_id: int, side: str | None, *, at: datetime) -> int:
    """How many units of an order a station completed."""
    given = {"work_order": order.work_order_id, "station": station_id, "side": side, "at": at}
    return int(connection.execute(_DONE, given).scalar_one())


def pace_of(connection: Connection, station_id: int, *, at: datetime) -> Pace | None:
    """How fast a station worked lately, from its last 50 works within 8 hours; None where they are fewer than two."""
    works = connection.execute(_PACE, {"station": station_id, "at": at}).all()
    if len(works) < 2:
        return None
    # The last one is just begun: its units are not in the span.
    return Pace(sum(int(work.boards) for work in works[:-1]), works[-1].started_at - works[0].started_at)


def pieces_per_unit(
    connection: Connection, required: Sequence[Required], product_revision_id: int, side: str | None
) -> dict[tuple[str, str], float | None]:
    """What a unit takes from each (slot, lane): as planned, else the bill's designators shared by the part's slots.

    Where no slot was planned for a part, it is taken to be in one.
    """
    parts = sorted({one.part_number for one in required if one.pieces_per_unit is None})
    shares: dict[str, float] = {}
    if parts:
        given = {"revision": product_revision_id, "parts": parts, "side": side}
        for row in connection.execute(_IN_BILL, given):
            if row.designators:
                shares[row.part_number] = row.designators / (row.slots or 1)
    return {
        (one.slot, one.lane): one.pieces_per_unit if one.pieces_per_unit is not None else shares.get(one.part_number)
        for one in required
    }
