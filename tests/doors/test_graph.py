"""The genealogy as a picture: what is drawn, what it is joined to, and what a customer does not see of it."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.people import register_customer
from app.trace import graph as graphs
from app.units.ownership import assign_customer
from tests.doors import story
from tests.doors.conftest import Ask
from tests.doors.story import address

REEL = "R/90 +5%"


def test_a_reel_points_to_the_boards_that_carry_it(admin: TestClient, built: list[str]) -> None:
    picture = admin.get(address("trace/graph", package=REEL)).json()
    part, lot, designators = story.REELS[REEL]
    kinds = {node["key"]: node["kind"] for node in picture["nodes"]}
    boards = {f"unit:{one}": "unit" for one in built}
    assert kinds == {f"package:{REEL}": "package", f"lot:{lot}:{part}": "lot"} | boards
    assert picture["root"] == f"package:{REEL}"
    joined = {(edge["source"], edge["target"]): edge["says"] for edge in picture["edges"]}
    assert joined == {(f"lot:{lot}:{part}", f"package:{REEL}"): ""} | {
        (f"package:{REEL}", f"unit:{one}"): ", ".join(designators) for one in built
    }
    groups = {node["group"] for node in picture["nodes"] if node["kind"] == "unit"}
    assert groups == {"order WO-1001", "order WO-1002"}


def test_a_board_is_drawn_with_all_its_reels(admin: TestClient, built: list[str]) -> None:
    picture = admin.get(address("trace/graph", serial=built[0])).json()
    into = {edge["source"] for edge in picture["edges"] if edge["target"] == f"unit:{built[0]}"}
    assert into == {f"package:{reel}" for reel in story.REELS}
    assert {edge["evidence"] for edge in picture["edges"] if edge["target"] == f"unit:{built[0]}"} == {"exact"}


def test_a_lot_begins_with_its_reels(admin: TestClient, built: list[str]) -> None:
    part, lot, _ = story.REELS[REEL]
    picture = admin.get(address("trace/graph", lot=lot, part_number=part)).json()
    assert picture["root"] == f"lot:{lot}:{part}"
    keys = {node["key"] for node in picture["nodes"]}
    assert {f"package:{REEL}", *(f"unit:{one}" for one in built)} <= keys


def test_what_is_too_much_to_draw_is_counted(
    admin: TestClient, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "MOST_UNITS", 3)
    picture = admin.get(address("trace/graph", package=REEL)).json()
    assert sum(node["kind"] == "unit" for node in picture["nodes"]) == 3
    assert picture["left_out"] == len(built) - 3


def test_a_customer_sees_their_own_boards_and_no_relatives(
    ask: Ask, admin: TestClient, built: list[str], engine: Engine
) -> None:
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1001", customer="Acme", actor="test")
    theirs = ask("customer", customer="Acme")
    picture = theirs.get(address("trace/graph", package=REEL)).json()
    assert [node["key"] for node in picture["nodes"] if node["kind"] == "unit"] == [f"unit:{one}" for one in built[:2]]
    with engine.begin() as connection:
        register_customer(connection, name="Other", actor="test")
    stranger = ask("customer", customer="Other")
    assert stranger.get(address("trace/graph", package=REEL)).status_code == 404
    unknown = stranger.get(address("trace/graph", package="NO-SUCH")).json()["detail"]
    hidden = stranger.get(address("trace/graph", package=REEL)).json()["detail"]
    assert unknown.replace("NO-SUCH", REEL) == hidden


@pytest.mark.parametrize("asked", [{}, {"serial": "A", "package": "B"}])
def test_one_subject_at_a_time(admin: TestClient, asked: dict[str, str]) -> None:
    assert admin.get(address("trace/graph", **asked)).status_code == 422
