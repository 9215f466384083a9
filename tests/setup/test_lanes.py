"""Which lane of its slot a reel is in that was scanned by hand: what was said, or can only be; nobody guesses."""

import pytest
from sqlalchemy import Engine, text

from app.errors import Invalid
from app.setup.learning import learn_setup
from app.setup.requirements import SlotPlan
from tests.inbox.messages import STATION, at
from tests.setup.plant import C100N, R10K, codes, plan, product, reel, scan, setup, station

SLOT = "M1.F.1"


def in_lanes(engine: Engine, revision: int | None, *, when: float = 100) -> list[tuple[str | None, str | None]]:
    return sorted((one.lane, one.package) for one in setup(engine, revision, when=when).slots)


def planned(engine: Engine, **parts: str) -> int:
    """A revision for which the slot holds these parts: lane_1=..., lane_2=..."""
    station(engine)
    revision = product(engine)
    if parts:
        plan(engine, revision, *(SlotPlan(SLOT, part, lane=name[-1]) for name, part in parts.items()))
    for identifier, part in (("R-1", R10K), ("R-2", R10K), ("C-1", C100N)):
        reel(engine, identifier, part)
    return revision


def machine_loads(engine: Engine, **packages: str) -> None:
    """A machine says which package is in which lane: R_1="1"."""
    with engine.begin() as connection:
        for number, (package, lane) in enumerate(packages.items()):
            connection.execute(
                text(
                    "INSERT INTO loading_event "
                    "(station_id, event_id, ordinal, kind, package_id, slot, lane, recorded_at, received_at) "
                    "SELECT station_id, 900, :number, 'loaded', package_id, :slot, :lane, :at, :at "
                    "FROM station, package WHERE identifier = :package"
                ),
                {"number": number, "slot": SLOT, "lane": lane, "at": at(-10), "package": package.replace("_", "-")},
            )


def test_the_lane_is_the_only_one_that_the_part_belongs_in(engine: Engine) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=C100N)
    assert scan(engine, SLOT, "C-1", product_revision_id=revision).lane == "2"
    assert scan(engine, SLOT, "R-1", product_revision_id=revision, when=1).lane == "1"
    assert in_lanes(engine, revision) == [("1", "R-1"), ("2", "C-1")]
    assert scan(engine, SLOT, "R-2", product_revision_id=revision, when=2).lane == "1"
    assert in_lanes(engine, revision) == [("1", "R-2"), ("2", "C-1")]


def test_where_it_may_be_in_either_lane_somebody_says_which(engine: Engine) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=R10K)
    with pytest.raises(Invalid, match="may go into lane 1 or 2 of slot") as asked:
        scan(engine, SLOT, "R-1", product_revision_id=revision)
    assert asked.value.details == {"lanes": ["1", "2"]}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM setup_check")).scalar_one() == 0, "nothing was checked"
    assert scan(engine, SLOT, "R-1", lane="2", product_revision_id=revision).lane == "2"
    assert scan(engine, SLOT, "R-2", lane="1", product_revision_id=revision, when=1).lane == "1"
    assert in_lanes(engine, revision) == [("1", "R-2"), ("2", "R-1")]


def test_the_lane_that_was_said_is_judged(engine: Engine) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=C100N)
    check = scan(engine, SLOT, "R-1", lane="2", product_revision_id=revision)
    assert (check.accepted, check.lane, check.reasons[0].code) == (False, "2", "wrong_part")
    with pytest.raises(Invalid, match="has no lane 3"):
        scan(engine, SLOT, "R-1", lane="3", product_revision_id=revision)


def test_lanes_that_a_machine_named_count_where_nobody_planned(engine: Engine) -> None:
    planned(engine)
    machine_loads(engine, R_1="1", C_1="2")
    with pytest.raises(Invalid, match="lane 1 or 2"):
        scan(engine, SLOT, "R-2")
    assert scan(engine, SLOT, "R-2", lane="1").accepted
    assert scan(engine, SLOT, "C-1", when=1).lane == "2", "it is there already"
    assert in_lanes(engine, None) == [("1", "R-2"), ("2", "C-1")]


def test_a_reel_that_a_machine_has_in_the_wrong_lane_stays_wrong_until_somebody_says_it_was_moved(
    engine: Engine,
) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=C100N)
    machine_loads(engine, C_1="1", R_1="2")
    for when, reel_scanned in enumerate(("C-1", "R-1")):
        check = scan(engine, SLOT, reel_scanned, product_revision_id=revision, when=when)
        assert [one.code for one in check.reasons] == ["wrong_part"]
    assert in_lanes(engine, revision) == [("1", "C-1"), ("2", "R-1")]
    assert scan(engine, SLOT, "C-1", lane="2", product_revision_id=revision, when=3).lane == "2"


def test_a_splice_stays_in_its_lane(engine: Engine) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=C100N)
    scan(engine, SLOT, "R-1", product_revision_id=revision)
    wrong = scan(engine, SLOT, "C-1", replaces="R-1", product_revision_id=revision, when=1)
    assert (wrong.accepted, [one.code for one in wrong.reasons]) == (False, ["wrong_part"])
    with pytest.raises(Invalid, match="is in lane 1 of slot"):
        scan(engine, SLOT, "C-1", replaces="R-1", lane="2", product_revision_id=revision, when=2)
    right = scan(engine, SLOT, "R-2", replaces="R-1", product_revision_id=revision, when=3)
    assert (right.accepted, right.lane) == (True, "1")


def test_where_nobody_knows_the_lane_of_what_is_spliced_to_somebody_says_it(engine: Engine) -> None:
    revision = planned(engine, lane_1=R10K, lane_2=R10K)
    machine_loads(engine, R_1="Lane1")
    with pytest.raises(Invalid, match="R-1 may go into lane 1 or 2"):
        scan(engine, SLOT, "R-2", replaces="R-1", product_revision_id=revision)
    assert scan(engine, SLOT, "R-2", replaces="R-1", lane="1", product_revision_id=revision, when=1).accepted


def test_what_is_learned_of_two_lanes_is_what_is_in_them(engine: Engine) -> None:
    revision = planned(engine)
    machine_loads(engine, R_1="1", C_1="2")
    assert scan(engine, SLOT, "R-1").lane == "1"
    assert scan(engine, SLOT, "C-1", when=1).lane == "2"
    with engine.begin() as connection:
        learn_setup(connection, station=STATION, product_revision_id=revision, at=at(10), actor="t")
    found = setup(engine, revision)
    assert codes(found) == []
    assert [(one.slot, one.lane, one.part_number) for one in found.slots] == [(SLOT, "1", R10K), (SLOT, "2", C100N)]
