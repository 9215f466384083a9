"""A carrier that is used again: which round it was is as sure as the clocks that told it, or the work that names it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from app.lines.clocks import measure_clocks
from app.trace.evidence import Evidence
from app.trace.excluded import excluded
from app.trace.made_from import MadeFrom, made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.containment.stories import contain, held
from tests.inbox.messages import at, completed, entry, initialized, installed, started, stored, uninstalled
from tests.trace.reels import loaded

EXACT, BOUNDED = Evidence.exact, Evidence.bounded
MOUNTER, LASER, BENCH = "Acme.Mounter.1", "Acme.Laser.1", "Acme.Bench.1"
FAR = 300.0
"""Seconds that a clock is off."""
ROUND = 100.0
"""Seconds that a round takes."""


def is_off(engine: Engine, *stations: str) -> None:
    with engine.begin() as connection:
        measure_clocks(connection, {station: timedelta(seconds=FAR) for station in stations})


def rounds(engine: Engine, *serials: str, source: str = LASER, off: float = 0.0) -> None:
    """The carrier holds one board after the other; `off`: how far the clock is that tells it."""
    stored(
        engine,
        *(initialized("CAR", (one, 1), when=nth * ROUND + off, source=source) for nth, one in enumerate(serials)),
    )


def told(engine: Engine, **terms: object) -> dict[str, Evidence]:
    with engine.connect() as connection:
        return {unit.serial: unit.evidence for unit in stream_where_used(connection, Question(**terms))}  # type: ignore[arg-type]


def made(engine: Engine, serial: str) -> MadeFrom:
    with engine.connect() as connection:
        return made_from(connection, serial)


def packages(engine: Engine, serial: str) -> dict[str, Evidence]:
    return {part.package: part.evidence for part in made(engine, serial).installations}


def test_what_a_wrong_clock_told_of_a_place_may_be_of_any_round_near(engine: Engine) -> None:
    """The mounter placed on SN-2, in the second round, and says so five minutes late: that would be the fifth."""
    rounds(engine, "SN-1", "SN-2", "SN-3", "SN-4", "SN-5", *(f"SN-{n}" for n in range(6, 12)))
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=150 + FAR))
    assert told(engine, package="R-1") == {"SN-5": EXACT}
    is_off(engine, MOUNTER)
    answer = told(engine, package="R-1")
    assert answer == dict.fromkeys([f"SN-{n}" for n in range(2, 9)], BOUNDED)
    assert all(packages(engine, serial) == {"R-1": BOUNDED} for serial in answer)
    assert packages(engine, "SN-1") == packages(engine, "SN-9") == {}
    with engine.connect() as connection:
        reasons = {unit.serial: unit.reason for unit in stream_where_used(connection, Question(package="R-1"))}
    assert "this or another board, by clocks that leave open which the carrier held" in reasons["SN-2"]


def test_a_carrier_asked_for_tells_all_boards_that_may_be_meant(engine: Engine) -> None:
    rounds(engine, "SN-1", "SN-2")
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=150))
    is_off(engine, MOUNTER)
    found = [(part.serial, part.evidence) for part in made(engine, "CAR").installations]
    assert sorted(found) == [("SN-1", BOUNDED), ("SN-2", BOUNDED)]


def test_far_from_the_change_it_is_as_sure_as_ever(engine: Engine) -> None:
    stored(engine, initialized("CAR", ("SN-1", 1), when=0, source=LASER))
    stored(engine, initialized("CAR", ("SN-2", 1), when=10_000, source=LASER))
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=5000))
    is_off(engine, MOUNTER)
    assert told(engine, package="R-1") == {"SN-1": EXACT}
    assert packages(engine, "SN-1") == {"R-1": EXACT}


def test_a_link_by_a_wrong_clock_is_as_uncertain(engine: Engine) -> None:
    stored(engine, initialized("CAR", ("SN-1", 1), when=0, source=LASER))
    stored(engine, initialized("CAR", ("SN-2", 1), when=1000 + FAR, source=LASER))
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=1100))
    assert told(engine, package="R-1") == {"SN-1": EXACT}
    is_off(engine, LASER)
    assert told(engine, package="R-1") == {"SN-1": BOUNDED, "SN-2": BOUNDED}


def test_the_work_that_names_the_board_tells_the_round(engine: Engine) -> None:
    rounds(engine, "SN-1", "SN-2", "SN-3")
    work = uuid4()
    stored(
        engine,
        started(("SN-2", 1), panel="CAR", transaction=work, when=140 + FAR),
        installed(entry("CAR", "R-1", ["R1"], position=1), transaction=work, when=150 + FAR),
    )
    is_off(engine, MOUNTER)
    assert told(engine, package="R-1") == {"SN-2": EXACT}
    assert packages(engine, "SN-2") == {"R-1": EXACT}
    assert packages(engine, "SN-1") == packages(engine, "SN-3") == {}


def test_a_board_that_changed_its_place_is_told_by_the_place_it_has_in_the_work(engine: Engine) -> None:
    stored(
        engine,
        initialized("CAR", ("SN-1", 1), ("SN-2", 2), when=0, source=LASER),
        initialized("CAR", ("SN-2", 1), ("SN-1", 2), when=100, source=LASER),
    )
    work = uuid4()
    stored(
        engine,
        started(("SN-2", 1), ("SN-1", 2), panel="CAR", transaction=work, when=110),
        installed(entry("CAR", "R-1", ["R1"], position=1), transaction=work, when=120),
    )
    is_off(engine, MOUNTER)
    assert told(engine, package="R-1") == {"SN-2": EXACT}


def test_what_was_heard_has_happened(engine: Engine) -> None:
    """By its clock the mounter told of the fifth board, but it was heard while the second was there."""
    rounds(engine, "SN-1", "SN-2", "SN-3", "SN-4", "SN-5", "SN-6")
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=150 + FAR))
    is_off(engine, MOUNTER)
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET received_at = :heard"), {"heard": at(160)})
    assert told(engine, package="R-1") == {"SN-2": EXACT}


def test_it_is_told_as_it_was_known(engine: Engine) -> None:
    rounds(engine, "SN-1", "SN-2")
    stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), when=50))
    with engine.connect() as connection:
        then = connection.execute(text("SELECT now()")).scalar_one()
    is_off(engine, MOUNTER)
    assert told(engine, package="R-1") == {"SN-1": BOUNDED, "SN-2": BOUNDED}
    assert told(engine, package="R-1", as_of=then) == {"SN-1": EXACT}


def test_a_board_whose_round_may_have_had_no_report_is_not_excluded(engine: Engine) -> None:
    """The carrier was worked on in the second round, as told five minutes later, and nothing was reported."""
    rounds(engine, "SN-1", "SN-2", "SN-3", "SN-4", "SN-5", "SN-6")
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=0),
        started(("CAR", 1), transaction=work, when=140 + FAR),
        completed(("CAR", 1), transaction=work, when=150 + FAR),
    )
    is_off(engine, MOUNTER)
    answer = told(engine, package="R-1")
    assert {f"SN-{n}" for n in range(2, 7)} <= set(answer)
    assert set(answer.values()) == {Evidence.inferred}
    assert all(packages(engine, serial) == {"R-1": Evidence.inferred} for serial in answer)
    with engine.connect() as connection:
        assert not {one.serial for one in excluded(connection, Question(package="R-1"))} & set(answer)


@pytest.mark.parametrize("reported", [True, False])
def test_what_is_contained_holds_every_board_that_may_be_meant(engine: Engine, reported: bool) -> None:
    rounds(engine, "SN-1", "SN-2", "SN-3", "SN-4", "SN-5", *(f"SN-{n}" for n in range(6, 12)))
    stored(engine, loaded("R-1", when=0))
    contain(engine, package="R-1")
    is_off(engine, MOUNTER)
    placed_on(engine, 150 + FAR, reported=reported)
    near = {f"SN-{n}" for n in range(2, 9)}
    on_hold = set(held(engine, *(f"SN-{n}" for n in range(1, 12))))
    assert near <= on_hold
    assert not {"SN-10", "SN-11"} & on_hold


def placed_on(engine: Engine, when: float, *, reported: bool) -> UUID:
    work = uuid4()
    stored(engine, started(("CAR", 1), transaction=work, when=when))
    if reported:
        stored(engine, installed(entry("CAR", "R-1", ["R1"], position=1), transaction=work, when=when))
    stored(engine, completed(("CAR", 1), transaction=work, when=when + 5))
    return work


def test_what_may_have_been_removed_before_is_perhaps_in(engine: Engine) -> None:
    """The bench took R1 out at 500, by its clock 800; the mounter placed another at 700."""
    stored(
        engine,
        installed(entry("SN-1", "R-1", ["R1"]), when=0),
        uninstalled("SN-1", ["R1"], when=500 + FAR, source=BENCH),
        installed(entry("SN-1", "R-2", ["R1"]), when=700),
    )
    parts = {part.package: part for part in made(engine, "SN-1").installations}
    assert parts["R-1"].removed_at is not None
    assert parts["R-2"].removed_at is not None, "as the clocks tell it"
    is_off(engine, BENCH)
    parts = {part.package: part for part in made(engine, "SN-1").installations}
    assert (parts["R-1"].removed_at is not None, parts["R-1"].perhaps_removed_at) == (True, None)
    assert (parts["R-2"].removed_at, parts["R-2"].perhaps_removed_at is not None) == (None, True)


def test_what_is_told_of_the_former_carrier_after_a_board_moved_is_not_certain(engine: Engine) -> None:
    """Nobody said that it left A: what is told of its place there may be of it, and of the whole as well."""
    stored(
        engine,
        initialized("A", ("SN-1", 1), when=0),
        installed(entry("A", "R-1", ["R1"], position=1), when=50),
        initialized("B", ("SN-1", 1), when=100),
        installed(entry("A", "R-2", ["R2"], position=1), when=150),
        installed(entry("A", "R-3", ["R3"]), when=160),
        installed(entry("B", "R-4", ["R4"], position=1), when=170),
        initialized("A", ("SN-1", 1), when=200),
        installed(entry("A", "R-5", ["R5"], position=1), when=250),
    )
    asked = ("R-1", "R-2", "R-3", "R-4", "R-5")
    answers = {"R-1": EXACT, "R-2": BOUNDED, "R-3": BOUNDED, "R-4": EXACT, "R-5": EXACT}
    assert {package: told(engine, package=package)["SN-1"] for package in asked} == answers
    assert packages(engine, "SN-1") == answers
