"""Boards of a panel that a machine says it passes over (`UnitPosition.Status` Skip), and what it says of the others."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.trace.excluded import excluded
from app.trace.question import Question
from tests.containment.stories import contain, held
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import completed, entry, initialized, installed, message, received, started, stored
from tests.trace.test_missing_reports import as_built, loaded, others
from tests.trace.test_what_goes_in import carriers


def begun(*units: tuple[str, int, str | None], transaction: UUID, when: float = 100) -> bytes:
    """`WorkStarted` on a panel of these (identifier, position, status)."""
    told: list[dict[str, Any]] = [
        {"UnitIdentifier": unit, "PositionNumber": position, **({"Status": status} if status else {})}
        for unit, position, status in units
    ]
    body = {"TransactionID": str(transaction), "PrimaryIdentifier": "PNL", "Units": told}
    return message("Production.WorkStarted", body, when=when)


BY_PLACE = [("PNL", 1, "Pass"), ("PNL", 2, "Skip"), ("PNL", 3, "Pass")]
BY_SERIAL = [("SN-1", 1, "Pass"), ("SN-2", 2, "Skip"), ("SN-3", 3, "Pass")]
LINKED = initialized("PNL", ("SN-1", 1), ("SN-2", 2), ("SN-3", 3), when=1)


@pytest.mark.parametrize("listed", [BY_PLACE, BY_SERIAL])
@pytest.mark.parametrize("unit", ["PNL", None])
def test_what_is_told_of_the_panel_is_not_on_an_x_out(
    engine: Engine, listed: list[tuple[str, int, str | None]], unit: str | None
) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("F1", "REEL-1", when=0),
        LINKED,
        begun(*listed, transaction=work),
        installed(entry(unit, "REEL-1", ["R1"], slot="F1"), transaction=work, when=150),
        completed(transaction=work, when=160),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-1": "bounded R1", "SN-3": "bounded R1"}
        assert as_built(connection, "SN-2") == set()
        assert {one[0] for one in as_built(connection, "PNL")} == {"SN-1", "SN-3"}
        (told,) = excluded(connection, Question(package="REEL-1"))
        assert told.serial == "SN-2"
        assert told.reason.startswith("Acme.Mounter.1 passed it over as an X-out when it worked on the others while")


@pytest.mark.parametrize("entries", [[], [entry("PNL", None, ["R1"], slot="F1")]])
def test_nor_is_what_a_machine_does_not_name(engine: Engine, entries: list[dict[str, Any]]) -> None:
    """It names the slot, or nothing."""
    work = uuid4()
    stored(
        engine,
        loaded("F1", "REEL-1", when=0),
        begun(*BY_PLACE, transaction=work),
        *([installed(*entries, transaction=work, when=150)] if entries else []),
        completed(transaction=work, when=160),
    )
    with engine.connect() as connection:
        assert set(carriers(connection, package="REEL-1")) == {"PNL/1", "PNL/3"}
        assert others(connection, "REEL-1") == {"PNL/2"}


def test_another_machine_need_not_know_of_it(engine: Engine) -> None:
    """Paste is printed on all; and what is told of the place by itself is there, whatever was said of it before."""
    work = uuid4()
    stored(
        engine,
        LINKED,
        begun(*BY_PLACE, transaction=work),
        installed(entry("PNL", "REEL-1", ["R1"], position=2), transaction=work, when=150),
        installed(entry("PNL", "REEL-2", ["R9"]), transaction=uuid4(), when=200, source="Acme.Mounter.2"),
        installed(entry("PNL", "REEL-3", ["R8"]), when=210),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-2": "exact R1"}
        assert set(carriers(connection, package="REEL-2")) == {"SN-1", "SN-2", "SN-3"}
        assert set(carriers(connection, package="REEL-3")) == {"SN-1", "SN-2", "SN-3"}


@pytest.mark.parametrize(
    "listed", [[("PNL", 2, "Skip"), ("PNL", 2, "Pass")], [("PNL", 0, "Skip")], [("PNL", 2, "Fail")]]
)
def test_in_doubt_a_board_is_none(engine: Engine, listed: list[tuple[str, int, str | None]]) -> None:
    work = uuid4()
    stored(
        engine,
        LINKED,
        begun(*listed, ("PNL", 1, None), transaction=work),
        installed(entry("PNL", "REEL-1", ["R1"]), transaction=work, when=150),
    )
    with engine.connect() as connection:
        assert set(carriers(connection, package="REEL-1")) == {"SN-1", "SN-2", "SN-3"}


def test_when_it_was_told_late_it_was_possible_until_then(engine: Engine) -> None:
    work = uuid4()
    stored(engine, LINKED, installed(entry("PNL", "REEL-1", ["R1"]), transaction=work, when=150))
    before = known_now(engine)
    stored(engine, begun(*BY_PLACE, transaction=work))
    with engine.connect() as connection:
        assert set(carriers(connection, package="REEL-1", as_of=before)) == {"SN-1", "SN-2", "SN-3"}
        assert set(carriers(connection, package="REEL-1")) == {"SN-1", "SN-3"}


@pytest.mark.parametrize("listed", [BY_PLACE, BY_SERIAL])
def test_so_it_may_be_told_when_the_work_is_completed(
    engine: Engine, listed: list[tuple[str, int, str | None]]
) -> None:
    work = uuid4()
    units = [
        {"UnitIdentifier": unit, "PositionNumber": position, "Status": status} for unit, position, status in listed
    ]
    end = {"TransactionID": str(work), "Result": "Completed", "PrimaryIdentifier": "PNL", "Units": units}
    stored(
        engine,
        LINKED,
        started("PNL", transaction=work, when=100),
        installed(entry("PNL", "REEL-1", ["R1"]), transaction=work, when=150),
    )
    before = known_now(engine)
    stored(engine, message("Production.WorkCompleted", end, when=160))
    with engine.connect() as connection:
        assert set(carriers(connection, package="REEL-1", as_of=before)) == {"SN-1", "SN-2", "SN-3"}
        assert set(carriers(connection, package="REEL-1")) == {"SN-1", "SN-3"}
        assert as_built(connection, "SN-2") == set()


def test_an_x_out_is_not_on_hold_for_what_its_neighbours_got(engine: Engine) -> None:
    work = uuid4()
    stored(engine, received(("REEL-1", "R0603-10K", "A17")), LINKED)
    contain(engine, lot="A17")
    stored(
        engine,
        begun(*BY_PLACE, transaction=work),
        installed(entry("PNL", "REEL-1", ["R1"]), transaction=work, when=150),
        completed(transaction=work, when=160),
    )
    assert set(held(engine, "SN-1", "SN-2", "SN-3")) == {"SN-1", "SN-3"}


def test_of_boards_without_a_panel_one_may_be_passed_over_when_the_work_is_completed(engine: Engine) -> None:
    work = uuid4()
    units = [{"UnitIdentifier": "SN-1"}, {"UnitIdentifier": "SN-2", "Status": "Skip"}]
    end = {"TransactionID": str(work), "Result": "Completed", "Units": units}
    stored(
        engine,
        started("SN-1", "SN-2", transaction=work, when=100),
        installed(entry(None, "REEL-1", ["R1"]), transaction=work, when=150),
    )
    before = known_now(engine)
    stored(engine, message("Production.WorkCompleted", end, when=160))
    with engine.connect() as connection:
        assert set(carriers(connection, package="REEL-1", as_of=before)) == {"SN-1", "SN-2"}
        assert set(carriers(connection, package="REEL-1")) == {"SN-1"}
        assert as_built(connection, "SN-2") == set()
        assert {one[2] for one in as_built(connection, "SN-1")} == {"REEL-1"}
