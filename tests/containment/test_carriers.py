"""A carrier that goes round again with fewer boards: when does what a former board is held for stop it no more?"""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.errors import Invalid, NotFound
from app.interlock.gathering import Asked
from app.quality.shipping import unpack
from app.units.families import named_units
from app.units.taken_out import WasIn, take_out
from tests.containment.stories import ACTOR, contain, decide, held, send
from tests.containment.test_suspected import worked
from tests.inbox.messages import completed, count, entry, initialized, installed, started, stored
from tests.interlock.story import asked, codes

FORMER = ("SN-1", 1), ("SN-2", 2), ("SN-3", 3)
NOW = ("SN-4", 1), ("SN-5", 2)


@pytest.fixture
def carrier(engine: Engine) -> Engine:
    """CAR-1 held three boards, one of which is contained, and holds two others now."""
    stored(engine, initialized("CAR-1", *FORMER, order="WO-1", when=1))
    stored(engine, initialized("CAR-1", *NOW, order="WO-1", when=100))
    return engine


def judged(engine: Engine, identifier: str = "CAR-1", position: int = 0) -> dict[str, list[str]]:
    verdicts = asked(engine, "Acme.Mounter.1", Asked(identifier, position))
    return {verdict.serial or "": [ground.code for ground in verdict.reasons] for verdict in verdicts}


def taken_out(engine: Engine, *serials: str, reason: str = "Seen in the rack.") -> list[WasIn]:
    with engine.begin() as connection:
        return take_out(connection, serials, reason=reason, actor=ACTOR)


def test_a_link_of_others_proves_nothing(carrier: Engine) -> None:
    contain(carrier, serials=["SN-3"])
    assert held(carrier, "CAR-1") == {"CAR-1": [False]}
    assert judged(carrier)["SN-3"] == ["on_hold"]


def test_what_somebody_saw_outside_holds_it_no_more(carrier: Engine) -> None:
    contain(carrier, serials=["SN-3"])
    assert taken_out(carrier, "SN-3") == [WasIn("SN-3", "CAR-1", 3)]
    assert held(carrier, "CAR-1", "SN-3") == {"SN-3": [False]}
    assert judged(carrier) == {"SN-4": [], "SN-5": []}
    assert judged(carrier, "SN-3") == {"SN-3": ["on_hold"]}
    with carrier.connect() as connection:
        assert len(named_units(connection, ["CAR-1"])["CAR-1"]) == 2
    assert count(carrier, "audit", "deed = 'unit.taken_out' AND details ->> 'panel' = 'CAR-1'") == 1


def test_what_is_put_in_again_holds_it_again(carrier: Engine) -> None:
    contain(carrier, serials=["SN-3"])
    taken_out(carrier, "SN-3")
    stored(carrier, initialized("CAR-1", ("SN-3", 3), when=50))  # by a clock that is behind, or told late
    assert held(carrier, "CAR-1") == {"CAR-1": [False]}
    taken_out(carrier, "SN-3")
    assert held(carrier, "CAR-1") == {}
    stored(carrier, initialized("CAR-1", ("SN-3", 3), when=200))
    assert held(carrier, "CAR-1") == {"CAR-1": [False]}


def test_a_board_that_replaced_another_is_not_followed_by_it(carrier: Engine) -> None:
    contain(carrier, serials=["SN-1"])
    taken_out(carrier, "SN-4")
    assert held(carrier, "CAR-1") == {}, "SN-1 was at its place before"


def test_a_board_in_another_carrier_is_not_in_this(carrier: Engine) -> None:
    contain(carrier, serials=["SN-3"])
    stored(carrier, initialized("CAR-2", ("SN-3", 1), when=110))
    assert held(carrier, "CAR-1", "CAR-2") == {"CAR-2": [False]}


def test_told_late_of_another_carrier_proves_nothing(engine: Engine) -> None:
    stored(engine, initialized("CAR-2", ("SN-3", 1), when=110))
    stored(engine, initialized("CAR-1", *FORMER, when=1), initialized("CAR-1", *NOW, when=200))
    contain(engine, serials=["SN-3"])
    assert "CAR-1" in held(engine, "CAR-1"), "the clocks and what we heard contradict each other"


def test_a_board_in_an_assembly_or_at_the_customer_is_not_in_it(carrier: Engine) -> None:
    contain(carrier, serials=["SN-3", "SN-2"])
    stored(carrier, installed(entry("BOX", None, children=[("A1", "SN-3")]), source="Acme.Bench.1", when=120))
    assert held(carrier, "CAR-1", "BOX") == {"BOX": [False]}


def test_a_board_that_was_shipped_is_not_in_it(engine: Engine) -> None:
    stored(engine, initialized("CAR-1", *FORMER, order="WO-1", when=1))
    worked(engine, "SN-3", when=10)
    send(engine, "SN-3")
    stored(engine, initialized("CAR-1", *NOW, order="WO-1", when=100))
    contain(engine, serials=["SN-3"])
    assert held(engine, "CAR-1") == {}


def test_of_a_panel_that_holds_what_it_held_only_what_was_seen_counts(engine: Engine) -> None:
    stored(engine, initialized("CAR-1", *FORMER, order="WO-1", when=1))
    contain(engine, serials=["SN-3"])
    stored(engine, installed(entry("BOX", None, children=[("A1", "SN-3")]), source="Acme.Bench.1", when=120))
    assert "CAR-1" in held(engine, "CAR-1")
    taken_out(engine, "SN-3")
    assert held(engine, "CAR-1") == {}


def test_nothing_is_kept_of_what_is_in_no_panel(carrier: Engine) -> None:
    stored(carrier, initialized(None, "SN-9", when=1))
    for serials in (["SN-9"], ["SN-3", "nobody"], ["SN-1"]):
        with pytest.raises(NotFound):
            taken_out(carrier, *serials)
    with pytest.raises(Invalid):
        taken_out(carrier, "SN-3", reason=" ")
    assert count(carrier, "taken_out") == 0
    taken_out(carrier, "SN-3")
    with pytest.raises(NotFound):
        taken_out(carrier, "SN-3")


def test_what_quality_decided_needs_nothing_of_this(carrier: Engine) -> None:
    number = contain(carrier, serials=["SN-3"]).nonconformance
    decide(carrier, number, ["SN-3"], "released")
    assert held(carrier, "CAR-1") == {}


def test_a_panel_that_left_before_its_boards_were_known_has_left_with_them(engine: Engine) -> None:
    work = uuid4()
    units = ("PNL", 1), ("PNL", 2)
    stored(engine, started(*units, transaction=work, order="WO-1", when=1), completed(transaction=work, when=3))
    send(engine, "PNL")
    stored(engine, initialized("PNL", ("B-1", 1), ("B-2", 2), order="WO-1", when=50))
    assert codes(engine, "X.Y.1", Asked("B-1")) == [["shipped"]]
    with engine.begin() as connection:
        assert unpack(connection, ["PNL"], reason="It came back.", actor=ACTOR) == 1
    assert codes(engine, "X.Y.1", Asked("B-1")) == [[]]
