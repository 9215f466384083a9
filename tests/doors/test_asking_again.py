"""Equipment that speaks plain REST is told when a refusal is not the last word."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.cfx.gate import ASK_AGAIN
from app.db import create_engine
from app.interlock.settling import Settling
from app.main import create_app
from app.quality.containments import open_containment
from app.quality.terms import Terms
from tests.doors.conftest import Ask
from tests.inbox.messages import message
from tests.interlock.story import AOI, MOUNTER, PRINTER, done, planned_line


@pytest.fixture
def client(engine: Engine, ask: Ask) -> TestClient:
    """A station's, of a product that came back this moment."""
    planned_line(engine)
    client = ask("line_equipment")
    settling(client).begin()
    return client


def settling(client: TestClient) -> Settling:
    state: Settling = client.app.state.settling  # type: ignore[attr-defined] # an ASGI application, of all kinds
    return state


def settled(client: TestClient) -> None:
    client.app.state.settling = Settling()  # type: ignore[attr-defined]


def answered(client: TestClient, station: str, *, start: bool = False) -> tuple[Any, Any, Any]:
    if start:
        answer = client.post("/api/v1/interlock", json={"station": station, "serials": ["P-1"]})
    else:
        answer = client.get("/api/v1/interlock", params={"station": station, "serial": "P-1"})
    told = answer.json()
    return told["allowed"], told.get("retry_after"), told.get("retry_because")


@pytest.mark.parametrize("start", [False, True])
def test_just_after_an_outage_what_seems_skipped_is_asked_about_again(client: TestClient, *, start: bool) -> None:
    assert answered(client, AOI, start=start) == (False, 2, "settling")
    settled(client)
    assert answered(client, AOI, start=start) == (False, None, None)
    assert answered(client, PRINTER, start=start) == (True, None, None)


def test_a_report_that_is_due_is_waited_for(engine: Engine, client: TestClient) -> None:
    settled(client)
    done(engine, PRINTER)
    done(engine, MOUNTER, end=False)
    assert answered(client, AOI) == (False, 2, "report_due")


def later(engine: Engine, seconds: float) -> None:
    """So many seconds pass."""
    with engine.begin() as connection:
        passes = text("UPDATE verdict SET decided_at = decided_at - :seconds * interval '1 second'")
        connection.execute(passes, {"seconds": seconds})


@pytest.mark.parametrize("start", [False, True])
def test_a_report_that_was_due_and_did_not_come_ends_the_asking(
    engine: Engine, client: TestClient, *, start: bool
) -> None:
    settled(client)
    done(engine, PRINTER)
    for _ in range(4):
        assert answered(client, AOI, start=start) == (False, 2, "report_due")
        later(engine, 8)
    assert answered(client, AOI, start=start) == (False, None, None)
    told = client.get("/api/v1/interlock", params={"station": AOI, "serial": "P-1"}).json()
    assert "asking again does not clear it" in told["sentence"]
    assert not any(verdict["clears_by_itself"] for verdict in told["verdicts"])


def test_who_was_away_between_asks_anew(engine: Engine, client: TestClient) -> None:
    settled(client)
    done(engine, PRINTER)
    for seconds in (8, 8, 8, 15):
        assert answered(client, AOI) == (False, 2, "report_due")
        later(engine, seconds)
    assert answered(client, AOI) == (False, 2, "report_due")


def test_over_cfx_a_board_that_is_refused_for_good_ends_the_asking(engine: Engine, client: TestClient) -> None:
    settled(client)
    done(engine, PRINTER)
    ask = {"Validations": ["All"], "PrimaryIdentifier": "P-1"}
    question = message("InformationSystem.UnitValidation.ValidateUnitsRequest", ask, source=AOI)

    def code() -> int:
        answer = client.post("/api/v1/cfx", content=question)
        return int(answer.json()["MessageBody"]["Result"]["ResultCode"])

    assert code() == ASK_AGAIN
    with engine.begin() as connection:
        open_containment(connection, Terms(serials=("SN-2",)), reason="cracked", actor="test")
    assert code() == 0
    assert answered(client, AOI) == (False, None, None)


def test_what_asking_again_does_not_clear_is_final(engine: Engine, client: TestClient) -> None:
    done(engine, PRINTER)
    assert answered(client, PRINTER) == (False, None, None), "repeated"


def test_over_cfx_the_result_code_says_it(client: TestClient) -> None:
    ask = {"Validations": ["All"], "PrimaryIdentifier": "P-1"}
    question = message("InformationSystem.UnitValidation.ValidateUnitsRequest", ask, source=AOI)

    def code() -> int:
        answer = client.post("/api/v1/cfx", content=question)
        return int(answer.json()["MessageBody"]["Result"]["ResultCode"])

    assert code() == ASK_AGAIN
    settled(client)
    assert code() == 0


def test_a_start_and_a_database_that_was_away_are_outages() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    client = TestClient(create_app(nowhere), raise_server_exceptions=False, headers={"Authorization": "Bearer x"})
    assert not settling(client)
    assert client.get("/api/v1/interlock", params={"station": AOI, "serial": "P-1"}).status_code == 503
    assert settling(client)
    with TestClient(create_app(nowhere)) as started:
        assert settling(started)
    nowhere.dispose()
