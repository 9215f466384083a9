"""The pages: who gets in, what cannot be forged, what every page has."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.live import reporting
from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import PASSWORD, Ask

PAGES = (
    "/", "/wall", "/yield", "/stations", "/packages", "/packages/receive", "/work-orders", "/quarantine", "/people",
    "/search",
    "/units?serial=PNL-1", "/package?identifier=R-1182", "/where-used?package=R-1182",
    "/where-used?lot=LK2207&part_number=100-0042", "/gate", "/gate/rights", "/account",
    "/lines", "/products", "/planning", "/setups",
    "/handling", "/tools",
)  # fmt: skip
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def logged_in(ask: Ask, role: str) -> TestClient:
    client = ask(None)
    client.headers.update(BROWSER)
    answer = client.post("/login", data={"name": role, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def test_a_visitor_is_sent_to_the_login_and_back(ask: Ask, accounts: dict[str, str]) -> None:
    client = ask(None)
    sent = client.get("/where-used?package=R%2F90%20%2B5", headers=BROWSER)
    assert sent.status_code == 303
    page = client.get(sent.headers["location"]).text
    to = re.search(r'name="to" value="([^"]+)"', page)
    assert to
    data = {"name": "operator", "password": PASSWORD, "to": unescape(to[1])}
    back = client.post("/login", data=data)
    assert back.headers["location"] == "/where-used?package=R%2F90%20%2B5"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"])
def test_a_login_leads_nowhere_else(ask: Ask, accounts: dict[str, str], elsewhere: str) -> None:
    data = {"name": "operator", "password": PASSWORD, "to": elsewhere}
    assert ask(None).post("/login", data=data).headers["location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ask: Ask, accounts: dict[str, str]) -> None:
    answer = ask(None).post("/login", data={"name": "operator", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_wrong_password_says_so_and_guessing_ends(ask: Ask, accounts: dict[str, str]) -> None:
    client = ask(None)
    answers = [client.post("/login", data={"name": "operator", "password": "guess"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "do not belong together" in answers[0].text
    assert int(answers[5].headers["Retry-After"]) > 0


def test_logging_out_ends_the_session(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "operator")
    cookies = dict(client.cookies)
    client.post("/logout", data={"form_token": form_token(client.get("/").text)})
    client.cookies.update(cookies)  # a thief who kept the cookie
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_a_title_a_heading_and_nothing_inline(
    ask: Ask, accounts: dict[str, str], built: list[str], page: str
) -> None:
    answer = logged_in(ask, "administrator").get(page)
    assert answer.status_code == 200
    assert re.search(r"<title>[^<]{3,} · Birthmark</title>", answer.text)
    assert len(re.findall(r"<h1|<strong>What are you", answer.text)) == 1
    assert not re.search(r"<script>|\sstyle=|\son\w+=|<style", answer.text), "the policy forbids inline code"
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text)


@pytest.mark.parametrize("page", [p for p in PAGES if p != "/packages/receive"])
def test_every_page_has_a_json_twin(ask: Ask, accounts: dict[str, str], built: list[str], page: str) -> None:
    joint = "&" if "?" in page else "?"
    answer = logged_in(ask, "administrator").get(f"{page}{joint}format=json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()


@pytest.mark.parametrize("page", [p for p in PAGES if p != "/packages/receive"])
def test_every_page_has_a_csv_twin(ask: Ask, accounts: dict[str, str], built: list[str], page: str) -> None:
    path, question, query = page.partition("?")
    by_suffix = f"{'/line' if path == '/' else path}.csv{question}{query}"
    client = logged_in(ask, "administrator")
    answers = [client.get(one) for one in (by_suffix, f"{page}{'&' if question else '?'}format=csv")]
    for answer in answers:
        assert answer.status_code == 200, answer.url
        assert answer.headers["content-type"].startswith("text/csv"), answer.url
    json = client.get(page, headers={"Accept": "application/json"}).json()
    rows = [value for value in json.values() if isinstance(value, list)]
    if path in {"/", "/stations", "/packages", "/work-orders", "/quarantine", "/people"}:
        assert len(answers[0].text.splitlines()) == 1 + sum(map(len, rows)), "a row for each element of the JSON"


@pytest.mark.parametrize("page", ["/units?serial=PNL-1", "/where-used?package=R-1182"])
def test_tables_have_a_csv_twin(ask: Ask, accounts: dict[str, str], built: list[str], page: str) -> None:
    answer = logged_in(ask, "operator").get(f"{page}&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) > len(built)


def test_what_machines_say_cannot_run_in_a_page(ask: Ask, admin: TestClient, accounts: dict[str, str]) -> None:
    evil = "<script>alert(1)</script>"
    message = story.panel(evil, [f"{evil}-1"], work_order=evil)
    admin.post("/api/v1/cfx", content=story.payload(message))
    admin.post("/api/v1/cfx", content=f'{{"MessageName": "{evil}"}}'.encode())
    client = logged_in(ask, "administrator")
    address = story.address("", serial=evil).removeprefix("/api/v1/")
    for page in ("/", "/work-orders", "/quarantine", "/quarantine/1", f"/units{address}", f"/search?q={evil}"):
        answer = client.get(page)
        assert evil not in answer.text, page
    raw = client.get("/quarantine/1/raw")
    assert evil in raw.text
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("PNL-1", "/units?serial=PNL-1"),
        (" pnl-1 ", "/units?serial=PNL-1"),
        ("R/90 +5%", "/package?identifier=R%2F90%20%2B5%25"),
        ("LOT+7", "/where-used?lot=LOT%2B7&part_number=100-0077"),
        ("100-0077", "/where-used?part_number=100-0077"),
        ("WO-1002", "/work-orders?number=WO-1002"),
        ("[)>\x1e06\x1d1PXAF4444\x1dQ3\x1d1TLK2207\x1e\x04", "/where-used?lot=LK2207&part_number=100-0042"),
    ],
)
def test_one_box_recognises_any_identifier(
    ask: Ask, accounts: dict[str, str], built: list[str], typed: str, leads_to: str
) -> None:
    client = logged_in(ask, "operator")
    answer = client.get("/search", params={"q": typed})  # as a form sends it: a blank becomes a plus
    assert answer.status_code == 303
    assert answer.headers["location"] == leads_to
    assert client.get(leads_to).status_code == 200


def test_what_is_not_known_is_said_kindly(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "operator")
    for page in ("/search?q=nothing", "/units?serial=nothing", "/package?identifier=nothing", "/nowhere"):
        answer = client.get(page)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "nothing" in answer.text


@pytest.mark.parametrize("page", ["/quarantine", "/people", "/packages/receive"])
def test_a_role_sees_its_pages_only(ask: Ask, accounts: dict[str, str], page: str) -> None:
    answer = logged_in(ask, "customer").get(page)
    assert answer.status_code == 403
    assert "Ask somebody" in answer.text


def test_a_form_from_elsewhere_is_refused(ask: Ask, admin: TestClient, accounts: dict[str, str]) -> None:
    admin.post("/api/v1/cfx", content=b"nonsense")
    client = logged_in(ask, "line_lead")
    token = form_token(client.get("/quarantine/1").text)
    good = {"form_token": token, "reason": "a test"}
    for data, headers in (
        ({"reason": "x"}, {}),
        ({**good, "form_token": "0" * 64}, {}),
        (good, {"Origin": "https://evil.example"}),
    ):
        assert client.post("/quarantine/1/dismiss", data=data, headers=headers).status_code == 403
    assert client.post("/quarantine/1/dismiss", data=good).status_code == 303


def test_quarantine_is_replayed_and_dismissed(ask: Ask, admin: TestClient, accounts: dict[str, str]) -> None:
    admin.post("/api/v1/cfx", content=b"nonsense")
    client = logged_in(ask, "line_lead")
    token = {"form_token": form_token(client.get("/quarantine/1").text)}
    again = client.post("/quarantine/1/replay", data=token)
    assert again.status_code == 409
    assert "refused again" in again.text
    without = client.post("/quarantine/1/dismiss", data={**token, "reason": " "})
    assert without.status_code == 422
    client.post("/quarantine/1/dismiss", data={**token, "reason": "a broken cable"})
    assert "Nothing is in quarantine" in client.get("/quarantine").text
    assert "dismissed by line_lead: a broken cable" in client.get("/quarantine?resolved=true").text


def test_a_package_is_received_by_its_label(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "operator")
    token = form_token(client.get("/packages/receive").text)
    refused = client.post("/packages/receive", data={"form_token": token, "label": "?", "lot": "L1"})
    assert refused.status_code == 422
    assert 'value="L1"' in refused.text, "what was typed stays"
    label = "[)>\x1e06\x1dPACME-77\x1dQ3000\x1d1TBF1103\x1e\x04"
    answer = client.post("/packages/receive", data={"form_token": token, "label": label})
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert "ACME-77" in page.text


def test_an_administrator_makes_people_and_tokens(ask: Ask, accounts: dict[str, str]) -> None:
    client = logged_in(ask, "administrator")
    token = {"form_token": form_token(client.get("/people").text)}
    made = client.post("/people/tokens", data={**token, "name": "reports", "role": "quality_engineer"})
    secret = re.search(r'class="secret">(bm_[^<]+)<', made.text)
    assert secret
    assert secret[1] not in client.get("/people").text, "it is shown once"
    headers = {"Authorization": f"Bearer {secret[1]}"}
    assert ask(None).get("/api/v1/stations", headers=headers).status_code == 200
    bob = {**token, "name": "bob", "role": "operator", "password": PASSWORD}
    assert client.post("/people", data=bob).status_code == 303
    assert client.post("/people", data=bob).status_code == 409


def test_a_customer_starts_with_their_own(ask: Ask, engine: Engine, built: list[str], accounts: dict[str, str]) -> None:
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1001", customer="Acme", actor="test")
    client = logged_in(ask, "customer")
    home = client.get("/", follow_redirects=True)
    assert "WO-1001" in home.text
    assert "WO-1002" not in home.text
    mine, theirs = (story.address("", serial=serial).removeprefix("/api/v1/") for serial in (built[0], built[2]))
    assert client.get(f"/units{mine}").status_code == 200
    assert client.get(f"/units{theirs}").status_code == 404
    assert client.get("/search", params={"q": built[2]}).status_code == 404
    reel = client.get("/package?identifier=R-1182")
    assert "A+1/1 %" in reel.text
    assert "A+2" not in reel.text
    told = client.get("/package?identifier=R-1182&format=json").json()["package"]
    assert told["part_number"] == "100-0042"
    stock = {"package_id", "initial_quantity", "quantity", "expires_at", "received_on", "unplanned", "registered_at"}
    assert not stock & told.keys(), "how much the factory has, and since when"
    assert "quantity" not in client.get("/package?identifier=R-1182&format=csv").text
    assert stock <= logged_in(ask, "operator").get("/package?identifier=R-1182&format=json").json()["package"].keys()
    with reporting(engine, deed="Containing lot X for Brill", actor="ann"):
        assert "Brill" in logged_in(ask, "operator").get("/containments").text
        assert "Brill" not in client.get("/containments").text + client.get("/containments?fragment=true").text
    assert client.get("/live").status_code == 403
