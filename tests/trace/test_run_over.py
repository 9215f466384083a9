"""A reel whose machine goes on naming it beyond its pieces: what was placed then may be of the reels behind it."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.excluded import excluded
from app.trace.made_from import made_from
from app.trace.question import Question
from tests.containment.stories import contain, held
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import entry, installed, message, started, stored
from tests.trace.reels import board, described, empty, joined, loaded, spliced, split
from tests.trace.test_what_goes_in import carriers


def placed(engine: Engine, *more: bytes, boards: int = 12) -> None:
    """Twelve boards take two pieces each; the head came with ten."""
    stored(
        engine,
        described("P-1", initial=10),
        described("P-2", initial=1000),
        loaded("P-1", when=1),
        joined("P-1", "P-2", when=5),
        *more,
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(boards)],
    )


def test_past_its_pieces_it_may_be_any_of_the_chain(engine: Engine) -> None:
    placed(engine)
    with engine.connect() as connection:
        head, behind = carriers(connection, package="P-1"), carriers(connection, package="P-2")
        parts = {(one.package, one.evidence) for one in made_from(connection, "SN-11").installations}
        first = {(one.package, one.evidence) for one in made_from(connection, "SN-4").installations}
        left_out = {one.serial for one in excluded(connection, Question(package="P-2"))}
    assert {head[f"SN-{n}"] for n in range(5)} == {"exact R1 R2"}
    assert {head[f"SN-{n}"] for n in range(5, 12)} == {"bounded R1 R2"}
    assert behind == {f"SN-{n}": "bounded R1 R2" for n in range(5, 12)}
    assert parts == {("P-1", Evidence.bounded), ("P-2", Evidence.bounded)}
    assert first == {("P-1", Evidence.exact)}
    assert not left_out & set(behind)


def test_what_is_spliced_on_behind_that_too(engine: Engine) -> None:
    placed(engine, joined("P-2", "P-3", when=6))
    with engine.connect() as connection:
        assert set(carriers(connection, package="P-3")) == {f"SN-{n}" for n in range(5, 12)}


def test_a_machine_that_tells_no_designators(engine: Engine) -> None:
    """Only how many it placed: where the pieces went does not matter to what they are of."""
    stored(
        engine,
        described("P-1", initial=10),
        described("P-2", initial=1000),
        joined("P-1", "P-2", when=5),
        *[
            installed(entry(f"SN-{n}", "P-1", QuantityInstalled=2.0), transaction=uuid4(), when=10 + 10 * n)
            for n in range(7)
        ],
    )
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {"SN-5": "bounded", "SN-6": "bounded"}
        head = carriers(connection, package="P-1")
        assert {serial for serial, how in head.items() if how == "bounded"} == {"SN-5", "SN-6"}
        for serial in ("SN-5", "SN-6"):
            assert {one.package for one in made_from(connection, serial).installations} == {"P-1", "P-2"}


def test_what_was_told_empty_and_is_still_named(engine: Engine) -> None:
    """The board that was in work when it ran empty is of it; what began after that is not sure."""
    work = uuid4()
    placed(engine, empty("P-1", when=35), boards=4)
    stored(engine, started("SN-9", transaction=work, when=60), board("SN-9", "P-1", transaction=work, when=70))
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {"SN-9": "bounded R1 R2"}


def test_what_was_counted_as_it_was_loaded(engine: Engine) -> None:
    """Nothing that it placed was in work before, whether its machine tells when works begin or not."""
    stored(
        engine,
        loaded("P-1", quantity=10, when=1),
        joined("P-1", "P-2", when=5),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(7)],
    )
    with engine.connect() as connection:
        assert set(carriers(connection, package="P-2")) == {"SN-5", "SN-6"}


def test_what_was_told_empty_by_a_machine_that_does_not_tell_when_works_begin(engine: Engine) -> None:
    """So many boards may have been in work; those behind them began later."""
    placed(engine, empty("P-1", when=15), boards=5)
    with engine.connect() as connection:
        assert set(carriers(connection, package="P-2")) == {"SN-4"}


@pytest.mark.parametrize("left", [0, 900])
def test_what_was_thrown_away_and_is_still_named(engine: Engine, left: float) -> None:
    """Whatever was left of it went with it."""
    thrown = {"Materials": [{"UniqueIdentifier": "P-1", "Quantity": left}]}
    work = uuid4()
    stored(
        engine,
        described("P-1", initial=1000),
        joined("P-1", "P-2", when=5),
        board("SN-0", "P-1", when=10),
        message("Materials.Management.MaterialsRetired", thrown, when=35),
        started("SN-9", transaction=work, when=60),
        board("SN-9", "P-1", transaction=work, when=70),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {"SN-9": "bounded R1 R2"}
        assert {one.package for one in made_from(connection, "SN-9").installations} == {"P-1", "P-2"}


def test_a_reel_of_the_chain_is_contained_with_what_may_be_of_it(engine: Engine) -> None:
    placed(engine)
    contain(engine, package="P-2")
    assert set(held(engine, *(f"SN-{n}" for n in range(12)))) == {f"SN-{n}" for n in range(5, 12)}


def test_within_its_pieces_and_as_it_was_known_it_is_the_head_alone(engine: Engine) -> None:
    placed(engine, boards=5)
    before = known_now(engine)
    stored(engine, board("SN-5", "P-1", when=60))
    with engine.connect() as connection:
        assert set(carriers(connection, package="P-1", as_of=before).values()) == {"exact R1 R2"}
        assert carriers(connection, package="P-2", as_of=before) == {}
        assert carriers(connection, package="P-2") == {"SN-5": "bounded R1 R2"}


def test_whose_whole_chain_is_looked_for_it_does_not_matter(engine: Engine) -> None:
    placed(engine)
    stored(engine, described("P-2", initial=1000, when=2, InternalPartNumber="R0603-10K"))
    with engine.connect() as connection:
        answer = carriers(connection, part_number="R0603-10K")
    assert set(answer.values()) == {"exact R1 R2"}


def test_a_splice_told_after_all_that_was_taken_from_it(engine: Engine) -> None:
    """Whenever it is told: there is nothing else the pieces can have come from."""
    stored(
        engine,
        described("P-1", initial=10),
        described("P-2", initial=1000),
        loaded("P-1", when=1),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(7)],
        joined("P-1", "P-2", when=500),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {f"SN-{n}": "bounded R1 R2" for n in (5, 6)}
        for serial in ("SN-5", "SN-6"):
            assert {one.package for one in made_from(connection, serial).installations} == {"P-1", "P-2"}


def chain_of_tens(engine: Engine, *, told: float) -> tuple[dict[str, str], dict[str, str]]:
    """Seven boards in the name of ten pieces, five in that of the next ten; who carries the second and third reel."""
    stored(
        engine,
        *[described(f"P-{n}", initial=10) for n in (1, 2, 3)],
        joined("P-1", "P-2", when=told),
        joined("P-2", "P-3", when=6),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(7)],
        *[board(f"SN-{n}", "P-2", when=10 + 10 * n) for n in range(7, 12)],
        *[board(f"SN-{n}", "P-3", when=10 + 10 * n) for n in range(12, 14)],
    )
    with engine.connect() as connection:
        return carriers(connection, package="P-2"), carriers(connection, package="P-3")


def by_evidence(carried: dict[str, str], evidence: str) -> set[str]:
    return {serial for serial, how in carried.items() if how == f"{evidence} R1 R2"}


def test_what_the_head_is_short_of_was_taken_from_the_next(engine: Engine) -> None:
    """It was told of the next reel when four of its pieces were gone: what it says of the last four is not sure."""
    second, third = chain_of_tens(engine, told=75)
    assert by_evidence(second, "exact") == {"SN-7", "SN-8", "SN-9"}
    assert by_evidence(second, "bounded") == {"SN-5", "SN-6", "SN-10", "SN-11"}
    assert by_evidence(third, "exact") == {"SN-12", "SN-13"}
    assert by_evidence(third, "bounded") == {"SN-10", "SN-11"}


def test_a_machine_that_knew_of_the_next_reel_has_named_it_in_time(engine: Engine) -> None:
    """It did not change the name because it was told: the head's label may say too little, the next one's holds."""
    second, third = chain_of_tens(engine, told=5)
    assert by_evidence(second, "exact") == {f"SN-{n}" for n in range(7, 12)}
    assert by_evidence(second, "bounded") == {"SN-5", "SN-6"}
    assert set(third) == {"SN-12", "SN-13"}


def test_a_reel_that_was_still_there_afterwards_is_the_last_it_may_be(engine: Engine) -> None:
    """Each reel is named by itself; one piece too many of the head is no doubt about a whole chain."""
    stored(
        engine,
        described("P-1", initial=9),
        *[described(f"P-{n}", initial=1000) for n in range(2, 6)],
        *[joined(f"P-{n}", f"P-{n + 1}", when=n) for n in range(1, 5)],
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(5)],
        *[board(f"SN-{n}", f"P-{n - 3}", when=10 + 10 * n) for n in range(5, 9)],
    )
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {"SN-4": "bounded R1 R2", "SN-5": "exact R1 R2"}
        assert carriers(connection, package="P-3") == {"SN-6": "exact R1 R2"}


def test_a_name_that_was_wrong_each_time_does_not_say_that_the_reel_was_still_there(engine: Engine) -> None:
    """Both splices are told late: a reel for every board, and the second is named only when the third is on."""
    stored(
        engine,
        *[described(f"P-{n}", initial=2) for n in (1, 2)],
        described("P-3", initial=1000),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(3)],
        joined("P-1", "P-2", when=35),
        board("SN-3", "P-2", when=40),
        joined("P-2", "P-3", when=45),
        board("SN-4", "P-3", when=50),
    )
    with engine.connect() as connection:
        third = carriers(connection, package="P-3")
        third_parts = {one.package for one in made_from(connection, "SN-2").installations}
    assert by_evidence(third, "exact") == {"SN-4"}
    assert by_evidence(third, "bounded") == {"SN-1", "SN-2", "SN-3"}
    assert third_parts == {"P-1", "P-2", "P-3"}


def test_up_to_a_splice_that_was_seen_the_pieces_are_the_heads_own(engine: Engine) -> None:
    """A label may say too little; what goes on naming the head afterwards is not believed."""
    stored(
        engine,
        described("P-1", initial=10),
        described("P-2", initial=1000),
        joined("P-1", "P-2", when=5),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(7)],
        spliced("P-1", "P-2", when=75),
        board("SN-7", "P-1", when=200),
    )
    with engine.connect() as connection:
        head = carriers(connection, package="P-1")
        assert {head[f"SN-{n}"] for n in range(7)} == {"exact R1 R2"}
        assert carriers(connection, package="P-2") == {"SN-7": "bounded R1 R2"}


def test_reels_spliced_in_a_circle_are_still_answered(engine: Engine) -> None:
    """A mistake of a scan: nothing is sure of them then, and nothing is lost."""
    placed(engine, joined("P-2", "P-1", when=6))
    with engine.connect() as connection:
        assert set(carriers(connection, package="P-2")) == {f"SN-{n}" for n in range(5, 12)}


def test_a_splice_that_was_seen_to_another_reel_elsewhere_says_nothing_of_this_one(engine: Engine) -> None:
    """What was left of the reel behind was taken to another machine and spliced on there."""
    other = "Acme.Mounter.2"
    placed(
        engine,
        joined("P-9", "P-2", when=300, source=other),
        spliced("P-9", "P-2", slot="M2.F.1", when=320, source=other),
        board("SN-X", "P-2", when=330, source=other),
    )
    with engine.connect() as connection:
        behind = carriers(connection, package="P-2")
        parts = {one.package for one in made_from(connection, "SN-11").installations}
    assert by_evidence(behind, "bounded") == {f"SN-{n}" for n in range(5, 12)}
    assert by_evidence(behind, "exact") == {"SN-X"}
    assert parts == {"P-1", "P-2"}


def test_who_names_the_head_long_after_the_splice_was_seen_may_mean_any_of_the_chain(engine: Engine) -> None:
    """Five boards use up the reel behind; what follows is of the one behind that."""
    stored(
        engine,
        *[described(f"P-{n}", initial=10) for n in (1, 2)],
        described("P-3", initial=1000),
        *[joined(f"P-{n}", f"P-{n + 1}", when=n) for n in (1, 2)],
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(5)],
        spliced("P-1", "P-2", when=55),
        *[board(f"SN-{n}", "P-1", when=10 + 10 * n) for n in range(5, 13)],
    )
    with engine.connect() as connection:
        third = carriers(connection, package="P-3")
        parts = {one.package for one in made_from(connection, "SN-12").installations}
    assert {"SN-10", "SN-11", "SN-12"} <= set(third)
    assert "SN-4" not in third
    assert {"P-2", "P-3"} <= parts


def test_each_reel_of_a_lot_is_believed_as_far_as_it_reaches_itself(engine: Engine) -> None:
    """Two slots: the first is in doubt from the third board on, the second two boards later."""
    stored(
        engine,
        described("A-1", initial=4, ManufacturerLotCode="L-1"),
        described("B-1", initial=8, ManufacturerLotCode="L-1"),
        joined("A-1", "A-2", when=5),
        joined("B-1", "B-2", when=5),
        *[
            installed(
                entry(f"SN-{n}", "A-1", ["R1", "R2"]),
                entry(f"SN-{n}", "B-1", ["C1", "C2"], slot="M1.F.2"),
                transaction=uuid4(),
                when=10 + 10 * n,
            )
            for n in range(6)
        ],
    )
    with engine.connect() as connection:
        answer = carriers(connection, lot="L-1")
    assert {answer[f"SN-{n}"] for n in (0, 1)} == {"exact C1 C2 R1 R2"}
    assert {answer[f"SN-{n}"] for n in (2, 3)} == {"exact C1 C2"}
    assert {answer[f"SN-{n}"] for n in (4, 5)} == {"bounded C1 C2 R1 R2"}


PART_OF_IT = {
    "a part": [split("P-1", "P-1b", 10, when=6)],
    "told by a clock that lags": [split("P-1", "P-1b", 10, when=3)],
    "a part of a part": [split("P-1", "P-1a", 10, when=6), split("P-1a", "P-1b", 10, when=7)],
    "in a circle, by mistake": [split("P-1", "P-1b", 10, when=6), split("P-1b", "P-1", 0, when=8)],
}


@pytest.mark.parametrize("split_off", PART_OF_IT.values(), ids=PART_OF_IT)
def test_what_was_split_off_a_reel_may_have_taken_along_what_hung_behind_it(
    engine: Engine, split_off: list[bytes]
) -> None:
    stored(
        engine,
        described("P-1", initial=20),
        described("P-2", initial=1000),
        loaded("P-1", when=1),
        joined("P-1", "P-2", when=5),
        *split_off,
        loaded("P-1b", slot="M1.F.2", when=7),
        *[board(f"SN-{n}", "P-1b", when=10 + 10 * n) for n in range(8)],
    )
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {f"SN-{n}": "bounded R1 R2" for n in (5, 6, 7)}
        parts = {one.package for one in made_from(connection, "SN-7").installations}
    assert parts == {"P-1b", "P-2"}
