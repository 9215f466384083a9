"""Scan the slot, then the reel: what is accepted, what is refused and why, and what the slot's state says then."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, text

from app.errors import Conflict, Invalid, NotFound
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Handling
from app.quality.containments import open_containment
from app.quality.terms import terms_of
from app.setup.checks import blocked_locations
from app.setup.learning import learn_setup
from app.setup.requirements import SlotPlan
from app.setup.state import setup_at
from app.setup.verification import Check, clear_location, verify_loading
from app.trace.loaded import loaded_intervals
from tests.inbox.messages import STATION, at, count, message, stored
from tests.setup.plant import (
    C100N,
    OTHER,
    R10K,
    R22K,
    begins,
    codes,
    order,
    plan,
    product,
    reel,
    scan,
    setup,
    slot_of,
    station,
    station_id,
)
from tests.trace.reels import joined, loaded

F1, F2 = "M1.F.1", "M1.F.2"


@pytest.fixture
def revision(engine: Engine) -> int:
    """CTRL rev A: F1 holds R10K (R0603-10K-B approved), F2 holds C100N; R22K is approved for it elsewhere."""
    station(engine)
    product(engine, "SENSOR", approved={C100N: "C0603-100N-X"})
    made = product(engine, approved={R10K: "R0603-10K-B"})
    plan(engine, made, SlotPlan(F1, R10K), SlotPlan(F2, C100N))
    return made


def test_the_right_reel_is_accepted_and_is_in_the_slot_from_then_on(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    assert codes(setup(engine, revision, when=-10)) == ["slot_empty", "slot_empty"]
    check = scan(engine, F1, "P-1", product_revision_id=revision)
    assert check == Check(True, STATION, F1, "P-1", ())
    found = slot_of(setup(engine, revision), F1)
    assert (found.package, found.verified_by, found.verified_at, found.reasons) == ("P-1", "person:ann", at(0), ())
    with engine.connect() as connection:  # trace sees the loading, whether or not the machine tells of it
        (interval,) = loaded_intervals(connection, [found.package_id or 0], None)
    assert (interval.slot, interval.since, interval.until) == (F1, at(0), None)


def test_a_makers_label_that_bears_the_identifier_will_do(engine: Engine, revision: int) -> None:
    reel(engine, "R-77")
    label = "[)>\x1e06\x1dP" + R10K + "\x1dQ4000\x1dSR-77\x1e\x04"
    assert scan(engine, F1, label, product_revision_id=revision).package == "R-77"


REFUSED = [
    ({"part_number": R22K}, "wrong_part"),
    ({"part_number": C100N}, "wrong_part"),
    ({"expires_at": at(-1)}, "shelf_life_over"),
]


@pytest.mark.parametrize(("what", "code"), REFUSED)
def test_refused_with_the_reason_and_the_slot_is_blocked(
    engine: Engine, revision: int, what: dict[str, str], code: str
) -> None:
    reel(engine, "P-9", **what)
    check = scan(engine, F1, "P-9", product_revision_id=revision)
    assert (check.accepted, codes(check)) == (False, [code])
    state = slot_of(setup(engine, revision), F1)
    assert (state.blocked, state.package) == (True, None)
    assert codes(state) == ["slot_empty", "location_blocked"]
    assert check.reasons[0].sentence in state.reasons[1].sentence
    assert count(engine, "setup_check", "NOT accepted") == count(engine, "audit", "deed = 'setup.refused'") == 1


def test_an_alternate_is_taken_where_it_is_approved_and_refused_where_it_is_not(engine: Engine, revision: int) -> None:
    reel(engine, "P-B", "R0603-10K-B")
    reel(engine, "P-X", "C0603-100N-X")
    assert scan(engine, F1, "P-B", product_revision_id=revision).accepted
    assert codes(scan(engine, F2, "P-X", product_revision_id=revision)) == ["unapproved_alternate"]
    plan(engine, revision, SlotPlan(F1, R10K), SlotPlan(F2, C100N, alternates=("C0603-100N-X",)))
    assert scan(engine, F2, "P-X", product_revision_id=revision, when=1).accepted


def test_makers_parts_and_revisions_of_parts(engine: Engine, revision: int) -> None:
    plan(engine, revision, SlotPlan(F1, "IC-7", part_revision="C", manufacturer_parts=("STM32G0",)))
    reel(engine, "P-1", "IC-7", manufacturer_part_number="GD32")
    reel(engine, "P-2", "IC-7", manufacturer_part_number="STM32G0")
    reel(engine, "P-3", "IC-7", manufacturer_part_number="STM32G0", part_revision="B")
    reel(engine, "P-4", "IC-7", manufacturer_part_number="STM32G0", part_revision="C")
    told = [codes(scan(engine, F1, f"P-{n}", product_revision_id=revision, when=n)) for n in range(1, 5)]
    assert told == [["unapproved_alternate"], ["wrong_revision"], ["wrong_revision"], []]


def test_a_wet_reel_is_refused_until_it_is_baked(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    with engine.begin() as connection:
        set_handling(connection, [Handling(R10K, moisture_level="3")], actor="test")
        state_packages(connection, ["P-1"], Happened.opened, at=at(-168 * 3600), actor="test")
    assert codes(scan(engine, F1, "P-1", product_revision_id=revision)) == ["floor_life_over"]
    with engine.begin() as connection:
        state_packages(connection, ["P-1"], Happened.restored, at=at(1), actor="test")
    assert scan(engine, F1, "P-1", product_revision_id=revision, when=2).accepted


def test_nobody_knows_this_package(engine: Engine, revision: int) -> None:
    check = scan(engine, F1, "P-NEVER", product_revision_id=revision)
    assert (codes(check), check.package) == (["package_unknown"], None)
    assert slot_of(setup(engine, revision), F1).blocked


def test_a_reel_on_two_machines_is_refused(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    stored(engine, loaded("P-1", source=OTHER, slot="M2.F.5", when=-60))
    check = scan(engine, F1, "P-1", product_revision_id=revision)
    assert codes(check) == ["two_machines"]
    assert "5 of Acme.Mounter.2" in check.reasons[0].sentence


def test_machines_that_both_say_they_hold_a_reel_are_found(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    stored(engine, loaded("P-1", slot=F1, when=0), loaded("P-1", source=OTHER, slot="M2.F.5", when=-60))
    assert "two_machines" in codes(slot_of(setup(engine, revision), F1))
    stored(engine, loaded("P-2", source=OTHER, slot="M2.F.5", when=-30))  # another one took its place there
    assert "two_machines" not in codes(slot_of(setup(engine, revision), F1))


def test_two_scanners_at_one_moment_cannot_both_have_the_reel(engine: Engine, revision: int) -> None:
    station(engine, OTHER)
    reel(engine, "P-1")
    plan(engine, revision, SlotPlan("G1", R10K), handle=OTHER)
    second: list[Check] = []
    scanning = threading.Thread(
        target=lambda: second.append(scan(engine, "G1", "P-1", product_revision_id=revision, handle=OTHER))
    )
    with engine.begin() as connection:
        first = verify_loading(
            connection, station=STATION, slot=F1, label="P-1", product_revision_id=revision, actor="test", at=at(0)
        )
        scanning.start()
        scanning.join(timeout=0.5)
        assert scanning.is_alive(), "the second scan did not wait for the first"
    scanning.join()
    assert (first.accepted, codes(second[0])) == (True, ["two_machines"])


def test_the_right_reel_clears_the_slot(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    reel(engine, "P-9", R22K)
    scan(engine, F1, "P-9", product_revision_id=revision)
    scan(engine, F1, "P-1", product_revision_id=revision, when=10)
    assert slot_of(setup(engine, revision, when=5), F1).blocked
    assert not slot_of(setup(engine, revision, when=10), F1).blocked


def test_a_refused_scan_blocks_its_slot_whatever_time_it_gives(engine: Engine, revision: int) -> None:
    def blocked(when: float = 100) -> bool:
        return slot_of(setup(engine, revision, when=when), F1).blocked

    for identifier, part in (("P-1", R10K), ("P-9", R22K)):
        reel(engine, identifier, part)
    scan(engine, F1, "P-1", product_revision_id=revision, when=20)
    assert not blocked()
    scan(engine, F1, "P-9", product_revision_id=revision, when=10)
    assert blocked(), "nobody looked at the slot since"
    scan(engine, F1, "P-1", product_revision_id=revision, when=5)
    assert blocked(), "that was before"
    scan(engine, F1, "P-1", product_revision_id=revision, when=30)
    assert not blocked()
    scan(engine, F1, "P-9", product_revision_id=revision, when=40)
    scan(engine, F1, "P-1", product_revision_id=revision, when=35)
    assert blocked(), "what came late was before it"
    with engine.begin() as connection:
        assert [one.slot for one in blocked_locations(connection, at=at(100))] == [F1]
        clear_location(connection, station=STATION, slot=F1, reason="looked", actor="person:lee", at=at(50))
    assert not blocked()


def test_somebody_with_the_right_clears_the_slot_with_a_reason(engine: Engine, revision: int) -> None:
    reel(engine, "P-9", R22K)
    scan(engine, F1, "P-9", product_revision_id=revision)
    with engine.begin() as connection:
        assert [one.slot for one in blocked_locations(connection, at=at(5))] == [F1]
        with pytest.raises(Invalid, match="reason"):
            clear_location(connection, station=STATION, slot=F1, reason=" ", actor="person:lee", at=at(10))
        clear_location(
            connection, station=STATION, slot=F1, reason="scanned for a trial", actor="person:lee", at=at(10)
        )
        with pytest.raises(Conflict, match="not blocked"):
            clear_location(connection, station=STATION, slot=F1, reason="again", actor="person:lee", at=at(11))
        assert blocked_locations(connection, at=at(10)) == []


def test_what_the_station_builds_now_counts_where_nobody_says_what_for(engine: Engine, revision: int) -> None:
    order(engine, "WO-1", revision, 10)
    begins(engine, "WO-1", "B-1", when=0)
    reel(engine, "P-9", R22K)
    assert codes(scan(engine, F1, "P-9", when=5)) == ["wrong_part"]


def test_without_a_required_setup_only_the_reel_is_judged(engine: Engine) -> None:
    station(engine)
    reel(engine, "P-9", R22K)
    assert scan(engine, "ANY", "P-9").accepted
    found = setup(engine, None)
    assert (found.setup_id, codes(found), slot_of(found, "ANY").package) == (None, [], "P-9")


def test_what_cannot_be_checked_is_not_recorded(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    with pytest.raises(NotFound, match=r"Nobody\.There"):
        scan(engine, F1, "P-1", handle="Nobody.There")
    with pytest.raises(Invalid, match="no slot F99"):
        scan(engine, "F99", "P-1", product_revision_id=revision)
    with pytest.raises(Invalid, match="empty"):
        scan(engine, F1, "  ", product_revision_id=revision)
    with pytest.raises(Invalid, match="not in slot"):
        scan(engine, F1, "P-1", replaces="P-0", product_revision_id=revision)
    assert count(engine, "setup_check") == 0


def test_a_splice_is_the_same_part_or_approved(engine: Engine, revision: int) -> None:
    for identifier, part in (("P-1", R10K), ("P-2", R10K), ("P-3", R22K)):
        reel(engine, identifier, part)
    scan(engine, F1, "P-1", product_revision_id=revision)
    assert codes(scan(engine, F1, "P-3", replaces="P-1", product_revision_id=revision, when=10)) == ["wrong_part"]
    assert codes(scan(engine, F1, "P-1", replaces="P-1", product_revision_id=revision, when=11)) == ["wrong_part"]
    assert scan(engine, F1, "P-2", replaces="P-1", product_revision_id=revision, when=12).accepted
    assert count(engine, "package_link", "kind = 'joined' AND event_id < 0") == 1
    waiting = [slot for slot in setup(engine, revision).slots if slot.slot == F1]
    assert [(slot.package, slot.verified_by) for slot in waiting] == [("P-1", "person:ann"), ("P-2", "person:ann")]


def test_a_splice_without_a_required_setup_follows_what_is_in_the_slot(engine: Engine) -> None:
    station(engine)
    for identifier, part in (("P-1", R10K), ("P-2", R10K), ("P-3", R22K)):
        reel(engine, identifier, part)
    scan(engine, F1, "P-1")
    assert codes(scan(engine, F1, "P-3", replaces="P-1", when=10)) == ["wrong_part"]
    assert scan(engine, F1, "P-2", replaces="P-1", when=12).accepted


def test_what_was_taken_out_must_be_verified_again(engine: Engine, revision: int) -> None:
    reel(engine, "P-1")
    scan(engine, F1, "P-1", product_revision_id=revision)
    stored(
        engine,
        loaded("P-1", slot=F1, when=20),  # the machine tells of the loading that the scan told of
        loaded("P-0", slot=F1, when=40),
    )
    assert slot_of(setup(engine, revision, when=30), F1).verified_by == "person:ann"
    assert slot_of(setup(engine, revision, when=50), F1).package == "P-0"
    assert [one.code for one in slot_of(setup(engine, revision, when=50), F1).warnings] == ["not_verified"]


def test_a_setup_is_learned_from_what_was_verified(engine: Engine) -> None:
    station(engine)
    made = product(engine)
    reel(engine, "P-1")
    with engine.begin() as connection, pytest.raises(Invalid, match="Nothing in the slots"):
        learn_setup(connection, station=STATION, product_revision_id=made, at=at(1), actor="test")
    scan(engine, F1, "P-1")
    with engine.begin() as connection, pytest.raises(Invalid, match="no product revision"):
        learn_setup(connection, station=STATION, product_revision_id=made + 1, at=at(1), actor="test")
    with engine.begin() as connection:
        learn_setup(connection, station=STATION, product_revision_id=made, at=at(1), actor="test")
    found = setup(engine, made)
    assert (found.unplanned, slot_of(found, F1).part_number) == (True, R10K)
    plan(engine, made, SlotPlan(F1, R10K))
    with engine.begin() as connection, pytest.raises(Conflict, match="planned already"):
        learn_setup(connection, station=STATION, product_revision_id=made, at=at(1), actor="test")


def test_the_side_is_the_setups_own_or_either(engine: Engine, revision: int) -> None:
    plan(engine, revision, SlotPlan(F1, R22K), side="bottom")
    assert [one.part_number for one in setup(engine, revision, side="bottom").slots] == [R22K]
    assert [one.part_number for one in setup(engine, revision, side="top").slots] == [R10K, C100N]
    with engine.connect() as connection:
        assert station_id(connection) > 0


def test_what_comes_late_changes_what_was(engine: Engine, revision: int) -> None:
    """Facts are kept by the stations' clocks: an unloading told an hour late counts from when it was."""
    from tests.inbox.messages import message  # noqa: PLC0415

    reel(engine, "P-1")
    scan(engine, F1, "P-1", product_revision_id=revision)
    assert slot_of(setup(engine, revision, when=7200), F1).package == "P-1"
    body = {"MaterialPackageIdentifiers": ["P-1"]}
    stored(engine, message("Materials.Storage.MaterialsUnloaded", body, when=3600))
    assert slot_of(setup(engine, revision, when=7200), F1).package is None
    assert slot_of(setup(engine, revision, when=3599), F1).package == "P-1"
    with engine.connect() as connection:
        late = connection.execute(text("SELECT max(received_at - recorded_at) FROM loading_event")).scalar_one()
    assert late > timedelta(0)


def test_a_slot_is_one_under_its_name_and_its_identifier(engine: Engine, revision: int) -> None:
    """Scanned by its name before the machine ever told its identifier, it is the same slot afterwards."""
    station(engine, "Acme.Mounter.9")
    reel(engine, "P-9", R22K, expires_at=at(-1))
    reel(engine, "P-1")
    assert not scan(engine, "1", "P-9", handle="Acme.Mounter.9").accepted
    stored(engine, loaded("P-1", slot=F1, when=20, source="Acme.Mounter.9"))
    now = setup(engine, None, handle="Acme.Mounter.9")
    assert [(slot.slot, slot.blocked) for slot in now.slots] == [(F1, True)]
    with engine.connect() as connection:
        assert [one.slot for one in blocked_locations(connection, at=at(100))] == [F1]
    assert scan(engine, "1", "P-1", handle="Acme.Mounter.9", when=30).accepted
    now = setup(engine, None, handle="Acme.Mounter.9")
    assert [(slot.slot, slot.blocked, slot.verified_by) for slot in now.slots] == [(F1, False, "person:ann")]


def test_what_was_scanned_before_must_be_usable_now(engine: Engine, revision: int) -> None:
    reel(engine, "P-1", expires_at=at(3600))
    check = scan(engine, F1, "P-1", product_revision_id=revision, when=0)
    assert not check.accepted
    assert [reason.code for reason in check.reasons] == ["shelf_life_over"]


def test_two_scanners_of_one_package_wait_for_one_another_whatever_they_read(engine: Engine, revision: int) -> None:
    """One reads the bare identifier, the other the maker's label that bears it: one package, one lock."""
    station(engine, OTHER)
    reel(engine, "R-77")
    label = "[)>\x1e06\x1dP" + R10K + "\x1dQ4000\x1dSR-77\x1e\x04"
    first = engine.connect()
    try:
        verify_loading(first, station=STATION, slot=F1, label="R-77", actor="person:ann", at=at(0))
        found: list[Check] = []
        second = threading.Thread(target=lambda: found.append(scan(engine, "M2.F.1", label, handle=OTHER, when=1)))
        second.start()
        second.join(0.5)
        assert second.is_alive(), "it waits until the first is recorded"
        first.commit()
        second.join(10)
    finally:
        first.close()
    (check,) = found
    assert [reason.code for reason in check.reasons] == ["two_machines"]


def test_what_waits_behind_the_reel_is_judged_with_it(engine: Engine, revision: int) -> None:
    def against(when: float = 100) -> list[str]:
        return [why.sentence for slot in setup(engine, revision, when=when).slots if slot.slot == F1
                for why in slot.reasons]  # fmt: skip

    for identifier in ("P-1", "P-2", "P-3"):
        reel(engine, identifier)
    scan(engine, F1, "P-1", product_revision_id=revision)
    stored(engine, joined("P-1", "P-2", when=10), joined("P-2", "P-3", when=11))
    assert against() == []
    with engine.begin() as connection:
        open_containment(connection, terms_of({"package": "P-3"}), reason="Wet.", actor="person:quinn")
    (held,) = against()
    assert "P-3 is on hold" in held
    assert against(when=5) == []  # nothing was spliced to it then
    taken_off = message("Materials.Storage.MaterialsUnloaded", {"MaterialPackageIdentifiers": ["P-3"]}, when=30)
    stored(engine, taken_off)
    assert against() == []


def test_the_setup_takes_few_statements(engine: Engine, revision: int) -> None:
    for identifier, slot in (("P-1", F1), ("P-2", F2)):
        reel(engine, identifier)
        scan(engine, slot, identifier)
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with engine.connect() as connection:
        here = station_id(connection)
        statements.clear()
        found = setup_at(connection, here, product_revision_id=revision, at=at(100))
    assert len([slot for slot in found.slots if slot.package]) == 2
    assert len(statements) <= 7, "\n".join(statements)
