"""Which unit does a person at a station mean?"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from app.errors import Invalid, NotFound
from app.scanning.formats import serial_formats
from app.scanning.rules import ScanKind, read_scan
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class UnitAtHand:
    """The unit a person scanned. `boards` are a panel's; a board has none."""

    unit_id: int
    serial: str
    product_revision_id: int | None
    product: str | None
    work_order: str | None
    customer: str | None
    boards: tuple[str, ...]


_UNIT = text(
    """
    -- What is the unit with this serial, and has its product a pattern for serials?
    SELECT unit.unit_id, unit.serial, product_revision_id,
        product.part_number || ' rev ' || product_revision.revision AS product, work_order.number AS work_order,
        customer.name AS customer,
        ARRAY(
            SELECT board.serial FROM panel_position JOIN unit AS board USING (unit_id)
            WHERE panel_position.panel_id = unit.unit_id
            GROUP BY board.serial ORDER BY min(panel_position.position_number), board.serial
        ) AS boards,
        EXISTS (SELECT FROM serial_pattern WHERE serial_pattern.product_id = product.product_id) AS has_pattern
    FROM serial JOIN unit USING (unit_id)
    LEFT JOIN customer USING (customer_id)
    LEFT JOIN work_order USING (work_order_id)
    LEFT JOIN product_revision USING (product_revision_id)
    LEFT JOIN product USING (product_id)
    WHERE serial.serial = :serial
    """
)


def unit_at_hand(connection: Connection, scan: str) -> UnitAtHand:
    """The unit a scan means. A screen never makes one: what a cut scan left is not a new unit.

    * A serial by its product's pattern and check character must be known.
    * Any other text must be exactly a known unit's, and of a product that has no pattern; else it may be what was left
      of a longer serial. A panel's own identifier is its machine's to choose, so it needs no pattern.

    Raises `Invalid` for a scan that is cut, garbled or not a unit's, `NotFound` for a serial nobody knows.
    """
    read = read_scan(scan, serial_formats(connection))
    if read.kind is ScanKind.refused:
        raise Invalid(read.sentence or Sentence("The scan is not whole. Scan again."))
    if read.kind not in {ScanKind.serial, ScanKind.other}:
        raise Invalid(Sentence("That is not a unit. Scan the unit's serial."))
    row = connection.execute(_UNIT, {"serial": read.value}).one_or_none()
    if row is None:
        raise NotFound(
            Sentence("%(unit)s is not known here. Scan again; if it stays so, ask the line lead.", unit=read.value)
        )
    if read.kind is ScanKind.other and row.has_pattern and not row.boards:
        raise Invalid(
            Sentence(
                "%(unit)s is not how serials of %(product)s look; part of the scan may be missing.",
                unit=read.value,
                product=row.product,
            )
        )
    return UnitAtHand(
        row.unit_id, row.serial, row.product_revision_id, row.product, row.work_order, row.customer, tuple(row.boards)
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """A station as its screen shows it. `in_work` is the unit that was started here last and is not completed."""

    station_id: int
    handle: str
    title: str
    line: str | None
    operation: str | None
    policy: str
    locked: str | None
    done_today: int
    in_work: str | None
    transaction: UUID | None


_BENCH = text(
    """
    -- What does this station's screen show before anything is scanned?
    SELECT station.station_id, station.handle,
        coalesce(
            station.name, upper(left(station.operation, 1)) || replace(substr(station.operation, 2), '_', ' '),
            station.handle
        ) AS title,
        line.name AS line, station.operation, coalesce(gate_policy.policy, 'fail_closed') AS policy,
        (SELECT reason FROM station_lock WHERE station_lock.station_id = station.station_id AND unlocked_at IS NULL)
            AS locked,
        (SELECT count(*) FROM work_record AS done
         WHERE done.station_id = station.station_id AND done.started_at >= date_trunc('day', now())
           AND done.completed_at IS NOT NULL AND done.result = 'Completed') AS done_today,
        open.serial AS in_work, open.transaction_id
    FROM station
    LEFT JOIN line USING (line_id)
    LEFT JOIN gate_policy USING (station_id)
    LEFT JOIN LATERAL (
        SELECT unit.serial, work.transaction_id, work.completed_at
        FROM work_record AS work JOIN unit USING (unit_id)
        WHERE work.station_id = station.station_id
        ORDER BY work.started_at DESC LIMIT 1
    ) AS open ON open.completed_at IS NULL
    WHERE station.handle = :handle
    """
)


def bench(connection: Connection, handle: str) -> Bench:
    """A station's screen. Raises `NotFound` for a station nobody planned and that never spoke."""
    row = connection.execute(_BENCH, {"handle": handle}).one_or_none()
    if row is None:
        raise NotFound(
            Sentence(
                "There is no station %(station)s. Scan the code at the station, or choose one from the list.",
                station=handle,
            )
        )
    return Bench(*row)


_BEGUN = text(
    """
    -- When did this work on the unit begin, and was it told to have been a mistake?
    SELECT min(started_at), coalesce(bool_or(result = 'Aborted'), false) FROM work_record
    WHERE unit_id = :unit AND transaction_id = :transaction
    """
)


def begun_and_undone(connection: Connection, unit_id: int, transaction: UUID) -> tuple[datetime | None, bool]:
    """When work on a unit began, None where nobody told, and whether it was undone already."""
    begun, undone = connection.execute(_BEGUN, {"unit": unit_id, "transaction": transaction}).one()
    return begun, undone
