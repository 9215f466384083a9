"""The material level of IPC-1782: what is claimed, and what is said to be missing."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from app.errors import NotFound
from app.trace.bills import Bill, BillItem
from app.trace.evidence import Evidence
from app.trace.level import Level, level_of, material_level
from app.trace.made_from import Completeness, ComponentUnit, InstalledPart, MadeFrom
from tests.inbox.messages import entry, initialized, installed, received, started, stored, uninstalled
from tests.trace.bills import planned
from tests.trace.reels import loaded

WHEN = datetime(2026, 11, 20, tzinfo=UTC)
BILL = Bill({"R1": BillItem("10K"), "R2": BillItem("10K"), "C1": BillItem("100n", frozenset({"100n-B"}))})
SHAPE = MadeFrom("SN-1", [], [], [], Completeness(0, 3, 0), work_order="WO-1", product="P rev A", boards=[])


def part(
    designator: str, evidence: Evidence = Evidence.exact, package: str = "P-1", lot: str | None = "L1"
) -> InstalledPart:
    return InstalledPart(designator, "10K", package, lot, evidence, "Acme.Mounter.1", WHEN, *[None] * 6)


def made(*parts: InstalledPart, **changes: object) -> MadeFrom:
    return replace(SHAPE, installations=list(parts), **changes)


FULL = (part("R1"), part("R2"), part("C1", package="P-2"))


# --- the rule ---


def test_every_designator_exact_is_m4() -> None:
    level = level_of(made(*FULL), BILL)
    assert (level.level, level.name, level.missing, level.remarks) == (4, "M4", [], [])
    assert level.sentence == "M4: Each designator has the exact package (3 of 3 exact)."


def test_a_choice_is_m3_and_names_the_candidates() -> None:
    chain = (part("R2", Evidence.bounded, "P-8"), part("R2", Evidence.bounded, "P-9"))
    level = level_of(made(FULL[0], *chain, part("C1", Evidence.bounded, "P-2")), BILL)
    assert (level.level, level.exact, level.bounded, level.without) == (3, 1, 2, 0)
    assert level.missing == [
        "C1: P-2 was reported for a panel or for several units, not for this one alone.",
        "R2: from one of the packages P-8, P-9, and no report says from which.",
    ]


def test_one_sure_report_beside_a_choice_is_enough() -> None:
    assert level_of(made(*FULL, part("R2", Evidence.bounded, "P-9")), BILL).level == 4


def test_a_designator_without_package_is_m2_if_the_order_has_its_part() -> None:
    level = level_of(made(*FULL[:2]), BILL, in_order={"100n-B"})
    assert (level.level, level.without) == (2, 1)
    assert level.missing == ["No package of 100n is recorded for this unit at C1."]


def test_a_part_that_the_order_names_nowhere_is_m1() -> None:
    level = level_of(made(*FULL[2:]), BILL, in_order={"100n"})
    assert level.level == 1
    assert level.missing == ["No package of 10K is recorded in work order WO-1 (R1, R2)."]


def test_what_was_taken_out_again_is_not_there() -> None:
    level = level_of(made(replace(FULL[0], removed_at=WHEN), *FULL[1:]), BILL, in_order={"10K"})
    assert level.level == 2


def test_what_nobody_reported_is_not_counted() -> None:
    assert level_of(made(*FULL[:2], part("C1", Evidence.inferred)), BILL, in_order={"100n"}).level == 2


def test_a_unit_built_in_is_the_most_exact_material_there_is() -> None:
    child = ComponentUnit("SN-CHILD", "C1", "Acme.Box.1", WHEN, None)
    assert level_of(made(*FULL[:2], components=[child]), BILL).level == 4


def test_without_a_bill_nobody_can_say_that_it_is_all() -> None:
    level = level_of(made(*FULL), Bill())
    assert (level.level, level.by_bill, level.exact) == (1, False, 3)
    [missing] = level.missing
    assert missing == (
        "No bill of material is known for work order WO-1: plan its product revision. Until then nobody can say "
        "whether the 3 designators reported, 3 of them exact, are all."
    )


def test_without_a_work_order_there_is_no_level() -> None:
    level = level_of(made(*FULL, work_order=None), Bill())
    assert (level.level, level.sentence) == (
        0,
        "M0: It belongs to no work order, and no bill of material to go by.",
    )


def test_packages_without_lot_are_remarked() -> None:
    level = level_of(made(*FULL[:2], part("C1", package="P-2", lot=None)), BILL)
    assert level.level == 4
    assert level.remarks == ["No lot is known of 1 packages (P-2): a recall by lot misses them."]


# --- from messages to levels ---


def asked(engine: Engine, serial: str) -> Level:
    with engine.connect() as connection:
        return material_level(connection, serial)


@pytest.fixture
def order(engine: Engine) -> str:
    planned(engine, "WO-1", {"R1": "10K", "R2": "10K", "C1": "100n"}, approved={"100n": "100n-B"})
    stored(engine, received(("P-1", "10K", "L1"), ("P-2", "100n-B", "L2")))
    stored(engine, initialized(None, "SN-1", "SN-2", order="WO-1"))
    return "WO-1"


def tens(serial: str) -> dict[str, object]:
    return entry(serial, "P-1", ["R1", "R2"], part_number="10K")


def hundred(serial: str) -> dict[str, object]:
    return entry(serial, "P-2", ["C1"], part_number="100n-B", slot="M1.F.2")


def test_a_complete_report_is_m4(engine: Engine, order: str) -> None:
    stored(engine, installed(tens("SN-1"), hundred("SN-1"), transaction=uuid4(), when=10))
    assert asked(engine, "SN-1").level == 4


def test_the_other_units_of_the_order_lift_it_to_m2(engine: Engine, order: str) -> None:
    stored(engine, installed(tens("SN-1"), transaction=uuid4(), when=10))
    assert asked(engine, "SN-1").level == 1
    stored(engine, installed(hundred("SN-2"), transaction=uuid4(), when=20))
    assert asked(engine, "SN-1").level == 2


def test_what_was_loaded_where_the_order_was_built_lifts_it_to_m2(engine: Engine, order: str) -> None:
    work = uuid4()
    stored(engine, started("SN-1", transaction=work, when=10), installed(tens("SN-1"), transaction=work, when=15))
    stored(engine, loaded("P-2", slot="M1.F.2", when=500))
    assert asked(engine, "SN-1").level == 1, "it was loaded after the order was built"
    stored(engine, loaded("P-2", slot="M1.F.2", when=5))
    assert asked(engine, "SN-1").level == 2


def test_another_order_on_the_same_carrier_lifts_nothing(engine: Engine, order: str) -> None:
    planned(engine, "WO-2", {"C1": "100n"})
    stored(
        engine,
        initialized("CARRIER", ("SN-1", 1), order="WO-1", when=1),
        installed(entry("CARRIER", "P-1", ["R1", "R2"], position=1, part_number="10K"), transaction=uuid4(), when=10),
        initialized("CARRIER", ("SN-9", 1), order="WO-2", when=100),
        installed(entry("CARRIER", "P-2", ["C1"], position=1, part_number="100n-B"), transaction=uuid4(), when=110),
    )
    assert asked(engine, "SN-1").level == 1
    assert asked(engine, "SN-9").level == 4, "traced is traced; that nobody approved the part is a deviation"


def test_a_repair_that_says_what_came_out_and_not_what_went_in_costs_the_level(engine: Engine, order: str) -> None:
    stored(engine, installed(tens("SN-1"), hundred("SN-1"), transaction=uuid4(), when=10))
    stored(engine, uninstalled("SN-1", ["C1"], when=50))
    level = asked(engine, "SN-1")
    assert (level.level, level.missing) == (2, ["No package of 100n is recorded for this unit at C1."])


def test_a_panel_is_at_the_level_of_its_lowest_board(engine: Engine, order: str) -> None:
    both = [one(serial) for serial in ("SN-1", "SN-2") for one in (tens, hundred)]
    stored(engine, initialized("PNL", ("SN-1", 1), ("SN-2", 2), order="WO-1"))
    stored(engine, installed(*both[:3], transaction=uuid4(), when=10))
    level = asked(engine, "PNL")
    assert (level.level, [one.level for one in level.boards]) == (2, [4, 2])
    assert level.sentence.startswith("M2: the lowest of its 2 boards, SN-2. M2:")


def test_an_unknown_unit_is_told(engine: Engine) -> None:
    with pytest.raises(NotFound, match="SN-404"):
        asked(engine, "SN-404")
