"""What was not taken, and what clears it, reaches whoever reads German in German; programs get the English."""

import re
from html import unescape
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.doors.conftest import Ask
from tests.doors.test_interlock import MOUNTER, planned
from tests.doors.test_pages import form_token, logged_in

__all__ = ["planned"]
JSON = {"Accept": "application/json"}


@pytest.fixture
def german(planned: None, accounts: dict[str, str], ask: Ask) -> TestClient:
    """Somebody whose browser asks for German, at the factory that `planned` plans."""
    client = logged_in(ask, "administrator")
    client.headers["Accept-Language"] = "de-DE,de;q=0.9,en;q=0.5"
    return client


def words(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_an_error_page_is_in_german(german: TestClient) -> None:
    page = german.get("/units?serial=X%2B1 <b>")
    assert page.status_code == 404
    assert "Eine Einheit X+1 <b> ist hier nicht bekannt. Die Seriennummer prüfen" in words(page.text)
    page = german.get("/units?serial=X+1")
    assert "(Ein + in der Adresse ist ein Plus; ein Leerzeichen schreibt sich %20.)" in words(page.text)


def test_what_no_page_takes_is_said_in_german(german: TestClient) -> None:
    for address, status, title, why in (
        ("/nothing-here", 404, "Nicht gefunden", "Unter dieser Adresse gibt es nichts."),
        (
            "/units?serial=%00",
            422,
            "So kann das nicht übernommen werden",
            "Ein Wert der Anfrage lässt sich weder speichern",
        ),
        ("/where-used?lot=A&day=x", 422, "So kann das nicht übernommen werden", "Berichtigen und noch einmal senden."),
    ):
        page = german.get(address, headers={"Accept": "text/html"})
        assert page.status_code == status
        assert title in words(page.text)
        assert why in words(page.text)


def test_a_scan_that_is_not_whole_is_refused_in_german(german: TestClient, ask: Ask) -> None:
    token = form_token(german.get("/account").text)
    cut = ask("operator").get("/api/v1/scans", params={"text": "BIRTHS10Acme"})
    assert cut.json()["sentence"] == "Only a part of the code arrived, 12 of 22 characters. Scan it again."
    deed = {
        "kind": "start", "id": str(uuid4()), "station": MOUNTER, "serial": "BIRTHS10Acme",
        "at": "2026-11-20T06:00:00Z",
    }  # fmt: skip
    answer = german.post("/station/deeds", json=deed, headers={"X-Form-Token": token, **JSON})
    assert answer.json()["detail"] == "Vom Code kam nur ein Teil an, 12 von 22 Zeichen. Noch einmal scannen."


def test_a_refused_form_says_why_in_german(german: TestClient) -> None:
    token = form_token(german.get("/account").text)
    for address, form, why in (
        ("/gate/lock", {"lock": "unlock", "reason": "Fertig."}, f"{MOUNTER} ist nicht gesperrt."),
        (
            "/gate/overrides",
            {"code": "failed", "reason": "Eilt."},
            f"An {MOUNTER} liegt kein Grund failed vor: Es gibt",
        ),
        ("/work-orders", {"number": "WO-1"}, "Auftrag WO-1 ist schon geplant. Eine andere Nummer wählen."),
        ("/packages/receive", {"label": "R-1"}, "Das ist weder ein Etikett nach ISO 15434 noch"),
    ):
        shown = german.post(address, data={"form_token": token, "station": MOUNTER, **form})
        assert shown.status_code in {404, 409, 422}, shown.text
        assert why in words(shown.text)


def test_a_screens_script_gets_german_and_a_program_english(german: TestClient, ask: Ask) -> None:
    token = form_token(german.get("/account").text)
    deed = {"kind": "start", "id": str(uuid4()), "station": MOUNTER, "serial": "X-1", "at": "2026-11-20T06:00:00Z"}
    answer = german.post("/station/deeds", json=deed, headers={"X-Form-Token": token, **JSON})
    assert answer.json()["detail"] == (
        "X-1 ist hier nicht bekannt. Noch einmal scannen; bleibt es dabei, die Linienführung fragen."
    )
    for address, client in (("/units?serial=X-1", german), ("/api/v1/trace/made-from?serial=X-1", ask("operator"))):
        twin = client.get(address, headers={**JSON, "Accept-Language": "de"})
        assert twin.json()["detail"] == (
            "No unit X-1 is known here. Check the serial, or whether its machines have reported yet."
        )
