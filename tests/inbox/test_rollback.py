"""What a transaction learned and then rolled back is not true, and is not remembered."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from app.db import create_engine
from app.embedded.postgres import Postgres
from app.errors import Unavailable
from app.inbox.record import Delivery, Recorder
from app.schema import upgrade
from app.trace.made_from import made_from
from tests.inbox.checks import assert_exact, assert_sound
from tests.inbox.messages import count, entry, initialized, installed, message, record, started, statuses


def refused_late(**envelope: object) -> bytes:
    """Sound to look at; the database refuses its lane after everything of the batch was interned."""
    body = {"TransactionID": str(uuid4()), "PrimaryIdentifier": "SN-POISON", "Lane": 100_000}
    return message("Production.WorkStarted", body, **envelope)  # type: ignore[arg-type]


def board(serial: str, *packages: str) -> bytes:
    entries = [entry(serial, package, [f"R{n}"], slot=f"M1.F.{n}") for n, package in enumerate(packages, start=1)]
    return installed(*entries, transaction=uuid4())


def packages_of(engine: Engine, serial: str) -> list[str]:
    with engine.connect() as connection:
        return [part.package for part in made_from(connection, serial).installations]


def test_a_batch_that_fails_after_interning_leaves_no_false_ids_with_its_neighbours(engine: Engine) -> None:
    recorder = Recorder(engine)
    sound, poison = board("SN-1", "REEL-1", "REEL-2"), refused_late()
    assert statuses(record(recorder, sound, poison)) == ["stored", "rejected"]
    assert_sound(engine)
    assert_exact(engine, sound)
    assert packages_of(engine, "SN-1") == ["REEL-1", "REEL-2"]


def test_later_batches_do_not_build_on_what_was_rolled_back(engine: Engine) -> None:
    """Units, packages, placements, sets, recipes, orders, stations: all first named in a doomed transaction."""
    recorder = Recorder(engine)
    new = (
        installed(entry("SN-1", "REEL-1", ["R1"]), transaction=uuid4(), source="New.Machine.7"),
        started("SN-1", transaction=uuid4(), order="WO-9", recipe="top", source="New.Machine.7"),
        initialized("PANEL-1", ("SN-1", 1), source="New.Machine.7"),
    )
    lock = threading.Event()

    @event.listens_for(engine, "commit")
    def fail_once(_connection: object) -> None:
        if not lock.is_set():
            lock.set()
            raise OperationalError("COMMIT", None, psycopg.errors.AdminShutdown("the server goes down"))

    with pytest.raises(Unavailable):
        record(recorder, *new)
    assert count(engine, "event") == 0
    assert statuses(record(recorder, *new)) == ["stored"] * 3
    again = installed(entry("SN-2", "REEL-1", ["R1"]), transaction=uuid4())
    assert statuses(record(recorder, again)) == ["stored"]
    assert_sound(engine)
    assert_exact(engine, *new, again)
    assert packages_of(engine, "SN-2") == ["REEL-1"]


def test_a_message_that_failed_alone_is_not_remembered_as_seen(engine: Engine) -> None:
    """The outline of a body is remembered for the next board only once the first one is committed."""
    recorder = Recorder(engine)
    poison_position = started("SN-1", transaction=(work := uuid4()))
    first = installed(entry(None, "REEL-1", ["R1"]), transaction=work)
    assert statuses(record(recorder, refused_late(), first, board("SN-2", "REEL-2"), refused_late())) == [
        "rejected", "stored", "stored", "rejected"
    ]  # fmt: skip
    assert statuses(record(recorder, poison_position, board("SN-3", "REEL-2"))) == ["stored", "stored"]
    assert_sound(engine)
    assert packages_of(engine, "SN-1") == ["REEL-1"]
    assert packages_of(engine, "SN-2") == packages_of(engine, "SN-3") == ["REEL-2"]


@pytest.fixture
def server(data_dir: Path) -> Iterator[Postgres]:
    with Postgres(data_dir) as server:
        yield server


def test_while_the_database_is_away_nothing_is_stored_and_nothing_is_lost(server: Postgres) -> None:
    engine = create_engine(server.url)
    upgrade(engine)
    recorder = Recorder(engine)
    before, during = board("SN-1", "REEL-1"), board("SN-2", "REEL-1", "REEL-2")
    record(recorder, before)
    server.kill()
    for _ in range(2):
        with pytest.raises(Unavailable):
            recorder.record([Delivery(during)])
    server.start()
    assert count(engine, "event") == 1
    assert statuses(record(recorder, before, during)) == ["duplicate", "stored"]
    assert_sound(engine)
    assert packages_of(engine, "SN-2") == ["REEL-1", "REEL-2"]
    engine.dispose()


def test_a_connection_lost_in_the_middle_of_a_batch_is_the_servers_fault(engine: Engine) -> None:
    """Wherever it happens, COPY included: all of the batch or nothing, and the same batch is welcome afterwards."""
    for number in range(1, 60):
        recorder = Recorder(engine)
        batch = worked_on(f"SN-{number}", f"REEL-{number}")
        executed = 0

        def cut(connection: object, cursor: object, *_: object) -> None:
            nonlocal executed
            executed += 1
            if executed == number:  # noqa: B023 - used within this turn of the loop
                with engine.connect() as other:
                    other.execute(
                        text("SELECT pg_terminate_backend(:pid)"),
                        {"pid": cursor.connection.info.backend_pid},  # type: ignore[attr-defined]
                    )

        event.listen(engine, "after_cursor_execute", cut)
        try:
            whole = executed_all(recorder, batch)
        finally:
            event.remove(engine, "after_cursor_execute", cut)
        stored = len(batch) * (number if whole else number - 1)
        assert count(engine, "event") == stored, f"cut after statement {number}"
        if executed < number:
            break
        assert whole or executed_all(recorder, batch)
    else:
        pytest.fail("the batch never came to its end")
    assert whole
    assert number > 10
    assert count(engine, "quarantine") == 0
    assert_sound(engine)
    assert packages_of(engine, "SN-1") == ["REEL-1"]


def worked_on(serial: str, package: str) -> tuple[bytes, ...]:
    inspected = message(
        "Production.TestAndInspection.UnitsInspected",
        {"InspectedUnits": [{"UnitIdentifier": serial, "OverallResult": "Failed", "Inspections": [
            {"InspectionName": "paste", "Result": "Failed", "DefectsFound": [{"DefectCode": "BRIDGE"}]}
        ]}]},
    )  # fmt: skip
    return inspected, board(serial, package), started(serial, transaction=uuid4())


def executed_all(recorder: Recorder, batch: tuple[bytes, ...]) -> bool:
    try:
        return statuses(record(recorder, *batch)) == ["stored"] * len(batch)
    except Unavailable:
        return False
