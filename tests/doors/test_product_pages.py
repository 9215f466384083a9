"""Products on pages: imported from two files, with routing, approved parts and how serials look."""

import re
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.people import Role
from tests.doors.conftest import Ask
from tests.doors.test_line_pages import engineer, poster, refused_at
from tests.doors.test_pages import form_token, logged_in
from tests.doors.test_planning import BOM, PLACEMENTS

__all__ = ["engineer"]


def imported(client: TestClient, bom: str = BOM, placements: str = PLACEMENTS, **form: str) -> Response:
    token = form_token(client.get("/account").text)
    files = {"bom": ("node-rev2-bom.csv", bom), "placements": ("node-rev2-pos.csv", placements)}
    return client.post("/products", files=files, data={"form_token": token, **form})


def told(client: TestClient) -> Any:
    return client.get("/product?revision_id=1&format=json").json()


def operations(page: str) -> list[tuple[str, bool]]:
    """The rows of the routing's form."""
    return [
        (operation, bool(checked))
        for operation, checked in re.findall(
            r'name="operation" value="([^"]*)".*?name="optional" value="\d+"( checked)?', page, re.DOTALL
        )
    ]


def test_a_board_is_imported_with_what_its_files_disagree_about(engineer: TestClient) -> None:
    assert "No product is planned yet" in engineer.get("/products").text
    page = imported(engineer, customer="Acme", units_per_panel="2")
    assert page.status_code == 200, page.text
    assert "The two files disagree in 1 place." in page.text
    assert "FID1 is a fiducial mark" in unescape(page.text)
    assert page.text.count('class="part"') == 5, "each part is drawn on its side"
    product = told(engineer)["product"]
    assert (product["part_number"], product["revision"], product["customer"]) == ("node", "2", "Acme")
    assert (product["components"], product["units_per_panel"]) == (5, 2)
    assert told(engineer)["bill"][0]["reference_designators"] == ["R1", "R2", "R3"]
    agreeing = "\n".join(PLACEMENTS.splitlines()[:-1])
    no_mismatch = imported(engineer, placements=agreeing, customer="Acme")
    assert no_mismatch.headers["location"] == "/product?revision_id=1"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"bom": ""}, "bom: Choose the file"),
        ({"placements": ""}, "placements: Choose the file"),
        ({"bom": "nothing"}, "bom: node-rev2-bom.csv has no line of headings with designator"),
        ({"units_per_panel": "1001"}, "units_per_panel: 1001 is no whole number from 1 to 1000."),
    ],
)
def test_what_is_no_board_is_refused_and_nothing_is_stored(
    engineer: TestClient, sent: dict[str, str], says: str
) -> None:
    page = imported(engineer, **{"part_number": "N-1", **sent})
    assert page.status_code == 422
    assert refused_at(page).startswith(says)
    assert 'value="N-1"' in page.text
    assert engineer.get("/products?format=json").json() == {"products": []}


def test_a_routing_is_drafted_and_holds_when_it_is_saved(engineer: TestClient) -> None:
    imported(engineer)
    post = poster(engineer)
    post("/lines", name="SMT 1")
    for handle, operation in (("V.P.1", "printing"), ("V.M.1", "placement"), ("V.A.1", "inspection")):
        post("/lines/stations", line="SMT 1", handle=handle, operation=operation)
    offered = re.search(r'value="(flow-[^"]*)"', engineer.get("/product?revision_id=1").text)
    assert offered
    draft = post("/product/routing", revision_id=1, operation=[""], edit=unescape(offered[1]))
    assert operations(draft.text) == [("printing", False), ("placement", False), ("inspection", False)]
    rows = {"revision_id": 1, "operation": ["printing", "placement", "inspection"], "optional": ["2"]}
    moved = post("/product/routing", **rows, edit="up-2")
    assert operations(moved.text) == [("printing", False), ("inspection", True), ("placement", False)]
    assert "Not saved yet" in moved.text
    removed = post("/product/routing", **rows, edit="remove-0")
    assert operations(removed.text) == [("placement", False), ("inspection", True)]
    assert len(operations(post("/product/routing", **rows, edit="add").text)) == 4
    for odd in ("up-0", "up-9", "remove-" + "1" * 5000, "flow", "no such"):
        assert post("/product/routing", **rows, edit=odd).status_code == 200, odd
    assert told(engineer)["routing"] == []
    twice = ["printing", "placement", " ", "printing", "reflow"]
    assert post("/product/routing", revision_id=1, operation=twice, optional=["1"], edit="save").status_code == 303
    assert [(step["operation"], step["optional"]) for step in told(engineer)["routing"]] == [
        ("printing", False), ("placement", True), ("printing", False), ("reflow", False),
    ]  # fmt: skip
    assert engineer.get("/product?revision_id=1").text.count("no station does it") == 1


def test_parts_are_approved_in_place_of_the_bills(engineer: TestClient) -> None:
    imported(engineer)
    post = poster(engineer)
    form = {"revision_id": 1, "part_number": "100-0042"}
    assert post("/product/approved", **form, alternates="100-0043\r\n\r\n BC847,215 ").status_code == 303
    assert {line["part_number"]: line["alternates"] for line in told(engineer)["bill"]} == {
        "100-0042": ["100-0043", "BC847,215"], "100-0077": [],
    }  # fmt: skip
    itself = post("/product/approved", **form, alternates="100-0042")
    assert refused_at(itself) == "alternates: Part 100-0042 needs no approval in its own place. Leave it out."
    assert post("/product/approved", **form, alternates="").status_code == 303
    assert told(engineer)["bill"][0]["alternates"] == []


def test_serials_are_told_by_their_pattern(engineer: TestClient) -> None:
    imported(engineer)
    post = poster(engineer)
    assert refused_at(post("/product/serials", revision_id=1, pattern="NODE")).startswith("pattern: A pattern of")
    assert refused_at(post("/product/serials", revision_id=1, pattern=" ")).startswith("pattern: Write a serial")
    assert post("/product/serials", revision_id=1, pattern="NODE-####").status_code == 303
    assert "NODE-####</b>" in engineer.get("/product?revision_id=1").text
    assert post("/product/serials", revision_id=1, pattern="NODE-####", withdraw="true").status_code == 303
    assert "any text may be a serial" in engineer.get("/product?revision_id=1").text


def test_who_may_only_look_is_offered_nothing(engineer: TestClient, ask: Ask) -> None:
    imported(engineer)
    operator = logged_in(ask, Role.operator.value)
    assert imported(operator).status_code == 403
    page = operator.get("/product?revision_id=1").text
    assert 'action="/product' not in page
    assert operator.get("/product?revision_id=7").status_code == 404
    assert logged_in(ask, Role.customer.value).get("/products").status_code == 403
