"""Pages of a long answer: each costs its own units, and the counts of the whole are taken once."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event

from app.errors import Invalid
from app.trace.evidence import Evidence
from app.trace.pages import Counts, Cursor
from app.trace.question import Question
from app.trace.where_used import where_used
from tests.inbox.messages import entry, installed, started, stored


def test_a_later_page_looks_up_its_own_units_only(engine: Engine) -> None:
    stored(engine, *(installed(entry(f"SN-{number:03}", "REEL-1", ["R1"])) for number in range(400)))
    stored(engine, started("SN-000", "SN-399", transaction=uuid4()))  # of plain boards nothing more is asked
    looked_up: list[int] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "What are these units called" in statement:
            looked_up.append(len(parameters["units"]))

    with engine.connect() as connection:
        first = where_used(connection, Question(package="REEL-1"), limit=10)
        assert sum(looked_up) == 400, "the whole is counted once"
        looked_up.clear()
        second = where_used(connection, Question(package="REEL-1"), limit=10, cursor=first.next)

    assert sum(looked_up) <= 100  # the first block; 390 are left
    assert second.counts == first.counts
    assert [unit.serial for unit in second.units] == [f"SN-{number:03}" for number in range(10, 20)]


def test_counts_are_those_of_the_first_page(engine: Engine) -> None:
    stored(engine, *(installed(entry(f"SN-{number}", "REEL-1", ["R1"])) for number in range(4)))
    with engine.connect() as connection:
        first = where_used(connection, Question(package="REEL-1"), limit=2)
    stored(engine, installed(entry("SN-LATE", "REEL-1", ["R1"])))

    with engine.connect() as connection:
        second = where_used(connection, Question(package="REEL-1"), limit=2, cursor=first.next)

    assert second.counts.exact == 4
    assert second.next is not None, "what became known since follows"


def test_a_cursor_is_read_as_it_was_written() -> None:
    counts = Counts()
    counts.add(Evidence.exact, "Acme.Mounter.1")
    counts.add(Evidence.bounded, None)
    cursor = Cursor((0, 2**40, 3), counts)

    assert Cursor.read(cursor.written) == cursor


@pytest.mark.parametrize("text", ["0.1.0", "x", "", "é", "eJyL", "A" * 5000])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        Cursor.read(text)
