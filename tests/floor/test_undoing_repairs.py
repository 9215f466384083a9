"""A repair is undone once, and what stands again is what was there before that repair, nothing older."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.db import create_engine, for_deeds
from app.errors import Conflict
from app.floor.deeds import Deed, Repair, RepairDone, StartRepair, UndoRepair
from app.floor.doing import do
from app.inbox.record import Recorder
from app.lines.clocks import measure_clocks
from app.people import Actor, Role
from tests.doors import story
from tests.inbox.messages import START, entry, installed, stored, uninstalled
from tests.stations_screens import facts, shop

ANN = Actor("person:ann", "ann", Role.operator, person="ann")
SERIAL = shop.serial(1)
REPLACED = RepairDone(reference_designator="R2", action="replaced", label="R-1183")
REMOVED = RepairDone(reference_designator="R2", action="removed")


@pytest.fixture
def floor(engine: Engine, database: str) -> Iterator[Engine]:
    """The engine on which the web application does deeds; a board with two parts of one reel is at repair."""
    shop.open_shop(engine)
    shop.assembled(engine, [SERIAL])
    shop.placed(engine, SERIAL, {"R-1182": ["R1", "R2"]})
    shop.found(engine, SERIAL, "R2")
    keyed = create_engine(database, keyed=True)
    yield for_deeds(keyed)
    keyed.dispose()


def now() -> float:
    return (datetime.now(UTC) - START).total_seconds()


def done(floor: Engine, engine: Engine, deed: Deed) -> bytes:
    return do(floor, Recorder(engine), deed, actor=ANN)


def repaired(floor: Engine, engine: Engine, repairs: Sequence[RepairDone]) -> UUID:
    begun = StartRepair(id=uuid4(), station=shop.REPAIR, at=datetime.now(UTC), serial=SERIAL)
    assert b'"go"' in done(floor, engine, begun)
    deed = Repair(
        id=uuid4(), station=shop.REPAIR, at=datetime.now(UTC), serial=SERIAL, transaction=begun.id, succeeded=True,
        repairs=tuple(repairs),
    )  # fmt: skip
    assert b'"noted"' in done(floor, engine, deed)
    return begun.id


def undo(transaction: UUID, *repairs: RepairDone) -> UndoRepair:
    return UndoRepair(
        id=uuid4(), station=shop.REPAIR, at=datetime.now(UTC), serial=SERIAL, transaction=transaction, repairs=repairs
    )


def now_in(engine: Engine) -> set[tuple[str | None, str]]:
    return {(place, package) for place, package, gone in shop.made_of(engine, SERIAL) if not gone}


def test_undone_twice_it_is_undone_once(floor: Engine, engine: Engine) -> None:
    transaction = repaired(floor, engine, [REPLACED])
    assert now_in(engine) == {("R1", "R-1182"), ("R2", "R-1183")}
    for _ in range(2):  # two scans of UNDO before the first is answered
        assert b'"undone"' in done(floor, engine, undo(transaction, REPLACED))
        assert now_in(engine) == {("R1", "R-1182"), ("R2", "R-1182")}
    told = facts.ask(engine, "SELECT count(*) FROM removal")
    assert told == [(2,)], "out by the repair, the new one out by its undoing"


def test_what_an_earlier_repair_took_out_stays_out(floor: Engine, engine: Engine) -> None:
    repaired(floor, engine, [REMOVED])
    assert now_in(engine) == {("R1", "R-1182")}
    transaction = repaired(floor, engine, [REPLACED])
    assert now_in(engine) == {("R1", "R-1182"), ("R2", "R-1183")}
    done(floor, engine, undo(transaction, REPLACED))
    assert now_in(engine) == {("R1", "R-1182")}, "nothing was at R2 before"


def test_undone_at_the_first_tablet_after_a_second_has_gone_on_it_stays(floor: Engine, engine: Engine) -> None:
    """Two tablets at one bench: each knows of its own last repair only."""
    first = repaired(floor, engine, [REPLACED])
    second = repaired(floor, engine, [REMOVED])
    with pytest.raises(Conflict, match=r"begun again at .* since"):
        done(floor, engine, undo(first, REPLACED))
    assert now_in(engine) == {("R1", "R-1182")}, "what the second took out was no mistake"
    assert b'"undone"' in done(floor, engine, undo(second, REMOVED))
    assert now_in(engine) == {("R1", "R-1182"), ("R2", "R-1183")}
    assert b'"undone"' in done(floor, engine, undo(first, REPLACED)), "what was undone since hinders nothing"
    assert now_in(engine) == {("R1", "R-1182"), ("R2", "R-1182")}


def test_while_it_is_at_work_at_the_second_tablet_nothing_is_undone_at_the_first(floor: Engine, engine: Engine) -> None:
    first = repaired(floor, engine, [REPLACED])
    begun = StartRepair(id=uuid4(), station=shop.REPAIR, at=datetime.now(UTC), serial=SERIAL)
    done(floor, engine, begun)
    with pytest.raises(Conflict, match="begun again"):
        done(floor, engine, undo(first, REPLACED))


def test_a_station_whose_clock_is_behind_has_gone_on_all_the_same(floor: Engine, engine: Engine) -> None:
    first = repaired(floor, engine, [REPLACED])
    with engine.begin() as connection:
        measure_clocks(connection, {shop.EYES: timedelta(hours=-3)})
    at = datetime.now(UTC) - timedelta(hours=3)
    begun = {"TransactionID": str(uuid4()), "PrimaryIdentifier": SERIAL, "UnitCount": 1}
    shop.tell(engine, [story.envelope("Production.WorkStarted", begun, shop.EYES, at)])
    with pytest.raises(Conflict, match="gone on to Visual inspection"):
        done(floor, engine, undo(first, REPLACED))


def test_what_is_scrapped_since_is_not_undone(floor: Engine, engine: Engine) -> None:
    first = repaired(floor, engine, [REPLACED])
    out = {"Reason": "DefectiveRepairNotPossible", "Units": [{"UnitIdentifier": SERIAL}]}
    shop.tell(engine, [story.envelope("Production.UnitsDisqualified", out, shop.REPAIR, datetime.now(UTC))])
    with pytest.raises(Conflict, match="scrapped"):
        done(floor, engine, undo(first, REPLACED))


@pytest.mark.parametrize("named", [True, False])
def test_left_with_its_panel_it_has_gone_on(floor: Engine, engine: Engine, named: bool) -> None:
    def begun(station: str, *, named: bool) -> None:
        body: dict[str, object] = {"TransactionID": str(uuid4()), "PrimaryIdentifier": "PANEL-1", "UnitCount": 1}
        if named:
            body["Units"] = [{"UnitIdentifier": SERIAL, "PositionNumber": 1}]
        shop.tell(engine, [story.envelope("Production.WorkStarted", body, station, datetime.now(UTC))])

    begun(shop.MOUNTER, named=True)
    first = repaired(floor, engine, [REPLACED])
    begun(shop.EYES, named=named)
    with pytest.raises(Conflict, match="gone on to Visual inspection"):
        done(floor, engine, undo(first, REPLACED))


def test_built_into_another_unit_it_has_gone_on(floor: Engine, engine: Engine) -> None:
    first = repaired(floor, engine, [REPLACED])
    stored(engine, installed(entry("BOX-1", None, children=[("A1", SERIAL)]), source=shop.MOUNTER, when=now()))
    with pytest.raises(Conflict, match=r"built into BOX-1 by now\. Take it out of that first"):
        done(floor, engine, undo(first, REPLACED))
    stored(engine, uninstalled("BOX-1", children=[("A1", SERIAL)], source=shop.MOUNTER, when=now() + 1))
    assert b'"undone"' in done(floor, engine, undo(first, REPLACED))
