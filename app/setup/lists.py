"""Setup lists as they are planned: which there are, and what one says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from app.errors import Invalid, NotFound
from app.lines.tools import station_id_of
from app.sentences import Sentence
from app.setup.models import RequiredSetup
from app.setup.requirements import SlotPlan, require_setup


@dataclass(frozen=True, slots=True)
class SetupSummary:
    """What a station must hold for one side of a product revision; `slots` counts them. `side` None: for both."""

    setup_id: int
    station: str
    station_name: str | None
    product_revision_id: int
    part_number: str
    revision: str
    side: str | None
    unplanned: bool
    slots: int


_SETUPS = text(
    """
    SELECT setup_id, station.handle, station.name, product_revision_id, product.part_number, revision, side,
        required_setup.unplanned,
        (SELECT count(*) FROM required_slot WHERE required_slot.setup_id = required_setup.setup_id) AS slots
    FROM required_setup
    JOIN station USING (station_id)
    JOIN product_revision USING (product_revision_id)
    JOIN product USING (product_id)
    WHERE CAST(:setup AS integer) IS NULL OR setup_id = :setup
    ORDER BY product.part_number, revision, station.line_order NULLS LAST, station.handle, side NULLS FIRST
    """
)


def setups(connection: Connection) -> list[SetupSummary]:
    """Every setup list, by product and station."""
    return [SetupSummary(*row) for row in connection.execute(_SETUPS, {"setup": None})]


@dataclass(frozen=True, slots=True)
class ListedSlot:
    """A slot of a setup list as it was planned; `in_bill`: the product's bill of material asks for its part."""

    slot: str
    lane: str
    part_number: str
    part_revision: str | None
    alternates: tuple[str, ...]
    manufacturer_parts: tuple[str, ...]
    pieces_per_unit: float | None
    in_bill: bool


_SLOTS = text(
    """
    SELECT slot, lane, part_number, part_revision, alternates, manufacturer_parts, pieces_per_unit,
        EXISTS (
            SELECT FROM bom_item
            WHERE bom_item.product_revision_id = required_setup.product_revision_id
              AND bom_item.part_number = required_slot.part_number
        ) AS in_bill
    FROM required_slot JOIN required_setup USING (setup_id)
    WHERE setup_id = :setup
    ORDER BY length(slot), slot, lane
    """
)


def setup_list(connection: Connection, setup_id: int) -> tuple[SetupSummary, list[ListedSlot]]:
    """One setup list and its slots. Raises `NotFound`."""
    found = connection.execute(_SETUPS, {"setup": setup_id}).one_or_none()
    if found is None:
        raise NotFound(Sentence("That setup list is not known here. Look at the lists there are."))
    slots = [
        ListedSlot(slot, lane, part, revision, tuple(alternates), tuple(makers), pieces, in_bill)
        for slot, lane, part, revision, alternates, makers, pieces, in_bill in connection.execute(
            _SLOTS, {"setup": setup_id}
        )
    ]
    return SetupSummary(*found), slots


def setup_id_of(connection: Connection, *, station: str, product_revision_id: int, side: str | None) -> int:
    """The setup list of exactly this side; None: the one for both. Raises `NotFound`."""
    found = connection.scalar(
        select(RequiredSetup.setup_id).where(
            RequiredSetup.station_id == station_id_of(connection, station),
            RequiredSetup.product_revision_id == product_revision_id,
            RequiredSetup.side.is_not_distinct_from(side),
        )
    )
    if found is None:
        raise NotFound(Sentence("That setup list is not known here. Look at the lists there are."))
    return found


def require_listed(
    connection: Connection,
    listed: Mapping[str | None, Sequence[SlotPlan]],
    *,
    station: str | None,
    product_revision_id: int,
    side: str | None,
    actor: str,
) -> dict[str, int]:
    """Take a list that was read as what its stations must hold; `station` is that of slots that name none.

    Station -> setup list. Raises `Invalid`.
    """
    taken = {}
    for named, slots in listed.items():
        where = named or station
        if where is None:
            raise Invalid(Sentence("The list has no column of stations: give station."))
        taken[where] = require_setup(
            connection, station=where, product_revision_id=product_revision_id, side=side, slots=slots, actor=actor
        )
    return taken
