"""Where-used says of every unit where it is now, and counts by that."""

from uuid import uuid4

from sqlalchemy import Engine

from app.quality.shipping import pack, ship
from app.trace.question import Question
from app.trace.where_used import where_used
from app.units.ownership import assign_customer
from tests.containment.stories import ACTOR, build
from tests.inbox.messages import STATION, entry, installed, started, stored


def test_line_stock_packed_and_shipped_to_whom(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2", "SN-3")
    work = uuid4()
    stored(
        engine,
        started("SN-4", transaction=work, order="WO-1"),
        installed(entry("SN-4", "REEL-9", ["R9"]), transaction=work),
        *(installed(entry(f"SN-{number}", "REEL-9", ["R9"]), transaction=uuid4()) for number in (1, 2, 3)),
        installed(entry("SN-5", "REEL-9", ["R9"]), transaction=uuid4()),
    )
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Acme", actor=ACTOR)
        pack(connection, ["SN-2"], shipment="SH-2", customer="Acme", actor=ACTOR)
        pack(connection, ["SN-3"], shipment="SH-3", customer="Acme", actor=ACTOR)
        ship(connection, "SH-3", actor=ACTOR)

    with engine.connect() as connection:
        found = where_used(connection, Question(package="REEL-9"))

    assert {unit.serial: unit.place for unit in found.units} == {
        "SN-1": "in stock",
        "SN-2": "packed for Acme in SH-2",
        "SN-3": "shipped to Acme with SH-3",
        "SN-4": f"on the line, last at {STATION}",
        "SN-5": None,
    }
    assert found.counts.by_place == {
        "in stock": 1,
        "packed for Acme in SH-2": 1,
        "shipped to Acme with SH-3": 1,
        f"on the line, last at {STATION}": 1,
        "not on a line": 1,
    }
