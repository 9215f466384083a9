"""Lines and stations as an engineer plans them on pages; what is refused stands at its field."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.people import Role
from tests.doors.conftest import Ask
from tests.doors.test_pages import form_token, logged_in

Post = Callable[..., Response]


def poster(client: TestClient) -> Post:
    """`post("/lines", name="SMT 1")`: what a form of this person's pages sends."""
    token = form_token(client.get("/account").text)
    return lambda address, **form: client.post(address, data={"form_token": token, **form})


def refused_at(answer: Response) -> str:
    """The name of the field a refused form came back at, and what stands there."""
    field = re.search(r'name="(\w+)"[^>]*aria-invalid="true" aria-describedby="([^"]+)"', answer.text)
    assert field, answer.text
    says = re.search(rf'id="{re.escape(field[2])}"[^>]*>(.*?)</p>', answer.text, re.DOTALL)
    assert says
    return f"{field[1]}: {unescape(re.sub('<[^>]+>', '', says[1])).replace('■', '').strip()}"


@pytest.fixture
def engineer(accounts: dict[str, str], ask: Ask) -> TestClient:
    return logged_in(ask, "process_engineer")


def planned(client: TestClient) -> list[tuple[str, str, str, str]]:
    told = client.get("/lines?format=json").json()["stations"]
    return [(one["line"], one["station"], one["name"], one["operation"]) for one in told]


def test_a_line_is_planned_station_by_station(engineer: TestClient) -> None:
    post = poster(engineer)
    assert "No line is planned yet" in engineer.get("/lines").text
    assert post("/lines", name=" SMT 1 ").status_code == 303
    for handle, operation, name in (("V.P.1", "placement", "Placer"), ("V.A.1", "", ""), ("V.R.1", "reflow", "")):
        added = post("/lines/stations", line="SMT 1", handle=handle, operation=operation, name=name)
        assert added.status_code == 303, added.text
    assert post("/lines/station", handle="V.A.1", name="AOI", operation="inspection", line="SMT 1").status_code == 303
    assert planned(engineer) == [
        ("SMT 1", "V.P.1", "Placer", "placement"), ("SMT 1", "V.A.1", "AOI", "inspection"),
        ("SMT 1", "V.R.1", None, "reflow"),
    ]  # fmt: skip
    post("/lines/station", handle="V.R.1", name="", operation="reflow", line="SMT 1", place="2")
    post("/lines/station", handle="V.P.1", name="", operation="placement", line="")
    assert planned(engineer) == [
        ("SMT 1", "V.R.1", None, "reflow"), ("SMT 1", "V.A.1", "AOI", "inspection"),
        (None, "V.P.1", None, "placement"),
    ]  # fmt: skip


def test_a_line_is_renamed_and_goes_when_it_is_empty(engineer: TestClient) -> None:
    post = poster(engineer)
    for name in ("SMT 1", "SMT 2"):
        post("/lines", name=name)
    first, second = (one["line_id"] for one in engineer.get("/lines?format=json").json()["lines"])
    assert post("/lines/rename", line_id=first, name="Hall 3").status_code == 303
    assert refused_at(post("/lines/rename", line_id=second, name="Hall 3")) == (
        "name: There is a line Hall 3 already. Give this one another name."
    )
    post("/lines/stations", line="Hall 3", handle="V.P.1")
    assert refused_at(post("/lines/remove", line_id=first)).startswith("name: Stations stand in line Hall 3.")
    assert post("/lines/remove", line_id=second).status_code == 303
    assert post("/lines/remove", line_id=second).status_code == 404
    assert [one["name"] for one in engineer.get("/lines?format=json").json()["lines"]] == ["Hall 3"]


def test_what_is_refused_comes_back_as_it_was_typed(engineer: TestClient) -> None:
    post = poster(engineer)
    post("/lines", name="SMT 1")
    again = post("/lines", name="SMT 1")
    assert (again.status_code, refused_at(again)[:31]) == (409, "name: There is a line SMT 1 alr")
    without = post("/lines/stations", line="SMT 1", handle=" ", name="Placer")
    assert (without.status_code, refused_at(without)[:23]) == (422, "handle: A station needs")
    assert 'value="Placer"' in without.text
    post("/lines/stations", line="SMT 1", handle="V.P.1")
    placed = post("/lines/station", handle="V.P.1", line="SMT 1", place="first")
    assert refused_at(placed) == "place: first is no whole number from 1 to 10000."
    gone = post("/lines/station", handle="V.P.1", line="No such")
    assert (gone.status_code, refused_at(gone)[:20]) == (404, "line: No line is cal")
    assert engineer.get("/lines/station?handle=No.Such.1").status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.line_equipment])
def test_only_who_plans_the_gate_is_offered_it(ask: Ask, engineer: TestClient, role: Role) -> None:
    poster(engineer)("/lines", name="SMT 1")
    client = logged_in(ask, role.value)
    may = role in {Role.process_engineer, Role.quality_engineer, Role.administrator}
    assert poster(client)("/lines", name="SMT 2").status_code == (303 if may else 403)
    page = client.get("/lines")
    assert page.status_code == (403 if role is Role.customer else 200)
    assert ('action="/lines' in page.text) is may
