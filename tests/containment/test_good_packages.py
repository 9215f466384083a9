"""A package that was found good under a containment holds nothing more: at once by the rule, and in no later count."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from app.people import Role
from app.quality.dispositions import Disposition, disposition_packages
from app.quality.scope import scope_of
from app.quality.terms import terms_of
from tests.containment.stories import ACTOR, contain, held, package_id
from tests.containment.test_suspected import recounted, worked
from tests.inbox.messages import entry, installed, received, stored
from tests.trace.reels import loaded, split


def decide(engine: Engine, nonconformance: str, package: str, decision: Disposition = Disposition.released) -> None:
    with engine.begin() as connection:
        disposition_packages(
            connection, nonconformance, [package], decision,
            reason="Measured.", actor=ACTOR, role=Role.quality_engineer,
        )  # fmt: skip


@pytest.fixture
def nonconformance(engine: Engine) -> str:
    """Two reels of a lot are contained, and one of them is found good."""
    stored(engine, received(("GOOD", "R0603-10K", "A17"), ("BAD", "R0603-10K", "A17")))
    number = contain(engine, lot="A17").nonconformance
    decide(engine, number, "GOOD")
    return number


def by_name(engine: Engine, package: str) -> None:
    stored(engine, installed(entry("SN-1", package, ["R1"]), when=20))


def by_suspicion(engine: Engine, package: str) -> None:
    stored(engine, loaded(package, when=5))
    worked(engine, "SN-1", when=10)


def by_name_without_its_slot(engine: Engine, package: str) -> None:
    stored(engine, installed(entry("SN-1", package, ["R1"], slot=None), when=20))


WAYS = pytest.mark.parametrize("way", [by_name, by_suspicion, by_name_without_its_slot])


@WAYS
def test_it_holds_nothing_by_rule_nor_in_a_count(
    engine: Engine, nonconformance: str, way: Callable[[Engine, str], None]
) -> None:
    way(engine, "GOOD")
    assert held(engine, "SN-1") == {}
    assert recounted(engine, nonconformance.replace("NC-", "C-")) == 0
    assert held(engine, "SN-1") == {}


@WAYS
def test_the_other_reel_of_the_lot_holds_as_before(
    engine: Engine, nonconformance: str, way: Callable[[Engine, str], None]
) -> None:
    way(engine, "GOOD")
    way(engine, "BAD")
    recounted(engine, nonconformance.replace("NC-", "C-"))
    assert held(engine, "SN-1") == {"SN-1": [False]}


@pytest.mark.usefixtures("nonconformance")
@pytest.mark.parametrize("member", ["LeadingMaterialPackage", "BatchMaterialPackage"])
@pytest.mark.parametrize(("named", "behind"), [("GOOD", "BAD"), ("BAD", "GOOD")])
def test_what_both_may_have_given_is_held_for_the_other(engine: Engine, named: str, behind: str, member: str) -> None:
    """A splice, and a tray filled from another reel: pieces may be from each."""
    both = {"UniqueIdentifier": named, "InternalPartNumber": "R0603-10K", member: {"UniqueIdentifier": behind}}
    stored(engine, installed(entry("SN-1", named, ["R1"], Material=both), when=20))
    assert held(engine, "SN-1") == {"SN-1": [False]}, "at once"
    with engine.connect() as connection:
        good = [package_id(connection, "GOOD")]
        counted = scope_of(connection, terms_of({"lot": "A17"}), found_good=good)
    assert [unit.serial for unit in counted.units.values()] == ["SN-1"]


def test_what_was_split_off_is_decided_by_itself(engine: Engine, nonconformance: str) -> None:
    stored(engine, split("GOOD", "REST", 100, when=3))
    stored(engine, installed(entry("SN-1", "REST", ["R1"]), when=20))
    assert recounted(engine, nonconformance.replace("NC-", "C-")) == 0
    assert held(engine, "SN-1") == {"SN-1": [False]}


def test_one_that_is_scrapped_holds_on(engine: Engine, nonconformance: str) -> None:
    decide(engine, nonconformance, "BAD", Disposition.scrap)
    by_suspicion(engine, "BAD")
    assert recounted(engine, nonconformance.replace("NC-", "C-")) == 1


def test_what_was_found_good_for_one_containment_is_contained_by_another(engine: Engine, nonconformance: str) -> None:
    other = contain(engine, package="GOOD").number
    by_suspicion(engine, "GOOD")
    assert recounted(engine, nonconformance.replace("NC-", "C-")) == 0
    assert recounted(engine, other) == 1
    assert held(engine, "SN-1") == {"SN-1": [False]}
