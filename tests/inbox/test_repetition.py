"""The key of an event is (station, UniqueID): said again it is a duplicate, contradicted it goes to quarantine."""

import json
import threading
import time
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event

from app.db import create_engine
from app.inbox.quarantine import CONTRADICTION, quarantined
from app.inbox.record import Recorder
from tests.inbox.canonical import dump
from tests.inbox.messages import count, entry, installed, message, record, started, statuses


def board(serial: str = "SN-1", package: str = "REEL-1", **envelope: object) -> bytes:
    return installed(entry(serial, package, ["R1"]), **envelope)  # type: ignore[arg-type]


def test_a_repetition_is_a_duplicate_and_changes_nothing(engine: Engine) -> None:
    key, work = uuid4(), uuid4()
    story = (started("SN-1", transaction=work), board(transaction=work, unique_id=key))
    record(Recorder(engine), *story)
    with engine.connect() as connection:
        before = dump(connection)
    for recorder in (Recorder(engine), Recorder(engine, register_unknown=False)):
        assert statuses(record(recorder, *story, *story)) == ["duplicate"] * 4
    with engine.connect() as connection:
        assert dump(connection) == before


def test_a_repetition_within_one_payload_is_stored_once(engine: Engine) -> None:
    one = board(unique_id=uuid4())
    payload = b"[" + b",".join([one, board("SN-2"), one]) + b"]"
    assert statuses(record(Recorder(engine), payload)) == ["stored", "stored", "duplicate"]
    assert count(engine, "event") == count(engine, "installation") == 2


def test_the_envelope_around_a_body_may_be_written_anew(engine: Engine) -> None:
    """A station that restarts may send other blanks, another Version or time: the event is its name and its body."""
    first = board(unique_id=uuid4())
    again = json.dumps({**json.loads(first), "Version": "2.1"}).encode()
    body = first[first.index(b'"MessageBody":') + len(b'"MessageBody":') : -1]
    head, _, _ = again.partition(b'"MessageBody": ')
    assert statuses(record(Recorder(engine), first, head + b'"MessageBody": ' + body + b"}")) == ["stored", "duplicate"]


def test_the_same_key_with_other_content_is_quarantined_and_the_first_word_stands(engine: Engine) -> None:
    key = uuid4()
    first, other = board(unique_id=key), board(package="REEL-2", unique_id=key)
    recorder = Recorder(engine)
    assert statuses(record(recorder, first)) == ["stored"]
    (receipt,) = record(recorder, other)
    assert receipt.status == "rejected"
    assert str(key) in str(receipt.reason)
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    assert (row.code, row.raw, row.unique_id) == (CONTRADICTION, other, key)
    assert count(engine, "event") == 1
    assert count(engine, "package", "identifier = 'REEL-2'") == 0
    assert statuses(record(recorder, first)) == ["duplicate"]


def test_a_contradiction_within_one_batch(engine: Engine) -> None:
    key = uuid4()
    batch = (board(unique_id=key), board(package="REEL-2", unique_id=key), board(unique_id=key))
    assert statuses(record(Recorder(engine), *batch)) == ["stored", "rejected", "duplicate"]


def test_another_name_over_the_same_body_is_a_contradiction(engine: Engine) -> None:
    key = uuid4()
    body = {"PrimaryIdentifier": "SN-1"}
    batch = (
        message("Production.UnitsArrived", body, unique_id=key),
        message("Production.UnitsDeparted", body, unique_id=key),
    )
    assert statuses(record(Recorder(engine), *batch)) == ["stored", "rejected"]


def test_two_stations_may_use_one_unique_id(engine: Engine) -> None:
    key = uuid4()
    batch = (board(unique_id=key), board("SN-2", unique_id=key, source="Acme.Mounter.2"))
    assert statuses(record(Recorder(engine), *batch)) == ["stored", "stored"]


def test_what_contradicts_only_a_message_that_was_refused_is_welcome(engine: Engine) -> None:
    """The first message under a key fails in the database: the second one contradicts nothing that is on record."""
    key = uuid4()
    poison = message(
        "Production.WorkStarted",
        {"TransactionID": str(uuid4()), "PrimaryIdentifier": "SN-1", "Lane": 100_000},
        unique_id=key,
    )
    assert statuses(record(Recorder(engine), poison, board(unique_id=key))) == ["rejected", "stored"]
    assert count(engine, "quarantine") == 1


@pytest.mark.parametrize(("package", "answer"), [("REEL-1", "duplicate"), ("REEL-2", "rejected")])
def test_two_processes_at_the_same_moment_agree_who_was_first(engine: Engine, package: str, answer: str) -> None:
    """One has not committed yet when the other comes with the same key: that one waits, then compares."""
    key = uuid4()
    mine, rival = board(unique_id=key), board(package=package, unique_id=key)
    answered: list[str] = []
    thread = threading.Thread(target=lambda: answered.extend(statuses(record(Recorder(engine), rival))))
    own = create_engine(engine.url.render_as_string(hide_password=False))

    @event.listens_for(own, "commit")
    def hold(_connection: Connection) -> None:
        thread.start()
        _wait_until_one_waits(engine)

    assert statuses(record(Recorder(own), mine)) == ["stored"]
    thread.join(10)
    own.dispose()
    assert answered == [answer]
    assert count(engine, "event") == count(engine, "installation") == 1


def _wait_until_one_waits(engine: Engine) -> None:
    deadline = time.monotonic() + 10
    while not count(engine, "pg_stat_activity", "wait_event_type = 'Lock' AND datname = current_database()"):
        assert time.monotonic() < deadline, "nobody waits for the uncommitted event"
        time.sleep(0.01)
