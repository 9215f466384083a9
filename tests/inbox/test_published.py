"""Every message body published with the CFX SDK is stored, and comes back to the byte."""

import pytest
from sqlalchemy import Engine

from app.inbox.record import Recorder
from tests.cfx.bodies import HAND_WRITTEN, published
from tests.inbox.checks import assert_exact, assert_sound
from tests.inbox.messages import message, record, statuses

PUBLISHED = published()
# Seven of the published bodies are no JSON: text and comments around it, a colon or a comma missing.
NOT_JSON = 7


@pytest.mark.skipif(not PUBLISHED, reason="the published CFX examples are not here")
def test_every_published_body_is_stored_or_said_to_be_no_json(engine: Engine) -> None:
    recorder = Recorder(engine)
    payloads = {name: message(name, body) for name, body in PUBLISHED.items() if name != "CFXEnvelope"}
    receipts = dict(zip(payloads, record(recorder, *payloads.values()), strict=True))
    refused = {name: receipt.reason for name, receipt in receipts.items() if receipt.status == "rejected"}
    assert len(refused) <= NOT_JSON, refused
    assert all("JSON" in str(reason) for reason in refused.values()), refused
    taken = [payload for name, payload in payloads.items() if name not in refused]
    assert_exact(engine, *taken)
    assert_sound(engine)
    assert set(statuses(record(Recorder(engine), *taken))) == {"duplicate"}


def test_every_body_written_after_them_is_stored(engine: Engine) -> None:
    payloads = [message(name, body) for name, body in HAND_WRITTEN.items()]
    assert set(statuses(record(Recorder(engine), *payloads))) == {"stored"}
    assert_exact(engine, *payloads)
    assert_sound(engine)
