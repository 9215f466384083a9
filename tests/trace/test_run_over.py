"""A reel whose machine goes on naming it beyond its pieces: what was placed then may be of the reels behind it."""

from uuid import uuid4

from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.excluded import excluded
from app.trace.made_from import made_from
from app.trace.question import Question
from tests.containment.stories import contain, held
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import started, stored
from tests.trace.reels import board, described, empty, joined, loaded
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


def test_what_was_told_empty_and_is_still_named(engine: Engine) -> None:
    """The board that was in work when it ran empty is of it; what began after that is not sure."""
    work = uuid4()
    placed(engine, empty("P-1", when=35), boards=4)
    stored(engine, started("SN-9", transaction=work, when=60), board("SN-9", "P-1", transaction=work, when=70))
    with engine.connect() as connection:
        assert carriers(connection, package="P-2") == {"SN-9": "bounded R1 R2"}


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
