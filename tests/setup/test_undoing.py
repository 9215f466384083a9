"""A reel scanned by mistake: what stood before stands again, and both truths stay on record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.errors import Conflict
from app.materials.conditions import conditions
from app.materials.happenings import Happened
from app.materials.package_events import package_ids, state_packages
from app.materials.rules import Condition
from app.setup.requirements import SlotPlan
from app.setup.undoing import undo_loading
from app.setup.verification import Check
from app.trace.loaded import loaded_intervals
from tests.inbox.messages import START, STATION, at, stored
from tests.setup.plant import C100N, R10K, codes, plan, product, reel, scan, setup, slot_of, station
from tests.trace.reels import described, loaded

F1, F2 = "M1.F.1", "M1.F.2"
HOUR = 3600.0


@pytest.fixture
def revision(engine: Engine) -> int:
    """Two slots; P-1 is in the first one since the hour, P-2 is of the same part."""
    station(engine)
    made = product(engine)
    plan(engine, made, SlotPlan(F1, R10K), SlotPlan(F2, C100N))
    reel(engine, "P-1")
    reel(engine, "P-2")
    scan(engine, F1, "P-1", product_revision_id=made)
    return made


def undo(engine: Engine, check: Check, when: float) -> Check:
    with engine.begin() as connection:
        return undo_loading(connection, check.check_id, station=STATION, actor="person:ann", at=at(when))


def intervals(engine: Engine, package: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT package_id FROM package WHERE identifier = %s", (package,))
        told = loaded_intervals(connection, [found.scalar_one()], None)
    return sorted(((one.slot, one.since, one.until) for one in told), key=lambda told: told[1])


def test_what_was_in_the_slot_is_in_it_again_and_in_between_both_may_have_been(engine: Engine, revision: int) -> None:
    mistake = scan(engine, F1, "P-2", when=10, product_revision_id=revision)
    assert slot_of(setup(engine, revision), F1).package == "P-2"
    assert undo(engine, mistake, 20).package == "P-1"
    found = slot_of(setup(engine, revision), F1)
    assert (found.package, found.verified_by, found.verified_at, found.reasons) == ("P-1", "person:ann", at(0), ())
    assert intervals(engine, "P-1") == [(F1, at(0), at(10)), (F1, at(10), None)]
    assert intervals(engine, "P-2") == [(F1, at(10), at(20))]


def test_an_empty_slot_is_empty_again_and_the_reel_may_be_used_elsewhere(engine: Engine, revision: int) -> None:
    reel(engine, "C-1", C100N)
    assert undo(engine, scan(engine, F2, "C-1", when=10, product_revision_id=revision), 20).package is None
    assert codes(slot_of(setup(engine, revision), F2)) == ["slot_empty"]
    assert scan(engine, F2, "C-1", when=30, product_revision_id=revision).accepted


def test_a_slot_that_was_blocked_is_blocked_again(engine: Engine, revision: int) -> None:
    reel(engine, "C-1", C100N)
    assert not scan(engine, F1, "C-1", when=10, product_revision_id=revision).accepted
    right = scan(engine, F1, "P-2", when=20, product_revision_id=revision)
    assert "location_blocked" not in codes(setup(engine, revision))
    undo(engine, right, 30)
    assert codes(slot_of(setup(engine, revision), F1)) == ["location_blocked"]


def test_a_block_that_a_late_scan_never_lifted_stands_after_its_undo(engine: Engine, revision: int) -> None:
    reel(engine, "C-1", C100N)
    assert not scan(engine, F1, "C-1", when=10, product_revision_id=revision).accepted
    undo(engine, scan(engine, F1, "P-2", when=5, product_revision_id=revision), 30)
    assert codes(slot_of(setup(engine, revision), F1)) == ["location_blocked"]


def test_a_block_of_the_slot_by_another_name_stands_again(engine: Engine) -> None:
    station(engine)
    for name in ("P-1", "P-2"):
        reel(engine, name)
    assert not scan(engine, "1", "nobody", when=10).accepted
    stored(engine, loaded("P-1", slot=F1, when=12))
    undo(engine, scan(engine, "1", "P-2", when=20), 30)
    found = slot_of(setup(engine, None), F1)
    assert (found.package, codes(found)) == ("P-1", ["location_blocked"])
    assert "Nobody knows package nobody" in found.reasons[0].sentence


def test_a_clock_that_is_a_second_ahead_hinders_no_undo(engine: Engine, revision: int) -> None:
    soon = (datetime.now(UTC) - START).total_seconds() + 1.5
    mistake = scan(engine, F1, "P-2", when=soon, product_revision_id=revision)
    assert undo(engine, mistake, soon).package == "P-1"
    assert slot_of(setup(engine, revision, when=soon + 3), F1).package == "P-1"


def test_what_took_another_place_meanwhile_keeps_it(engine: Engine, revision: int) -> None:
    plan(engine, revision, SlotPlan(F1, R10K), SlotPlan(F2, R10K))
    mistake = scan(engine, F2, "P-1", when=10, product_revision_id=revision)
    scan(engine, F1, "P-2", when=15, product_revision_id=revision)
    assert undo(engine, mistake, 20).package is None
    assert [one.package for one in setup(engine, revision).slots] == ["P-2", None]
    mistake = scan(engine, F1, "P-1", when=30, product_revision_id=revision)
    scan(engine, F2, "P-2", when=35, product_revision_id=revision)
    assert undo(engine, mistake, 40).package is None, "what was there before is elsewhere now"
    assert [one.package for one in setup(engine, revision).slots] == [None, "P-2"]


def test_a_reel_that_was_in_another_slot_is_there_again(engine: Engine, revision: int) -> None:
    plan(engine, revision, SlotPlan(F1, R10K), SlotPlan(F2, R10K))
    undo(engine, scan(engine, F2, "P-1", when=10, product_revision_id=revision), 20)
    assert slot_of(setup(engine, revision), F1).package == "P-1"
    assert slot_of(setup(engine, revision), F2).package is None


def test_a_splice_is_undone(engine: Engine, revision: int) -> None:
    splice = scan(engine, F1, "P-2", when=10, product_revision_id=revision, replaces="P-1")
    assert [one.package for one in setup(engine, revision).slots if one.slot == F1] == ["P-1", "P-2"]
    assert undo(engine, splice, 20).package == "P-1"
    assert slot_of(setup(engine, revision), F1).package == "P-1"


def test_scanned_again_to_be_sure_it_stays(engine: Engine, revision: int) -> None:
    assert undo(engine, scan(engine, F1, "P-1", when=10, product_revision_id=revision), 20).package == "P-1"
    found = slot_of(setup(engine, revision), F1)
    assert (found.package, found.verified_at) == ("P-1", at(0))


def test_what_was_used_since_is_not_undone(engine: Engine, revision: int) -> None:
    mistake = scan(engine, F1, "P-2", when=10, product_revision_id=revision)
    stored(engine, loaded("P-2", slot=F1, when=15))
    with pytest.raises(Conflict, match="used since"):
        undo(engine, mistake, 20)


def test_a_splice_in_a_slot_that_its_machine_used_since_is_not_undone(engine: Engine) -> None:
    station(engine)
    made = product(engine)
    plan(engine, made, SlotPlan("1", R10K))
    for name in ("P-1", "P-2", "P-3"):
        reel(engine, name)
    stored(engine, loaded("P-1", slot=F1, when=1))
    splice = scan(engine, "1", "P-2", when=10, product_revision_id=made, replaces="P-1")
    stored(engine, loaded("P-3", slot=F1, when=15))
    with pytest.raises(Conflict, match="used since"):
        undo(engine, splice, 20)


def test_once_and_never_a_refusal(engine: Engine, revision: int) -> None:
    mistake = scan(engine, F1, "P-2", when=10, product_revision_id=revision)
    undo(engine, mistake, 20)
    with pytest.raises(Conflict, match="used since"):
        undo(engine, mistake, 30)
    reel(engine, "C-1", C100N)
    with pytest.raises(Conflict, match="line lead"):
        undo(engine, scan(engine, F1, "C-1", when=40, product_revision_id=revision), 50)


def condition(engine: Engine, package: str, when: float) -> Condition:
    with engine.connect() as connection:
        package_id = package_ids(connection, [package])[package]
        return conditions(connection, [package_id], at=at(when))[package_id]


def test_a_reel_that_was_in_hand_at_the_feeder_may_have_been_open_since(engine: Engine, revision: int) -> None:
    """Nobody saw it, and boards may have got of it: the doubt goes against the package, until it is baked."""
    stored(engine, described("P-3", initial=100, InternalPartNumber=R10K, MaterialData={"MSDLevel": "MSL3"}, when=0))
    mistake = scan(engine, F1, "P-3", when=HOUR, product_revision_id=revision)
    undo(engine, mistake, 2 * HOUR)
    assert slot_of(setup(engine, revision, when=2 * HOUR), F1).package == "P-1"
    assert condition(engine, "P-3", 11 * HOUR).floor_life_left == timedelta(hours=158)
    with engine.begin() as connection:
        state_packages(connection, ["P-3"], Happened.dry_stored, at=at(3 * HOUR), actor="person:ann")
    assert condition(engine, "P-3", 11 * HOUR).floor_life_left == timedelta(hours=166)


def test_what_was_open_before_stays_so_and_what_was_wet_is_refused_elsewhere(engine: Engine, revision: int) -> None:
    stored(engine, described("P-3", initial=100, InternalPartNumber=R10K, MaterialData={"MSDLevel": "MSL3"}, when=0))
    with engine.begin() as connection:
        state_packages(connection, ["P-3"], Happened.opened, at=at(0), actor="person:ann")
    undo(engine, scan(engine, F1, "P-3", when=HOUR, product_revision_id=revision), 2 * HOUR)
    assert condition(engine, "P-3", 10 * HOUR).floor_life_left == timedelta(hours=158)
    with engine.begin() as connection:
        state_packages(connection, ["P-3"], Happened.humidity_card_wet, at=at(3 * HOUR), actor="person:ann")
    assert not scan(engine, F1, "P-3", when=4 * HOUR, product_revision_id=revision).accepted
