"""A board that a machine passed over as an X-out: its panel goes on, it does not, and it never leaves unfinished."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.interlock.gathering import Asked
from app.interlock.verdicts import holding_back
from app.units.completeness import incomplete
from tests.containment.stories import unit_id
from tests.inbox.messages import completed, message, started, stored
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, asked, clock, codes, done


def listed(**work: Any) -> dict[str, Any]:
    told = enumerate(("Pass", "Skip"), start=1)
    units = [{"UnitIdentifier": "P-1", "PositionNumber": nth, "Status": status} for nth, status in told]
    return {"PrimaryIdentifier": "P-1", "Units": units} | work


@pytest.mark.parametrize("at_the_end", [False, True])
def test_the_panel_goes_on_with_it_and_it_alone_does_not(line: Engine, at_the_end: bool) -> None:
    done(line, PRINTER)
    work = uuid4()
    begun = {"TransactionID": str(work)}
    stored(
        line,
        started("P-1", transaction=work, source=MOUNTER, when=next(clock), order="WO-1")
        if at_the_end
        else message("Production.WorkStarted", listed(**begun), source=MOUNTER, when=next(clock)),
        message("Production.WorkCompleted", listed(**begun, Result="Completed"), source=MOUNTER, when=next(clock))
        if at_the_end
        else completed(transaction=work, source=MOUNTER, when=next(clock)),
    )
    whole = asked(line, AOI)
    assert [[ground.code for ground in verdict.reasons] for verdict in whole] == [[], ["skipped"]]
    assert [verdict.crossed_out for verdict in whole] == [False, True]
    assert not holding_back(whole)
    (alone,) = asked(line, AOI, Asked("SN-2"))
    assert "passed SN-2 over" in alone.sentence
    assert holding_back([alone])
    for station in (AOI, TESTER):
        done(line, station)
    with line.connect() as connection:
        missing = incomplete(connection, [unit_id(connection, serial) for serial in ("SN-1", "SN-2")])
        assert list(missing) == [unit_id(connection, "SN-2")]


def test_where_it_was_none_it_is_worked_on_by_itself(line: Engine) -> None:
    done(line, PRINTER)
    work, by_itself = uuid4(), uuid4()
    stored(
        line,
        message("Production.WorkStarted", listed(TransactionID=str(work)), source=MOUNTER, when=next(clock)),
        completed(transaction=work, source=MOUNTER, when=next(clock)),
    )
    assert codes(line, MOUNTER, Asked("SN-2")) == [[]], "it was not done there"
    stored(
        line,
        started("SN-2", transaction=by_itself, source=MOUNTER, when=next(clock), order="WO-1"),
        completed("SN-2", transaction=by_itself, source=MOUNTER, when=next(clock)),
    )
    assert codes(line, AOI, Asked("SN-2")) == [[]]
