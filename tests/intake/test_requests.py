"""Questions on the topic for all messages: a real intake process answers them beside the receipts."""

import gzip
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine

from app.embedded.broker import Broker
from tests.inbox.messages import count, initialized, message, started
from tests.intake.process import IntakeProcess, Speaker, wait_until

STATION = "Acme.Mounter.1"


def question(*validations: str) -> bytes:
    body = {"Validations": validations, "PrimaryIdentifier": "P-1"}
    return message("InformationSystem.UnitValidation.ValidateUnitsRequest", body, source=STATION)


def test_a_question_is_answered_however_it_is_packed_and_whatever_it_asks(
    database: str, engine: Engine, broker: Broker, data_dir: Path
) -> None:
    """Each verdict is on record, and intake works on."""
    with IntakeProcess(database, broker, data_dir) as intake, Speaker(broker, STATION) as station:
        station.say(initialized("P-1", ("SN-1", 1), order="WO-1"))
        station.wait_for_receipts(1, why=intake.why)
        station.say(question("All"), gzip.compress(question("All")), question("Splendour"), question(""))
        station.wait_for_receipts(5, why=intake.why)
        wait_until(lambda: len(station.responses) >= 4, 30, intake.why)
        assert {one.message_name.rpartition(".")[2] for one in station.responses} == {"ValidateUnitsResponse"}
        assert count(engine, "verdict") == 4
        station.say(started("SN-1", transaction=uuid4()))
        station.wait_for_receipts(6, why=intake.why)
        assert intake.running
