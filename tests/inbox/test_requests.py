"""Whatever a machine asks, it is answered: a question we cannot judge is judged in full or refused, never dropped."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.cfx.body import decode_body
from app.cfx.messages.base import Message
from app.cfx.messages.information_system import ValidateUnitsResponse
from app.db import create_engine
from app.inbox.requests import answer
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
