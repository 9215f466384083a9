"""Boards, lots and shipments for the tests of containment, each a sentence long."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from app.people import Role
from app.quality.containments import Contained, open_containment
from app.quality.dispositions import Disposition, disposition_units
from app.quality.holds import holds_on
from app.quality.shipping import pack, ship
from app.quality.terms import terms_of
from app.units.ownership import assign_customer
from tests.inbox.messages import completed, entry, initialized, installed, received, started, stored

ACTOR = "person:quinn"


def build(
    engine: Engine,
    *serials: str,
    package: str = "REEL-1",
    lot: str | None = "A17",
    order: str = "WO-1",
    when: float = 0,
) -> None:
    """Boards are begun, get one package of a lot, and are completed."""
    for serial in serials:
        transaction = uuid4()
        stored(
            engine,
            received((package, "R0603-10K", lot), when=when),
            initialized(None, serial, order=order, when=when),
            started(serial, transaction=transaction, order=order, when=when + 1),
            installed(entry(serial, package, ["R1", "R2"]), transaction=transaction, when=when + 2),
            completed(serial, transaction=transaction, when=when + 3),
        )


def unit_id(connection: Connection, serial: str) -> int:
    return int(connection.execute(text("SELECT unit_id FROM serial WHERE serial = :s"), {"s": serial}).scalar_one())


def unit_ids(connection: Connection, *serials: str) -> dict[int, str]:
    return {unit_id(connection, serial): serial for serial in serials}


def package_id(connection: Connection, identifier: str) -> int:
    asked = {"p": identifier}
    return int(connection.execute(text("SELECT package_id FROM package WHERE identifier = :p"), asked).scalar_one())


def contain(engine: Engine, reason: str = "Cracked bodies, 8D 4711.", **terms: Any) -> Contained:
    with engine.begin() as connection:
        return open_containment(connection, terms_of(terms), reason=reason, actor=ACTOR)


def held(engine: Engine, *serials: str) -> dict[str, list[bool]]:
    """For each serial that is on hold, whether each of its holds is by rule."""
    with engine.connect() as connection:
        ids = unit_ids(connection, *serials)
        return {ids[one]: [hold.by_rule for hold in holds] for one, holds in holds_on(connection, ids).items()}


def decide(
    engine: Engine, number: str, serials: Sequence[str], decision: str, role: Role = Role.quality_engineer, **more: Any
) -> int:
    with engine.begin() as connection:
        chosen = Disposition(decision)
        return disposition_units(
            connection, number, serials, chosen, reason="Measured.", actor=ACTOR, role=role, **more
        )


def send(engine: Engine, *serials: str, shipment: str = "SH-1", customer: str = "Acme", order: str = "WO-1") -> None:
    """Pack units for a customer and let the shipment leave."""
    with engine.begin() as connection:
        assign_customer(connection, work_order=order, customer=customer, actor=ACTOR)
        pack(connection, serials, shipment=shipment, customer=customer, actor=ACTOR)
        ship(connection, shipment, actor=ACTOR)
