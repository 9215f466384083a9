"""Somebody says that a station's clock was set: over REST and on the page of the stations."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.lines.clocks import measure_clocks
from tests.doors.conftest import Ask
from tests.doors.test_pages import form_token, logged_in
from tests.inbox.messages import STATION, stored
from tests.materials.test_moisture_events import left, msd
from tests.materials.test_wrong_clocks import hours_until_now

SET = {"station": STATION, "reason": "the battery was empty"}


@pytest.fixture
def now() -> float:
    """Hours from the story's beginning."""
    return hours_until_now()


@pytest.fixture
def wrong(engine: Engine, now: float) -> Engine:
    """A station that asks no gate, and whose clock was hours ahead once, ten days ago."""
    stored(engine, msd("Opened", "P-1", when=now - 5))
    with engine.begin() as connection:
        measure_clocks(connection, {STATION: timedelta(hours=3)}, live=False)
        ago = "now() - interval '10 days'"
        connection.execute(text(f"UPDATE wrong_clock SET seen_at = {ago}, last_seen_at = {ago}"))
        connection.execute(text(f"UPDATE station_clock SET measured_at = {ago}"))
    return engine


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_what_it_tells_after_it_was_set_is_believed_again(wrong: Engine, ask: Ask, now: float) -> None:
    client = ask("line_lead")
    assert left(wrong, "P-1", when=now + 5) == pytest.approx(155, abs=0.1)
    station = client.get("/api/v1/stations").json()["stations"][0]
    assert station["wrong_clock"]["ahead"]
    answer = client.post("/api/v1/stations/clock", json=SET | {"at": days_ago(1)})
    assert answer.status_code == 200, answer.text
    assert left(wrong, "P-1", when=now + 5) == pytest.approx(158, abs=0.1)
    assert client.get("/api/v1/stations").json()["stations"][0]["wrong_clock"] is None
    with wrong.connect() as connection:
        audited = connection.execute(text("SELECT details FROM audit WHERE deed = 'clock.set'")).scalar_one()
    assert audited["reason"] == SET["reason"]


def test_what_it_told_before_it_was_set_is_not(wrong: Engine, ask: Ask, now: float) -> None:
    assert ask("process_engineer").post("/api/v1/stations/clock", json=SET).status_code == 200
    assert left(wrong, "P-1", when=now + 5) == pytest.approx(155, abs=0.1)


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({"at": days_ago(11)}, 409, "was still wrong at"),
        ({"at": days_ago(-1)}, 422, "still to come"),
        ({"reason": " - "}, 422, "reason"),
        ({"station": "Nobody.Knows.It"}, 409, "not known to be wrong"),
    ],
)
def test_it_is_refused_where_it_cannot_be(wrong: Engine, ask: Ask, said: dict[str, str], status: int, why: str) -> None:
    answer = ask("administrator").post("/api/v1/stations/clock", json=SET | said)
    assert answer.status_code == status, answer.text
    assert why in answer.text
    with wrong.connect() as connection:
        assert connection.execute(text("SELECT right_after FROM wrong_clock")).scalar_one() is None


def test_a_line_lead_says_it_on_the_page_and_an_operator_does_not(
    wrong: Engine, accounts: dict[str, str], ask: Ask
) -> None:
    def post(client: TestClient) -> int:
        token = form_token(client.get("/account").text)
        return client.post("/stations/clock", data={"form_token": token, **SET}).status_code

    operator, lead = logged_in(ask, "operator"), logged_in(ask, "line_lead")
    page = operator.get("/stations", headers={"Accept": "text/html"}).text
    assert "clock wrong" in page
    assert "The clock was set right" not in page
    assert post(operator) == 403
    assert "The clock was set right" in lead.get("/stations", headers={"Accept": "text/html"}).text
    post(lead)
    assert "clock wrong" not in lead.get("/stations", headers={"Accept": "text/html"}).text
    assert post(lead) == 409
