"""Alive, ready, measured, documented."""

import re

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.http.probes import LATE_AFTER
from app.live import beat, leave
from tests.doors.conftest import Ask

INTAKE = "intake:test"


def part(client: TestClient, name: str) -> tuple[int, bool, str]:
    answer = client.get("/readyz")
    found = answer.json()["parts"][name]
    return answer.status_code, found["ready"], found["says"]


def test_ready_only_once_intake_proved_itself(ask: Ask, engine: Engine) -> None:
    client = ask(None)
    status, ready, says = part(client, "intake")
    assert (status, ready) == (503, False)
    assert "app intake" in says
    with engine.begin() as connection:
        beat(connection, INTAKE, stored=12)
    assert part(client, INTAKE)[:2] == (200, True)


def test_a_late_intake_is_named(ask: Ask, engine: Engine) -> None:
    with engine.begin() as connection:
        beat(connection, INTAKE)
        beat(connection, "intake:other")
        late = text("UPDATE process_heartbeat SET at = at - :late * interval '1 second' WHERE process = :name")
        connection.execute(late, {"late": LATE_AFTER + 1, "name": INTAKE})
    client = ask(None)
    status, ready, says = part(client, INTAKE)
    assert (status, ready) == (503, False)
    assert "doctor" in says
    assert part(client, "intake:other")[1]
    with engine.begin() as connection:
        leave(connection, INTAKE)
    assert client.get("/readyz").status_code == 200


def test_metrics_tell_of_requests_quarantine_and_intake(admin: TestClient, engine: Engine) -> None:
    with engine.begin() as connection:
        beat(connection, INTAKE, stored=12)
    admin.post("/api/v1/cfx", content=b"nonsense")
    admin.get("/api/v1/units?serial=SECRET-SERIAL")
    metrics = admin.get("/metrics").text
    assert "birthmark_quarantine_open 1.0" in metrics
    assert "birthmark_events_waiting 0.0" in metrics
    assert f'birthmark_process_detail{{name="stored",process="{INTAKE}"}} 12.0' in metrics
    assert re.search(r'birthmark_http_requests_total\{[^}]*route="/api/v1/units"', metrics)
    assert "SECRET-SERIAL" not in metrics


def test_docs_work_without_the_internet(ask: Ask) -> None:
    client = ask(None)
    page = client.get("/docs")
    assert page.status_code == 200
    linked = re.findall(r'(?:href|src|data-openapi)="([^"]+)"', page.text)
    assert len(linked) >= 5
    for address in linked:
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200, address


def test_every_address_of_the_api_says_what_it_does(ask: Ask) -> None:
    paths = ask(None).get("/openapi.json").json()["paths"]
    contract = {
        "/api/v1/cfx", "/api/v1/trace/made-from", "/api/v1/trace/where-used", "/api/v1/units",
        "/api/v1/units/history", "/api/v1/packages",
    }  # fmt: skip
    assert contract <= paths.keys()
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert operation["summary"].endswith((".", "`.", ")")), (path, method)
