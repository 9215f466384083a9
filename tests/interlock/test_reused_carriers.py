"""A carrier goes round with one board after the other, and a station's clock is off: what failed stays failed."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from app.interlock.gathering import Asked
from app.lines.clocks import measure_clocks
from app.quality.failures import failures_on
from app.quality.shipping import reasons_to_keep
from app.reasons import Reason
from app.units.locks import lock_families
from app.units.whereabouts import PlaceKind, places_of
from tests.containment.stories import contain, decide, unit_id
from tests.inbox.messages import initialized, message, started, stored
from tests.interlock.story import AOI, MARKER, TESTER, asked, codes

OFF = 60.0
"""Seconds that the AOI's clock is off."""


def is_off(engine: Engine) -> None:
    with engine.begin() as connection:
        measure_clocks(connection, {AOI: timedelta(seconds=OFF)})


def inspected(outcome: str, when: float, work: UUID | None = None) -> bytes:
    unit = {"UnitIdentifier": "CAR", "UnitPositionNumber": 1, "OverallResult": outcome, "Inspections": []}
    body = {"TransactionId": str(work or uuid4()), "InspectionMethod": "AOI", "InspectedUnits": [unit]}
    return message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=when)


def scrapped(when: float) -> bytes:
    unit: dict[str, Any] = {"UnitIdentifier": "CAR", "UnitPositionNumber": 1}
    body = {"Reason": "DefectiveRepairNotPossible", "Units": [unit]}
    return message("Production.UnitsDisqualified", body, source=AOI, when=when)


def round_of(serial: str, when: float) -> bytes:
    return initialized("CAR", (serial, 1), order="WO-1", when=when, source=MARKER)


def failed(engine: Engine, serial: str) -> tuple[bool, bool]:
    """At the gate, and where quality looks before it ships."""
    (reasons,) = codes(engine, TESTER, Asked(serial))
    with engine.connect() as connection:
        return "failed" in reasons, bool(failures_on(connection, [unit_id(connection, serial)]))


def is_scrapped(engine: Engine, serial: str) -> bool:
    """Where quality looks before it ships."""
    with engine.connect() as connection:
        one = unit_id(connection, serial)
        return places_of(connection, [one])[one].kind is PlaceKind.scrapped


def kept(engine: Engine, serial: str) -> list[Reason]:
    """Why it may not be shipped."""
    with engine.begin() as connection:
        one = unit_id(connection, serial)
        return reasons_to_keep(connection, lock_families(connection, [one])).get(one, [])


def test_a_failure_that_a_clock_told_in_the_next_round_stops_the_board_that_failed(line: Engine) -> None:
    """SN-8 failed at 5050, on the carrier until 5100; the AOI is a minute ahead."""
    stored(
        line, round_of("SN-8", 5000), inspected("Failed", 5050 + OFF), round_of("SN-9", 5100), round_of("SN-10", 5300)
    )
    is_off(line)
    assert failed(line, "SN-8") == (True, True)
    assert failed(line, "SN-9") == (True, True), "it may have been that one"
    assert failed(line, "SN-10") == (False, False)


def test_a_pass_of_the_next_board_does_not_clear_a_failure(line: Engine) -> None:
    """SN-8 failed at 5020 by a clock that is a minute behind, and SN-9 passed at 5150, told as 5090."""
    stored(line, round_of("SN-8", 5000), inspected("Failed", 5020), round_of("SN-9", 5100), inspected("Passed", 5090))
    is_off(line)
    assert failed(line, "SN-8") == (True, True)


def test_a_pass_far_from_the_change_clears_it(line: Engine) -> None:
    stored(line, round_of("SN-8", 5000), inspected("Failed", 5200), inspected("Passed", 5400), round_of("SN-9", 6000))
    is_off(line)
    assert failed(line, "SN-8") == failed(line, "SN-9") == (False, False)


def test_a_scrap_that_a_clock_told_in_the_next_round_stops_the_board_that_was_scrapped(line: Engine) -> None:
    stored(line, round_of("SN-8", 5000), scrapped(5050 + OFF), round_of("SN-9", 5100), round_of("SN-10", 5300))
    is_off(line)
    assert "scrapped" in codes(line, TESTER, Asked("SN-8"))[0]
    assert "scrapped" not in codes(line, TESTER, Asked("SN-10"))[0]
    assert [is_scrapped(line, serial) for serial in ("SN-8", "SN-10")] == [True, False]
    (verdict,) = asked(line, TESTER, Asked("SN-9"))
    assert "SN-9 or another board of its carrier is scrapped" in verdict.sentence
    decide(line, contain(line, serials=["SN-9"]).nonconformance, ["SN-9"], "use_as_is", customer_approval="8D 1")
    assert "scrapped" not in codes(line, TESTER, Asked("SN-9"))[0], "quality looked at it"
    assert "scrapped" in codes(line, TESTER, Asked("SN-8"))[0]
    assert [is_scrapped(line, serial) for serial in ("SN-8", "SN-9")] == [True, False]


def test_shipping_says_what_clears_a_board_that_is_only_perhaps_scrapped(line: Engine) -> None:
    stored(line, round_of("SN-8", 5000), scrapped(5050 + OFF), round_of("SN-9", 5100))
    is_off(line)
    refused = {why.sentence: why.clears for why in kept(line, "SN-9") if why.code == "perhaps_scrapped"}
    assert refused == {
        "It or another board of its carrier was scrapped; clocks leave open which.":
        "Quality finds out which, and accepts it as it is or scraps it.",
    }  # fmt: skip
    decide(line, contain(line, serials=["SN-9"]).nonconformance, ["SN-9"], "use_as_is", customer_approval="8D 1")
    assert not {"scrapped", "perhaps_scrapped"} & {why.code for why in kept(line, "SN-9")}
    decide(line, contain(line, serials=["SN-8"]).nonconformance, ["SN-8"], "scrap")
    (surely,) = [why.clears for why in kept(line, "SN-8") if why.code == "scrapped"]
    assert surely == "Nothing: a scrapped unit does not leave.", "what a person scrapped is certain"


def test_the_work_that_names_the_board_tells_the_round(line: Engine) -> None:
    """The AOI began on SN-8 by its serial, so SN-9 is not meant."""
    work = uuid4()
    stored(
        line, round_of("SN-8", 5000), started(("SN-8", 1), panel="CAR", transaction=work, source=AOI, when=5040 + OFF),
        inspected("Failed", 5050 + OFF, work), round_of("SN-9", 5100),
    )  # fmt: skip
    is_off(line)
    assert failed(line, "SN-8") == (True, True)
    assert failed(line, "SN-9") == (False, False)
