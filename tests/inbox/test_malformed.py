"""Ten thousand payloads from broken, misconfigured and hostile machines, through the broker into the intake process.

What is counted are envelopes: a payload holds one, a list of them, or nothing that can be read, which counts as one.
"""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.cfx.envelope import decode
from app.embedded.broker import Broker
from app.main import create_app
from app.people import create_token
from tests.cfx.malformed import payloads
from tests.inbox.checks import assert_sound
from tests.inbox.messages import count, entry, envelopes, installed, statuses
from tests.intake.process import IntakeProcess, Speaker

MANY = 10_000
STATION = "Acme.Mounter.1"


def parts_of(sent: list[bytes]) -> Counter[bytes]:
    """The bytes of every envelope, or of what might have been one."""
    return Counter(part.raw for payload in sent for part in decode(payload))


def assert_accounted_for(engine: Engine, sent: list[bytes], answered: Counter[str]) -> None:
    """accepted + duplicate + quarantined = received; and each of these is there, with bytes and reason."""
    received = parts_of(sent)
    assert answered.total() == received.total()
    assert set(answered) == {"stored", "duplicate", "rejected"}
    assert count(engine, "event") == answered["stored"]
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT raw, reason, code, times FROM quarantine")).all()
        assert sum(row.times for row in rows) == answered["rejected"]
        assert all(row.reason.strip() for row in rows)
        assert not [row.reason for row in rows if row.code == "fault"], "a fault of ours was found"
        assert {bytes(row.raw) for row in rows} <= set(received)
        assert_sound(connection)


def test_ten_thousand_payloads_through_broker_and_intake(
    engine: Engine, database: str, broker: Broker, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = list(payloads(seed=20261122, n=MANY, source=STATION))
    with IntakeProcess(database, broker, data_dir) as intake, Speaker(broker, STATION) as station:
        born = intake.pid
        station.say_all(sent)
        station.wait_for_receipts(parts_of(sent).total(), 150, intake.why)
        answered = Counter(statuses(station.receipts))
        good = installed(entry("SN-LAST", "REEL-LAST", ["R1"]), source=STATION)
        station.say(good)
        station.wait_for_receipts(answered.total() + 1, why=intake.why)
        assert station.receipts[-1].status == "stored"
        assert (intake.running, intake.pid) == (True, born)
    with capsys.disabled():
        print(f"\n{len(sent)} payloads with {answered.total()} envelopes: {dict(answered)}")  # noqa: T201
    answered["stored"] += 1
    assert_accounted_for(engine, [*sent, good], answered)
    assert min(answered.values()) > MANY / 100


def test_a_thousand_payloads_by_post(engine: Engine) -> None:
    sent = list(payloads(seed=7, n=1_000, source=STATION))
    answered: Counter[str] = Counter()
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        with engine.begin() as connection:
            token = create_token(connection, name="test", role="line_equipment", actor="test")
        client.headers["Authorization"] = f"Bearer {token}"
        asked: set[UUID] = set()
        for payload in list(sent):
            response = client.post("/api/v1/cfx", content=payload)
            if not payload:
                assert response.status_code == 422
                sent.remove(payload)
                continue
            assert response.status_code == 200, response.text
            if "receipts" in response.json():
                assert len(response.json()["receipts"]) == len(decode(payload))
                answered.update(receipt["status"] for receipt in response.json()["receipts"])
            else:  # a request that was taken in is answered with its response, the second time too
                (request,) = envelopes(payload)
                assert request.message_name.endswith("Request")
                answered["duplicate" if request.unique_id in asked else "stored"] += 1
                asked.add(request.unique_id)
    assert_accounted_for(engine, sent, answered)
