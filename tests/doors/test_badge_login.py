"""Logging in at a station by badge, as a browser does it."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.people import issue_badge, set_pin
from app.scanning.codes import CodeKind, make_code
from tests.doors.conftest import Ask
from tests.doors.test_pages import BROWSER, form_token


@pytest.fixture
def scanned(engine: Engine, accounts: dict[str, str]) -> str:
    """What a scanner types from the operator's badge."""
    with engine.begin() as connection:
        set_pin(connection, name="operator", pin="4711", actor="test")
        return make_code(CodeKind.badge, issue_badge(connection, name="operator", actor="test"))


@pytest.fixture
def client(ask: Ask) -> TestClient:
    client = ask(None)
    client.headers.update(BROWSER)
    return client


def test_a_badge_opens_and_the_idle_station_asks_for_the_pin(client: TestClient, engine: Engine, scanned: str) -> None:
    form = {"badge": scanned, "pin": "4711", "station": "Bench.B1.7", "to": "/packages"}
    opened = client.post("/login/badge", data=form)
    assert (opened.status_code, opened.headers["location"]) == (303, "/packages")
    with engine.begin() as connection:
        connection.execute(text("UPDATE login_session SET seen_at = seen_at - interval '6 minutes'"))
    sent = client.get("/packages")
    assert sent.status_code == 303
    page = client.get(sent.headers["location"])
    assert "operator opens this station again" in page.text
    assert client.post("/login/badge", data={"pin": "1111"}).status_code == 401
    assert client.post("/login/badge", data={"pin": "4711"}).status_code == 303
    assert client.get("/packages").status_code == 200


def test_a_page_that_looks_by_itself_keeps_no_station_open(client: TestClient, engine: Engine, scanned: str) -> None:
    client.post("/login/badge", data={"badge": scanned, "pin": "4711"})
    with engine.begin() as connection:
        connection.execute(text("UPDATE login_session SET seen_at = seen_at - interval '1 minute'"))
    seen = text("SELECT seen_at < now() - interval '30 seconds' FROM login_session")
    assert client.get("/?fragment=true", headers={"X-Background": "live"}).status_code == 200
    with engine.begin() as connection:
        assert connection.execute(seen).scalar_one()
    client.get("/")
    with engine.begin() as connection:
        assert not connection.execute(seen).scalar_one()


def test_the_station_is_locked_by_hand(client: TestClient, scanned: str) -> None:
    client.post("/login/badge", data={"badge": scanned, "pin": "4711"})
    token = form_token(client.get("/").text)
    assert client.post("/lock", data={"form_token": token}).status_code == 303
    assert client.get("/?format=json").status_code == 401
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("badge", "says"),
    [
        (make_code(CodeKind.control, "PASS"), "no badge"),
        ("BIRTHB26", "Only a part"),
        ("PNL-1", "garbled"),
    ],
)
def test_another_code_is_told_from_a_badge(client: TestClient, scanned: str, badge: str, says: str) -> None:
    answer = client.post("/login/badge", data={"badge": badge, "pin": "4711"})
    assert answer.status_code == 401
    assert says in answer.text
