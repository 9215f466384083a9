"""First pass yield counts units at their first try, whatever they were called and however often they came."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from app.quality.outcome import Outcome
from app.quality.yields import FirstPassYield, first_pass_yields
from tests.quality.recording import DAY, NOON, Recording

PANEL, CARRIER = 900, 901


@pytest.fixture
def line(connection: Connection) -> Recording:
    return Recording(connection)


def today(line: Recording, kind: str = "inspection") -> FirstPassYield:
    (one,) = [one for one in first_pass_yields(line.connection, NOON, NOON + DAY) if one.kind == kind]
    return one


def test_a_retest_does_not_mend_the_first_try(line: Recording) -> None:
    line.inspection(1)
    line.inspection(2, Outcome.failed)
    line.inspection(2)

    figures = today(line)

    assert (figures.tried, figures.passed, figures.retests, figures.retests_passed) == (2, 1, 1, 1)
    assert figures.first_pass_yield == 0.5
    assert figures.method == "AOI"


def test_what_reached_no_verdict_is_no_try(line: Recording) -> None:
    line.test(1, Outcome.aborted)
    line.test(1)
    line.test(2, Outcome.error)

    figures = today(line, "test")

    assert (figures.tried, figures.passed, figures.retests) == (1, 1, 0)
    assert (figures.aborted, figures.errors) == (1, 1)


def test_a_station_where_nothing_was_tried_has_no_yield(line: Recording) -> None:
    line.test(1, Outcome.error)

    assert today(line, "test").first_pass_yield is None


def test_a_false_call_costs_no_yield_and_is_counted(line: Recording) -> None:
    line.inspection(1, Outcome.passed, machine=Outcome.failed)

    figures = today(line)

    assert (figures.passed, figures.passed_by_machine, figures.false_calls) == (1, 0, 1)


def test_a_board_that_failed_yesterday_is_retested_today(line: Recording) -> None:
    line.inspection(1, Outcome.failed, at=NOON - timedelta(hours=3))
    line.inspection(1)

    figures = today(line)

    assert (figures.tried, figures.retests) == (0, 1)


def test_the_second_side_of_a_board_is_no_retest_of_the_first(line: Recording) -> None:
    line.inspection(1, Outcome.failed, at=NOON - DAY, recipe="bottom")
    line.inspection(1, recipe="bottom")
    line.inspection(1, Outcome.failed, recipe="top")
    line.inspection(2, recipe="bottom")
    line.inspection(2, recipe="top")

    figures = today(line)

    assert (figures.tried, figures.passed, figures.retests) == (3, 2, 1)


def test_another_station_is_another_first_try(line: Recording) -> None:
    line.inspection(1, Outcome.failed, at=NOON - DAY, station="Maker.AOI.2")
    line.inspection(1)

    assert today(line).tried == 1


def test_a_board_is_the_same_under_its_serial_and_its_place_on_the_panel(line: Recording) -> None:
    line.link(PANEL, [1, 2], NOON - 2 * DAY)
    line.inspection(PANEL, Outcome.failed, position=1, at=NOON - DAY)
    line.inspection(1)
    line.inspection(2)
    line.inspection(PANEL, position=2)

    figures = today(line)

    assert (figures.tried, figures.retests) == (1, 2)


def test_a_link_that_becomes_known_late_counts_from_the_beginning(line: Recording) -> None:
    line.inspection(PANEL, Outcome.failed, position=1, at=NOON - DAY)
    line.inspection(1)
    line.link(PANEL, [1], NOON + timedelta(hours=1))

    assert (today(line).tried, today(line).retests) == (0, 1)


def test_boards_on_a_carrier_that_comes_again_are_different_boards(line: Recording) -> None:
    line.link(CARRIER, [1], NOON - DAY)
    line.inspection(CARRIER, Outcome.failed, position=1, at=NOON - DAY + timedelta(minutes=1))
    line.link(CARRIER, [2], NOON)
    line.inspection(CARRIER, position=1, at=NOON + timedelta(minutes=1))
    line.link(CARRIER, [3], NOON + timedelta(hours=1))
    line.inspection(CARRIER, Outcome.failed, position=1, at=NOON + timedelta(hours=1, minutes=1))

    figures = today(line)

    assert (figures.tried, figures.passed, figures.retests) == (2, 1, 0)


def test_a_panel_as_a_whole_is_no_try_of_its_boards(line: Recording) -> None:
    line.inspection(PANEL, Outcome.failed, number=0)
    line.inspection(PANEL, position=1)
    line.inspection(PANEL, position=2)

    assert (today(line).tried, today(line).passed) == (2, 2)


def test_one_station_can_be_asked_for(line: Recording) -> None:
    line.inspection(1)
    line.inspection(1, station="Maker.AOI.2")

    (one,) = first_pass_yields(line.connection, NOON, NOON + DAY, station_id=line.station("Maker.AOI.2"))

    assert (one.station, one.tried) == ("Maker.AOI.2", 1)
