"""A photograph through the doors: what was read, or why nothing was; never a 500."""

from fastapi.testclient import TestClient

from tests.decoding.test_bounded import picture
from tests.doors.conftest import Ask
from tests.doors.test_pages import form_token, logged_in


def test_a_page_reads_a_photograph(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "operator")
    token = {"form_token": form_token(client.get("/photo").text)}
    page = client.post("/photo", data=token, files={"photo": ("a.png", picture("PNL/1+2"))})
    assert page.status_code == 200
    assert "PNL/1+2" in page.text
    assert "/search?q=PNL%2F1%2B2" in page.text
    by_script = client.post(
        "/photo",
        files={"photo": ("a.png", picture("PNL-1"))},
        headers={"X-Form-Token": token["form_token"], "Accept": "application/json"},
    )
    assert by_script.json() == {"readings": [{"text": "PNL-1", "symbology": "QRCode"}], "problem": None}
    for sent in ({}, {"photo": ("a.png", b"nonsense")}, {"photo": ("a.png", b"")}):
        answer = client.post("/photo", data=token, files=sent, headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["problem"]
    assert client.post("/photo", files={"photo": ("a.png", picture("A"))}).status_code == 403
    too_much = client.post("/photo", data=token, files={"photo": ("a.png", bytes(14 * 1024 * 1024))})
    assert too_much.status_code == 413


def test_why_nothing_was_read_is_said_in_the_readers_language(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "operator")
    client.headers["Accept-Language"] = "de"
    token = {"form_token": form_token(client.get("/photo").text)}
    for sent, why in ((b"", "Es kam kein Bild an."), (b"nonsense", "Das ist kein Bild (PNG,")):
        for accept in ("text/html", "application/json"):  # the page, and the script of a station's screen
            photo = {"photo": ("a.png", sent)}
            assert why in client.post("/photo", data=token, files=photo, headers={"Accept": accept}).text


def test_a_program_reads_a_photograph(admin: TestClient, ask: Ask) -> None:
    read = admin.post("/api/v1/decode", content=picture("PNL-1"))
    assert read.json()["readings"] == [{"text": "PNL-1", "symbology": "QRCode"}]
    assert admin.post("/api/v1/decode", content=b"nonsense").json()["problem"].startswith("This is not a picture")
    assert ask(None).post("/api/v1/decode", content=picture("PNL-1")).status_code == 401
