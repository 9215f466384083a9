"""Where no routing is planned some completed work is enough to leave with: work that was done."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.quality.shipping import MayNotLeave, pack
from app.units.ownership import assign_customer
from tests.containment.stories import ACTOR
from tests.inbox.messages import completed, initialized, started, stored


def worked(engine: Engine, result: str, when: float) -> None:
    work = uuid4()
    stored(
        engine,
        started("SN-1", transaction=work, order="WO-1", when=when),
        completed("SN-1", transaction=work, result=result, when=when + 1),
    )


@pytest.mark.parametrize("result", ["Aborted", "Failed"])
def test_work_that_was_not_done_is_none(engine: Engine, result: str) -> None:
    stored(engine, initialized(None, "SN-1", order="WO-1"))
    worked(engine, result, when=1)
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Acme", actor=ACTOR)
        with pytest.raises(MayNotLeave, match="SN-1"):
            pack(connection, ["SN-1"], shipment="SH-1", customer="Acme", actor=ACTOR)
    worked(engine, "Completed", when=10)
    with engine.begin() as connection:
        pack(connection, ["SN-1"], shipment="SH-1", customer="Acme", actor=ACTOR)
