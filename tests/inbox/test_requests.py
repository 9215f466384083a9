"""Whatever a machine asks, it is answered: a question we cannot judge is judged in full or refused, never dropped."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.cfx.body import decode_body
from app.cfx.envelope import decode
from app.cfx.messages.base import Message
from app.cfx.messages.endpoint import NotSupportedResponse
from app.cfx.messages.information_system import ValidateUnitsResponse
from app.db import create_engine
from app.inbox.requests import answer
from app.inbox.validation import MOST_UNITS
from tests.inbox.messages import count, envelopes, initialized, message, stored


@pytest.fixture
def keyed(engine: Engine, database: str) -> Iterator[Engine]:
    stored(engine, initialized("P-1", ("SN-1", 1), order="WO-1"))
    made = create_engine(database, keyed=True)
    yield made
    made.dispose()


def asked(keyed: Engine, **body: Any) -> Message:
    (question,) = envelopes(message("InformationSystem.UnitValidation.ValidateUnitsRequest", body))
    (response,) = envelopes(answer(question, source=None, engine=keyed) or b"")
    return decode_body(response)


@pytest.mark.parametrize("validation", ["", "UnitSplendourValidation"])
def test_what_we_do_not_know_to_validate_is_validated_in_full(keyed: Engine, validation: str) -> None:
    response = asked(keyed, Validations=[validation], PrimaryIdentifier="P-1")
    assert isinstance(response, ValidateUnitsResponse)
    assert response.primary_result is not None
    assert count(keyed, "verdict", "NOT facts ? 'topics'") == 1, "a verdict on everything names no topics"


def test_a_position_no_panel_has_fails_and_the_others_are_judged(keyed: Engine) -> None:
    units = [{"UnitIdentifier": "P-1", "PositionNumber": number} for number in (40_000, 1)]
    response = asked(keyed, Validations=["All"], PrimaryIdentifier="P-1", Units=units)
    assert isinstance(response, ValidateUnitsResponse)
    results = {one.position_number: one.result for one in response.validation_results or ()}
    assert results == {1: "Passed", 40_000: "Failed"}
    assert response.primary_result is not None
    assert response.primary_result.result == "Failed"


def test_a_fault_of_ours_is_an_answer(keyed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr("app.inbox.validation.ask", broken)
    response = asked(keyed, PrimaryIdentifier="P-1")
    assert isinstance(response, ValidateUnitsResponse)
    assert response.result is not None
    assert (response.result.result, response.result.result_code) == ("Failed", 4)
    assert response.primary_result is not None
    assert response.primary_result.result == "Failed"


# --- what cannot be read, or may not be asked ---

VALIDATE = "InformationSystem.UnitValidation.ValidateUnitsRequest"


def refusal(payload: bytes, keyed: Engine, **more: Any) -> ValidateUnitsResponse:
    """The answer to a payload that cannot be judged: a response of the right kind, which says so."""
    (asked,) = decode(payload)
    (response,) = envelopes(answer(asked, source="Acme.AOI.1", engine=keyed, **more) or b"")
    assert response.request_id == "R-1"
    body = decode_body(response)
    assert isinstance(body, ValidateUnitsResponse)
    assert body.result is not None
    assert body.result.result == "Failed"
    assert body.primary_result is not None
    assert body.primary_result.result == "Failed"
    return body


def question(**body: Any) -> bytes:
    asked_for = message(VALIDATE, body, source="Acme.AOI.1")
    return asked_for.replace(b'"RequestID":null', b'"RequestID":"R-1"')


@pytest.mark.parametrize(
    "payload",
    [
        question(PrimaryIdentifier="P-1").replace(b'"TimeStamp"', b'"Time"'),
        question(PrimaryIdentifier="a\0b"),
        question(PrimaryIdentifier="P-1").replace(b'"P-1"', b'"\\ud800"'),
        question(PrimaryIdentifier="P-1")[:-2],
        question(PrimaryIdentifier="P-1", Units="x"),
        question(PrimaryIdentifier=["P-1"]),
    ],
    ids=["no time", "NUL", "half a character", "cut off", "no list", "no text"],
)
def test_a_question_that_cannot_be_read_is_answered_so(keyed: Engine, payload: bytes) -> None:
    told = refusal(payload, keyed, topic_name=f"CFX.{VALIDATE}")
    assert told.result is not None
    assert told.result.result_code == 2
    assert told.result.message


def test_what_only_looks_like_a_question_is_not_answered(keyed: Engine) -> None:
    (unreadable,) = decode(question(PrimaryIdentifier="P-1").replace(b'"RequestID"', b'"Request"')[:-2])
    assert answer(unreadable, source="Acme.AOI.1", engine=keyed, topic_name=f"CFX.{VALIDATE}") is None


def test_nobody_asks_for_another_station(keyed: Engine) -> None:
    told = refusal(question(PrimaryIdentifier="P-1"), keyed, sender="Acme.AOI.2")
    assert told.result is not None
    assert "may not ask for Acme.AOI.1" in str(told.result.message)
    assert count(keyed, "verdict") == 0
    (own,) = decode(question(PrimaryIdentifier="P-1"))
    assert answer(own, source="Acme.AOI.1", sender="Acme.AOI.1", engine=keyed) is not None
    assert count(keyed, "verdict") == 1


def test_more_units_than_are_judged_at_once_are_refused_by_number(keyed: Engine) -> None:
    units = [{"UnitIdentifier": f"SN-{number}"} for number in range(MOST_UNITS + 1)]
    told = refusal(question(Validations=["All"], Units=units), keyed)
    assert told.result is not None
    assert f"{MOST_UNITS} are judged at once" in str(told.result.message)
    most = asked(keyed, Validations=["All"], Units=units[:-1])
    assert isinstance(most, ValidateUnitsResponse)
    assert len(most.validation_results or ()) == MOST_UNITS


def test_an_entry_that_names_no_unit_fails(keyed: Engine) -> None:
    units = [{"UnitIdentifier": "P-1", "PositionNumber": 1}, {"PositionNumber": 2}]
    response = asked(keyed, Validations=["All"], Units=units)
    assert isinstance(response, ValidateUnitsResponse)
    assert [(one.position_number, one.result) for one in response.validation_results or ()] == [
        (1, "Passed"),
        (2, "Failed"),
    ]
    assert response.primary_result is not None
    assert response.primary_result.result == "Failed"
    nothing = asked(keyed, Validations=["All"])
    assert isinstance(nothing, ValidateUnitsResponse)
    assert nothing.primary_result is not None
    assert nothing.primary_result.result == "Failed"


def test_a_question_that_we_do_not_answer_is_told_so(keyed: Engine) -> None:
    topic = message("InformationSystem.TopicValidation.ValidateTopicRequest", {"ValidationTopic": "Maintenance"})
    (asked_about,) = envelopes(topic)
    (response,) = envelopes(answer(asked_about, source=None, engine=keyed) or b"")
    body = decode_body(response)
    assert isinstance(body, NotSupportedResponse)
    assert body.request_result is not None
    assert "does not answer ValidateTopicRequest" in str(body.request_result.message)
