"""What a station must hold, learned from what was scanned into its slots."""

from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import Conflict, Invalid
from app.lines.tools import station_id_of
from app.people import record_audit
from app.sentences import Sentence
from app.setup.requirements import SlotPlan, choose_setup, enter_setup, require_revision
from app.setup.state import setup_at

_PARTS = text(
    """
    SELECT package_id, part_number, part_revision FROM package
    WHERE package_id = ANY (CAST(:packages AS integer[])) AND part_number IS NOT NULL
    """
)


def learn_setup(
    connection: Connection,
    *,
    station: str,
    product_revision_id: int,
    side: str | None = None,
    at: datetime,
    actor: str,
) -> int:
    """Take what is verified in the slots now, lane by lane, as what they must hold; `unplanned` until it is planned.

    Raises `Conflict` where a setup is planned already, `Invalid` where nothing is verified or nobody knows the product.
    """
    station_id = station_id_of(connection, station)
    require_revision(connection, product_revision_id)
    chosen = choose_setup(connection, station_id, product_revision_id, side)
    if chosen is not None and chosen.side == side and not chosen.unplanned:
        raise Conflict(
            Sentence(
                "What %(station)s must hold for this product is planned already. Change the plan instead.",
                station=station,
            )
        )
    there = [
        slot
        for slot in setup_at(connection, station_id, product_revision_id=None, at=at).slots
        if slot.package_id is not None and slot.verified_at is not None
    ]
    asked = {"packages": sorted({slot.package_id for slot in there if slot.package_id is not None})}
    parts = {row.package_id: row for row in connection.execute(_PARTS, asked)}
    learned: dict[tuple[str, str], SlotPlan] = {}
    for slot in sorted(there, key=lambda one: (one.slot, one.lane or "", one.verified_at)):
        if slot.package_id in parts:  # of a splice both are there: what was scanned last goes on
            part = parts[slot.package_id]
            plan = SlotPlan(slot.slot, part.part_number, lane=slot.lane or "", part_revision=part.part_revision)
            learned[plan.slot, plan.lane] = plan
    slots = list(learned.values())
    if not slots:
        raise Invalid(
            Sentence(
                "Nothing in the slots of %(station)s is verified yet. Scan each slot and its reel first.",
                station=station,
            )
        )
    setup_id = enter_setup(connection, station_id, product_revision_id, side, None, slots, unplanned=True)
    record_audit(
        connection, actor=actor, deed="setup.learned", subject=f"station:{station}",
        product_revision_id=product_revision_id, side=side, slots={plan.slot: plan.part_number for plan in slots},
    )  # fmt: skip
    return setup_id
