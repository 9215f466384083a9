"""Changing one's own password and PIN, on the page and through REST: the old one is asked, other sessions end."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from app.people import issue_badge, set_pin
from app.scanning.codes import CodeKind, make_code
from tests.doors.conftest import PASSWORD, Ask
from tests.doors.test_pages import BROWSER, form_token, logged_in
from tests.inbox.messages import count

NEW = "staple battery horse"
Change = Callable[..., Response]


def change(client: TestClient, what: str, old: str, new: str, again: str | None = None) -> Response:
    form = {"form_token": form_token(client.get("/account").text), "old": old, "new": new, "again": again or new}
    return client.post(f"/account/{what}", data=form)


@pytest.fixture
def operator(accounts: dict[str, str], ask: Ask) -> TestClient:
    return logged_in(ask, "operator")


def test_the_password_is_changed_by_whoever_knows_the_old_one(operator: TestClient, ask: Ask, engine: Engine) -> None:
    elsewhere = logged_in(ask, "operator")
    assert change(operator, "password", "not the old one", NEW).status_code == 401
    assert change(operator, "password", PASSWORD, "short").status_code == 422
    assert change(operator, "password", PASSWORD, PASSWORD).status_code == 422
    assert change(operator, "password", PASSWORD, NEW, again=NEW + "x").status_code == 422
    assert elsewhere.get("/account").status_code == 200
    done = change(operator, "password", PASSWORD, NEW)
    assert done.status_code == 303, done.text
    assert "Your password was changed" in operator.get(done.headers["location"]).text
    assert elsewhere.get("/account").status_code == 303  # to the login
    again = ask(None)
    assert again.post("/login", data={"name": "operator", "password": PASSWORD}, headers=BROWSER).status_code == 401
    assert again.post("/login", data={"name": "operator", "password": NEW}, headers=BROWSER).status_code == 303
    assert count(engine, "audit", "deed = 'person.password_changed' AND actor = 'person:operator'") == 1


def test_guessing_the_old_password_is_slowed_as_at_the_login(operator: TestClient) -> None:
    told = [change(operator, "password", f"guess number {number}", NEW).status_code for number in range(6)]
    assert told == [401] * 5 + [429]
    assert change(operator, "password", PASSWORD, NEW).headers["retry-after"] == "900"


def test_a_first_pin_takes_the_password_and_the_next_the_pin(operator: TestClient, ask: Ask, engine: Engine) -> None:
    with engine.begin() as connection:
        badge = make_code(CodeKind.badge, issue_badge(connection, name="operator", actor="test"))
    assert "Your password" in operator.get("/account").text
    assert change(operator, "pin", "4711", "4711").status_code == 401
    assert change(operator, "pin", PASSWORD, "1234").status_code == 422
    assert change(operator, "pin", PASSWORD, "4711").status_code == 303
    bench = ask(None)
    bench.headers.update(BROWSER)
    assert bench.post("/login/badge", data={"badge": badge, "pin": "4711"}).status_code == 303
    assert change(operator, "pin", PASSWORD, "1147").status_code == 401
    assert change(operator, "pin", "4711", "1147").status_code == 303
    assert bench.get("/account").status_code == 303, "the session at the bench goes on with the old PIN"
    assert operator.get("/account").status_code == 200
    assert bench.post("/login/badge", data={"badge": badge, "pin": "4711"}).status_code == 401
    assert bench.post("/login/badge", data={"badge": badge, "pin": "1147"}).status_code == 303


@pytest.mark.usefixtures("accounts")
def test_whoever_bears_a_token_changes_theirs_through_it(ask: Ask, engine: Engine) -> None:
    client = ask("operator", person="operator")
    body = {"old": PASSWORD, "new": NEW}
    nobody = ask("operator").put("/api/v1/people/me/password", json=body)
    assert (nobody.status_code, nobody.json()["type"]) == (403, "/problems/forbidden")
    assert client.put("/api/v1/people/me/password", json={**body, "old": "a guess"}).status_code == 401
    answers = [
        client.put("/api/v1/people/me/password", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert [answer.json() for answer in answers] == [{"name": "operator"}] * 2
    assert client.put("/api/v1/people/me/pin", json={"old": NEW, "new": "4711"}).status_code == 200
    assert client.put("/api/v1/people/me/pin", json={"old": "1147", "new": "2222"}).status_code == 422
    assert client.put("/api/v1/people/me/pin", json={"old": "1147", "new": "8254"}).status_code == 401
    assert count(engine, "audit", "deed IN ('person.password_changed', 'person.pin_changed')") == 2


def test_a_closed_account_opens_nothing_any_more(operator: TestClient, ask: Ask, engine: Engine) -> None:
    with engine.begin() as connection:
        set_pin(connection, name="operator", pin="4711", actor="test")
        badge = make_code(CodeKind.badge, issue_badge(connection, name="operator", actor="test"))
    token = ask("operator", person="operator")
    assert token.get("/api/v1/stations").status_code == 200
    manager = logged_in(ask, "administrator")
    form = {"form_token": form_token(manager.get("/people").text), "name": "administrator"}
    refused = manager.post("/people/close", data=form)
    assert (refused.status_code, "the last administrator" in refused.text) == (409, True)
    assert manager.post("/people/close", data={**form, "name": "operator"}).status_code == 303
    assert manager.post("/people/close", data={**form, "name": "operator"}).status_code == 404
    assert "closed" in manager.get("/people").text
    assert operator.get("/account").status_code == 303
    assert token.get("/api/v1/stations").status_code == 401
    bench = ask(None)
    assert bench.post("/login/badge", data={"badge": badge, "pin": "4711"}, headers=BROWSER).status_code == 401
    login = {"name": "operator", "password": PASSWORD}
    assert bench.post("/login", data=login, headers=BROWSER).status_code == 401
