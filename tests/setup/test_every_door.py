"""What must not be placed, through every door: refused with a code, in words, and the slot stays blocked.

A machine tells over CFX what it was loaded with and asks whether it may build; a person scans the slot and the reel,
with whatever speaks REST or at the station's screen.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.cfx.envelope import Envelope, decode
from app.embedded.broker import Broker
from app.inbox.validation import FAILURE_CODES
from app.interlock.pushes import unanswered, write_due
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Handling
from app.setup.requirements import SlotPlan
from app.setup.verification import clear_location
from tests.containment.stories import contain
from tests.doors.conftest import Ask, accounts, ask
from tests.doors.test_pages import logged_in
from tests.inbox.messages import START, STATION, initialized, message, stored
from tests.intake.process import IntakeProcess, Speaker, wait_until
from tests.setup.plant import C100N, OTHER, R10K, R22K, begins, order, plan, product, reel
from tests.trace.reels import empty, loaded

__all__ = ["accounts", "ask"]  # fixtures

F1 = "M1.F.1"
WET, HELD = "IC-7", "R0603-HELD"
ATTACKS = {
    "wrong_part": SlotPlan(F1, R10K),
    "wrong_revision": SlotPlan(F1, R10K, part_revision="C"),
    "unapproved_alternate": SlotPlan(F1, C100N),
    "shelf_life_over": SlotPlan(F1, R10K),
    "package_held": SlotPlan(F1, HELD),
    "floor_life_over": SlotPlan(F1, WET),
    "two_machines": SlotPlan(F1, R10K),
}
"""What is wrong with the reel that comes into the slot, and what belongs there; the reel is called as its fault."""

Attack: TypeAlias = Callable[[str], tuple[str, str]]
"""Brings this reel into the slot; answers the code of the refusal, and its words."""


def seconds() -> float:
    """Now, in the time of the story."""
    return (datetime.now(UTC) - START).total_seconds()


@pytest.fixture
def revision(engine: Engine) -> int:
    """A mounter builds an order; of each reel something is wrong."""
    product(engine, "SENSOR", approved={C100N: "C0603-100N-X"})
    made = product(engine)
    order(engine, "WO-1", made, 100)
    begins(engine, "WO-1", "SN-1", when=seconds() - 3600)
    stored(engine, initialized(None, "SN-2", order="WO-1", when=seconds() - 3600, source="Acme.Marker.1"))
    reel(engine, "wrong_part", R22K)
    reel(engine, "wrong_revision", part_revision="B")
    reel(engine, "unapproved_alternate", "C0603-100N-X")
    reel(engine, "shelf_life_over", expires_at=datetime.now(UTC) - timedelta(days=1))
    reel(engine, "package_held", HELD)
    reel(engine, "floor_life_over", WET)
    reel(engine, "two_machines")
    contain(engine, package="package_held")
    with engine.begin() as connection:
        set_handling(connection, [Handling(WET, moisture_level="5a")], actor="test")
        opened = datetime.now(UTC) - timedelta(hours=25)
        state_packages(connection, ["floor_life_over"], Happened.opened, at=opened, actor="test")
    stored(engine, loaded("two_machines", source=OTHER, slot="M2.F.5", when=seconds() - 600))
    return made


# --- the doors ---


def question() -> bytes:
    """The machine asks whether it may build with what it holds."""
    name = "Materials.Storage.ValidateStationSetupRequest"
    asked = json.loads(message(name, {"SetupRequirements": {}}, when=seconds()))
    return json.dumps(asked | {"RequestID": "Q-1"}).encode()


def refused(body: dict[str, Any]) -> tuple[str, str]:
    """What the machine reads in the answer."""
    result = body["Result"]
    assert result["Result"] == "Failed", body
    (code,) = [code for code, number in FAILURE_CODES.items() if number == result["ResultCode"]]
    return code, result["Message"]


@pytest.fixture
def by_mqtt(revision: int, database: str, broker: Broker, data_dir: Path) -> Iterator[Attack]:
    with IntakeProcess(database, broker, data_dir) as intake, Speaker(broker, STATION) as station:

        def attack(package: str) -> tuple[str, str]:
            receipts, answers = len(station.receipts), len(station.responses)
            station.say(loaded(package, slot=F1, when=seconds()))
            station.wait_for_receipts(receipts + 1, why=intake.why)
            station.say(question())
            wait_until(lambda: len(station.responses) > answers, 30, intake.why)
            return refused(json.loads(bytes(station.responses[-1].body)))

        yield attack


@pytest.fixture
def by_post(revision: int, ask: Ask) -> Attack:
    machine = ask("line_equipment", station=STATION)

    def attack(package: str) -> tuple[str, str]:
        told = machine.post("/api/v1/cfx", content=loaded(package, slot=F1, when=seconds()))
        assert told.json()["receipts"][0]["status"] == "stored"
        return refused(machine.post("/api/v1/cfx", content=question()).json()["MessageBody"])

    return attack


def said(answer: dict[str, Any]) -> tuple[str, str]:
    """What a person reads in the answer."""
    (reason,) = answer["reasons"]
    return reason["code"], f"{reason['sentence']} {reason['clears']}"


@pytest.fixture
def by_rest(revision: int, ask: Ask) -> Attack:
    scanner = ask("operator")

    def attack(package: str) -> tuple[str, str]:
        scan = {"station": STATION, "slot": F1, "label": package}
        answer = scanner.post("/api/v1/setup/verifications", json=scan)
        assert (answer.status_code, answer.json()["accepted"]) == (200, False), answer.text
        return said(answer.json())

    return attack


@pytest.fixture
def by_screen(revision: int, ask: Ask, accounts: dict[str, str]) -> Attack:
    operator = logged_in(ask, "operator")
    page = operator.get("/station/setup", params={"at": STATION}).text
    token = re.search(r'name="form-token" content="([0-9a-f]+)"', page)
    assert token

    def attack(package: str) -> tuple[str, str]:
        now = datetime.now(UTC).isoformat()
        deed = {"kind": "load", "id": str(uuid4()), "station": STATION, "at": now, "sent_at": now, "slot": F1,
                "label": package}  # fmt: skip
        answer = operator.post("/station/deeds", json=deed, headers={"X-Form-Token": token[1]})
        assert (answer.status_code, answer.json()["outcome"]) == (200, "stop"), answer.text
        return said(answer.json())

    return attack


# --- what is left ---


def told_to_block(engine: Engine, about: str) -> list[str]:
    """The requests to the machine that name this slot, or this reel."""
    with engine.begin() as connection:
        write_due(connection)
        requests = [one for due in unanswered(connection) for one in decode(due.payload)]
    asked = [one for one in requests if isinstance(one, Envelope) and f'"{about}"'.encode() in bytes(one.body)]
    return [one.message_name.rpartition(".")[2] for one in asked]


@pytest.mark.parametrize("door", ["by_mqtt", "by_post", "by_rest", "by_screen"])
def test_what_must_not_be_placed_is_refused_and_its_slot_blocked(
    engine: Engine, revision: int, request: pytest.FixtureRequest, ask: Ask, door: str
) -> None:
    attack: Attack = request.getfixturevalue(door)
    scanned = door in {"by_rest", "by_screen"}
    inside = ask("operator")
    for fault, belongs in ATTACKS.items():
        plan(engine, revision, belongs)
        code, words = attack(fault)
        assert (code, fault in words) == (fault, True), words

        (slot,) = inside.get("/api/v1/setup", params={"station": STATION}).json()["slots"]
        codes = [reason["code"] for reason in slot["reasons"]]
        assert (slot["slot"], slot["blocked"], codes) == (
            (F1, True, ["slot_empty", "location_blocked"]) if scanned else (F1, False, [fault])
        ), door
        asked = {"station": STATION, "serial": "SN-2"}
        verdict = inside.get("/api/v1/interlock", params=asked).json()
        assert verdict["allowed"] is False
        assert slot["reasons"][-1]["sentence"] in verdict["sentence"], "no board comes in while it is there"
        if scanned:
            assert told_to_block(engine, F1) == ["BlockMaterialLocationsRequest"]
            with engine.begin() as connection:
                clear_location(connection, station=STATION, slot=F1, reason="Taken away.", actor="test")
        else:
            bad_itself = fault in {"shelf_life_over", "package_held", "floor_life_over"}
            assert told_to_block(engine, fault) == ["BlockMaterialsRequest"] * bad_itself
            stored(engine, empty(fault, slot=F1, when=seconds()))
