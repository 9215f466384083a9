"""Between two orders: the last board of one has begun, the first of the next has not."""

from typing import Any

from sqlalchemy import Engine

from app.cfx.messages.storage import StationSetupRequirements
from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.interlock.station_setup import setup_reasons, wanted_setup
from app.lines.planning import StationPlan, plan_line
from app.setup.requirements import SlotPlan
from tests.inbox.messages import STATION, at, initialized, message, stored
from tests.setup.plant import R10K, R22K, begins, codes, order, plan, product, reel, scan, station

F1 = "M1.F.1"


def test_reels_are_for_the_recipe_that_was_activated(engine: Engine) -> None:
    for number, name, part in (("WO-1", "CTRL", R10K), ("WO-2", "NEXT", R22K)):
        made = product(engine, name, bill={"R1": part})
        order(engine, number, made, 10)
        if number == "WO-1":
            begins(engine, "WO-1", "SN-1", when=-100)
        plan(engine, made, SlotPlan(F1, part))
        reel(engine, f"P-{number}", part)
    assert codes(scan(engine, F1, "P-WO-2", when=-50)) == ["wrong_part"]
    activated = {"RecipeName": "next", "WorkOrderIdentifier": {"WorkOrderId": "WO-2"}}
    stored(engine, message("Production.RecipeActivated", activated, when=-40))
    assert codes(scan(engine, F1, "P-WO-1", when=-30)) == ["wrong_part"]
    assert scan(engine, F1, "P-WO-2", when=-20).accepted
    begins(engine, "WO-1", "SN-2", when=-10)  # one more of before
    assert codes(scan(engine, F1, "P-WO-2", when=-5)) == ["wrong_part"]


def test_a_recipe_without_an_order_is_not_the_board_before(engine: Engine) -> None:
    first = product(engine, "FIRST", bill={"R1": R10K})
    order(engine, "WO-1", first, 10)
    begins(engine, "WO-1", "SN-1", when=-100)
    plan(engine, first, SlotPlan(F1, R10K))
    reel(engine, "P-2", R22K)
    activated = {"RecipeName": "first", "Revision": "1"}
    stored(engine, message("Production.RecipeActivated", activated, when=-110))
    assert codes(scan(engine, F1, "P-2", when=-90)) == ["wrong_part"]
    stored(engine, message("Production.RecipeActivated", activated, when=-80))
    assert codes(scan(engine, F1, "P-2", when=-70)) == ["wrong_part"], "the machine was only started again"
    stored(engine, message("Production.RecipeActivated", {"RecipeName": "second", "Revision": "1"}, when=-60))
    assert scan(engine, F1, "P-2", when=-50).accepted, "what it is for, nobody said"
    with engine.connect() as connection:
        assert setup_reasons(connection, STATION, StationSetupRequirements(), at=at(0)) == []


def test_a_recipe_that_is_started_again_goes_on_for_what_it_was_activated_for(engine: Engine) -> None:
    station(engine)
    for number, name, part in (("WO-1", "FIRST", R10K), ("WO-2", "SECOND", R22K)):
        made = product(engine, name, bill={"R1": part})
        order(engine, number, made, 10)
        plan(engine, made, SlotPlan(F1, part))
        reel(engine, f"P-{number}", part)
    begins(engine, "WO-1", "SN-1", when=-100)
    activated = {"RecipeName": "second", "Revision": "1"}

    def says(when: float, **order: str) -> None:
        more = {"WorkOrderIdentifier": {"WorkOrderId": order["of"]}} if order else {}
        stored(engine, message("Production.RecipeActivated", activated | more, when=when))

    says(-90)
    says(-80)
    assert scan(engine, F1, "P-WO-2", when=-75).accepted, "twice without an order: still not the board before"
    says(-70, of="WO-2")
    says(-60)
    assert codes(scan(engine, F1, "P-WO-1", when=-55)) == ["wrong_part"], "started again for the same order"
    assert scan(engine, F1, "P-WO-2", when=-54).accepted
    says(-50, of="WO-9")
    assert scan(engine, F1, "P-WO-1", when=-45).accepted, "nobody knows that order"


def test_started_again_often_or_with_an_empty_order_it_is_the_same_order_and_the_side_is_the_one_said_last(
    engine: Engine,
) -> None:
    made = product(engine, "BOTH", bill={"R1": R10K, "R2": R22K})
    order(engine, "WO-1", made, 10)
    station(engine)
    plan(engine, made, SlotPlan(F1, R10K), side="top")
    plan(engine, made, SlotPlan(F1, R22K), side="bottom")
    reel(engine, "P-TOP", R10K)
    reel(engine, "P-BOTTOM", R22K)

    def activates(when: float, surface: str, **more: Any) -> None:
        body = {"RecipeName": "both", "Revision": "1", "RelevantSurface": surface, **more}
        stored(engine, message("Production.RecipeActivated", body, when=when))

    activates(-100, "PrimarySurface", WorkOrderIdentifier={"WorkOrderId": "WO-1"})
    for nth in range(25):
        activates(-90 + nth, "PrimarySurface", WorkOrderIdentifier={"WorkOrderId": ""})
    assert codes(scan(engine, F1, "P-BOTTOM", when=-60)) == ["wrong_part"]
    activates(-50, "SecondarySurface")
    assert codes(scan(engine, F1, "P-TOP", when=-40)) == ["wrong_part"]
    assert scan(engine, F1, "P-BOTTOM", when=-30).accepted


def test_the_gate_knows_the_order_of_a_recipe_that_was_started_again(engine: Engine) -> None:
    station(engine)
    for number, name in (("WO-1", "FIRST"), ("WO-2", "SECOND")):
        order(engine, number, product(engine, name), 10)
    plan(engine, 2, SlotPlan(F1, R10K))
    with engine.begin() as connection:
        plan_line(connection, name="L", stations=[StationPlan(STATION, operation="place")], actor="test")
        connection.exec_driver_sql(
            "INSERT INTO routing_operation (product_revision_id, sequence, operation) "
            "SELECT product_revision_id, 1, 'place' FROM product_revision"
        )
    stored(engine, initialized(None, "SN-1", order="WO-1", when=-200, source="Acme.Marker.1"))
    activated = {"RecipeName": "second", "Revision": "1"}
    with_order = activated | {"WorkOrderIdentifier": {"WorkOrderId": "WO-2"}}
    for body, when in ((with_order, -90), (activated, -80)):
        stored(engine, message("Production.RecipeActivated", body, when=when))
        with engine.begin() as connection:
            (verdict,) = ask(connection, station=STATION, units=[Asked("SN-1")], actor="test", at=at(when + 5))
            assert "wrong_product_revision" in {ground.code for ground in verdict.reasons}
            assert wanted_setup(connection, STATION, at=at(when + 5)) is not None
