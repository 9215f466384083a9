"""Visual inspection, rework and feeder set-up: what hands do becomes the same facts a machine would tell."""

from playwright.sync_api import Page
from sqlalchemy import Engine

from app.scanning.codes import CodeKind, make_code, slot_code
from app.setup.requirements import SlotPlan, require_setup
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import Enter, Wedge, noted, verdict
from tests.stations_screens.shop import Shop

PASS, FAIL, UNDO = (make_code(CodeKind.control, word) for word in ("PASS", "FAIL", "UNDO"))


def test_defects_are_tapped_onto_designators(enter: Enter, opened: Shop, engine: Engine) -> None:
    serial = opened.serials[0]
    shop.assembled(engine, [serial])
    page = enter("inspect", shop.EYES)
    wedge = Wedge(page)
    wedge.scan(serial)
    verdict(page, "GO")
    page.locator("[data-verdict]").click()
    page.locator(".part[data-designator=U1] .part-body").click()
    page.get_by_role("button", name="bridge").click()
    wedge.scan("R21")  # typed or scanned: on the other side of the board
    page.locator("[data-drawn=bottom]").wait_for()
    page.get_by_role("button", name="tombstone").click()
    wedge.scan(PASS)
    noted(page, "Defects are noted")
    wedge.scan(FAIL)
    verdict(page, "FAILED")
    assert facts.defects(engine, serial) == [("U1", "bridge", "failed"), ("R21", "tombstone", "failed")]
    assert facts.ask(engine, "SELECT method, inspector, station.handle FROM inspection JOIN station USING (station_id)"
                             " WHERE outcome = 'failed'") == [("Human", "ann", shop.EYES)]  # fmt: skip


def test_small_parts_close_together_are_asked_about(enter: Enter, opened: Shop, engine: Engine) -> None:
    shop.assembled(engine, opened.serials[:1])
    page = enter("inspect", shop.EYES)
    page.set_viewport_size({"width": 768, "height": 1024})
    Wedge(page).scan(opened.serials[0])
    verdict(page, "GO")
    page.locator("[data-verdict]").click()
    page.get_by_role("button", name="Smaller").scroll_into_view_if_needed()
    box = page.locator(".part[data-designator=R1] .part-body").bounding_box()
    assert box
    assert box["width"] < 30, "smaller than a finger"
    page.mouse.click(box["x"] + box["width"] + 15, box["y"] + 4)  # beside it, as a glove does
    page.locator("[data-sheet-title]", has_text="R1").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator("[data-drawn=top] svg").evaluate("drawing => { drawing.style.width = '120px'; }")
    page.locator(".part[data-designator=R5] .part-body").click(force=True)
    page.locator("[data-sheet-title]", has_text="Which one?").wait_for()
    page.locator("[data-places]").get_by_role("button", name="R5", exact=True).click()
    page.locator("[data-sheet-title]", has_text="R5").wait_for()


def _repairing_r2(enter: Enter, engine: Engine, serial: str) -> tuple[Page, Wedge]:
    """Rework's screen with a board whose R2 failed, and R2 chosen."""
    shop.assembled(engine, [serial])
    shop.placed(engine, serial, {"R-1182": ["R1", "R2"]})
    shop.found(engine, serial, "R2")
    page = enter("rework", shop.REPAIR)
    wedge = Wedge(page)
    wedge.scan(serial)
    verdict(page, "GO")
    page.locator("[data-verdict]").click()
    page.get_by_role("button", name="R2").first.click()
    return page, wedge


def test_rework_takes_the_part_out_and_the_new_reel_in(enter: Enter, opened: Shop, engine: Engine) -> None:
    serial = opened.serials[0]
    page, wedge = _repairing_r2(enter, engine, serial)
    page.get_by_role("button", name="replaced").click()
    wedge.scan("C-2201")
    verdict(page, "WRONG REEL")
    page.locator("[data-verdict-reasons]", has_text="100-0042 belongs at R2").wait_for()
    wedge.scan("R-1183")
    verdict(page, "RIGHT REEL")
    wedge.scan(PASS)
    verdict(page, "REPAIRED")
    parts = shop.made_of(engine, serial)
    assert parts == {("R1", "R-1182", False), ("R2", "R-1182", True), ("R2", "R-1183", False)}
    assert facts.works(engine, shop.REPAIR) == [(serial, "Completed")]
    repaired = facts.ask(engine, "SELECT count(*) FROM unit_event WHERE message_name LIKE '%UnitsRepaired'")
    assert repaired == [(1,)]


def test_a_line_and_a_whole_repair_are_undone(enter: Enter, opened: Shop, engine: Engine) -> None:
    serial = opened.serials[0]
    page, wedge = _repairing_r2(enter, engine, serial)
    page.get_by_role("button", name="cleaned").click()
    page.locator("[data-noted] li").wait_for()
    wedge.scan(UNDO)
    noted(page, "Taken off the list: R2 · cleaned.")
    assert page.locator("[data-noted] li").count() == 0
    page.get_by_role("button", name="R2").first.click()
    page.get_by_role("button", name="replaced").click()
    wedge.scan("R-1183")
    verdict(page, "RIGHT REEL")
    wedge.scan(PASS)
    verdict(page, "REPAIRED")
    assert ("R2", "R-1183", False) in shop.made_of(engine, serial)
    wedge.scan(UNDO)
    verdict(page, "UNDONE")
    parts = shop.made_of(engine, serial)
    assert {one for one in parts if not one[2]} == {("R1", "R-1182", False), ("R2", "R-1182", False)}
    assert ("R2", "R-1183", True) in parts, "that it was told stays on record"
    assert facts.works(engine, shop.REPAIR) == [(serial, "Aborted")]


def test_a_unit_on_hold_is_stopped_at_repair_too(enter: Enter, opened: Shop, engine: Engine) -> None:
    serial = opened.serials[0]
    shop.contained(engine, serial)
    page = enter("rework", shop.REPAIR)
    Wedge(page).scan(serial)
    verdict(page, "STOP")
    assert facts.works(engine, shop.REPAIR) == []


def test_slot_then_reel(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    wedge.scan("R-1182")
    noted(page, "Scan the slot first")
    wedge.scan(slot_code(shop.BENCH, "SLOT11"))
    noted(page, "That slot is at another station")
    for slot, reel, word in (
        ("SLOT11", "R-1182", "RIGHT"),
        ("SLOT12", "R-1183", "WRONG"),
        ("SLOT12", "C-2201", "RIGHT"),
    ):
        wedge.scan(slot_code(shop.MOUNTER, slot))
        wedge.scan(reel)
        verdict(page, f"{word} REEL")
    page.locator(".slot.is-right[data-slot=SLOT12]").wait_for()
    assert page.locator(".slot.is-empty").count() == 2
    checks = facts.ask(engine, "SELECT slot, label, accepted, actor FROM setup_check ORDER BY recorded_at")
    assert checks == [
        ("SLOT11", "R-1182", True, "person:ann"),
        ("SLOT12", "R-1183", False, "person:ann"),
        ("SLOT12", "C-2201", True, "person:ann"),
    ]


def test_where_a_reel_may_be_in_several_lanes_its_lane_is_asked_for(enter: Enter, opened: Shop, engine: Engine) -> None:
    with engine.begin() as connection:
        require_setup(
            connection, station=shop.MOUNTER, product_revision_id=opened.revision, side=None, actor="test",
            slots=[SlotPlan("SLOT11", "100-0042", lane) for lane in ("1", "2")],
        )  # fmt: skip
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    wedge.scan(slot_code(shop.MOUNTER, "SLOT11"))
    wedge.scan("R-1182")
    noted(page, "Package R-1182 may go into lane 1 or 2 of slot SLOT11. Say which lane it is in.")
    assert facts.ask(engine, "SELECT count(*) FROM setup_check") == [(0,)]
    page.get_by_role("group", name="Lanes").get_by_role("button", name="lane 2").click()
    verdict(page, "RIGHT REEL")
    page.locator("[data-verdict-serial]", has_text="SLOT11 · lane 2 · R-1182").wait_for()
    page.locator(".slot.is-right[data-lane='2'][data-package=R-1182]").wait_for()
    page.locator(".slot.is-empty[data-lane='1']").click()
    wedge.scan("R-1183")
    page.locator(".slot.is-right[data-lane='1'][data-package=R-1183]").wait_for()
    lanes = facts.ask(engine, "SELECT lane, identifier FROM loading_event JOIN package USING (package_id) ORDER BY 1")
    assert lanes == [("1", "R-1183"), ("2", "R-1182")]


def test_a_reel_scanned_by_mistake_is_undone(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    for reel in ("R-1182", "R-1183"):
        wedge.scan(slot_code(shop.MOUNTER, "SLOT11"))
        wedge.scan(reel)
        verdict(page, "RIGHT REEL")
        page.locator(f"[data-slot=SLOT11][data-package={reel}]").wait_for()
    wedge.scan(UNDO)
    verdict(page, "UNDONE")
    page.locator("[data-verdict-reasons]", has_text="what was there before: R-1182").wait_for()
    page.locator(".slot.is-right[data-slot=SLOT11][data-package=R-1182]").wait_for()
    wedge.scan(UNDO)
    noted(page, "There is nothing to undo.")
    kinds = facts.ask(engine, "SELECT kind FROM setup_check ORDER BY check_id")
    assert kinds == [("load",), ("load",), ("undo",)], "what was scanned stays on record"


def test_a_splice_names_the_reel_it_is_behind(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    wedge.scan("SLOT11")
    wedge.scan("R-1182")
    verdict(page, "RIGHT REEL")
    page.locator("[data-slot=SLOT11][data-package=R-1182]").wait_for()
    wedge.scan("SLOT11")
    wedge.scan("R-1182")
    noted(page, "scan the new reel that is spliced behind R-1182")
    wedge.scan("R-1183")
    verdict(page, "RIGHT REEL")
    assert facts.ask(engine, "SELECT kind FROM setup_check ORDER BY recorded_at") == [("load",), ("splice",)]


def test_a_reel_whose_number_begins_like_another_is_not_that_one(enter: Enter, opened: Shop, engine: Engine) -> None:
    page = enter("setup", shop.MOUNTER)
    wedge = Wedge(page)
    wedge.scan("SLOT11")
    wedge.scan("R-1182")
    verdict(page, "RIGHT REEL")
    page.locator("[data-slot=SLOT11][data-package=R-1182]").wait_for()
    wedge.scan("SLOT11")
    wedge.scan("R-11829")
    page.locator("[data-verdict-reasons]", has_text="Nobody knows package R-11829").wait_for()
    assert facts.ask(engine, "SELECT kind, accepted FROM setup_check ORDER BY recorded_at") == [
        ("load", True), ("load", False)
    ]  # fmt: skip
