"""What the gate's process does again and again: looks at what passed on snapshots, issues them, tells stations.

What fails over one unit or one station keeps nothing from the others, and what waits for ever takes no turn from them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine

from app.cfx.gate import CACHED
from app.interlock import pushes, snapshots
from app.interlock.locks import station_id_of
from app.interlock.plans import plan_policy
from app.interlock.pushes import write_due
from app.interlock.snapshots import Issuer, Reconciler
from app.materials.loaded import loaded_at as loaded_at_of_the_product
from app.people import create_token
from tests.containment.stories import contain
from tests.inbox.messages import (
    START,
    completed,
    count,
    entry,
    initialized,
    installed,
    message,
    received,
    started,
    stored,
)
from tests.interlock.stories_of_setups import F1, R10K, at_the_mounter, machine_loads_now
from tests.interlock.story import MOUNTER, PRINTER, clock
from tests.setup.plant import reel

FORBIDDEN = "This station is in nobody's head"


def passed_on_a_snapshot(engine: Engine, carrier: str, *boards: str) -> None:
    """Boards are on a carrier, and the printer began work on them without the product's word."""
    work = uuid4()
    body = {"TransactionID": str(work), "Activities": [{"ActivityName": CACHED}]}
    stored(
        engine,
        initialized(carrier, *((board, at) for at, board in enumerate(boards, 1)), order="WO-1", when=next(clock)),
        started(*((carrier, at) for at in range(1, len(boards) + 1)), transaction=work, panel=carrier, source=PRINTER,
                when=next(clock)),
        message("Production.ActivitiesExecuted", body, source=PRINTER, when=next(clock)),
    )  # fmt: skip


def looks(engine: Engine, reconciler: Reconciler, times: int = 1) -> list[int]:
    released = []
    for _ in range(times):
        with engine.begin() as connection:
            released.append(reconciler.look(connection))
    return released


def test_boards_of_a_reused_carrier_are_looked_at_once_each(line: Engine) -> None:
    for turn in range(3):
        passed_on_a_snapshot(line, "CARR", f"S-{turn}a", f"S-{turn}b")
    assert looks(line, Reconciler(), 2) == [6, 0]
    assert count(line, "provisional_release") == 6


@pytest.mark.parametrize("expired", [False, True])
def test_what_was_in_the_slots_then_counts(line: Engine, *, expired: bool) -> None:
    """The reel expired while the product was away, or had not; what is in the slot by now says nothing of that."""
    at_the_mounter(line)
    now = datetime.now(UTC)
    reel(line, "THEN", R10K, expires_at=now - timedelta(hours=1) if expired else now + timedelta(hours=1))
    machine_loads_now(line, "THEN")
    work, units = uuid4(), (("P-1", 1), ("P-1", 2))
    body = {"TransactionID": str(work), "Activities": [{"ActivityName": CACHED}]}
    when = (datetime.now(UTC) - START).total_seconds()
    stored(
        line,
        started(*units, transaction=work, panel="P-1", order="WO-1", source=MOUNTER, when=when),
        message("Production.ActivitiesExecuted", body, source=MOUNTER, when=when),
        installed(*(entry("P-1", "THEN", ["R1"], position=position, slot=F1, part_number=R10K) for position in (1, 2)),
                  transaction=work, source=MOUNTER, when=when),
        completed(*units, transaction=work, source=MOUNTER, when=when),
    )  # fmt: skip
    machine_loads_now(line, "RIGHT" if expired else "WRONG")
    assert looks(line, Reconciler()) == [0 if expired else 2]


def test_what_will_never_pass_takes_nobodys_turn(line: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_LOOKED_AT", 2)
    for turn in range(3):
        passed_on_a_snapshot(line, f"BAD-{turn}", f"B-{turn}")
        contain(line, serials=[f"B-{turn}"])
    passed_on_a_snapshot(line, "GOOD-1", "G-1")
    reconciler = Reconciler()
    assert sum(looks(line, reconciler, 3)) == 1
    assert sum(looks(line, reconciler, 3)) == 0


def test_one_stations_fault_keeps_no_snapshot_from_the_others(line: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with line.begin() as connection:
        for station in (PRINTER, MOUNTER):
            plan_policy(connection, station=station, policy="fail_cached", actor="test")
            create_token(connection, name=station, role="line_equipment", station=station, actor="test")
    real = snapshots.admitted

    def admitted(connection: Connection, station_id: int, handle: str, at: Any) -> Any:
        if handle == PRINTER:
            raise ValueError(FORBIDDEN)
        return real(connection, station_id, handle, at)

    monkeypatch.setattr(snapshots, "admitted", admitted)
    issuer = Issuer()
    assert [one.topic for one in issuer.due(line)] == ["Acme/Mounter/1/gate"]
    monkeypatch.setattr(snapshots, "admitted", real)
    assert [one.topic for one in issuer.due(line)] == ["Acme/Printer/1/gate"], "it is its turn again at once"


def test_one_stations_fault_keeps_no_request_from_the_others(line: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for station, package in ((PRINTER, "REEL-1"), (MOUNTER, "REEL-2")):
        place = {"LocationIdentifier": "F1", "MaterialPackage": {"UniqueIdentifier": package}}
        stored(
            line,
            received((package, "RES-10K", "LOT-7"), source=station),
            message("Materials.Storage.MaterialsLoaded", {"Materials": [place]}, source=station, when=next(clock)),
        )
    contain(line, lot="LOT-7", part_number="RES-10K")
    real = loaded_at_of_the_product
    with line.connect() as connection:
        printer = station_id_of(connection, PRINTER)

    def loaded_at(connection: Connection, station_id: int, *, at: Any) -> Any:
        if station_id == printer:
            raise ValueError(FORBIDDEN)
        return real(connection, station_id, at=at)

    monkeypatch.setattr(pushes, "loaded_at", loaded_at)
    with line.begin() as connection:
        write_due(connection)
    assert count(line, "station_request", "about = 'REEL-2'") == 1
    assert count(line, "station_request") == 1
