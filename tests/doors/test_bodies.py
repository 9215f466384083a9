"""What comes in the body of a request, and what goes out in tables: strangers, media types, formulas."""

import csv
import io
import random
import socket
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.http.problems import problem_of
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.story import address


def test_the_body_of_a_stranger_is_not_waited_for(running: str) -> None:
    """32 MB are announced and never sent: who has no token is told so at once."""
    host, port = urlsplit(running).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as stranger:
        stranger.sendall(
            b"POST /api/v1/cfx HTTP/1.1\r\nHost: birthmark\r\nContent-Type: application/json\r\n"
            b"Content-Length: 33554432\r\n\r\n{"
        )
        assert b" 401 " in stranger.recv(64)


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_json_is_not_taken_for_anything_else(admin: TestClient, media_type: str) -> None:
    sent = b'{"package": "R-1", "part_number": "P-1"}'
    answer = admin.post("/api/v1/packages", content=sent, headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json"]
)
def test_json_is_taken_as_json(admin: TestClient, media_type: str) -> None:
    answer = admin.post("/api/v1/packages", content=b"{}", headers={"Content-Type": media_type})
    assert answer.status_code == 422


def test_files_do_not_come_as_json(admin: TestClient) -> None:
    answer = admin.post("/api/v1/products", json={"bom": "x"})
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["detail"]


@pytest.mark.parametrize("body", ["bom=x", ""])
def test_files_do_not_come_as_a_plain_form(admin: TestClient, body: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert admin.post("/api/v1/products", content=body, headers=headers).status_code in {415, 422}


def test_a_media_type_may_be_written_in_capitals(admin: TestClient) -> None:
    headers = {"Content-Type": "Multipart/Form-Data; boundary=x"}
    body = '--x\r\nContent-Disposition: form-data; name="revision"\r\n\r\n1\r\n--x--\r\n'
    assert admin.post("/api/v1/products", content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("name", ["/", "..", "a/..", "x" * 300 + ".csv", "\u6f22" * 100, "a.csv/"])
def test_a_file_may_be_called_anything(admin: TestClient, name: str) -> None:
    refused = admin.post("/api/v1/products", files={"bom": (name, "nothing"), "placements": (name, "nothing")})
    assert refused.status_code == 422, refused.text


def test_half_a_surrogate_pair_is_no_text(admin: TestClient) -> None:
    for body in (
        rb'{"part_number": "\ud800"}', rb'{"\ud800": "x"}', rb'{"part_number": "P", "quantity": "\udfff"}'
    ):  # fmt: skip
        refused = admin.post("/api/v1/packages", content=body, headers={"Content-Type": "application/json"})
        assert refused.status_code == 422, refused.text
        assert refused.headers["content-type"] == "application/problem+json"


def test_a_text_too_long_for_an_index_is_the_texts_fault(engine: Engine) -> None:
    long = "".join(random.Random(1).choices("abcdefgh", k=20_000))
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE told (said text PRIMARY KEY)"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text("INSERT INTO told VALUES (:said)"), {"said": long})
    assert problem_of(refused.value).status == 422


def test_a_machine_may_send_what_the_payload_is(ask: Ask) -> None:
    machine = ask("line_equipment", station=story.AOI)
    payload = story.payload(story.envelope("ResourcePerformance.StationStateChanged", {"NewState": 1100}, story.AOI))
    for media_type in ("application/octet-stream", "text/plain", "application/json"):
        answer = machine.post("/api/v1/cfx", content=payload, headers={"Content-Type": media_type})
        assert answer.status_code == 200, media_type


def test_no_text_is_a_formula_to_a_spreadsheet(admin: TestClient) -> None:
    serials = ['=HYPERLINK("http://x")', "+1", "-SN", "@x", " =1", "\n+1", "\uff1d1", "\u3000\uff20x"]
    admin.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", serials)))

    told = admin.get(address("trace/where-used", package="R-1182"), headers={"Accept": "text/csv"})

    rows = list(csv.DictReader(io.StringIO(told.text)))
    assert {row["serial"] for row in rows} == {f"'{serial}" for serial in serials}
    units = admin.get(address("trace/where-used", package="R-1182")).json()["units"]
    assert {unit["serial"] for unit in units} == set(serials), "JSON has them as they are"
