"""Setup lists on pages: taken, changed, and what a scan at the slot then says."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.test_line_pages import engineer, poster, refused_at
from tests.doors.test_pages import form_token, logged_in
from tests.doors.test_product_pages import imported

__all__ = ["engineer"]
LIST = "slot;part_number;alternates\n1;100-0042;100-0043|100-0044\n10;100-0077;\n2;100-0900;\n"


@pytest.fixture
def placer(engineer: TestClient) -> TestClient:
    """Somebody who plans, with a product and a placement machine there."""
    post = poster(engineer)
    post("/lines", name="SMT 1")
    post("/lines/stations", line="SMT 1", handle="V.M.1", operation="placement", name="Placer")
    imported(engineer)
    return engineer


def taken(client: TestClient, content: str | bytes = "", **form: str) -> Response:
    data = {"form_token": form_token(client.get("/account").text), "product_revision_id": "1", **form}
    return client.post("/setups", data=data, files={"file": ("setup.csv", content)})


def test_a_list_is_taken_shown_and_changed(placer: TestClient) -> None:
    assert "No setup list yet" in placer.get("/setups").text
    assert taken(placer, slots=LIST, station="V.M.1").headers["location"] == "/setup?setup_id=1"
    told = placer.get("/setup?setup_id=1&format=json").json()
    assert [(one["slot"], one["part_number"], one["in_bill"]) for one in told["slots"]] == [
        ("1", "100-0042", True), ("2", "100-0900", False), ("10", "100-0077", True),
    ]  # fmt: skip
    assert told["slots"][0]["alternates"] == ["100-0043", "100-0044"]
    page = placer.get("/setup?setup_id=1").text
    assert page.count("not in the bill of material") == 1
    written = page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    post = poster(placer)
    assert post("/setup", setup_id=1, slots=written).status_code == 303
    assert placer.get("/setup?setup_id=1&format=json").json() == told, "what is shown is what would be saved"
    assert post("/setup", setup_id=1, slots="slot,part_number\n7,100-0077").status_code == 303
    assert [one["slot"] for one in placer.get("/setup?setup_id=1&format=json").json()["slots"]] == ["7"]
    assert [one["slots"] for one in placer.get("/setups?format=json").json()["setups"]] == [1]


def test_a_file_serves_every_station_it_names(placer: TestClient) -> None:
    poster(placer)("/lines/stations", line="SMT 1", handle="V.M.2")
    listed = "station,slot,part\nV.M.1,1,100-0042\nV.M.2,1,100-0077\n"
    assert taken(placer, listed, side="top").headers["location"] == "/setups"
    told = placer.get("/setups?format=json").json()["setups"]
    assert [(one["station"], one["side"], one["slots"]) for one in told] == [("V.M.1", "top", 1), ("V.M.2", "top", 1)]


@pytest.mark.parametrize(
    ("form", "content", "says"),
    [
        ({"slots": LIST}, "", "station: The list names no station: choose one."),
        ({"slots": LIST, "station": "No.Such.1"}, "", "slots: There is no station No.Such.1."),
        ({"slots": "slot\n1", "station": "V.M.1"}, "", "slots: The list needs a line of headings"),
        ({"slots": "", "station": "V.M.1"}, "", "slots: The list names no slot."),
        ({"station": "V.M.1"}, b"slot;part_number\n1;\xff", "file: The list is not UTF-8."),
        ({"slots": LIST, "product_revision_id": ""}, "", "product_revision_id: Choose the product"),
        ({"slots": LIST, "station": "V.M.1", "product_revision_id": "9"}, "", "slots: There is no product revision 9."),
    ],
)
def test_what_is_no_list_is_refused_and_nothing_is_stored(
    placer: TestClient, form: dict[str, str], content: str | bytes, says: str
) -> None:
    page = taken(placer, content, **form)
    assert page.status_code in {404, 422}, page.text
    assert refused_at(page).startswith(says)
    assert form.get("slots", "") in page.text, "what was typed is kept"
    assert placer.get("/setups?format=json").json() == {"setups": []}


def test_a_wrong_reel_is_refused_at_a_slot_of_the_list(placer: TestClient, ask: Ask) -> None:
    taken(placer, slots=LIST, station="V.M.1")
    order = {"number": "WO-7", "product_revision_id": "1"}
    assert poster(placer)("/work-orders", **order).status_code == 303
    client = ask("operator")
    for reel, part in (("R-1", "100-0077"), ("R-2", "100-0044")):
        client.post("/api/v1/packages", json={"identifier": reel, "part_number": part, "quantity": 100})
    scan = {"station": "V.M.1", "slot": "1", "work_order": "WO-7"}
    wrong = client.post("/api/v1/setup/verifications", json={**scan, "label": "R-1"}).json()
    assert (wrong["accepted"], [reason["code"] for reason in wrong["reasons"]]) == (False, ["wrong_part"])
    assert client.post("/api/v1/setup/verifications", json={**scan, "label": "R-2"}).json()["accepted"] is True


def test_an_operator_looks_and_takes_nothing(placer: TestClient, ask: Ask, accounts: dict[str, str]) -> None:
    taken(placer, slots=LIST, station="V.M.1")
    operator = logged_in(ask, "operator")
    assert taken(operator, slots=LIST, station="V.M.1").status_code == 403
    for page in ("/setups", "/setup?setup_id=1"):
        assert 'action="/setup' not in operator.get(page).text
    assert operator.get("/setup?setup_id=9").status_code == 404


def test_a_list_is_withdrawn_once_confirmed_but_not_while_its_station_builds_by_it(
    placer: TestClient, ask: Ask
) -> None:
    taken(placer, slots=LIST, station="V.M.1")
    post = poster(placer)
    product = placer.get("/setup?setup_id=1&format=json").json()["setup"]["part_number"]
    post("/work-orders", number="WO-7", product_revision_id="1")
    recipe = {"RecipeName": "both", "Revision": "1", "WorkOrderIdentifier": {"WorkOrderId": "WO-7"}}
    machine = ask("administrator")
    assert refused_at(post("/setup/withdraw", setup_id=1, confirm="it")) == f"confirm: Type {product} to confirm"
    machine.post("/api/v1/cfx", content=story.payload(story.envelope("Production.RecipeActivated", recipe, "V.M.1")))
    refused = post("/setup/withdraw", setup_id=1, confirm=product)
    assert refused.status_code == 409
    assert refused_at(refused).startswith("confirm: Placer builds by this list now.")
    other = {"RecipeName": "other", "Revision": "1"}
    machine.post("/api/v1/cfx", content=story.payload(story.envelope("Production.RecipeActivated", other, "V.M.1")))
    assert post("/setup/withdraw", setup_id=1, confirm=product).headers["location"] == "/setups"
    assert placer.get("/setups?format=json").json() == {"setups": []}
    assert placer.get("/setup?setup_id=1").status_code == 404


def test_a_program_withdraws_a_list_of_one_side_and_only_that(placer: TestClient, ask: Ask) -> None:
    for side in ("", "top"):
        taken(placer, slots=LIST, station="V.M.1", side=side)
    door, one = "/api/v1/setup/withdrawals", {"station": "V.M.1", "product_revision_id": 1}
    assert ask("line_lead").post(door, json=one).status_code == 403
    engineer = ask("process_engineer")
    assert engineer.post(door, json={**one, "side": "top"}).json() == {"setup_id": 2}
    again = engineer.post(door, json={**one, "side": "top"})
    assert (again.status_code, again.headers["content-type"]) == (404, "application/problem+json")
    assert again.json()["detail"] == "That setup list is not known here. Look at the lists there are."
    assert [(one["setup_id"], one["side"]) for one in placer.get("/setups?format=json").json()["setups"]] == [(1, None)]
    poster(placer)("/work-orders", number="WO-7", product_revision_id="1")
    recipe = {"RecipeName": "both", "Revision": "1", "WorkOrderIdentifier": {"WorkOrderId": "WO-7"}}
    machine = ask("administrator")
    machine.post("/api/v1/cfx", content=story.payload(story.envelope("Production.RecipeActivated", recipe, "V.M.1")))
    refused = engineer.post(door, json=one)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["detail"].startswith("Placer builds by this list now.")


def test_a_list_is_learned_from_what_was_scanned(placer: TestClient, ask: Ask) -> None:
    post = poster(placer)
    learned = {"station": "V.M.1", "product_revision_id": "1"}
    assert refused_at(post("/setups/learned", product_revision_id="1")) == "station: Choose the station it is for."
    assert refused_at(post("/setups/learned", **learned)).startswith("station: Nothing in the slots of V.M.1 is")
    client = ask("operator")
    client.post("/api/v1/packages", json={"identifier": "R-1", "part_number": "100-0042", "quantity": 100})
    client.post("/api/v1/setup/verifications", json={"station": "V.M.1", "slot": "1", "label": "R-1"})
    assert post("/setups/learned", **learned).headers["location"] == "/setup?setup_id=1"
    page = placer.get("/setup?setup_id=1").text
    assert "it was learned from what was loaded" in page
    assert "100-0042" in page
    operator = logged_in(ask, "operator")
    assert poster(operator)("/setups/learned", **learned).status_code == 403
    assert poster(operator)("/setup/withdraw", setup_id=1, confirm="x").status_code == 403
