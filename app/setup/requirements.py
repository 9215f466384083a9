"""What a station must hold to build a product revision: planned from a list, or learned from what was loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import Invalid
from app.lines.tools import station_id_of
from app.people import record_audit
from app.products.models import ProductRevision
from app.sentences import Sentence
from app.setup.models import RequiredSetup, RequiredSlot
from app.setup.rules import Required

SIDES = ("top", "bottom")


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """What one slot must hold. `pieces_per_unit` is None where the bill of material tells it."""

    slot: str
    part_number: str
    lane: str = ""
    part_revision: str | None = None
    alternates: tuple[str, ...] = ()
    manufacturer_parts: tuple[str, ...] = ()
    pieces_per_unit: float | None = None


@dataclass(frozen=True, slots=True)
class ChosenSetup:
    """The required setup that counts for a station, a product revision and a side.

    `slots` have the alternates of the product revision in them.
    """

    setup_id: int
    side: str | None
    name: str | None
    unplanned: bool
    slots: tuple[Required, ...]


def require_setup(
    connection: Connection,
    *,
    station: str,
    product_revision_id: int,
    side: str | None = None,
    name: str | None = None,
    slots: Sequence[SlotPlan],
    actor: str,
) -> int:
    """Say what a station must hold, in place of what was said before; returns the setup's id. Raises `Invalid`."""
    _refuse_odd(slots, side)
    station_id = station_id_of(connection, station)
    require_revision(connection, product_revision_id)
    setup_id = enter_setup(connection, station_id, product_revision_id, side, name, slots, unplanned=False)
    record_audit(
        connection, actor=actor, deed="setup.required", subject=f"station:{station}",
        product_revision_id=product_revision_id, side=side, slots={plan.slot: plan.part_number for plan in slots},
    )  # fmt: skip
    return setup_id


def enter_setup(
    connection: Connection,
    station_id: int,
    product_revision_id: int,
    side: str | None,
    name: str | None,
    slots: Sequence[SlotPlan],
    *,
    unplanned: bool,
) -> int:
    """Keep what a station must hold, in place of what was kept before; returns the setup's id."""
    setup_id = connection.execute(
        upsert(RequiredSetup)
        .values(
            station_id=station_id, product_revision_id=product_revision_id, side=side, name=name, unplanned=unplanned
        )
        .on_conflict_do_update(
            index_elements=[RequiredSetup.product_revision_id, RequiredSetup.station_id, RequiredSetup.side],
            set_={"name": name, "unplanned": unplanned},
        )
        .returning(RequiredSetup.setup_id)
    ).scalar_one()
    connection.execute(delete(RequiredSlot).where(RequiredSlot.setup_id == setup_id))
    connection.execute(
        insert(RequiredSlot),
        [
            {
                "setup_id": setup_id,
                "slot": plan.slot.strip(),
                "lane": plan.lane.strip(),
                "part_number": plan.part_number.strip(),
                "part_revision": plan.part_revision,
                "alternates": list(plan.alternates),
                "manufacturer_parts": list(plan.manufacturer_parts),
                "pieces_per_unit": plan.pieces_per_unit,
            }
            for plan in slots
        ],
    )
    return int(setup_id)


def require_revision(connection: Connection, product_revision_id: int) -> None:
    """Raise `Invalid` where nobody knows the product revision."""
    known = select(ProductRevision.revision).where(ProductRevision.product_revision_id == product_revision_id)
    if connection.execute(known).one_or_none() is None:
        raise Invalid(
            Sentence(
                "There is no product revision %(number)s. GET /api/v1/products lists them.", number=product_revision_id
            )
        )


def _refuse_odd(slots: Sequence[SlotPlan], side: str | None) -> None:
    if side is not None and side not in SIDES:
        raise Invalid(
            Sentence(
                "A side is top or bottom, not %(side)s. Leave it out where the setup serves both.", side=repr(side)
            )
        )
    if not slots:
        raise Invalid(Sentence("A setup names at least one slot and the part that belongs there."))
    seen: set[tuple[str, str]] = set()
    for plan in slots:
        place = plan.slot.strip(), plan.lane.strip()
        if not place[0] or not plan.part_number.strip():
            raise Invalid(Sentence("Each line of a setup needs a slot and a part_number."))
        if place in seen:
            raise Invalid(Sentence("Slot %(slot)s is given twice. Name the lanes where it has several.", slot=place[0]))
        if plan.pieces_per_unit is not None and not 0 < plan.pieces_per_unit <= 1e6:
            raise Invalid(
                Sentence(
                    "Slot %(slot)s: pieces_per_unit is above 0, not %(pieces)s.",
                    slot=place[0],
                    pieces=plan.pieces_per_unit,
                )
            )
        seen.add(place)


_CHOSEN = text(
    """
    -- Which setup counts, what must its slots hold, and what may they hold in its place?
    WITH known AS (
        SELECT * FROM required_setup WHERE station_id = :station AND product_revision_id = :revision
    ), chosen AS (
        SELECT * FROM known
        WHERE side IS NOT DISTINCT FROM CAST(:side AS text) OR side IS NULL
           OR (CAST(:side AS text) IS NULL AND (SELECT count(*) FROM known) = 1)
        ORDER BY side IS NOT DISTINCT FROM CAST(:side AS text) DESC LIMIT 1
    )
    SELECT chosen.setup_id, chosen.side, chosen.name, chosen.unplanned, slot.slot, slot.part_number, slot.lane,
        slot.part_revision, slot.manufacturer_parts, slot.pieces_per_unit,
        slot.alternates || ARRAY(
            SELECT alternate_part_number FROM approved_part
            WHERE approved_part.product_revision_id = chosen.product_revision_id
              AND approved_part.part_number = slot.part_number
        ) AS alternates,
        ARRAY(
            SELECT DISTINCT alternate_part_number FROM approved_part WHERE approved_part.part_number = slot.part_number
        ) AS approved_elsewhere
    FROM chosen LEFT JOIN required_slot AS slot USING (setup_id)
    ORDER BY slot.slot, slot.lane
    """
)


_HAS_SIDES = text(
    """
    SELECT count(*) > 1 AND bool_and(side IS NOT NULL) FROM required_setup
    WHERE station_id = :station AND product_revision_id = :revision
    """
)


def has_sides(connection: Connection, station_id: int, product_revision_id: int) -> bool:
    """Whether the sides of a product have a setup each here, and none is for both."""
    asked = {"station": station_id, "revision": product_revision_id}
    found: bool = connection.execute(_HAS_SIDES, asked).scalar_one()
    return found


def choose_setup(
    connection: Connection, station_id: int, product_revision_id: int, side: str | None
) -> ChosenSetup | None:
    """The setup of this side; else the one for either side; else, where no side is known, the only one there is."""
    asked = {"station": station_id, "revision": product_revision_id, "side": side}
    rows = connection.execute(_CHOSEN, asked).all()
    if not rows:
        return None
    setup = rows[0]
    slots = tuple(
        Required(
            slot=row.slot,
            part_number=row.part_number,
            lane=row.lane,
            part_revision=row.part_revision,
            alternates=frozenset(row.alternates),
            manufacturer_parts=frozenset(row.manufacturer_parts),
            approved_elsewhere=frozenset(row.approved_elsewhere),
            pieces_per_unit=row.pieces_per_unit,
        )
        for row in rows
        if row.slot is not None
    )
    return ChosenSetup(setup.setup_id, setup.side, setup.name, setup.unplanned, slots)


def required_setup(
    connection: Connection, station_id: int, product_revision_id: int, side: str | None = None
) -> list[Required]:
    """What a station must hold for a product revision; empty where nobody said."""
    chosen = choose_setup(connection, station_id, product_revision_id, side)
    return [] if chosen is None else list(chosen.slots)
