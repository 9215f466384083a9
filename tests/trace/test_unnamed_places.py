"""A place on a panel that nobody named by itself, beside others that were."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.flows.story import BENCH, MOUNTER
from tests.inbox.messages import completed, entry, initialized, installed, started, stored
from tests.trace.reels import loaded
from tests.trace.test_missing_reports import as_built, others
from tests.trace.test_what_goes_in import carriers


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


@pytest.mark.parametrize("named", [1, 2])
def test_a_panel_of_which_one_place_is_named_has_as_many_others_as_the_machine_counted(
    engine: Engine, named: int
) -> None:
    """The only report that came through is of one place. What was loaded may be on the others, whatever they are."""
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=0, slot="F1", source=MOUNTER),
        loaded("R-2", when=0, slot="F2", source=MOUNTER),
        started(panel="P-1", count=3, transaction=work, when=10, source=MOUNTER),
        installed(entry("P-1", "R-2", ["R1"], position=named), transaction=work, when=15, source=MOUNTER),
        completed(transaction=work, when=20, source=MOUNTER),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="R-1") == {"P-1": "inferred"}
        assert carriers(connection, package="R-2") == {f"P-1/{named}": "exact R1", "P-1": "inferred"}
        assert others(connection, "R-1") == set()
        assert {one for one in as_built(connection, "P-1") if one[2] == "R-1"} == {("P-1", None, "R-1", "inferred")}


def test_a_board_is_not_all_of_a_panel_because_no_other_is_linked_yet(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started(panel="P-1", count=2, transaction=work, when=10, source=MOUNTER),
        installed(entry("P-1", "R-2", ["R1"]), transaction=work, when=15, source=MOUNTER),
        initialized("P-1", ("SN-1", 1), when=30),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="R-2") == {"SN-1": "bounded R1"}
        assert as_built(connection, "SN-1") == {("SN-1", "R1", "R-2", "bounded")}


def test_a_panel_of_which_nobody_names_a_place_is_one(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started(panel="P-1", count=2, transaction=work, when=10, source=MOUNTER),
        installed(entry("P-1", "R-2", ["R1"]), transaction=work, when=15, source=MOUNTER),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="R-2") == {"P-1": "exact R1"}


def test_a_board_that_is_told_with_its_place_beside_its_serial_has_its_report(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=0, slot="F1", source=MOUNTER),
        initialized("P-1", ("SN-1", 1), ("SN-2", 2), when=5),
        started("P-1", transaction=work, when=10, source=MOUNTER),
        installed(entry("SN-2", "R-2", ["R1"], position=2), transaction=work, when=15, source=MOUNTER),
        completed(transaction=work, when=20, source=MOUNTER),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="R-1") == {"SN-1": "inferred"}
        assert others(connection, "R-1") == {"SN-2"}
