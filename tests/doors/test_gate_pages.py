"""The gate's page, as an engineer and a line lead use it: what is posted there holds at the gate."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from app.lines.planning import StationPlan, plan_line
from app.people import Role
from tests.doors.conftest import PASSWORD, Ask
from tests.doors.test_interlock import MOUNTER, PRINTER, SERIAL, asked, planned
from tests.doors.test_pages import BROWSER, form_token, logged_in

__all__ = ["planned"]
Post = Callable[..., Response]


def poster(client: TestClient) -> Post:
    """`post("/gate/lock", ...)`: what a form on the page of the mounter sends."""

    def post(address: str, **form: object) -> Response:
        token = form_token(client.get("/account").text)
        return client.post(address, data={"form_token": token, "station": MOUNTER, "operation": "place", **form})

    return post


@pytest.fixture
def engineer(planned: None, accounts: dict[str, str], ask: Ask) -> TestClient:
    return logged_in(ask, "process_engineer")


def shown(client: TestClient) -> str:
    """The words of the mounter's gate."""
    page = client.get(f"/gate?station={MOUNTER}")
    assert page.status_code == 200, page.text
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def codes(ask: Ask, **more: str) -> list[str]:
    return [reason["code"] for reason in asked(ask("operator"), MOUNTER, **more)["verdicts"][0]["reasons"]]


def test_what_is_planned_on_the_page_holds_at_the_gate(engineer: TestClient, ask: Ask) -> None:
    post = poster(engineer)
    revision = ask("operator").get("/api/v1/products").json()["products"][0]["product_revision_id"]
    recipe = {"product_revision_id": revision, "recipe": "TOP", "recipe_revision": "2"}
    for address, form in (
        ("/gate/policy", {"policy": "fail_cached", "snapshot_minutes": "2"}),
        ("/gate/recipes", recipe),
        ("/gate/retests", {"product_revision_id": revision, "runs": "3"}),
        ("/gate/thresholds", {"customer": "Northwind", "percent": "99,5"}),
        ("/gate/need", {"needed": "true"}),
        ("/gate/qualifications", {"operator": "ANN", "until": "2099-03-31"}),
        ("/gate/calibration", {"due": "2099-12-31"}),
        ("/gate/lock", {"lock": "lock", "reason": "smoke"}),
    ):
        done = post(address, **form)
        assert done.status_code == 303, done.text
    told = shown(engineer)
    for words in (
        "What the last snapshot admits, for 2 minutes", "node B: TOP 2", "3 runs", "Northwind: 99.5 %", "Only these",
        "ANN until 2099-03-31", "Holds until 2099-12-31", "process_engineer: smoke",
    ):  # fmt: skip
        assert words in told, words
    refused = codes(ask, recipe="BOTTOM", operator="BOB")
    assert set(refused) == {"station_locked", "skipped", "incomplete", "wrong_recipe", "not_qualified"}
    assert ", ".join(refused).replace("_", " ") in shown(engineer)
    for address, form in (
        ("/gate/recipes", {**recipe, "remove": "true"}),
        ("/gate/thresholds", {"customer": "Northwind", "percent": ""}),
        ("/gate/need", {"needed": "false"}),
        ("/gate/lock", {"lock": "unlock", "reason": "a toaster"}),
    ):
        assert post(address, **form).status_code == 303
    assert codes(ask, recipe="BOTTOM", operator="BOB") == ["skipped"]


def test_an_override_takes_its_second_person_and_ends_early(engineer: TestClient, ask: Ask) -> None:
    post = poster(engineer)
    form = {"code": "skipped", "serial": SERIAL, "hours": "0.5", "reason": "printed by hand"}
    alone = post("/gate/overrides", **form)
    assert (alone.status_code, "This takes a second person." in alone.text) == (403, True)
    wrong = post("/gate/overrides", **form, second="quality_engineer", password="guess of hers")
    assert (wrong.status_code, "do not belong together" in wrong.text) == (401, True)
    same = post("/gate/overrides", **form, second="process_engineer", password=PASSWORD)
    assert (same.status_code, "somebody else" in same.text) == (403, True)
    assert post("/gate/overrides", **form, second="quality_engineer", password=PASSWORD).status_code == 303
    assert codes(ask) == []
    assert "process_engineer with quality_engineer" in shown(engineer)
    number = re.search(r"/gate/overrides/(\d+)/end", engineer.get(f"/gate?station={MOUNTER}").text)
    assert number
    assert post(number[0]).status_code == 303
    assert codes(ask) == ["skipped"]
    assert "None: every reason stands." in shown(engineer)


@pytest.mark.parametrize(
    ("address", "form", "says"),
    [
        ("/gate/policy", {"policy": "fail_open"}, "is no policy"),
        ("/gate/policy", {"policy": "fail_cached", "snapshot_minutes": "soon"}, "is no number of minutes"),
        ("/gate/recipes", {"product_revision_id": "1", "recipe": " "}, "A recipe has a name"),
        ("/gate/retests", {"product_revision_id": "404", "runs": "1"}, "There is no product revision 404"),
        ("/gate/retests", {"product_revision_id": "1", "runs": "0"}, "A unit gets 1 to"),
        ("/gate/thresholds", {"customer": "Northwind", "percent": "101"}, "Completeness is a part"),
        ("/gate/qualifications", {"operator": " "}, "Say who"),
        ("/gate/qualifications", {"operator": "ANN", "until": "soon"}, "is no day"),
        ("/gate/lock", {"lock": "lock", "reason": " "}, "Say why"),
        ("/gate/overrides", {"code": "repeated", "reason": "r"}, "there is nothing to override"),
    ],
)
def test_what_cannot_be_is_said_on_the_page(
    engineer: TestClient, address: str, form: dict[str, str], says: str
) -> None:
    refused = poster(engineer)(address, **form)
    assert refused.status_code in {404, 422}
    assert says in unescape(refused.text)


def test_a_line_lead_locks_and_looks_and_plans_nothing(engineer: TestClient, ask: Ask) -> None:
    lead = logged_in(ask, "line_lead")
    post = poster(lead)
    for address, form in (
        ("/gate/policy", {"policy": "fail_open_record"}),
        ("/gate/calibration", {"due": "2099-12-31"}),
        ("/gate/need", {"needed": "true"}),
        ("/gate/release", {"serial": SERIAL, "reason": "r"}),
    ):
        assert post(address, **form).status_code == 403, address
        assert f'action="{address}"' not in lead.get(f"/gate?station={MOUNTER}").text
    assert post("/gate/lock", lock="lock", reason="smoke").status_code == 303
    assert poster(logged_in(ask, "operator"))("/gate/lock", lock="lock", reason="smoke").status_code == 403
    assert logged_in(ask, "operator").get("/gate").status_code == 403
    assert logged_in(ask, "customer").get("/gate/rights").status_code == 403
    rights = logged_in(ask, "operator").get("/gate/rights")
    assert rights.status_code == 200
    assert len(re.findall(r"<tr>", rights.text)) > len(Role)


def test_stations_that_need_somebody_come_first(engineer: TestClient, engine: Engine) -> None:
    with engine.begin() as connection:
        plan_line(connection, name="SMT 9", stations=[StationPlan("Acme.Bare.1")], actor="test")
    assert PRINTER in engineer.get("/gate").text
    poster(engineer)("/gate/lock", station="Acme.Bare.1", lock="lock", reason="smoke")
    told = engineer.get("/gate").text
    assert "Nothing more can be planned here" in told
    assert engineer.get("/gate?station=No.Such.1", headers=BROWSER).status_code == 200
