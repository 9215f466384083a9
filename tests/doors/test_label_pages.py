"""Labels through the pages: PDF to keep, a job for the printer, a badge that opens a station."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.labels.sheets import SHEETS
from app.scanning.codes import CodeKind, read_code
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_pages import BROWSER, form_token, logged_in
from tests.labels.printed import drawn, labels_of, pages, read_texts
from tests.labels.test_labels import _Printer


@pytest.fixture
def lead(ask: Ask, accounts: dict[str, str], built: list[str]) -> tuple[TestClient, dict[str, str]]:
    client = logged_in(ask, "line_lead")
    return client, {"form_token": form_token(client.get("/labels").text)}


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        (
            {"kind": "serial", "values": "SN-1\nSN-2", "copies": "2", "symbology": "Data Matrix"},
            ["SN-1", "SN-1", "SN-2", "SN-2"],
        ),
        ({"kind": "reel", "values": "R-1182"}, ["[)>\x1e06\x1dP100-0042\x1dQ5000\x1d1TLK2207\x1dSR-1182\x1e\x04"]),
        ({"kind": "control"}, None),
        ({"kind": "station"}, None),
        ({"kind": "slot", "station": story.PLACER, "values": "F1\nF2"}, None),
    ],
)  # fmt: skip
def test_what_is_asked_for_comes_as_a_sheet_that_reads_back(
    lead: tuple[TestClient, dict[str, str]], engine: Engine, asked: dict[str, str], holds: list[str] | None
) -> None:
    client, token = lead
    answer = client.post("/labels/print", data={**token, **asked})
    assert answer.headers["content-type"] == "application/pdf", answer.text
    (page,) = pages(answer.content)
    labels = [label for label in labels_of(page, SHEETS["a4-24"]) if label.min() < 128]
    read = [read_texts(label) for label in labels]
    if holds is not None:
        assert read == [{content} for content in holds]
    assert all(len(one) == 1 for one in read)
    with engine.begin() as connection:
        told = connection.execute(text("SELECT actor, subject, details FROM audit WHERE deed = 'labels.printed'")).one()
    assert (told.actor, told.subject, told.details["count"]) == ("person:line_lead", asked["kind"], len(labels))


def test_labels_go_to_a_printer(lead: tuple[TestClient, dict[str, str]]) -> None:
    client, token = lead
    printer = _Printer()
    planned = {**token, "name": "Bench 1", "host": "127.0.0.1", "port": str(printer.port)}
    assert client.post("/labels/printers", data=planned).status_code == 303
    asked = {**token, "kind": "serial", "values": "SN-1", "onto": "printer:Bench 1"}
    sent = client.post("/labels/print", data=asked)
    assert sent.headers["location"] == "/labels?printed=1"
    printer.thread.join(5)
    assert [read_texts(label) for label in drawn(printer.job.decode())] == [{"SN-1"}]
    printer.server.close()
    off = client.post("/labels/print", data=asked)
    assert off.status_code == 503
    assert "switched on" in off.text
    assert client.post("/labels/printers/remove", data={**token, "name": "Bench 1"}).status_code == 303


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"kind": "reel", "values": "nothing"}, 404),
        ({"kind": "serial", "values": ""}, 422),
        ({"kind": "serial", "values": "A", "copies": "0"}, 422),
        ({"kind": "serial", "values": "A", "onto": "wall"}, 404),
        ({"kind": "slot", "station": "nowhere", "values": "1"}, 404),
        ({"kind": "banknote"}, 422),
    ],
)
def test_what_cannot_be_printed_is_said_on_the_page(
    lead: tuple[TestClient, dict[str, str]], asked: dict[str, str], status: int
) -> None:
    client, token = lead
    answer = client.post("/labels/print", data={**token, **asked})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_badge_is_printed_once_and_opens_a_station(ask: Ask, accounts: dict[str, str]) -> None:
    administrator = logged_in(ask, "administrator")
    token = {"form_token": form_token(administrator.get("/people").text)}
    assert administrator.post("/people/pin", data={**token, "name": "operator", "pin": "1234"}).status_code == 422
    assert administrator.post("/people/pin", data={**token, "name": "operator", "pin": "4711"}).status_code == 303
    printed = administrator.post("/labels/badge", data={**token, "name": "operator"})
    (page,) = pages(printed.content)
    (scanned,) = read_texts(labels_of(page, SHEETS["a4-8"])[0])
    assert read_code(scanned).kind is CodeKind.badge
    assert read_code(scanned).payload not in administrator.get("/people").text
    station = ask(None)
    station.headers.update(BROWSER)
    assert station.post("/login/badge", data={"badge": scanned, "pin": "4711"}).status_code == 303
    assert re.search(r"<b>operator</b>", station.get("/").text)
    assert station.post("/labels/badge", data={"name": "administrator"}).status_code == 403
    assert administrator.post("/people/badge/revoke", data={**token, "name": "operator"}).status_code == 303
    assert station.get("/").status_code == 303
