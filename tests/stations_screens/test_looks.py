"""Screens of a station with something on them: read standing, touched with gloves, whatever the names are long."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from tests.doors import story
from tests.doors.looking import STANDING, faults
from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter, Wedge, verdict
from tests.stations_screens.shop import Shop

PANEL = "PNL-K3F9A2-00077-1234567890-ABCDEFGHIJKL"  # 40 characters, as panels of some customers have
BOARDS = [f"{PANEL[4:]}-{number:02}" for number in range(1, 7)]


def a_panel(engine: Engine) -> None:
    """A panel of six boards with long serials, through with hand assembly."""
    body = {
        "PrimaryIdentifier": PANEL,
        "WorkOrderIdentifier": {"WorkOrderId": "WO-1001"},
        "UnitCount": len(BOARDS),
        "Units": [{"UnitIdentifier": one, "PositionNumber": n} for n, one in enumerate(BOARDS, start=1)],
    }
    marked = story.envelope("Production.UnitsInitialized", body, "Lumen.Mark3.LM-01", datetime.now(UTC),
                            unique_id=uuid4())  # fmt: skip
    shop.tell(engine, [marked])
    shop.assembled(engine, [PANEL])


@pytest.mark.parametrize("size", [(1280, 800), (768, 1024)], ids=["wide", "tablet"])
@pytest.mark.parametrize(("mode", "station"), [
    ("work", shop.BENCH), ("inspect", shop.EYES), ("rework", shop.REPAIR), ("setup", shop.MOUNTER),
])  # fmt: skip
def test_what_is_read_standing_is_large_and_fits(
    enter: Enter, opened: Shop, engine: Engine, mode: str, station: str, size: tuple[int, int]
) -> None:
    serial = opened.serials[0]
    if mode == "inspect":
        a_panel(engine)
        serial = PANEL
    if mode == "rework":
        shop.assembled(engine, [serial])
        shop.found(engine, serial, "R2")
    page = enter(mode, station)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    if mode == "setup":
        page.locator("[data-slot]").first.click()
    else:
        Wedge(page).scan(serial)
        verdict(page, "GO")
        assert not faults(page, STANDING), "the verdict"
        page.locator("[data-verdict]").click()
        page.locator("[data-at-hand] .hand-head").wait_for()
        page.locator("[data-last] li").first.wait_for()
    assert not faults(page, STANDING)
