"""A place on a panel that nobody named by itself, beside others that were."""

from uuid import uuid4

from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.flows.story import BENCH, MOUNTER
from tests.inbox.messages import completed, entry, installed, started, stored
from tests.trace.reels import loaded


def test_what_a_panel_got_as_a_whole_may_be_on_the_place_that_was_never_named(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=0, source=MOUNTER),
        started("P-1", transaction=work, when=10, source=MOUNTER),
        completed("P-1", transaction=work, when=20, source=MOUNTER),
        installed(entry("P-1", "R-2", ["R9"], position=2), when=100, source=BENCH),
        installed(entry("P-1", "R-2", ["R9"], position=3), when=200, source=BENCH),
    )
    with engine.connect() as connection:
        told = stream_where_used(connection, Question(package="R-1"))
        assert {unit.position_number for unit in told} == {1, 2, 3}
        told = stream_where_used(connection, Question(package="R-2"))
        assert {unit.position_number for unit in told} == {2, 3}


def test_a_report_of_one_place_is_none_of_the_panel(engine: Engine) -> None:
    """The reports of the other places were lost: what was loaded may be there."""
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=0, slot="F1", source=MOUNTER),
        loaded("R-2", when=0, slot="F2", source=MOUNTER),
        started("P-1", transaction=work, when=10, source=MOUNTER),
        installed(entry("P-1", "R-2", ["R1"], position=2), transaction=work, when=15, source=MOUNTER),
        completed("P-1", transaction=work, when=20, source=MOUNTER),
    )
    with engine.connect() as connection:
        told = {unit.serial: unit.evidence for unit in stream_where_used(connection, Question(package="R-1"))}
    assert told == {"P-1": Evidence.inferred}
