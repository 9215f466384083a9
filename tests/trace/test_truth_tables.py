"""Made-from and where-used against small stories written down by hand."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from app.errors import NotFound
from app.orders.planning import plan_work_order
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import WhereUsed, where_used
from tests.inbox.messages import entry, initialized, installed, message, positions, received, stored, uninstalled


def carrying(connection: Connection, customer_id: int | None = None, **asked: Any) -> WhereUsed:
    return where_used(connection, Question(**asked), customer_id=customer_id)


def serials(answer: WhereUsed) -> dict[str, list[str]]:
    return {unit.serial: unit.reference_designators for unit in answer.units}


def test_rejected_then_placed_is_placed_and_only_rejected_is_not_there(engine: Engine) -> None:
    stored(
        engine,
        installed(entry("SN-1", "REEL-1", ["R1"], rejected=["R1"]), transaction=uuid4()),
        installed(entry("SN-2", "REEL-1", [], rejected=["R1"]), transaction=uuid4()),
    )
    with engine.connect() as connection:
        assert serials(carrying(connection, package="REEL-1")) == {"SN-1": ["R1"]}
        assert made_from(connection, "SN-2").installations == []


def test_a_splice_in_the_middle_of_a_board_gives_each_package_its_own_designators(engine: Engine) -> None:
    stored(engine, installed(entry("SN-1", "REEL-1", ["R1", "R2"]), entry("SN-1", "REEL-2", ["R3"])))
    with engine.connect() as connection:
        assert serials(carrying(connection, package="REEL-1")) == {"SN-1": ["R1", "R2"]}
        assert serials(carrying(connection, package="REEL-2")) == {"SN-1": ["R3"]}


def test_a_part_taken_out_of_one_board_is_still_in_the_other_and_put_back_is_there_again(engine: Engine) -> None:
    panel = [entry("PANEL", "REEL-1", ["R5"], position=place) for place in (1, 2)]
    stored(
        engine,
        initialized("PANEL", ("SN-1", 1), ("SN-2", 2), when=0),
        installed(*panel, when=1),
        uninstalled("SN-2", ["R5"], when=2),
        installed(entry("SN-2", "REEL-1", ["R5"]), when=3),
    )
    with engine.connect() as connection:
        assert [part.removed_at for part in made_from(connection, "SN-1").installations] == [None]
        removed = [part.removed_at is not None for part in made_from(connection, "SN-2").installations]
        assert sorted(removed) == [False, True]
        assert sum(part.removed_at is not None for part in made_from(connection, "PANEL").installations) == 1
        assert set(serials(carrying(connection, package="REEL-1"))) == {"SN-1", "SN-2"}


def test_assemblies_around_a_board_are_found_level_by_level_and_a_cycle_ends(engine: Engine) -> None:
    stored(
        engine,
        installed(entry("BOARD", "REEL-1", ["R1"]), when=0),
        installed(entry("MODULE", None, children=[("U1", "BOARD")], slot=None), when=1),
        installed(entry("BOX", "MODULE", ["U2"], slot=None), when=2),
        installed(entry("RACK", None, children=[("U3", "BOX")], slot=None), when=3),
        installed(entry("BOARD", None, children=[("X", "RACK")], slot=None), when=4),
    )
    with engine.connect() as connection:
        answer = carrying(connection, package="REEL-1")
        via = {unit.serial: unit.via for unit in answer.units}
        assert via == {"BOARD": None, "MODULE": "BOARD", "BOX": "MODULE", "RACK": "BOX"}
        assert {unit.serial for unit in carrying(connection, serial="MODULE").units} >= {"BOX", "RACK"}


def test_a_lot_is_its_packages_and_what_was_cut_off_them(engine: Engine) -> None:
    cut = {"SourceMaterialPackageIdentifier": "REEL-1", "NewMaterialPackageIdentifier": "REEL-1-CUT"}
    stored(
        engine,
        received(("REEL-1", "PN-1", "LOT/7+"), ("REEL-2", "PN-2", "LOT/7+")),
        message("Materials.Management.MaterialsSplit", cut, when=1),
        installed(entry("SN-1", "REEL-1-CUT", ["R1"]), entry("SN-2", "REEL-2", ["R2"]), when=2),
    )
    with engine.connect() as connection:
        assert set(serials(carrying(connection, lot="LOT/7+"))) == {"SN-1", "SN-2"}
        assert set(serials(carrying(connection, lot="LOT/7+", part_number="PN-1"))) == {"SN-1"}


def test_a_carrier_used_again_gives_each_board_its_own_parts(engine: Engine) -> None:
    batch = []
    for turn, serial in enumerate(("SN 1/+", "SN%2", "00000000000000000003")):
        arrived = {"PrimaryIdentifier": "CARRIER", "Units": positions([(serial, 1)])}
        batch += [
            message("Production.UnitsArrived", arrived, when=turn * 100),
            installed(entry("CARRIER", f"REEL-{turn}", ["R1"], position=1), when=turn * 100 + 10),
        ]
    stored(engine, *reversed(batch))
    with engine.connect() as connection:
        for turn, serial in enumerate(("SN 1/+", "SN%2", "00000000000000000003")):
            assert [part.package for part in made_from(connection, serial).installations] == [f"REEL-{turn}"]
            assert serials(carrying(connection, package=f"REEL-{turn}")) == {serial: ["R1"]}


def test_a_customer_sees_every_unit_of_his_own_and_no_other(engine: Engine) -> None:
    with engine.begin() as connection:
        plan_work_order(connection, number="WO-A", customer="Alpha", actor="test")
        plan_work_order(connection, number="WO-B", customer="Beta", actor="test")
    stored(
        engine,
        initialized(None, "A-1", order="WO-A"),
        initialized(None, "B-1", order="WO-B"),
        installed(entry("A-1", "REEL-1", ["R1"]), entry("B-1", "REEL-1", ["R1"]), entry("SUB", "REEL-1", ["R9"])),
        installed(entry("A-1", "REEL-9", ["R2"])),
        initialized(None, "A-BOX", order="WO-A", when=1),
        installed(entry("A-BOX", None, children=[("U1", "SUB")], slot=None), when=2),
    )
    with engine.connect() as connection:
        alpha = connection.execute(text("SELECT customer_id FROM customer WHERE name = 'Alpha'")).scalar_one()
        answer = carrying(connection, alpha, package="REEL-1")
        assert {unit.serial for unit in answer.units} == {"A-1", "A-BOX"}
        assert answer.counts.exact == 2
        for unknown in ("B-1", "NOBODY"):
            with pytest.raises(NotFound):
                made_from(connection, unknown, customer_id=alpha)
            with pytest.raises(NotFound, match=f"No unit {unknown} is known here"):
                carrying(connection, alpha, serial=unknown)
        assert carrying(connection, alpha, serial="A-1").units == [], "their own is known"
        assert [unit.serial for unit in carrying(connection, alpha, serial="SUB").units] == ["A-BOX"]
        beta = connection.execute(text("SELECT customer_id FROM customer WHERE name = 'Beta'")).scalar_one()
        for package in ("REEL-9", "NONE"):
            with pytest.raises(NotFound, match=f"No package {package} is known here"):
                carrying(connection, beta, package=package)


def test_pages_give_each_unit_exactly_once(engine: Engine) -> None:
    stored(engine, *(installed(entry(f"SN-{number}", "REEL-1", ["R1"])) for number in range(25)))
    with engine.connect() as connection:
        found, cursor = [], None
        while True:
            page = where_used(connection, Question(package="REEL-1"), cursor=cursor, limit=4)
            found += [unit.serial for unit in page.units]
            cursor = page.next
            if cursor is None:
                break
        assert sorted(found) == sorted(f"SN-{number}" for number in range(25))
        with pytest.raises(NotFound):
            carrying(connection, package="REEL-NONE")
