"""Every error is problem+json that says what happened and what clears it."""

from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from app.db import create_engine
from app.http.plumbing import LARGEST_BODY, SECURITY_FIELDS
from app.http.problems import MEANINGS
from app.main import create_app
from tests.doors.conftest import Ask


def problem_in(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert set(problem) >= {"type", "title", "status", "detail", "instance"}
    assert problem["status"] == status
    assert problem["type"].removeprefix("/problems/") in MEANINGS
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert problem["detail"].endswith((".", ".)"))
    return problem


def test_no_token(ask: Ask) -> None:
    answer = ask(None).get("/api/v1/stations")
    problem = problem_in(answer, 401)
    assert "token create" in problem["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_token(ask: Ask) -> None:
    headers = {"Authorization": "Bearer bm_nonsense"}
    problem_in(ask(None).get("/api/v1/stations", headers=headers), 401)


def test_a_revoked_token(ask: Ask, admin: TestClient) -> None:
    operator = ask("operator")
    assert operator.get("/api/v1/stations").status_code == 200
    made = admin.get("/api/v1/tokens").json()["tokens"]
    number = next(token["token_id"] for token in made if token["role"] == "operator")
    assert admin.post(f"/api/v1/tokens/{number}/revoke").status_code == 200
    problem_in(operator.get("/api/v1/stations"), 401)
    problem_in(admin.post(f"/api/v1/tokens/{number}/revoke"), 404)


def test_a_role_that_may_not(ask: Ask) -> None:
    problem = problem_in(ask("operator").get("/api/v1/tokens"), 403)
    assert "administrator" in problem["detail"]


def test_an_address_that_is_none(admin: TestClient) -> None:
    problem_in(admin.get("/api/v1/nothing"), 404)


def test_a_method_that_is_none(admin: TestClient) -> None:
    answer = admin.delete("/api/v1/stations")
    problem_in(answer, 405)
    assert answer.headers["Allow"] == "GET"


def test_a_body_too_large(admin: TestClient) -> None:
    problem_in(admin.post("/api/v1/packages", content=b"x" * (LARGEST_BODY + 1)), 413)


def test_a_body_that_is_no_json(admin: TestClient) -> None:
    answer = admin.post("/api/v1/packages", content=b"{", headers={"Content-Type": "application/json"})
    assert problem_in(answer, 422)["errors"]


def test_a_parameter_that_is_missing(admin: TestClient) -> None:
    assert "serial" in problem_in(admin.get("/api/v1/trace/made-from"), 422)["detail"]


@pytest.mark.parametrize(
    "path", ["/api/v1/units?serial=%00", "/api/v1/trace/where-used?package=%00", "/api/v1/packages?cursor=9" + "9" * 20]
)
def test_a_value_that_no_column_takes(admin: TestClient, path: str) -> None:
    assert "out of range" in problem_in(admin.get(path), 422)["detail"]


def test_an_empty_message(admin: TestClient) -> None:
    problem_in(admin.post("/api/v1/cfx", content=b""), 422)


@pytest.mark.parametrize("path", ["/api/v1/units?serial=a", "/api/v1/packages", "/"])
def test_a_fault_of_ours_says_nothing_of_the_inside_and_is_logged(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("app.api.units.unit", broken)
    monkeypatch.setattr("app.api.packages.packages", broken)
    monkeypatch.setattr("app.web.session.find_session", broken)
    admin.cookies["birthmark"] = "anything"
    with capture_logs() as lines:
        answer = admin.get(path, headers={"Accept": "*/*" if path != "/" else "text/html"})
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert [line["event"] for line in lines] == ["http.failed"]
    assert "ZeroDivisionError: secret inside" in lines[0]["traceback"]
    assert "exc_info" not in lines[0], "a renderer would print local variables, passwords among them"


def test_a_database_that_is_away_is_503_and_may_be_asked_again() -> None:
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    client = TestClient(create_app(engine), raise_server_exceptions=False)
    headers = {"Authorization": "Bearer bm_any"}
    for answer in (
        client.get("/api/v1/stations", headers=headers),
        client.post("/api/v1/cfx", content=b"{}", headers=headers),
    ):
        problem_in(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "doctor" in str(ready.json()) or "start it" in str(ready.json())
    told = client.get("/metrics", headers=headers).text
    assert "birthmark_database_up 0.0" in told
    assert "birthmark_http" not in told, "to whom?"
    engine.dispose()


def test_every_answer_carries_the_security_fields(ask: Ask) -> None:
    client = ask(None)
    for path in ("/api/v1/stations", "/healthz", "/login", "/nothing", "/static/style.css"):
        answer = client.get(path)
        for name, value in SECURITY_FIELDS.items():
            assert answer.headers[name] == value, (path, name)


def test_every_problem_type_has_a_meaning(ask: Ask) -> None:
    for code in MEANINGS:
        assert ask(None).get(f"/problems/{code}").json()["meaning"]
    problem_in(ask(None).get("/problems/nonsense"), 404)
