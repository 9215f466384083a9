"""The gate as a machine asks it: CFX `ValidateUnits`."""

from sqlalchemy import Engine

from app.cfx.body import decode_body
from app.cfx.envelope import Envelope, decode
from app.cfx.messages.information_system import ValidateUnitsResponse
from app.db import create_engine
from app.inbox.requests import answer
from app.inbox.validation import FAILURE_CODES
from app.interlock.locks import lock_station
from tests.inbox.messages import message
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, codes, done, inspected


def validated(database: str, station: str, *validations: str) -> ValidateUnitsResponse:
    """What a station is told that asks about both boards of the panel."""
    request = message(
        "InformationSystem.UnitValidation.ValidateUnitsRequest",
        {"Validations": validations, "PrimaryIdentifier": "P-1", "Units": [
            {"UnitIdentifier": "P-1", "PositionNumber": 1}, {"UnitIdentifier": "P-1", "PositionNumber": 2}]},
        source=station,
    )  # fmt: skip
    keyed = create_engine(database, keyed=True)
    envelope = decode(request)[0]
    assert isinstance(envelope, Envelope)
    response = decode(answer(envelope, source=None, engine=keyed) or b"")[0]
    keyed.dispose()
    assert isinstance(response, Envelope)
    body = decode_body(response)
    assert isinstance(body, ValidateUnitsResponse)
    return body


def test_cfx_validate_units_is_answered_unit_by_unit(line: Engine, database: str) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Failed", "Passed"))
    body = validated(database, TESTER, "UnitRouteValidation", "UnitStatusValidation")
    assert body.primary_result is not None
    assert body.primary_result.result == "Failed"
    results = body.validation_results or []
    assert [(one.position_number, one.result) for one in results] == [(1, "Failed"), (2, "Passed")]
    assert "Quality decides" in (results[0].message or "")


def test_a_machine_goes_by_what_does_not_clear_by_itself(line: Engine, database: str) -> None:
    """It would take a unit out for a report that is late, where it is the station that is to be made ready."""
    done(line, PRINTER, end=False)
    with line.begin() as connection:
        lock_station(connection, station=MOUNTER, reason="The nozzles are being changed.", actor="test")
    assert [code for code, *_ in codes(line, MOUNTER)] == ["not_arrived", "not_arrived"]
    results = validated(database, MOUNTER, "All").validation_results or []
    assert [one.failure_code for one in results] == [FAILURE_CODES["station_locked"]] * 2
