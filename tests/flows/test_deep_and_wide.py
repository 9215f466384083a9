"""Assemblies as deep, and reels as widely used, as they get; reports that make no sense; and what was known when."""

from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text

from app.errors import NotFound
from app.inbox.record import Recorder
from app.trace.excluded import excluded
from app.trace.made_from import made_from
from app.trace.question import Question
from tests.flows.story import ASSEMBLY, BENCH, answer, built_into
from tests.inbox.messages import entry, initialized, installed, message, record, stored, uninstalled


def test_twelve_assemblies_one_within_the_other(engine: Engine) -> None:
    names = [f"LEVEL-{n}" for n in range(13)]
    stored(
        engine,
        installed(entry("LEVEL-0", "REEL-1", ["R1"]), when=0),
        *(built_into(outer, inner, when=100 * n) for n, (inner, outer) in enumerate(pairwise(names), start=1)),
    )
    with engine.connect() as connection:
        found = answer(connection, package="REEL-1")
        assert found == {"LEVEL-0": "R1"} | {outer: f"in {inner}" for inner, outer in pairwise(names)}
        assert answer(connection, serial="LEVEL-6") == {outer: f"in {inner}" for inner, outer in pairwise(names[6:])}


@pytest.mark.parametrize("told_as", ["component", "material"])
def test_reports_that_build_units_into_each_other_end(engine: Engine, told_as: str) -> None:
    def into(parent: str, child: str, when: float) -> bytes:
        if told_as == "component":
            return built_into(parent, child, when=when)
        return installed(entry(parent, child, ["A1"], slot=None), when=when, source=ASSEMBLY)

    stored(
        engine,
        installed(entry("A", "REEL-1", ["R1"]), when=0),
        *(message("Production.UnitsArrived", {"PrimaryIdentifier": name}, when=1) for name in "ABC"),
        into("B", "A", 100),
        into("C", "B", 200),
        into("A", "C", 300),
        into("C", "C", 400),
    )
    with engine.connect() as connection:
        assert set(answer(connection, package="REEL-1")) == {"A", "B", "C"}
        assert set(answer(connection, serial="A")) == {"B", "C"}
        assert {unit.serial for unit in made_from(connection, "C").components} == {"B", "C"}


def test_a_reel_used_by_1300_orders(engine: Engine) -> None:
    """A reel of ferrites that everything needs one of. Each order has three boards, one of them from another reel."""
    orders = range(1300)
    payloads = []
    for order in orders:
        boards = [f"SN-{order}-{n}" for n in range(3)]
        payloads.append(initialized(f"PNL-{order}", *boards, order=f"WO-{order}", when=order, source="Acme.Laser.1"))
        reels = ("FERRITES", "FERRITES", f"OTHER-{order}")
        payloads.append(
            installed(
                *(entry(board, reel, ["L1"]) for board, reel in zip(boards, reels, strict=True)), when=order + 0.5
            )
        )
    recorder = Recorder(engine)
    for start in range(0, len(payloads), 500):
        record(recorder, *payloads[start : start + 500])
    with engine.connect() as connection:
        found = answer(connection, package="FERRITES")
        assert found == {f"SN-{order}-{n}": "L1" for order in orders for n in (0, 1)}
        without = {one.serial for one in excluded(connection, Question(package="FERRITES"))}
        assert without >= {f"SN-{order}-2" for order in orders}
        assert not without & set(found)


def test_shipped_on_monday_corrected_on_tuesday(engine: Engine) -> None:
    """On Monday the machine's report of SN-2 is late, and reel R7 is thought to be of lot L1; Tuesday tells better."""
    lot = {"InternalPartNumber": "RES-10K", "Manufacturer": "Vishay", "UniqueIdentifier": "R7"}

    def told_to_be(lot_code: str, when: float) -> bytes:
        body = {"Materials": [lot | {"ManufacturerLotCode": lot_code}]}
        return message("Materials.Management.MaterialsInitialized", body, when=when, source="Acme.Tower.1")

    stored(
        engine,
        told_to_be("L1", 0),
        installed(entry("SN-1", "R7", ["R1"]), when=10),
        built_into("BOX-1", "SN-1", when=100),
    )
    monday = known_now(engine)
    stored(
        engine,
        installed(entry("SN-2", "R7", ["R1"]), when=20),  # late: it was built before BOX-1
        uninstalled("SN-1", ["R1"], package="R7", when=50, source=BENCH),
        told_to_be("L2", 5),
    )
    with engine.connect() as connection:
        then = {"SN-1": "R1", "BOX-1": "in SN-1"}
        assert answer(connection, package="R7", as_of=monday) == then
        assert answer(connection, lot="L1", as_of=monday) == then
        with pytest.raises(NotFound):
            answer(connection, lot="L2", as_of=monday)
        # SN-1 gave it up before it was built in, so BOX-1 is clear.
        assert answer(connection, package="R7") == {"SN-1": "R1", "SN-2": "R1"}
        assert answer(connection, lot="L2") == {"SN-1": "R1", "SN-2": "R1"}
        with pytest.raises(NotFound):
            answer(connection, lot="L1")


def known_now(engine: Engine) -> datetime:
    """The server's time between two batches."""
    with engine.connect() as connection:
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment
