"""Questions about a panel are asked once for all its boards, and about the time it was worked on, not all that was."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, text

from app.lines.clocks import measure_clocks
from app.quality.passport import passport
from app.trace.installed import installed_in
from app.trace.level import material_level
from app.trace.made_from import made_from
from tests.inbox.messages import completed, entry, initialized, installed, started, stored
from tests.trace.bills import planned
from tests.trace.reels import empty, joined, loaded


@contextmanager
def asking(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements asked meanwhile, with their parameters."""
    told: list[tuple[str, Any]] = []

    def note(*asked: Any) -> None:
        told.append((asked[2], asked[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


def panel(serial: str, boards: Sequence[str], *, when: float) -> list[bytes]:
    """A panel that was worked on without a report, with a reel in the machine."""
    transaction = uuid4()
    return [
        initialized(serial, *((board, nth) for nth, board in enumerate(boards, 1)), order="WO-1", when=when),
        started(serial, transaction=transaction, when=when + 1, order="WO-1"),
        completed(serial, transaction=transaction, when=when + 20),
    ]


@pytest.mark.parametrize("question", [made_from, material_level, passport])
def test_what_may_be_in_a_panel_is_asked_once_however_many_boards_it_has(engine: Engine, question: Any) -> None:
    planned(engine, "WO-1", {"R1": "R0603-10K"})
    few, many = [f"A-{nth}" for nth in range(2)], [f"B-{nth}" for nth in range(12)]
    stored(engine, loaded("R-1", when=0), *panel("FEW", few, when=10), *panel("MANY", many, when=100))
    asked: dict[str, list[str]] = {}
    for serial in ("FEW", "MANY"):
        with engine.connect() as connection, asking(engine) as told:
            question(connection, serial)
        asked[serial] = [statement for statement, _ in told]
    near = [[one for one in statements if "these packages in which slot?" in one] for statements in asked.values()]
    assert near[0]
    assert len(near[0]) == len(near[1])
    assert len(asked["MANY"]) - len(asked["FEW"]) <= 5 * (len(many) - len(few)), "each board as built, and no more"


def test_what_may_be_in_a_unit_is_asked_of_the_reels_of_its_time(engine: Engine) -> None:
    planned(engine, "WO-1", {"R1": "R0603-10K"})
    stored(engine, loaded("R-0", when=0))
    counts = []
    for done, reels in ((0, 5), (5, 50)):
        for nth in range(done, reels):
            when = (nth + 1) * 100
            stored(engine, joined(f"R-{nth}", f"R-{nth + 1}", when=when), empty(f"R-{nth}", when=when))
        stored(engine, *panel(f"P-{reels}", [f"A-{reels}"], when=reels * 100 + 50))
        for serial in {"P-5", f"P-{reels}"}:
            with engine.connect() as connection, asking(engine) as told:
                made = made_from(connection, serial)
            assert {part.package for part in made.installations} == {f"R-{serial[2:]}"}
            counts.append(next(len(given["packages"]) for statement, given in told if "in which slot?" in statement))
    assert max(counts) <= 3, "the one before and the one after, by clocks that differ"


def test_rounds_of_a_carrier_are_looked_at_in_the_place_asked_for(engine: Engine) -> None:
    for nth in range(10):
        boards = [(f"S-{nth}-{position}", position) for position in (1, 2, 3, 4)]
        stored(engine, initialized("CAR", *boards, when=nth * 100, source="Acme.Laser.1"))
        stored(engine, installed(*(entry("CAR", "R-1", ["R1"], position=at) for _, at in boards), when=nth * 100 + 50))
    with engine.begin() as connection:
        measure_clocks(connection, {"Acme.Laser.1": timedelta(minutes=5)})
        asked = {"serial": "S-5-2", "customer_id": None, "as_of": None}
        plan = "\n".join(connection.execute(text(f"EXPLAIN ANALYZE {installed_in(asked)}"), asked).scalars())
    assert re.findall(r"rounds_of turn .*actual.* rows=([0-9]+)", plan) == ["10"]
