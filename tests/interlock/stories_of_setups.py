"""What is against what a station is loaded with, and how that is cleared."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from app.cfx.messages.storage import StationSetupRequirements, ToolSetupRequirement
from app.floor.repairs import replacement
from app.interlock.station_setup import setup_reasons
from app.lines.tools import ToolPlan, plan_tools, state_tool
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.receiving import Arrival, receive_package
from app.materials.rules import Handling
from app.products.kicad import BoardDesign, Component
from app.products.planning import approve_parts, import_design
from app.setup.requirements import SlotPlan
from app.setup.returns import return_package
from app.setup.verification import Check, clear_location, verify_loading
from tests.inbox.messages import START
from tests.interlock.clearing import ENGINEER, LEAD, Against, clears, gate, said, says, warned
from tests.interlock.story import MOUNTER, PRINTER, done
from tests.setup.plant import plan, reel

R10K = "RES-10K"
F1 = "F1"


def scanned_at_the_slot(engine: Engine, package: str, **more: Any) -> Check:
    """Slot F1 of the mounter, then the reel."""
    with engine.begin() as connection:
        return verify_loading(
            connection, station=MOUNTER, slot=F1, label=package, product_revision_id=1, actor="person:ann", **more
        )


def scan(engine: Engine, package: str) -> bool:
    """Whether it is accepted there."""
    return scanned_at_the_slot(engine, package).accepted


def at_the_mounter(engine: Engine, *slots: SlotPlan) -> None:
    """The panel is at the mounter, whose slot F1 (or what is given) is planned; RIGHT belongs there."""
    done(engine, PRINTER)
    plan(engine, 1, *(slots or [SlotPlan(F1, R10K)]), handle=MOUNTER)
    reel(engine, "RIGHT", R10K)
    reel(engine, "WRONG", "RES-22K")


SCAN_OR_CLEAR = "Scan the slot and the right reel, or have a line lead clear it."


@clears("location_blocked", SCAN_OR_CLEAR)
def the_right_reel_is_scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    assert not scan(engine, "WRONG")
    yield gate(engine, MOUNTER)
    assert scan(engine, "RIGHT")
    yield gate(engine, MOUNTER)


@clears("location_blocked", SCAN_OR_CLEAR)
def a_line_lead_clears_it(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    assert not scan(engine, "WRONG")
    yield gate(engine, MOUNTER)
    with engine.begin() as connection:
        clear_location(connection, station=MOUNTER, slot=F1, reason="Wrong label scanned.", actor=LEAD.identity)
    yield gate(engine, MOUNTER)


@clears("not_verified", "Scan the slot, then the reel.")
def scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    machine_loads(engine, "RIGHT")
    yield warned(engine)
    assert scan(engine, "RIGHT")
    yield warned(engine)


@clears("tool_missing", "Load NZ-2 and record that.")
def loaded_and_recorded(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        plan_tools(connection, [ToolPlan("NZ-2", "nozzle")], actor="test")
    listed = StationSetupRequirements(tool_setup_requirements=[ToolSetupRequirement(tool_identifier="NZ-2")])

    def missing() -> Against:
        with engine.connect() as connection:
            return said(setup_reasons(connection, MOUNTER, listed, at=datetime.now(UTC)))

    yield missing()
    with engine.begin() as connection:
        state_tool(connection, "NZ-2", "loaded", at=datetime.now(UTC), station=MOUNTER, actor="person:ann")
    yield missing()


# --- what is in the slot ---


def machine_loads(engine: Engine, package: str, *, station: str = MOUNTER, slot: str = F1) -> None:
    """Nobody scanned it."""
    place = {"LocationIdentifier": slot, "MaterialPackage": {"UniqueIdentifier": package}}
    says(engine, "Materials.Storage.MaterialsLoaded", {"Materials": [place]}, station=station)


def the_right_one_instead(engine: Engine) -> Against:
    assert scan(engine, "RIGHT")
    return gate(engine, MOUNTER)


@clears("slot_empty", "Load a package of it: scan the slot, then the reel.")
def a_reel_is_scanned_into_it(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    yield gate(engine, MOUNTER)
    yield the_right_one_instead(engine)


@clears("wrong_part", "Load a package of RES-10K.")
def the_right_part_is_loaded(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    machine_loads(engine, "WRONG")
    yield gate(engine, MOUNTER)
    yield the_right_one_instead(engine)


@clears("wrong_part", "Scan the new reel.")
def the_new_reel_is_scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    reel(engine, "NEXT", R10K)
    assert scan(engine, "RIGHT")
    for package in ("RIGHT", "NEXT"):
        yield said(scanned_at_the_slot(engine, package, replaces="RIGHT").reasons)


@clears("wrong_revision", "Load a package of revision C.")
def the_right_revision_is_loaded(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine, SlotPlan(F1, R10K, part_revision="C"))
    reel(engine, "REV-B", R10K, part_revision="B")
    reel(engine, "REV-C", R10K, part_revision="C")
    machine_loads(engine, "REV-B")
    yield gate(engine, MOUNTER)
    assert scan(engine, "REV-C")
    yield gate(engine, MOUNTER)


def _with_an_alternate_of_another_product(engine: Engine) -> Against:
    part = Component("R1", R10K, None, None, None, None, None, None, "top", "machine")
    with engine.begin() as connection:
        other = import_design(connection, BoardDesign("lamp", "A", (part,), ()), actor="test")
        approve_parts(connection, other, R10K, ["RES-10K-X"], actor=ENGINEER.identity)
    at_the_mounter(engine)
    reel(engine, "ALT", "RES-10K-X")
    machine_loads(engine, "ALT")
    return gate(engine, MOUNTER)


ALTERNATE = "Load RES-10K, or have a process engineer approve the alternate."


@clears("unapproved_alternate", ALTERNATE)
def the_part_itself_is_loaded(engine: Engine) -> Iterator[Against]:
    yield _with_an_alternate_of_another_product(engine)
    yield the_right_one_instead(engine)


@clears("unapproved_alternate", ALTERNATE)
def the_alternate_is_approved(engine: Engine) -> Iterator[Against]:
    yield _with_an_alternate_of_another_product(engine)
    with engine.begin() as connection:
        approve_parts(connection, 1, R10K, ["RES-10K-X"], actor=ENGINEER.identity)
    yield gate(engine, MOUNTER)


def _of_another_maker(engine: Engine) -> Against:
    at_the_mounter(engine, SlotPlan(F1, R10K, manufacturer_parts=("CRCW-10K",)))
    reel(engine, "MAKER", R10K, manufacturer_part_number="RC0603-10K")
    machine_loads(engine, "MAKER")
    return gate(engine, MOUNTER)


MAKER = "Load one of those, or have a process engineer approve the maker's part."


@clears("unapproved_alternate", MAKER)
def one_of_the_makers_is_loaded(engine: Engine) -> Iterator[Against]:
    yield _of_another_maker(engine)
    reel(engine, "LISTED", R10K, manufacturer_part_number="CRCW-10K")
    assert scan(engine, "LISTED")
    yield gate(engine, MOUNTER)


@clears("unapproved_alternate", MAKER)
def the_makers_part_is_approved(engine: Engine) -> Iterator[Against]:
    yield _of_another_maker(engine)
    plan(engine, 1, SlotPlan(F1, R10K, manufacturer_parts=("CRCW-10K", "RC0603-10K")), handle=MOUNTER)
    yield gate(engine, MOUNTER)


@clears("package_unknown", "Receive it: scan its label at goods-in.")
def received_after_it_was_loaded(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    machine_loads(engine, "NEVER-SEEN")
    yield gate(engine, MOUNTER)
    reel(engine, "NEVER-SEEN", R10K)
    yield gate(engine, MOUNTER)


@clears("package_unknown", "Receive it first: scan it at goods-in.")
def received_before_it_is_scanned(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    yield said(scanned_at_the_slot(engine, "NEVER-SEEN").reasons)
    reel(engine, "NEVER-SEEN", R10K)
    yield said(scanned_at_the_slot(engine, "NEVER-SEEN").reasons)


def _on_two_machines(engine: Engine) -> Against:
    at_the_mounter(engine)
    machine_loads(engine, "RIGHT")
    machine_loads(engine, "RIGHT", station="Acme.Mounter.2")
    return gate(engine, MOUNTER)


LOOK_AT_BOTH = (
    "Look at both. If they are one, return it with its count and scan it again; if not, receive this one under "
    "a number of its own and scan that."
)


@clears("two_machines", LOOK_AT_BOTH)
def there_is_one(engine: Engine) -> Iterator[Against]:
    yield _on_two_machines(engine)
    with engine.begin() as connection:
        return_package(connection, package="RIGHT", quantity=50, actor="person:ann")
    yield the_right_one_instead(engine)


@clears("two_machines", LOOK_AT_BOTH)
def there_are_two(engine: Engine) -> Iterator[Against]:
    yield _on_two_machines(engine)
    with engine.begin() as connection:
        own = receive_package(connection, Arrival(part_number=R10K), actor="person:ann")
    assert scan(engine, own)
    yield gate(engine, MOUNTER)


# --- a package that must not be used ---


@clears("retired", "Load another; a retired one stays retired.")
def another_than_the_retired_one(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    reel(engine, "OLD", R10K)
    machine_loads(engine, "OLD")
    happens(engine, "OLD", Happened.retired)
    yield gate(engine, MOUNTER)
    yield the_right_one_instead(engine)


ANOTHER = "Load another, and retire this one."


def another_and_retired(engine: Engine) -> Against:
    happens(engine, "OLD", Happened.retired)
    return the_right_one_instead(engine)


@clears("shelf_life_over", ANOTHER)
def another_than_the_expired_one(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    reel(engine, "OLD", R10K, expires_at=datetime.now(UTC) - timedelta(days=1))
    machine_loads(engine, "OLD")
    yield gate(engine, MOUNTER)
    yield another_and_retired(engine)


@clears("open_too_long", ANOTHER)
def another_than_the_one_that_was_open(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    reel(engine, "OLD", R10K)
    handled(engine, kind="paste", open_hours=8)
    happens(engine, "OLD", Happened.opened, hours_ago=9)
    machine_loads_now(engine, "OLD")
    yield gate(engine, MOUNTER)
    yield another_and_retired(engine)


@clears("thawed_too_long", ANOTHER)
def another_than_the_one_that_was_warm(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    reel(engine, "OLD", R10K)
    handled(engine, kind="paste", thaw_hours=4, thawed_hours=24)
    happens(engine, "OLD", Happened.thawed, hours_ago=25)
    happens(engine, "RIGHT", Happened.thawed, hours_ago=5)
    machine_loads_now(engine, "OLD")
    yield gate(engine, MOUNTER)
    yield another_and_retired(engine)


@clears("not_thawed", "Take it out, record that, and let it thaw for 4 h.")
def taken_out_and_thawed(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    handled(engine, kind="paste", thaw_hours=4)
    machine_loads_now(engine, "RIGHT")
    yield gate(engine, MOUNTER)
    happens(engine, "RIGHT", Happened.thawed, hours_ago=5)
    yield gate(engine, MOUNTER)


@clears("not_thawed", "Wait until then, or load another.")
def waited_until_it_is_thawed(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    handled(engine, kind="paste", thaw_hours=4)
    happens(engine, "RIGHT", Happened.thawed, hours_ago=1)
    machine_loads_now(engine, "RIGHT")
    yield gate(engine, MOUNTER)
    yield gate(engine, MOUNTER, at=datetime.now(UTC) + timedelta(hours=3))


def _past_its_floor_life(engine: Engine) -> Against:
    at_the_mounter(engine)
    reel(engine, "OLD", R10K)
    handled(engine, moisture_level="5a")
    happens(engine, "OLD", Happened.opened, hours_ago=30)
    machine_loads_now(engine, "OLD")
    return gate(engine, MOUNTER)


BAKE = "Bake it and record that, or load another."


@clears("floor_life_over", BAKE)
def baked_while_in_the_slot(engine: Engine) -> Iterator[Against]:
    yield _past_its_floor_life(engine)
    happens(engine, "OLD", Happened.restored)
    yield gate(engine, MOUNTER)


@clears("floor_life_over", BAKE)
def another_than_the_wet_one(engine: Engine) -> Iterator[Against]:
    yield _past_its_floor_life(engine)
    yield the_right_one_instead(engine)


@clears("floor_life_over", "Set floor_life_hours of part RES-10K to the label's time, and bake it.")
def its_labels_time_is_set(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    handled(engine, moisture_level="6")
    happens(engine, "RIGHT", Happened.restored, hours_ago=2)
    machine_loads_now(engine, "RIGHT")
    yield gate(engine, MOUNTER)
    handled(engine, moisture_level="6", floor_life_hours=6)
    happens(engine, "RIGHT", Happened.restored)
    yield gate(engine, MOUNTER)


@clears("moisture_level_unknown", "Set the level of part RES-10K.")
def its_level_is_set(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    happens(engine, "RIGHT", Happened.opened, hours_ago=1)
    assert scan(engine, "RIGHT")
    yield warned(engine)
    handled(engine, moisture_level="3")
    yield warned(engine)


def handled(engine: Engine, **said: Any) -> None:
    with engine.begin() as connection:
        set_handling(connection, [Handling(R10K, **said)], actor=ENGINEER.identity)


def happens(engine: Engine, package: str, what: Happened, *, hours_ago: float = 0) -> None:
    """Somebody says that it did."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    with engine.begin() as connection:
        state_packages(connection, [package], what, at=at, actor="person:ann")


def machine_loads_now(engine: Engine, package: str) -> None:
    """What sits in a machine is open: it was not three days ago."""
    place = {"LocationIdentifier": F1, "MaterialPackage": {"UniqueIdentifier": package}}
    now = (datetime.now(UTC) - START).total_seconds()
    says(engine, "Materials.Storage.MaterialsLoaded", {"Materials": [place]}, station=MOUNTER, when=now)


@clears("wrong_part", "Take the part from the right reel and scan that one.")
def repaired_from_the_right_reel(engine: Engine) -> Iterator[Against]:
    at_the_mounter(engine)
    for package in ("WRONG", "RIGHT"):
        with engine.connect() as connection:
            now = datetime.now(UTC)
            yield said(replacement(connection, package, designator="R1", product_revision_id=1, at=now).reasons)
