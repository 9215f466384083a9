"""What somebody let a unit skip is not asked of it again: at the gates behind and where it is packed, alike."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.interlock.gathering import Asked
from app.interlock.overrides import grant_override, revoke_override
from app.line_board.waiting import waiting
from app.lines.queries import stations
from app.units.completeness import incomplete
from tests.containment.stories import unit_id
from tests.inbox.messages import START, completed, initialized, started, stored, uninstalled
from tests.interlock.story import AOI, MARKER, MOUNTER, PRINTER, TESTER, clock, codes, done, inspected
from tests.interlock.test_gate import ENGINEER, SECOND

NOT_PRINTED = "operation print is not completed"
THEN_INSPECTED = "operation inspect is not completed"


def let_pass(engine: Engine, station: str, serial: str, subject: str) -> int:
    with engine.begin() as connection:
        return grant_override(
            connection, code="skipped", station=station, serial=serial, subject=subject, reason="done by hand",
            actor=ENGINEER, second=SECOND, until=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip


def seconds_now() -> float:
    """Now, in the seconds of the story."""
    return (datetime.now(UTC) - START).total_seconds()


def worked(engine: Engine, station: str, *serials: str, when: float) -> None:
    work = uuid4()
    stored(
        engine,
        started(*serials, transaction=work, source=station, when=when),
        completed(*serials, transaction=work, source=station, when=when + 1),
    )


def missing(engine: Engine, *serials: str) -> list[str | None]:
    """What is missing of each before it may be packed."""
    with engine.connect() as connection:
        units = [unit_id(connection, serial) for serial in serials]
        found = incomplete(connection, units)
    return [str(found[one]) if one in found else None for one in units]


def waits_for(engine: Engine) -> str:
    """The station that the panel waits for."""
    with engine.connect() as connection:
        known = stations(connection)
        (found,) = waiting(connection, known, at=datetime.now(UTC) + timedelta(seconds=5))
    return next(one.handle for one in known if one.station_id == found)


@pytest.mark.parametrize("named", ["SN-1", "P-1"], ids=["the board", "its panel"])
def test_leave_is_for_whom_it_was_given_until_it_is_revoked(line: Engine, named: str) -> None:
    number = let_pass(line, MOUNTER, named, "print")
    worked(line, MOUNTER, "SN-1", "SN-2", when=seconds_now() + 1)
    assert waits_for(line) == (AOI if named == "P-1" else PRINTER), "as long as a board of it does"
    other = ([], THEN_INSPECTED) if named == "P-1" else (["skipped"], NOT_PRINTED)
    assert (codes(line, AOI), missing(line, "SN-1", "SN-2")) == ([[], other[0]], [THEN_INSPECTED, other[1]])
    with line.begin() as connection:
        revoke_override(connection, number, actor=ENGINEER)
    assert (codes(line, AOI), missing(line, "SN-1", "SN-2")) == ([["skipped"], ["skipped"]], [NOT_PRINTED] * 2)


def test_leave_given_to_a_carrier_is_for_the_board_that_was_in_it_though_the_next_ones_station_lags(
    line: Engine,
) -> None:
    """The carrier held SN-8 when it was let pass; the marker, a minute behind, says that SN-9 was in it by then."""
    stored(line, initialized("CAR", ("SN-8", 1), order="WO-1", source=MARKER, when=seconds_now() - 1000))
    worked(line, MARKER, "SN-8", when=seconds_now() - 990)
    let_pass(line, MOUNTER, "CAR", "print")
    now = seconds_now()
    worked(line, MOUNTER, "SN-8", when=now + 1)
    stored(line, initialized("CAR", ("SN-9", 1), order="WO-1", source=MARKER, when=now + 30 - 60))
    worked(line, MARKER, "SN-9", when=now + 40 - 60)
    worked(line, MOUNTER, "SN-9", when=now + 50)
    assert codes(line, AOI, Asked("SN-8"), Asked("SN-9")) == [[], ["skipped"]]
    assert missing(line, "SN-8", "SN-9") == [THEN_INSPECTED, NOT_PRINTED]


def test_a_check_that_is_to_be_passed_again_may_be_skipped_with_leave_given_after_that_mending(line: Engine) -> None:
    def mended(when: float) -> None:
        stored(line, uninstalled("SN-1", ["R1"], when=when, source="Acme.Bench.1"))

    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Passed", "Passed"))
    mended(next(clock))
    let_pass(line, TESTER, "SN-1", "inspect")
    now = seconds_now()
    worked(line, TESTER, "SN-1", when=now + 1)
    assert (codes(line, TESTER, Asked("SN-1")), missing(line, "SN-1")) == ([["repeated"]], [None])
    mended(now + 10)
    (again,) = missing(line, "SN-1")
    assert again is not None
    assert "has not passed inspect since" in again
