"""Units that may carry what is contained though no report names it: on hold by rule, until a report says otherwise."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Engine, event

from app.db import create_engine, planned_once
from app.quality.containments import count_again
from app.quality.holds import Hold, holds_on
from tests.containment.stories import ACTOR, build, contain, decide, held, unit_id
from tests.inbox.messages import START, completed, count, entry, initialized, installed, received, started, stored
from tests.trace.reels import joined, loaded

PANEL = ("PNL-1", 1), ("PNL-1", 2)


def worked(engine: Engine, *units: tuple[str, int] | str, when: float, ended: bool = True) -> UUID:
    """The mounter works on units and reports nothing of what it installed (yet)."""
    work = uuid4()
    stored(engine, started(*units, transaction=work, when=when))
    if ended:
        stored(engine, completed(*units, transaction=work, when=when + 5))
    return work


def on(engine: Engine, serial: str) -> list[Hold]:
    with engine.connect() as connection:
        one = unit_id(connection, serial)
        return holds_on(connection, [one]).get(one, [])


def contained(engine: Engine) -> str:
    """A lot is contained of which one reel is in a slot, and nothing was built with it."""
    stored(engine, received(("REEL-1", "R0603-10K", "A17"), ("REEL-2", "R0603-10K", "B2")), loaded("REEL-1", when=5))
    return contain(engine, lot="A17").number


def recounted(engine: Engine, number: str) -> int:
    with engine.begin() as connection:
        return count_again(connection, number, actor=ACTOR)


def now() -> float:
    return (datetime.now(UTC) - START).total_seconds()


def test_a_unit_is_held_at_once_for_what_was_loaded_while_it_was_worked_on(engine: Engine) -> None:
    number = contained(engine)
    worked(engine, "SN-1", when=10)
    stored(engine, loaded("REEL-2", when=100))
    worked(engine, "SN-2", when=200)
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [True]}
    (hold,) = on(engine, "SN-1")
    assert "worked on it while package REEL-1 was loaded and reported nothing of what it installed" in hold.sentence
    assert (hold.containment, hold.pending) == (number, False)
    assert recounted(engine, number) == 1
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False]}


def test_a_report_that_names_another_package_ends_the_suspicion(engine: Engine) -> None:
    contained(engine)
    work = worked(engine, "SN-1", when=10)
    assert held(engine, "SN-1") == {"SN-1": [True]}
    stored(engine, installed(entry("SN-1", "REEL-9", ["R1"]), transaction=work, when=12))
    assert held(engine, "SN-1") == {}


def test_a_report_that_names_the_slot_and_no_package_leaves_room(engine: Engine) -> None:
    contained(engine)
    work = worked(engine, "SN-1", when=10)
    stored(engine, installed(entry("SN-1", None, ["R1"]), transaction=work, when=12))
    (hold,) = on(engine, "SN-1")
    assert hold.by_rule
    assert "did not name the package at R1" in hold.sentence


def test_what_its_station_still_has_waits_for_the_report_and_no_count_holds_it(engine: Engine) -> None:
    number = contained(engine)
    one, other = (worked(engine, serial, when=now(), ended=False) for serial in ("SN-1", "SN-2"))
    assert [hold.pending for hold in on(engine, "SN-1")] == [True]
    assert recounted(engine, number) == 0
    stored(
        engine,
        installed(entry("SN-1", "REEL-2", ["R1"]), transaction=one, when=now()),
        installed(entry("SN-2", "REEL-1", ["R1"]), transaction=other, when=now()),
    )
    assert held(engine, "SN-1", "SN-2") == {"SN-2": [False]}


def test_a_visit_that_ended_without_a_report_is_held_by_the_next_count(engine: Engine) -> None:
    number = contained(engine)
    worked(engine, "SN-1", when=now(), ended=True)
    worked(engine, "SN-2", when=now() - 3600, ended=False)  # nobody works on one unit that long
    assert [hold.pending for serial in ("SN-1", "SN-2") for hold in on(engine, serial)] == [False, False]
    assert recounted(engine, number) == 2


def test_where_no_rule_holds_it_meanwhile_the_count_does_not_wait(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "R0603-10K", "A17")), loaded("REEL-1", when=5))
    build(engine, "SN-0", when=10)
    number = contain(engine, lot="A17", station="Acme.Mounter.1").number
    worked(engine, "SN-1", when=now(), ended=False)
    assert held(engine, "SN-1") == {}
    assert recounted(engine, number) == 1


def test_the_suspicion_is_of_the_boards_their_panel_and_what_they_are_built_into(engine: Engine) -> None:
    contained(engine)
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), when=1))
    worked(engine, PANEL[0], when=10)
    assert held(engine, "PNL-1", "SN-1", "SN-2") == {"PNL-1": [True], "SN-1": [True]}
    stored(engine, installed(entry("BOX", None, children=[("A1", "SN-1")]), source="Acme.Bench.1", when=600))
    (hold,) = on(engine, "BOX")
    assert hold.via == "SN-1"


def test_a_position_without_a_serial_is_suspected_by_itself(engine: Engine) -> None:
    contained(engine)
    stored(engine, installed(entry("PNL-1", "REEL-9", ["R1"], position=1), entry("PNL-1", "REEL-9", ["R1"], position=2),
                             when=1))  # fmt: skip
    worked(engine, PANEL[1], when=10)
    assert [hold.position_number for hold in on(engine, "PNL-1")] == [2]


def test_a_reel_that_waited_behind_a_splice_is_suspected_too(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "R0603-10K", "A17"), ("REEL-2", "R0603-10K", "B2")), loaded("REEL-2", when=5))
    stored(engine, joined("REEL-2", "REEL-1", when=6))
    contain(engine, lot="A17")
    worked(engine, "SN-1", when=10)
    assert held(engine, "SN-1") == {"SN-1": [True]}


def test_what_quality_released_is_not_suspected_again_of_the_same(engine: Engine) -> None:
    number = contained(engine)
    worked(engine, "SN-1", when=10)
    recounted(engine, number)
    decide(engine, number.replace("C-", "NC-"), ["SN-1"], "released")
    assert held(engine, "SN-1") == {}
    worked(engine, "SN-1", when=now() - 3600)  # by a clock that is an hour behind
    assert held(engine, "SN-1") == {"SN-1": [True]}


def test_whoever_was_nowhere_near_is_told_so_by_the_first_question(engine: Engine, database: str) -> None:
    contained(engine)
    stored(engine, loaded("REEL-2", when=100))
    worked(engine, "SN-2", when=200)
    worked(engine, "SN-1", when=10)
    build(engine, "SN-3", package="REEL-2", lot="B2", when=300)
    keyed = create_engine(database, keyed=True)
    statements: list[str] = []
    with keyed.connect() as connection:
        ids = [unit_id(connection, serial) for serial in ("SN-1", "SN-2", "SN-3")]
        event.listen(keyed, "before_cursor_execute", lambda *told: statements.append(told[2]))
        for one in ids[1:]:
            assert holds_on(connection, [one]) == {}
        assert len(statements) == 4, "two for each"
        assert len(holds_on(connection, ids[:1])) == 1
        assert len(statements) - 4 == 8, "where it was near, and nothing was reported"
    keyed.dispose()
    with engine.begin() as connection, planned_once(connection):
        assert len(holds_on(connection, [unit_id(connection, "SN-1")])) == 1
    assert count(engine, "unit_hold") == 0
