"""A journey read as visits: transactions belong together, retests count apart, late messages say so."""

from datetime import UTC, datetime, timedelta

from app.quality.visits import visits
from app.units.queries import JourneyEntry

START = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
FIRST, SECOND = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"


def told(what: str, second: int, *, transaction: str | None = None, late: float = 0, **details: object) -> JourneyEntry:
    at = START + timedelta(seconds=second)
    return JourneyEntry(what, "A.B.AOI", at, at + timedelta(seconds=late), transaction, details, operation="aoi")


def test_what_belongs_to_one_transaction_is_one_visit() -> None:
    (visit,) = visits([
        told("UnitsDeparted", 40),
        told("WorkStarted", 1, transaction=FIRST, recipe="top"),
        told("UnitsInspected", 20, transaction=FIRST, outcome="passed", by="Ann"),
        told("WorkCompleted", 30, transaction=FIRST, result="Completed"),
        told("UnitsArrived", 0),
    ])  # fmt: skip
    assert (visit.seconds, visit.outcome, visit.recipe, visit.operators) == (40, "passed", "top", ["Ann"])
    assert len(visit.entries) == 5


def test_a_unit_that_comes_again_makes_another_visit_and_its_run_is_a_retest() -> None:
    first, second = visits([
        told("UnitsInspected", 0, transaction=FIRST, outcome="failed", method="AOI"),
        told("UnitsInspected", 60, transaction=SECOND, outcome="passed", method="AOI"),
    ])  # fmt: skip
    assert (first.attempt, first.retests, first.outcome) == (1, 0, "failed")
    assert (second.attempt, second.retests, second.outcome) == (2, 1, "passed")


def test_each_board_of_a_panel_has_a_first_try_of_its_own() -> None:
    (visit,) = visits([
        told("UnitsInspected", 0, transaction=FIRST, outcome="passed", method="SPI", position_number=1),
        told("UnitsInspected", 0, transaction=FIRST, outcome="failed", method="SPI", position_number=2),
        told("UnitsInspected", 5, transaction=FIRST, outcome="passed", method="SPI", position_number=2),
    ])  # fmt: skip
    assert (visit.outcome, visit.retests) == ("passed", 1)


def test_an_abort_is_neither_a_try_nor_an_outcome_beside_a_verdict() -> None:
    (visit,) = visits([
        told("UnitsTested", 0, transaction=FIRST, outcome="failed", method="FCT"),
        told("UnitsTested", 5, transaction=FIRST, outcome="aborted", method="FCT"),
    ])  # fmt: skip
    assert (visit.outcome, visit.retests) == ("failed", 0)


def test_a_message_from_a_spool_says_how_late_it_came() -> None:
    (on_time,) = visits([told("WorkStarted", 0, transaction=FIRST, late=3)])
    (late,) = visits([told("WorkStarted", 0, transaction=FIRST, late=900)])
    assert (on_time.delay, late.delay) == (None, 900)
