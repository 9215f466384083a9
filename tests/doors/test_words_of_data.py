"""Words that come with the data: said in the reader's language, and text, whatever they hold."""

from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.labels.sheets import SHEETS
from app.lines.planning import StationPlan, plan_line
from app.main import create_app
from app.trace.question import Question
from app.web import wording
from app.web.demo import Demo
from app.web.translations import catalogue
from tests.doors import story
from tests.doors.conftest import PASSWORD, Ask
from tests.doors.test_pages import logged_in

GERMAN = catalogue("de").gettext


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("in stock", "auf Lager"),
        ("on the line, last at A.B.C", "auf der Linie, zuletzt an A.B.C"),
        ("shipped to Acme with 5 % off with SH-1", "versandt an Acme with 5 % off mit SH-1"),
        ("in the store", "in the store"),
    ],
)
def test_a_place_is_said_in_the_readers_language(english: str, german: str) -> None:
    assert wording.place(english, GERMAN) == german
    assert wording.place(english, str) == english


def test_a_question_and_an_operation_are_said_in_the_readers_language() -> None:
    assert wording.asked(Question(lot="A17", part_number="R-10K"), GERMAN) == "Los A17 Teil R-10K"
    assert wording.operation("laser_marking", GERMAN) == "Laserbeschriften"


def test_what_a_search_found_and_what_labels_go_on_are_said_in_the_readers_language() -> None:
    assert wording.searched("100-0042 · no work order", GERMAN) == "100-0042 · kein Auftrag"
    assert wording.searched("no work order 7 · shipped", GERMAN) == "no work order 7 · ausgeliefert"
    assert wording.told(SHEETS["a4-65"].title, GERMAN) == "A4, 65 Etiketten 38,1 x 21,2 mm"


def test_a_name_is_neither_markup_nor_a_format(
    ask: Ask, accounts: dict[str, str], built: list[str], engine: Engine
) -> None:
    del accounts
    with engine.begin() as connection:
        stations = [StationPlan(story.PLACER, operation="<b>place</b> 5% of"), StationPlan(story.AOI, operation="50%")]
        plan_line(connection, name="SMT 1", stations=stations, actor="test")
    client, board = logged_in(ask, "administrator"), f"/units?serial={quote(built[0], safe='')}"
    for page in ("/", "/wall", "/stations", "/gate", f"/gate?station={story.PLACER}", board):
        shown = client.get(page)
        assert shown.status_code == 200, page
        assert "lace&lt;/b&gt; 5% of" in shown.text, page
        assert "lace</b>" not in shown.text, page


def test_the_demo_tells_a_customer_of_their_own_boards_alone(
    admin: TestClient, accounts: dict[str, str], built: list[str], engine: Engine
) -> None:
    del accounts
    for order, customer in (("WO-1001", "Acme"), ("WO-1002", "Brill")):
        admin.post("/api/v1/work-orders/customer", json={"work_order": order, "customer": customer})
    tested = [_passed(serial) for serial in (built[0], built[2])]  # Brill's last
    admin.post("/api/v1/cfx", content=story.payload(tested))
    app = create_app(engine, lambda: Demo("key", {}, (), {}, None))
    with TestClient(app) as visitor:
        visitor.post("/login", data={"name": "customer", "password": PASSWORD})
        shown = visitor.get("/demo").text
        assert "A%2B1" in shown
        assert "A%2B2" not in shown
        assert "A lot that went bad" not in shown
        visitor.post("/login", data={"name": "line_lead", "password": PASSWORD})
        assert "A lot that went bad" in visitor.get("/demo").text


def _passed(serial: str) -> dict[str, object]:
    unit = {"UnitIdentifier": serial, "OverallResult": "Passed", "Tests": [{"TestName": "T", "Result": "Passed"}]}
    return story.envelope("Production.TestAndInspection.UnitsTested", {"TestedUnits": [unit]}, "Probe.F1.FT-01")


def test_why_units_carry_it_or_do_not_is_in_german_on_pages_and_in_english_for_programs(
    ask: Ask, admin: TestClient, accounts: dict[str, str], built: list[str]
) -> None:
    del accounts, built
    order = {"PrimaryIdentifier": "SN-9", "WorkOrderIdentifier": {"WorkOrderId": "WO-1001"}, "UnitCount": 1}
    made = {**order, "Units": [{"UnitIdentifier": "SN-9"}]}
    admin.post(
        "/api/v1/cfx", content=story.payload([story.envelope("Production.UnitsInitialized", made, story.MARKER)])
    )
    client = logged_in(ask, "quality_engineer")
    client.headers["Accept-Language"] = "de"
    for tab, english, german in (
        ("all", f"{story.PLACER} placed ", "bestückt, "),
        ("excluded", "It was not at any station", "Sie war an keiner Station"),
    ):
        address = f"/where-used?package=R-1182&tab={tab}"
        shown = client.get(address).text
        assert german in shown
        assert english not in shown
        for form in ("json", "csv"):
            assert english in client.get(f"{address}&format={form}").text
