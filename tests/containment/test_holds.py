"""What is on hold: by a hold that was written, by rule, through a panel, through a sub-assembly."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.people import Role
from app.quality.containments import release_containment
from app.quality.dispositions import Disposition, disposition_packages
from app.quality.holds import holds_on, write_holds_seen
from app.quality.package_holds import held_packages
from app.trace.made_from import made_from
from tests.containment.stories import ACTOR, build, contain, decide, held, package_id, unit_id
from tests.containment.test_dispositions import inspected
from tests.inbox.messages import (
    STATION,
    at,
    completed,
    count,
    entry,
    initialized,
    installed,
    message,
    received,
    started,
    stored,
    uninstalled,
)
from tests.trace.reels import joined, split


def test_nothing_is_on_hold_where_nothing_was_contained(engine: Engine) -> None:
    build(engine, "SN-1")
    assert held(engine, "SN-1") == {}
    with engine.connect() as connection:
        assert holds_on(connection, ()) == {}
        assert holds_on(connection, [999_999]) == {}


def test_a_unit_that_gets_a_contained_package_later_is_held_with_the_report(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    build(engine, "SN-2", package="REEL-2", when=50)  # another reel of the lot
    build(engine, "SN-3", package="REEL-9", lot="B2", when=60)
    assert held(engine, "SN-1", "SN-2", "SN-3") == {"SN-1": [False], "SN-2": [False]}
    assert count(engine, "unit_hold", "later") == 1
    with engine.connect() as connection:
        (hold,) = holds_on(connection, [unit_id(connection, "SN-2")])[unit_id(connection, "SN-2")]
    assert hold.containment == done.number
    assert "put package REEL-2 on it" in hold.sentence
    assert done.number in hold.clears


def test_whatever_a_station_tells_of_a_unit_in_a_window_puts_it_under_its_containment(engine: Engine) -> None:
    build(engine, "SN-1")
    contain(engine, station=STATION, since=at(0), until=at(100))
    of_its_own = message("Production.ReworkAndRepair.UnitsRepaired", {"RepairedUnits": [{"UnitIdentifier": "SN-4"}]})
    stored(
        engine,
        installed(entry("SN-2", "REEL-9", ["R1"]), when=10),
        inspected("SN-3", "Passed", 20, source=STATION),
        of_its_own,
        inspected("SN-5", "Passed", 200, source=STATION),
        inspected("SN-6", "Passed", 20),
    )
    assert held(engine, *(f"SN-{number}" for number in range(1, 7))) == {f"SN-{one}": [False] for one in range(1, 5)}


def test_what_a_contained_unit_is_built_into_later_is_held_with_the_report(engine: Engine) -> None:
    build(engine, "CHILD", "BOX-1", "BOX-2", "BOX-3")
    stored(engine, installed(entry("BOX-1", None, children=[("A1", "CHILD")]), when=20))
    contain(engine, serial="CHILD")
    stored(
        engine,
        uninstalled("BOX-1", children=[("A1", "CHILD")], when=30),
        installed(entry("BOX-2", None, children=[("A1", "CHILD")]), when=40),
    )
    assert held(engine, "BOX-1", "BOX-2", "BOX-3") == {"BOX-1": [False], "BOX-2": [False]}


def test_a_package_whose_lot_becomes_known_later_catches_what_was_built_before(engine: Engine) -> None:
    build(engine, "SN-1")
    stored(engine, installed(entry("SN-2", "REEL-2", ["R1"])))
    contain(engine, lot="A17")
    assert held(engine, "SN-2") == {}
    stored(engine, received(("REEL-2", "R0603-10K", "A17")))
    assert held(engine, "SN-2") == {"SN-2": [True]}
    for written in (1, 0):
        with engine.begin() as connection:
            assert write_holds_seen(connection, [unit_id(connection, "SN-2")]) == written
    assert held(engine, "SN-2") == {"SN-2": [False]}


def test_what_was_split_off_or_spliced_to_a_contained_package_counts(engine: Engine) -> None:
    build(engine, "SN-1")
    contain(engine, package="REEL-1")
    chained = entry("SN-3", "REEL-5", ["R1"])
    chained["Material"]["JoinedMaterialPackages"] = [{"UniqueIdentifier": "REEL-1"}]
    stored(
        engine,
        split("REEL-1", "REEL-1A", 100, when=40),
        installed(entry("SN-2", "REEL-1A", ["R1"]), when=50),
        joined("REEL-5", "REEL-1", when=55),
    )
    assert held(engine, "SN-2") == {"SN-2": [False]}
    with engine.connect() as connection:
        asked = [package_id(connection, one) for one in ("REEL-1", "REEL-1A", "REEL-5")]
        found = held_packages(connection, asked)
    assert set(found) == set(asked[:2])


def test_a_contained_package_is_a_reason_for_the_feeder(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    stored(engine, received(("REEL-7", "R0603-10K", "A17"), ("REEL-8", "R0603-10K", "B2")))
    with engine.connect() as connection:
        asked = [package_id(connection, one) for one in ("REEL-1", "REEL-7", "REEL-8")]
        reasons = held_packages(connection, asked)
        assert sorted(reasons) == sorted(asked[:2])
        assert {reason.code for reason in reasons.values()} == {"package_held"}
        assert all(done.number in reason.clears for reason in reasons.values())


def test_a_package_that_was_found_good_is_used_again(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    with engine.begin() as connection:
        disposition_packages(
            connection, done.nonconformance, ["REEL-1"], Disposition.released, reason="Measured.", actor=ACTOR,
            role=Role.quality_engineer,
        )  # fmt: skip
    build(engine, "SN-2", package="REEL-1", when=50)
    with engine.connect() as connection:
        assert held_packages(connection, [package_id(connection, "REEL-1")]) == {}
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False]}


def test_so_is_one_that_only_a_machine_named(engine: Engine) -> None:
    stored(engine, installed(entry("SN-1", "REEL-7", ["R1"], part_number="R0603-10K"), when=10))
    done = contain(engine, part_number="R0603-10K")
    with engine.begin() as connection:
        disposition_packages(
            connection, done.nonconformance, ["REEL-7"], Disposition.released, reason="Measured.", actor=ACTOR,
            role=Role.quality_engineer,
        )  # fmt: skip
    stored(engine, installed(entry("SN-2", "REEL-7", ["R1"], part_number="R0603-10K"), when=20))
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False]}


def test_a_window_at_a_station_holds_units_and_no_packages(engine: Engine) -> None:
    build(engine, "SN-1")
    contain(engine, lot="A17", station="Acme.Mounter.1")
    with engine.connect() as connection:
        assert held_packages(connection, [package_id(connection, "REEL-1")]) == {}


def test_a_contained_tool_catches_what_it_touches_later(engine: Engine) -> None:
    first, second = uuid4(), uuid4()
    tool = {"UsedTools": [{"Tool": {"UniqueIdentifier": "STENCIL-7"}}]}
    for serial, transaction, when in (("SN-1", first, 0), ("SN-2", second, 50)):
        if serial == "SN-2":
            contain(engine, tool="STENCIL-7")
        stored(
            engine,
            started(serial, transaction=transaction, when=when),
            message("Production.ToolsUsed", {"TransactionID": str(transaction), **tool}, when=when + 1),
        )
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False], "SN-2": [False]}


def test_of_several_terms_each_must_hold_of_a_unit_that_is_caught_later(engine: Engine) -> None:
    def used(serial: str, package: str, tool: str, when: int) -> None:
        work = uuid4()
        told = {"UsedTools": [{"Tool": {"UniqueIdentifier": tool}}], "TransactionID": str(work)}
        stored(
            engine,
            started(serial, transaction=work, when=when),
            message("Production.ToolsUsed", told, when=when + 1),
        )
        build(engine, serial, package=package, when=when + 2, lot="A17" if package == "REEL-1" else "B2")

    used("SN-1", "REEL-1", "STENCIL-7", 0)
    contain(engine, lot="A17", tool="STENCIL-7")
    used("SN-2", "REEL-9", "STENCIL-7", 50)
    used("SN-3", "REEL-1", "STENCIL-8", 100)
    used("SN-4", "REEL-1", "STENCIL-7", 150)

    assert held(engine, "SN-1", "SN-2", "SN-3", "SN-4") == {"SN-1": [False], "SN-4": [False]}
    with engine.connect() as connection:
        assert held_packages(connection, [package_id(connection, "REEL-1")]) == {}, "it may be used without"


def test_a_unit_that_was_released_is_caught_again_by_what_comes_after(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["SN-1"], "released")
    assert held(engine, "SN-1") == {}
    stored(engine, installed(entry("SN-1", "REEL-1", ["R3"]), when=90))
    assert held(engine, "SN-1") == {"SN-1": [False]}
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="All good.", actor=ACTOR)
    assert held(engine, "SN-1") == {}


def test_one_board_on_hold_holds_its_panel_and_not_its_neighbour(engine: Engine) -> None:
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2)))
    contain(engine, serials=["SN-1"])
    assert set(held(engine, "PNL-1", "SN-1", "SN-2")) == {"PNL-1", "SN-1"}


def test_what_is_told_of_a_panel_position_holds_the_board_in_it(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "R0603-10K", "A17")))
    contain(engine, lot="A17")
    stored(
        engine,
        installed(entry("PNL-1", "REEL-1", ["R1"], position=2), when=5),
        initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), when=9),
    )
    assert held(engine, "PNL-1", "SN-1", "SN-2") == {"PNL-1": [False], "SN-2": [False]}


def test_a_carrier_is_not_held_for_a_board_that_left_it(engine: Engine) -> None:
    stored(
        engine,
        received(("REEL-1", "R0603-10K", "A17")),
        initialized("CARRIER", ("SN-1", 1), when=0),
        installed(entry("CARRIER", "REEL-1", ["R1"], position=1), when=5),
        initialized("CARRIER", ("SN-2", 1), when=50),
    )
    contain(engine, lot="A17")
    assert held(engine, "CARRIER", "SN-1", "SN-2") == {"SN-1": [False]}


def test_a_child_on_hold_holds_the_assembly_until_it_is_taken_out(engine: Engine) -> None:
    stored(
        engine,
        installed(entry("BOX", None, children=[("A1", "MODULE")]), when=5),
        installed(entry("MODULE", None, children=[("U1", "CHIP")]), when=4),
        initialized(None, "OTHER", when=0),
    )
    contain(engine, serials=["CHIP"])
    assert set(held(engine, "BOX", "MODULE", "CHIP", "OTHER")) == {"BOX", "MODULE", "CHIP"}
    with engine.connect() as connection:
        (hold,) = holds_on(connection, [unit_id(connection, "BOX")])[unit_id(connection, "BOX")]
    assert hold.via == "CHIP"
    stored(engine, uninstalled("BOX", children=[("A1", "MODULE")], when=60))
    assert set(held(engine, "BOX", "MODULE")) == {"MODULE"}


@pytest.mark.parametrize("late", [(), ("serial",), ("material",), ("serial", "described")])
def test_a_child_told_as_material_holds_the_assembly_whatever_comes_first(
    engine: Engine, late: tuple[str, ...]
) -> None:
    told = {
        "serial": initialized(None, "MODULE", when=0),
        "described": received(("MODULE", "PCA-1", "A17"), when=1),
        "material": installed(entry("BOX", "MODULE", ["A1"]), when=5),
    }
    for name in [*(name for name in told if name not in late), *late]:
        stored(engine, told[name])
    contain(engine, serials=["MODULE"])
    assert set(held(engine, "BOX", "MODULE")) == {"BOX", "MODULE"}
    with engine.connect() as connection:
        box = made_from(connection, "BOX")
    assert [(child.serial, child.reference_designator) for child in box.components] == [("MODULE", "A1")]
    stored(engine, installed(entry("SHELL", "MODULE", ["A1"]), when=9))  # the same material set in another unit
    assert set(held(engine, "SHELL")) == {"SHELL"}
    stored(engine, uninstalled("BOX", ["A1"], package="MODULE", when=60))
    assert set(held(engine, "BOX", "MODULE")) == {"MODULE"}


def test_two_containments_are_two_holds(engine: Engine) -> None:
    build(engine, "SN-1")
    one, two = contain(engine, lot="A17"), contain(engine, package="REEL-1")
    assert held(engine, "SN-1") == {"SN-1": [False, False]}
    with engine.begin() as connection:
        release_containment(connection, one.number, reason="Good.", actor=ACTOR)
    assert held(engine, "SN-1") == {"SN-1": [False]}
    assert two.number != one.number
    assert count(engine, "unit_hold") == 2


def test_a_panel_goes_on_with_a_scrapped_board_and_an_assembly_does_not(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL-1", ("SN-1", 1), ("SN-2", 2)),
        installed(entry("BOX", None, children=[("A1", "SN-1")]), when=5),
    )
    done = contain(engine, serials=["PNL-1"])
    assert set(held(engine, "PNL-1", "SN-1", "SN-2", "BOX")) == {"PNL-1", "SN-1", "SN-2", "BOX"}
    decide(engine, done.nonconformance, ["SN-1"], "scrap")
    decide(engine, done.nonconformance, ["SN-2"], "released")
    assert set(held(engine, "PNL-1", "SN-1", "SN-2", "BOX")) == {"SN-1", "BOX"}


def test_a_panel_whose_boards_are_not_all_known_yet_is_contained_with_those_that_come(engine: Engine) -> None:
    work = uuid4()
    units = [("PNL-1", number) for number in (1, 2)]
    stored(
        engine,
        initialized("PNL-1", ("SN-1", 1)),
        started(*units, transaction=work, panel="PNL-1", when=1),
        completed(*units, transaction=work, when=3),
    )
    contain(engine, serials=["PNL-1"])
    assert "SN-1" in held(engine, "SN-1")
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), when=10))
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1", "SN-2"}


def test_a_panels_identifier_stands_for_its_boards(engine: Engine) -> None:
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2)))
    done = contain(engine, serials=["PNL-1"])
    assert done.units == 2
    assert decide(engine, done.nonconformance, ["PNL-1"], "rework") == 2
    assert held(engine, "PNL-1", "SN-1", "SN-2") == {}


def test_a_scrapped_package_still_catches_what_is_told_late(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, package="REEL-1")
    with engine.begin() as connection:
        disposition_packages(
            connection, done.nonconformance, ["REEL-1"], Disposition.scrap, reason="Away.", actor=ACTOR,
            role=Role.quality_engineer,
        )  # fmt: skip
    build(engine, "SN-2", when=50)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1", "SN-2"}


def test_a_position_of_a_panel_is_held_and_its_neighbour_goes_on(engine: Engine) -> None:
    stored(
        engine,
        received(("REEL-1", "R0603-10K", "A17"), ("REEL-2", "R0603-10K", "B2")),
        installed(entry("PNL-1", "REEL-1", ["R1"], position=1), entry("PNL-1", "REEL-2", ["R1"], position=2), when=5),
    )
    done = contain(engine, lot="A17")
    stored(engine, installed(entry("PNL-2", "REEL-1", ["R1"], position=2), when=6))
    with engine.connect() as connection:
        for panel, position in (("PNL-1", 1), ("PNL-2", 2)):
            one = unit_id(connection, panel)
            assert [hold.position_number for hold in holds_on(connection, [one])[one]] == [position]
    decide(engine, done.nonconformance, ["PNL-1"], "scrap")
    assert set(held(engine, "PNL-1", "PNL-2")) == {"PNL-2"}
    assert count(engine, "scrapped_unit", "position_number = 1") == 1
