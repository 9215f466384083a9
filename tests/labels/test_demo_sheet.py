"""The demo's sheet of codes: what is printed is what a station's scanner reads."""

from sqlalchemy import Connection

from app.labels.demo_sheet import DemoBadge, Noted, demo_sheet
from app.labels.sheets import SHEETS, pdf
from app.lines.planning import StationPlan, plan_line
from app.materials.receiving import Arrival, receive_package
from app.scanning.codes import CodeKind, read_code
from tests.labels.printed import labels_of, pages, read_texts

PLACER = "Birthmark.Placer.PM01"


def test_every_code_of_the_sheet_is_read_back(connection: Connection) -> None:
    plan_line(connection, name="SMT 1", stations=[StationPlan(PLACER, operation="placement")], actor="test")
    receive_package(connection, Arrival(identifier="R-1", part_number="100-0042", quantity=500), actor="test")
    labels = demo_sheet(
        connection,
        badges=[DemoBadge("operator", "operator", "A" * 26, "4711")],
        station=PLACER,
        slots=["PM01-S01"],
        reels=[Noted("R-1", "expired")],
        serials=[Noted("S-000001-X", "passed its test")],
    )
    printed = [label for page in pages(pdf(labels, SHEETS["a4-24"])) for label in labels_of(page, SHEETS["a4-24"])]
    assert [read_texts(label) for label in printed[: len(labels)]] == [{label.content} for label in labels]
    badge = read_code(labels[0].content)
    assert (badge.kind, badge.payload) == (CodeKind.badge, "A" * 26)
    assert labels[0].lines == ("operator", "PIN 4711")
    assert any("expired" in label.lines for label in labels)
