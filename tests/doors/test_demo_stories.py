"""The demo's three stories, each link of them followed: what a step promises is on the page it leads to."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.main import create_app
from app.people import Role, create_person
from app.quality.counting import bring_up
from app.web.demo import Demo
from tests.doors import story
from tests.doors.conftest import PASSWORD
from tests.doors.test_pages import BROWSER, form_token
from tests.inbox.messages import stored
from tests.interlock.story import MOUNTER, PRINTER, TESTER, asked, done, placed, planned_line

_ROLES = (Role.quality_engineer, Role.customer)


@pytest.fixture
def visitor(engine: Engine) -> Iterator[TestClient]:
    """Whoever opened the address that the terminal printed, on a line where all three stories have happened."""
    _skipped(planned_line(engine))
    _went_bad(engine)
    with engine.begin() as connection:
        for role in _ROLES:
            customer = "Northwind" if role is Role.customer else None
            create_person(connection, name=role.value, role=role, password=PASSWORD, customer=customer, actor="test")
    app = create_app(engine, lambda: Demo("the-key", {role.value: PASSWORD for role in _ROLES}, (), {}, None))
    with TestClient(app, headers=BROWSER) as client:
        assert client.get("/demo?key=the-key").url.path == "/demo"
        yield client


def _skipped(engine: Engine) -> None:
    """Panel P-1 is carried past the AOI; the tester asks, is refused and stands still. Board SN-2 passed before."""
    done(engine, PRINTER)
    done(engine, MOUNTER, placed("REEL-1"))
    assert not any(verdict.allowed for verdict in asked(engine, TESTER))
    fault = {"Fault": {"FaultCode": "NOT_ADMITTED", "Description": "P-1 was not admitted.", "Cause": "MachineEvent",
                       "Severity": "Error"}}  # fmt: skip
    unit = {"UnitIdentifier": "SN-2", "OverallResult": "Passed", "Tests": [{"TestName": "T", "Result": "Passed"}]}
    stored(engine, story.payload([
        story.envelope("ResourcePerformance.FaultOccurred", fault, TESTER),
        story.envelope("Production.TestAndInspection.UnitsTested", {"TestedUnits": [unit]}, "Probe.F1.FT-01"),
    ]))  # fmt: skip


def _went_bad(engine: Engine) -> None:
    """Ten panels of a good lot, five of another of which each has a board that fails."""
    start = datetime.now(UTC) - timedelta(minutes=30)
    payloads = []
    for number in range(15):
        boards = [f"B-{number}-{position}" for position in (1, 2)]
        told = story.panel(f"PNL-{number}", boards, start=start, failed=boards[0] if number < 5 else None)
        payload = story.payload(told)
        payloads.append(payload.replace(b"R-1182", b"R-6666").replace(b"LK2207", b"BAD-7") if number < 5 else payload)
        start += timedelta(minutes=1)
    stored(engine, *payloads)
    bring_up(engine)


def _become(visitor: TestClient, role: Role, to: str = "/demo") -> str:
    answer = visitor.post("/demo/as", data={"role": role.value, "to": to})
    assert answer.status_code == 200
    return answer.text


def _steps(page: str, which: str) -> dict[str, str]:
    """Words -> address of each step of a story."""
    told = page.split(f'aria-labelledby="story-{which}"')[1].split("</section>", maxsplit=1)[0]
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', told)
    return {unescape(words): unescape(address) for address, words in links}


def test_a_board_that_skipped_the_inspection(visitor: TestClient) -> None:
    steps = _steps(_become(visitor, Role.quality_engineer), "a")
    assert len(steps) == 3
    assert "P-1 was not admitted." in visitor.get(steps["See it on the line board"]).text
    assert "has not been through inspect" in visitor.get(steps["Read the verdict"]).text
    board = next(words for words in steps if words.startswith("Look at the board"))
    assert board.removeprefix("Look at the board ") in visitor.get(steps[board]).text


def test_a_lot_that_went_bad(visitor: TestClient) -> None:
    steps = _steps(_become(visitor, Role.quality_engineer), "b")
    assert len(steps) == 4
    for step in ("Open yield and defects", "Ask where it went", "Contain it"):
        assert "BAD-7" in visitor.get(steps[step]).text, step
    page = visitor.get(steps["Contain it"])
    given = {"reason": "Its boards fail.", "confirm": "BAD-7", "form_token": form_token(page.text)}
    assert visitor.post(str(page.url), data=given).url.path.startswith("/containments/")
    assert "C-000001 holds 10 boards" in visitor.get("/demo").text
    assert "C-000001" in visitor.get(steps["See the held list"]).text


def test_what_the_customer_sees(visitor: TestClient) -> None:
    page = visitor.get("/demo").text
    to = re.search(
        r'name="to" value="([^"]+)"><button class="plain" name="role" value="customer">Become Northwind', page
    )
    assert to is not None
    assert "SN-2" in _become(visitor, Role.customer, unescape(to[1]))
    orders = visitor.get(_steps(visitor.get("/demo").text, "c")["Look at their work orders"]).text
    assert "WO-1<" in orders
    assert "WO-1001" not in orders
