"""A mounter, a product with a bill, and reels: what the tests of setups stand on."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, text

from app.materials.receiving import Arrival, receive_package
from app.orders.planning import plan_work_order
from app.products.models import ApprovedPart, BomItem, Product, ProductRevision
from app.setup.requirements import SlotPlan, require_setup
from app.setup.state import Setup, SlotState, setup_at
from app.setup.verification import Check, verify_loading
from tests.inbox.messages import STATION, at, initialized, message, started, stored

OTHER = "Acme.Mounter.2"
R10K, C100N, R22K = "R0603-10K", "C0603-100N", "R0603-22K"


def product(
    engine: Engine,
    part_number: str = "CTRL",
    *,
    bill: dict[str, str] | None = None,
    approved: dict[str, str] | None = None,
) -> int:
    """A product revision with a bill (designator -> part number); its id."""
    with engine.begin() as connection:
        made = connection.execute(
            insert(Product).values(part_number=part_number).returning(Product.product_id)
        ).scalar_one()
        revision: int = connection.execute(
            insert(ProductRevision).values(product_id=made, revision="A").returning(ProductRevision.product_revision_id)
        ).scalar_one()
        items = bill or {"R1": R10K, "R2": R10K, "C1": C100N}
        connection.execute(
            insert(BomItem),
            [{"product_revision_id": revision, "reference_designator": n, "part_number": p} for n, p in items.items()],
        )
        for part, alternate in (approved or {}).items():
            connection.execute(
                insert(ApprovedPart).values(
                    product_revision_id=revision, part_number=part, alternate_part_number=alternate
                )
            )
    return revision


def station(engine: Engine, handle: str = STATION) -> None:
    """A station that has spoken once."""
    stored(engine, message("Heartbeat", {"CFXHandle": handle}, source=handle))


def reel(engine: Engine, identifier: str, part_number: str | None = R10K, **more: Any) -> None:
    """A package received at goods-in."""
    with engine.begin() as connection:
        receive_package(connection, Arrival(identifier=identifier, part_number=part_number, **more), actor="test")


def plan(engine: Engine, revision: int, *slots: SlotPlan, handle: str = STATION, side: str | None = None) -> None:
    """What a station must hold."""
    with engine.begin() as connection:
        require_setup(connection, station=handle, product_revision_id=revision, side=side, slots=slots, actor="test")


def scan(engine: Engine, slot: str, label: str, *, when: float = 0, handle: str = STATION, **more: Any) -> Check:
    """Scan the slot, then the reel."""
    with engine.begin() as connection:
        return verify_loading(
            connection, station=handle, slot=slot, label=label, actor="person:ann", at=at(when), **more
        )


def setup(
    engine: Engine, revision: int | None, *, when: float = 100, handle: str = STATION, side: str | None = None
) -> Setup:
    """The station's setup at a moment."""
    with engine.connect() as connection:
        return setup_at(
            connection, station_id(connection, handle), product_revision_id=revision, side=side, at=at(when)
        )


def slot_of(found: Setup, slot: str) -> SlotState:
    """The only state of a slot."""
    (one,) = [state for state in found.slots if state.slot == slot]
    return one


def station_id(connection: Connection, handle: str = STATION) -> int:
    """The station's id."""
    return int(connection.execute(text("SELECT station_id FROM station WHERE handle = :h"), {"h": handle}).scalar_one())


def codes(found: Setup | SlotState | Check) -> list[str]:
    """The codes of its reasons."""
    return [reason.code for reason in found.reasons]


def order(engine: Engine, number: str, revision: int, quantity: int) -> None:
    """A planned work order."""
    with engine.begin() as connection:
        plan_work_order(connection, number=number, product_revision_id=revision, quantity=quantity, actor="test")


def begins(engine: Engine, number: str, serial: str, *, when: float, handle: str = STATION) -> None:
    """A unit of an order is begun at a station."""
    stored(
        engine,
        initialized(None, serial, order=number, when=when - 1, source="Acme.Marker.1"),
        started(serial, transaction=uuid4(), order=number, when=when, source=handle),
    )


def now() -> datetime:
    """The moment the stories begin."""
    return at(0)
