"""Packages that become known only after what they are was contained: on hold from their first moment."""

from collections.abc import Callable
from threading import Thread

import pytest
from sqlalchemy import Engine, event, text

from app.materials.receiving import Arrival
from app.quality.containments import record_of, release_containment
from app.quality.package_holds import take_in_package
from tests.containment.stories import ACTOR, contain, held
from tests.containment.test_suspected import recounted, worked
from tests.inbox.messages import entry, installed, received, stored
from tests.trace.reels import joined, loaded, split


def packages_held(engine: Engine) -> dict[str, bool]:
    """Each package with a hold, and whether that was written later than the containment."""
    question = text("SELECT identifier, later FROM package_hold JOIN package USING (package_id)")
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(question)}


def contained(engine: Engine, **terms: str) -> str:
    stored(engine, received(("REEL-1", "R0603-10K", "A17")))
    return contain(engine, **(terms or {"lot": "A17"})).number


def by_machine(engine: Engine) -> None:
    stored(engine, received(("REEL-2", "R0603-10K", "A17"), when=3))


def by_hand(engine: Engine) -> None:
    with engine.begin() as connection:
        take_in_package(connection, Arrival("REEL-2", "R0603-10K", lot="A17"), actor=ACTOR)


def by_split(engine: Engine) -> None:
    stored(engine, split("REEL-1", "REEL-2", 100, when=3))


def by_split_of_what_is_described_later(engine: Engine) -> None:
    stored(engine, split("REEL-0", "REEL-2", 100, when=3))
    stored(engine, received(("REEL-0", "R0603-10K", "A17"), when=4))


@pytest.mark.parametrize("told", [by_machine, by_hand, by_split, by_split_of_what_is_described_later])
def test_what_only_may_carry_it_is_held_at_once(engine: Engine, told: Callable[[Engine], None]) -> None:
    contained(engine)
    told(engine)
    stored(engine, loaded("REEL-2", when=5))
    worked(engine, "SN-1", when=10)
    assert held(engine, "SN-1") == {"SN-1": [True]}
    assert packages_held(engine)["REEL-2"] is True


def test_what_is_loaded_before_its_lot_is_known_is_meant_too(engine: Engine) -> None:
    contained(engine)
    stored(engine, loaded("REEL-2", when=5))
    worked(engine, "SN-1", when=10)
    assert held(engine, "SN-1") == {}
    by_machine(engine)
    assert held(engine, "SN-1") == {"SN-1": [True]}


def test_a_reel_of_the_lot_spliced_on_later(engine: Engine) -> None:
    contained(engine)
    stored(engine, loaded("REEL-9", when=5))
    by_hand(engine)
    stored(engine, joined("REEL-9", "REEL-2", when=6))
    worked(engine, "SN-1", when=10)
    assert held(engine, "SN-1") == {"SN-1": [True]}


def test_every_term_of_packages(engine: Engine) -> None:
    with engine.begin() as connection:
        one = Arrival("REEL-1", "R0603-10K", lot="A17", date_code="2431", manufacturer="Yo", vendor="D", delivery="L-1")
        take_in_package(connection, one, actor=ACTOR)
    for term in ({"date_code": "2431"}, {"manufacturer": "Yo"}, {"vendor": "D"}, {"delivery": "L-1"},
                 {"part_number": "R0603-10K"}, {"lot": "A17", "date_code": "2431"}):  # fmt: skip
        contain(engine, **term)
    with engine.begin() as connection:
        other = Arrival("REEL-2", "R0603-10K", lot="B2", date_code="2431", vendor="D", delivery="L-1")
        take_in_package(connection, other, actor=ACTOR)
    meant = text(
        "SELECT terms FROM package_hold JOIN package USING (package_id) JOIN containment USING (nonconformance_id)"
        " WHERE identifier = 'REEL-2' ORDER BY containment_id"
    )
    with engine.connect() as connection:
        terms = list(connection.execute(meant).scalars())
    assert terms == [{"date_code": "2431"}, {"vendor": "D"}, {"delivery": "L-1"}, {"part_number": "R0603-10K"}]


def test_a_reel_that_only_a_machine_named_is_of_the_part_it_was_placed_as(engine: Engine) -> None:
    contained(engine, part_number="R0603-10K")
    stored(engine, installed(entry("SN-1", "REEL-7", ["R1"], part_number="R0603-10K"), when=10))
    stored(engine, installed(entry("SN-2", "REEL-8", ["R1"], part_number="C0402-1U"), when=20))
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False]}


def test_the_frozen_record_and_what_was_decided_stay(engine: Engine) -> None:
    number = contained(engine)
    by_machine(engine)
    with engine.connect() as connection:
        record, intact = record_of(connection, number)
    assert (record["packages"], intact) == (["REEL-1"], True)
    stored(engine, received(("REEL-2", "R0603-10K", "A17"), when=5))  # said again
    assert recounted(engine, number) == 0
    assert packages_held(engine) == {"REEL-1": False, "REEL-2": True}


def test_what_was_released_holds_nothing(engine: Engine) -> None:
    number = contained(engine)
    with engine.begin() as connection:
        release_containment(connection, number, reason="Measured again.", actor=ACTOR)
    by_machine(engine)
    assert packages_held(engine) == {"REEL-1": False}


@pytest.mark.parametrize("told", [by_machine, by_hand])
def test_told_of_while_it_is_being_contained(engine: Engine, told: Callable[[Engine], None]) -> None:
    """After the scope was counted and before it is committed: one of the two sees the other."""
    stored(engine, received(("REEL-1", "R0603-10K", "A17")))
    others: list[Thread] = []

    def meanwhile(*given: object) -> None:
        if "INSERT INTO package_hold" in str(given[2]) and not others:
            others.append(Thread(target=told, args=(engine,)))
            others[0].start()
            others[0].join(1.0)

    event.listen(engine, "after_cursor_execute", meanwhile)
    try:
        contain(engine, lot="A17")
    finally:
        event.remove(engine, "after_cursor_execute", meanwhile)
    others[0].join()
    assert packages_held(engine) == {"REEL-1": False, "REEL-2": True}
