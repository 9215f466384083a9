"""What was held by a place on a panel, when nobody knew yet which board is in it, and the board is known now."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict
from app.quality.containments import record_of
from app.quality.held_units import shipped_of
from app.quality.unit_decisions import holds_of_unit
from tests.containment.stories import build, contain, decide, held, send, unit_ids
from tests.containment.test_suspected import recounted, worked
from tests.inbox.messages import entry, initialized, installed, received, started, stored
from tests.trace.reels import loaded


def reels(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "R0603-10K", "A17"), ("REEL-2", "R0603-10K", "B2")))


def placed(engine: Engine, package: str, position: int | None, when: float = 5) -> None:
    stored(engine, installed(entry("PNL", package, ["R1"], position=position), when=when))


def linked(engine: Engine) -> None:
    stored(engine, initialized("PNL", ("SN-1", 1), ("SN-2", 2), order="WO-1", when=60))


@pytest.mark.parametrize("contained_at", [0, 2])
def test_the_hold_of_a_place_is_its_boards_and_is_decided_by_its_serial(engine: Engine, contained_at: int) -> None:
    reels(engine)
    told = [("REEL-1", 2), ("REEL-2", 1)]
    for package, position in told[:contained_at]:
        placed(engine, package, position)
    done = contain(engine, lot="A17")
    for package, position in told[contained_at:]:
        placed(engine, package, position)
    linked(engine)
    assert set(held(engine, "SN-1", "SN-2", "PNL")) == {"SN-2", "PNL"}
    assert decide(engine, done.nonconformance, ["SN-2"], "use_as_is") == 1
    assert held(engine, "SN-1", "SN-2", "PNL") == {}
    with pytest.raises(Conflict, match="decided"):
        decide(engine, done.nonconformance, ["SN-2"], "scrap")
    with engine.connect() as connection:
        assert record_of(connection, done.number)[1]
        assert [(one.decision, one.standing) for one in holds_of_unit(connection, "SN-2")] == [("use_as_is", False)]
        assert holds_of_unit(connection, "SN-1") == []


def test_of_a_panel_that_was_held_as_a_whole_each_board_is_decided_by_itself(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", None)
    done = contain(engine, lot="A17")
    linked(engine)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1", "SN-2"}
    assert decide(engine, done.nonconformance, ["SN-1"], "released") == 1
    assert held(engine, "SN-1", "SN-2") == {"SN-2": [False]}
    with engine.connect() as connection:
        assert [one.standing for one in holds_of_unit(connection, "SN-1")] == [False]
        assert [one.standing for one in holds_of_unit(connection, "SN-2")] == [True]
    placed(engine, "REEL-1", None, when=20)  # it comes again, for all of them
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1", "SN-2"}


def test_a_panels_identifier_decides_all_that_was_held_of_it(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", None)
    done = contain(engine, lot="A17")
    linked(engine)
    assert decide(engine, done.nonconformance, ["PNL"], "rework") == 2
    assert held(engine, "SN-1", "SN-2", "PNL") == {}


def test_a_scrapped_board_stays_on_hold_and_its_neighbour_does_not(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", None)
    done = contain(engine, lot="A17")
    linked(engine)
    decide(engine, done.nonconformance, ["SN-1"], "scrap")
    decide(engine, done.nonconformance, ["SN-2"], "released")
    assert held(engine, "SN-1", "SN-2", "PNL") == {"SN-1": [False]}


def test_one_place_of_a_panel_that_counts_more_is_not_the_panel(engine: Engine) -> None:
    """The reports come one by one; which others there are nobody names."""
    reels(engine)
    contain(engine, lot="A17")
    stored(engine, started(panel="PNL", count=2, transaction=uuid4(), when=1))
    placed(engine, "REEL-1", 1)
    linked(engine)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1"}


def test_what_had_left_when_its_place_became_known_is_told_with_its_shipment(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", 2)
    placed(engine, "REEL-2", 1)
    done = contain(engine, lot="A17")
    build(engine, "SN-1", "SN-2", package="REEL-2", lot="B2", when=20)
    send(engine, "SN-1", "SN-2")
    linked(engine)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-2"}
    with engine.connect() as connection:
        (told,) = shipped_of(connection, done.nonconformance)
    assert told.serials == ["SN-2"]


@pytest.mark.parametrize("position", [2, None])
def test_a_carriers_next_boards_are_held_by_themselves(engine: Engine, position: int | None) -> None:
    """What holds the place was told of the boards of the round before."""
    reels(engine)
    contain(engine, lot="A17")
    placed(engine, "REEL-1", position)
    linked(engine)
    stored(engine, initialized("PNL", ("SN-3", 1), ("SN-4", 2), order="WO-1", when=100))
    assert held(engine, "SN-4") == {}
    placed(engine, "REEL-1", position, when=110)
    assert held(engine, "SN-4") == {"SN-4": [False]}


def test_what_was_decided_of_a_panel_does_not_keep_its_boards_from_being_decided(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", None)
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["PNL"], "released")
    linked(engine)
    stored(engine, installed(entry("SN-1", "REEL-1", ["R2"]), when=70))
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1"}
    assert decide(engine, done.nonconformance, ["SN-1"], "released") == 1
    assert held(engine, "SN-1", "SN-2", "PNL") == {}
    for serial in ("SN-1", "SN-2"):
        with pytest.raises(Conflict, match="decided"):
            decide(engine, done.nonconformance, [serial], "scrap")


@pytest.mark.parametrize("positions", [(1, 2), (1,), (None,)])
def test_what_was_decided_before_the_boards_were_known_no_count_holds_anew(
    engine: Engine, positions: tuple[int | None, ...]
) -> None:
    reels(engine)
    for position in positions:
        placed(engine, "REEL-1", position)
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["PNL"], "released")
    placed(engine, "REEL-2", 2, when=6)  # now everybody knows that it has places
    assert recounted(engine, done.number) == 0
    linked(engine)
    assert held(engine, "SN-1", "SN-2", "PNL") == {}
    assert recounted(engine, done.number) == 0
    assert held(engine, "SN-1", "SN-2", "PNL") == {}


def test_nor_what_was_only_suspected(engine: Engine) -> None:
    reels(engine)
    stored(engine, loaded("REEL-1", when=1))
    done = contain(engine, lot="A17")
    worked(engine, ("PNL", 1), ("PNL", 2), when=10)
    recounted(engine, done.number)
    decide(engine, done.nonconformance, ["PNL"], "released")
    linked(engine)
    assert held(engine, "SN-1", "SN-2", "PNL") == {}
    assert recounted(engine, done.number) == 0
    worked(engine, "SN-1", when=20)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1"}
    assert recounted(engine, done.number) == 1


def test_what_was_heard_since_is_counted_though_its_place_was_decided(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", 1)
    placed(engine, "REEL-2", 2)
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["PNL"], "released")
    linked(engine)
    placed(engine, "REEL-1", 1, when=70)
    assert set(held(engine, "SN-1", "SN-2")) == {"SN-1"}
    with engine.connect() as connection:
        ids = unit_ids(connection, "SN-1")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE unit_hold DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM unit_hold WHERE unit_id = ANY (:units)"), {"units": list(ids)})
    assert recounted(engine, done.number) == 1, "as where it came while it was being contained"


def test_a_hold_of_all_of_a_panel_is_not_written_again_for_its_board(engine: Engine) -> None:
    reels(engine)
    placed(engine, "REEL-1", 1)
    contain(engine, lot="A17")
    linked(engine)
    assert held(engine, "SN-1") == {"SN-1": [False]}
