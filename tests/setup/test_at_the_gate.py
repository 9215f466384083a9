"""A reel that outlives its floor life in the middle of an order: warned of before, stopped after, baked, on it goes."""

from sqlalchemy import Engine

from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.interlock.verdicts import Verdict
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Handling
from app.setup.requirements import SlotPlan
from tests.inbox.messages import STATION, at, initialized, message, stored
from tests.setup.plant import C100N, R22K, order, plan, product, reel, scan, station

HOUR = 3600.0
ORDER = "WO-1"


def asked(engine: Engine, when: float) -> Verdict:
    """The verdict on the next board, so many hours into the story."""
    with engine.begin() as connection:
        (verdict,) = ask(connection, station=STATION, units=[Asked("SN-1")], actor="test", at=at(when * HOUR))
    return verdict


def line(engine: Engine) -> int:
    """A mounter that runs an order of 1,000 boards, with P-2 verified in its slot; the product revision."""
    station(engine)
    revision = product(engine)
    order(engine, ORDER, revision, 1000)
    plan(engine, revision, SlotPlan("F2", C100N))
    reel(engine, "P-2", C100N, quantity=5000)
    activated = {"RecipeName": "top", "WorkOrderIdentifier": {"WorkOrderId": ORDER}}
    stored(
        engine,
        message("Production.RecipeActivated", activated, when=-60),
        initialized(None, "SN-1", order=ORDER, when=-30, source="Acme.Marker.1"),
    )
    return revision


def codes(verdict: Verdict) -> set[str]:
    return {ground.code for ground in verdict.reasons}


def test_warned_before_and_blocked_after(engine: Engine) -> None:
    revision = line(engine)
    assert scan(engine, "F2", "P-2", product_revision_id=revision).accepted  # a scan is judged as of now
    with engine.begin() as connection:
        set_handling(connection, [Handling(C100N, moisture_level="5a")], actor="test")
        state_packages(connection, ["P-2"], Happened.opened, at=at(-16 * HOUR), actor="test")
    assert "The floor life of package P-2" not in " ".join(asked(engine, 3).warnings)
    soon = asked(engine, 5)
    assert "The floor life of package P-2 (MSL 5a) ends at 2026-11-20 14:00 UTC." in " ".join(soon.warnings)
    assert "floor_life_over" not in codes(soon)
    (stopped,) = [ground for ground in asked(engine, 8).reasons if ground.code == "floor_life_over"]
    assert "P-2 passed its floor life (MSL 5a, 24 h) at 2026-11-20 14:00 UTC." in stopped.sentence
    assert stopped.clears.startswith("Bake it")
    with engine.begin() as connection:
        state_packages(connection, ["P-2"], Happened.restored, at=at(9 * HOUR), actor="test")
    assert "floor_life_over" not in codes(asked(engine, 10))


def test_a_wrong_reel_at_the_feeder_stops_the_next_board_until_the_right_one_is_scanned(engine: Engine) -> None:
    revision = line(engine)
    reel(engine, "P-9", R22K)
    assert {"slot_empty"} <= codes(asked(engine, 0.1))
    assert not scan(engine, "F2", "P-9", product_revision_id=revision, when=600).accepted
    assert {"slot_empty", "location_blocked"} <= codes(asked(engine, 0.2))
    assert scan(engine, "F2", "P-2", product_revision_id=revision, when=1200).accepted
    assert not {"slot_empty", "location_blocked", "wrong_part"} & codes(asked(engine, 0.5))
