"""The gate's process just after it came back: stations find the broker again one by one, each with its reports."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.cfx.body import decode_body
from app.cfx.gate import ASK_AGAIN
from app.cfx.messages.information_system import ValidateUnitsResponse
from app.db import create_engine
from app.embedded.broker import Broker
from app.intake.answering import Answering
from app.interlock.settling import Settling
from tests.inbox.messages import message
from tests.intake.process import Speaker, wait_until
from tests.interlock.story import AOI, planned_line

NAME = "InformationSystem.UnitValidation.ValidateUnitsRequest"


@pytest.fixture
def gate(engine: Engine, database: str, broker: Broker) -> Iterator[Answering]:
    """It hears the broker within the block."""
    keyed = create_engine(database, keyed=True)
    process = Answering(engine, keyed, broker.url)
    process.settling = Settling(3.0)
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        yield process
    finally:
        process.stop()
        thread.join()
        keyed.dispose()


def test_a_unit_of_which_nothing_came_yet_is_asked_about_again_for_a_while(
    engine: Engine, gate: Answering, broker: Broker
) -> None:
    planned_line(engine)
    ask: dict[str, Any] = {"Validations": ["All"], "PrimaryIdentifier": "P-1"}

    def result(station: Speaker) -> tuple[int | None, str | None]:
        before = len(station.responses)
        station.say(message(NAME, ask, source=AOI), topic=f"{station.address.root}/CFX/{NAME.replace('.', '/')}")
        wait_until(lambda: len(station.responses) > before, 20, lambda: "no answer")
        body = decode_body(station.responses[-1])
        assert isinstance(body, ValidateUnitsResponse)
        assert body.result is not None
        assert body.primary_result is not None
        return body.result.result_code, body.primary_result.result

    with Speaker(broker, AOI) as station:
        wait_until(lambda: bool(gate.settling), 20, lambda: "it never connected")
        assert result(station) == (ASK_AGAIN, "Failed"), "printed and placed while nobody heard of it, perhaps"
        time.sleep(3.2)
        assert result(station) == (0, "Failed")
