"""A unit is in one station's hands: of two that ask, of a panel with a bad board, of a machine that gave up."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Invalid, NotFound
from app.interlock.gathering import Asked
from app.interlock.starts import give_up, start_units
from app.interlock.verdicts import Verdict
from app.lines.planning import StationPlan, plan_line
from tests.containment.stories import contain, decide
from tests.inbox.messages import count, entry, initialized, installed, started, stored, uninstalled
from tests.interlock.story import MARKER, MOUNTER, PRINTER, asked, clock, codes, done

TWIN = "Acme.Printer.2"


@pytest.fixture
def twins(line: Engine) -> Engine:
    """The line, and a second printer beside it."""
    with line.begin() as connection:
        plan_line(connection, name="SMT 2", stations=[StationPlan(TWIN, operation="print")], actor="test")
    return line


def start(engine: Engine, station: str, *serials: str) -> list[Verdict]:
    with engine.begin() as connection:
        return start_units(connection, station=station, serials=serials, actor="test")


def in_hands(engine: Engine) -> list[str]:
    question = "SELECT serial FROM unit_start JOIN unit USING (unit_id) WHERE ended_at IS NULL ORDER BY 1"
    with engine.connect() as connection:
        return list(connection.execute(text(question)).scalars())


def test_who_only_asks_is_told_too_that_another_station_has_it(twins: Engine) -> None:
    assert all(verdict.started for verdict in start(twins, PRINTER, "SN-1"))
    assert codes(twins, TWIN, Asked("SN-1")) == [["already_started"]]
    assert codes(twins, TWIN, Asked("P-1", 1)) == [["already_started"]]
    assert codes(twins, PRINTER, Asked("SN-1")) == [[]]


def test_work_that_a_machine_began_by_itself_is_in_its_hands_as_well(twins: Engine) -> None:
    done(twins, PRINTER, end=False)
    assert codes(twins, TWIN) == [["already_started"], ["already_started"]]
    assert codes(twins, PRINTER) == [[], []]
    assert not start(twins, TWIN, "SN-1")[0].allowed
    assert in_hands(twins) == []


def test_boards_that_are_linked_later_were_started_with_their_panel(twins: Engine) -> None:
    stored(twins, initialized(None, "P-2", order="WO-1", source=MARKER, when=next(clock)))
    assert start(twins, MARKER, "P-2")[0].started
    stored(twins, initialized("P-2", ("B-1", 1), ("B-2", 2), order="WO-1", source=MARKER, when=next(clock)))
    assert "already_started" in codes(twins, TWIN, Asked("B-1"))[0]
    assert "already_started" not in codes(twins, MARKER, Asked("B-1"))[0]


def test_a_panel_starts_as_a_whole_or_not_at_all(line: Engine) -> None:
    contain(line, serials=["SN-2"])
    good, bad = start(line, PRINTER, "P-1")
    assert (good.allowed, good.started, bad.allowed, bad.started) == (True, False, False, False)
    assert in_hands(line) == []
    assert [verdict.started for verdict in start(line, PRINTER, "SN-1", "SN-2")] == [True, False]


def test_a_panel_starts_with_a_scrapped_board_crossed_out(line: Engine) -> None:
    decide(line, contain(line, serials=["SN-2"]).nonconformance, ["SN-2"], "scrap")
    good, crossed_out = start(line, PRINTER, "P-1")
    assert (good.started, crossed_out.started, crossed_out.crossed_out) == (True, False, True)
    assert in_hands(line) == ["SN-1"]
    assert "scrapped" in codes(line, PRINTER, Asked("SN-2"))[0]
    assert not start(line, PRINTER, "SN-2")[0].allowed


def test_a_start_that_was_given_up_frees_the_unit(twins: Engine) -> None:
    start(twins, PRINTER, "SN-1")
    done(twins, PRINTER, end=False)
    with twins.begin() as connection:
        with pytest.raises(Invalid):
            give_up(connection, ["P-1"], reason=" ", actor="person:lena")
        with pytest.raises(NotFound):
            give_up(connection, ["P-1", "NOBODY"], reason="jammed", actor="person:lena")
        assert give_up(connection, ["P-1"], reason="jammed and taken out", actor="person:lena") == ["P-1"]
        with pytest.raises(NotFound):
            give_up(connection, ["P-1"], reason="again", actor="person:lena")
    assert codes(twins, TWIN) == [[], []]
    assert codes(twins, MOUNTER) == [["skipped"], ["skipped"]], "what was given up is not done"
    assert count(twins, "audit", "deed = 'start.ended' AND details ->> 'reason' = 'jammed and taken out'") == 1
    assert [verdict.started for verdict in start(twins, TWIN, "P-1")] == [True, True]


def test_work_that_was_aborted_frees_the_unit_by_itself(twins: Engine) -> None:
    done(twins, PRINTER, result="Aborted")
    assert codes(twins, TWIN) == [[], []]


def test_what_is_built_into_an_assembly_is_started_with_it_alone(line: Engine) -> None:
    box = "Acme.Box.1"
    work = uuid4()
    stored(
        line,
        started("BOX-1", transaction=work, source=box, when=next(clock)),
        installed(
            entry("BOX-1", None, children=[("A1", "SN-1")], slot=None, part_number="PCA"),
            transaction=work, source=box, when=next(clock),
        ),
    )  # fmt: skip
    (verdict,) = asked(line, PRINTER, Asked("SN-1"))
    assert [ground.code for ground in verdict.reasons] == ["built_in"]
    assert "BOX-1" in verdict.sentence
    stored(line, uninstalled("BOX-1", children=[("A1", "SN-1")], when=next(clock), source=box))
    assert "built_in" not in codes(line, PRINTER, Asked("SN-1"))[0]
