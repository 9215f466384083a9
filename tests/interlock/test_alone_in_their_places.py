"""Units that were alone in their places are asked about without their carriers' rounds; others never are."""

import msgspec
from sqlalchemy import Engine

from app.interlock.answers import answers
from app.interlock.questions import ASK, ASK_AMONG_ROUNDS
from app.units.taken_out import take_out
from tests.containment.stories import ACTOR
from tests.inbox.messages import stored
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, done, inspected, placed
from tests.interlock.test_reused_carriers import round_of


def _both_ways(engine: Engine, *identifiers: str) -> list[list[dict[str, object]]]:
    given = {"station": TESTER, "identifiers": list(identifiers), "positions": [0] * len(identifiers)}
    with engine.connect() as connection:
        return [
            [msgspec.json.decode(row[0]) for row in connection.exec_driver_sql(question, given)]
            for question in (ASK, ASK_AMONG_ROUNDS)
        ]


def _among_rounds(engine: Engine, *identifiers: str) -> list[bool]:
    return [one["among_rounds"] is True for one in _both_ways(engine, *identifiers)[0]]


def test_both_questions_answer_alike_for_a_unit_that_was_alone(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    done(line, AOI, inspected("Passed", "Failed"))
    alone, careful = _both_ways(line, "SN-1", "P-1")
    assert alone == careful
    assert alone[0]["runs"]
    assert _among_rounds(line, "SN-1", "P-1") == [False] * len(alone)


def test_a_unit_whose_place_held_another_or_that_was_seen_outside_it_is_asked_about_with_all_rounds(
    line: Engine,
) -> None:
    with line.begin() as connection:
        take_out(connection, ["SN-1"], reason="in the rack", actor=ACTOR)
    assert _among_rounds(line, "SN-1") == [True]
    stored(line, round_of("SN-8", 5000))
    assert _among_rounds(line, "SN-8") == [False]
    stored(line, round_of("SN-9", 5100))
    assert _among_rounds(line, "SN-8", "SN-9") == [True, True]
    with line.connect() as connection:
        told = answers(connection, station=TESTER, identifiers=["SN-8"], positions=[0])
    assert [one.among_rounds for one in told] == [False], "the second question's"
