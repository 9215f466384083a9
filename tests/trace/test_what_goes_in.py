"""Everything that goes into a board, each kind of it told by hand and looked up both ways."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine

from app.materials.receiving import Arrival, receive_package
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import completed, entry, initialized, installed, message, started, stored, uninstalled


def carriers(connection: Connection, **asked: Any) -> dict[str, str]:
    """`exact R1 R2` by serial (and position); assemblies by what they hold."""
    found = {}
    for unit in stream_where_used(connection, Question(**asked)):
        name = f"{unit.serial}/{unit.position_number}" if unit.position_number else unit.serial
        found[name] = " ".join([unit.evidence, *([f"in {unit.via}"] if unit.via else unit.reference_designators)])
    return found


def packages(connection: Connection, serial: str) -> dict[str | None, str]:
    """Package by designator, of what is in it now."""
    return {
        part.reference_designator: part.package
        for part in made_from(connection, serial).installations
        if part.removed_at is None
    }


def applied(*units: dict[str, Any], when: float = 0, source: str = "Acme.Printer.1") -> bytes:
    return message(
        "Production.Application.MaterialsApplied", {"AppliedMaterials": list(units)}, when=when, source=source
    )


@pytest.mark.parametrize("material", ["PASTE-SAC305", "FLUX", "ADHESIVE", "COATING", "UNDERFILL"])
def test_applied_material_is_on_every_board_of_the_panel(engine: Engine, material: str) -> None:
    jar = {"Material": {"UniqueIdentifier": "JAR-1", "InternalPartNumber": material}}
    described = {"UniqueIdentifier": "JAR-1", "InternalPartNumber": material, "ManufacturerLotCode": "LOT-P"}
    stored(
        engine,
        message("Materials.Management.MaterialsInitialized", {"Materials": [described]}, when=0),
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=1),
        applied({"UnitIdentifier": "PNL", **jar}, when=2),
    )
    with engine.connect() as connection:
        for asked in ({"package": "JAR-1"}, {"lot": "LOT-P", "part_number": material}):
            assert carriers(connection, **asked) == {"SN-1": "exact", "SN-2": "exact"}
        assert packages(connection, "SN-2") == {None: "JAR-1"}


def test_the_bare_boards_lot_is_found_by_lot_date_code_and_delivery(engine: Engine) -> None:
    with engine.begin() as connection:
        bare = Arrival(
            "PCB-STACK-1", "PCB-7", lot="B2207", date_code="2622", vendor="Fab", delivery="DN-88", surface_finish="ENIG"
        )
        receive_package(connection, bare, actor="test")
    stored(
        engine,
        installed(entry("SN-1", "PCB-STACK-1", slot="LOADER", part_number="PCB-7"), when=0, source="Acme.Loader.1"),
        installed(entry("SN-2", "PCB-STACK-2", slot="LOADER", part_number="PCB-7"), when=9, source="Acme.Loader.1"),
    )
    with engine.connect() as connection:
        for asked in ({"lot": "B2207"}, {"date_code": "2622", "part_number": "PCB-7"}, {"delivery": "DN-88"}):
            assert carriers(connection, **asked) == {"SN-1": "exact"}
        (part,) = made_from(connection, "SN-1").installations
        assert (part.lot, part.date_code, part.surface_finish) == ("B2207", "2622", "ENIG")


def test_a_panel_with_an_x_out_both_sides_two_machines_and_depanelling(engine: Engine) -> None:
    """Position 2 is an X-out; two machines place the top, one the bottom later; then the boards part."""
    top, second, bottom = uuid4(), uuid4(), uuid4()
    sides = {"PrimaryIdentifier": "PNL", "RelevantSurface": "SecondarySurface", "TransactionID": str(bottom)}
    units = [{"UnitIdentifier": "SN-1", "PositionNumber": 1}, {"UnitIdentifier": "SN-3", "PositionNumber": 3}]
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-3", 3), when=0),
        started(("PNL", 1), ("PNL", 3), transaction=top, panel="PNL", when=10),
        installed(*(entry("PNL", "TOP-1", ["R1"], position=n) for n in (1, 3)), transaction=top, when=15),
        completed(transaction=top, when=16),
        started(("PNL", 1), ("PNL", 3), transaction=second, panel="PNL", when=20, source="Acme.Mounter.2"),
        installed(entry("PNL", "TOP-2", ["C1"], position=3), transaction=second, when=25, source="Acme.Mounter.2"),
        completed(transaction=second, when=26, source="Acme.Mounter.2"),
        message("Production.WorkStarted", {**sides, "Units": units}, when=100),
        installed(*(entry("PNL", "BOTTOM", ["R9"], position=n) for n in (1, 3)), transaction=bottom, when=105),
        completed(transaction=bottom, when=106),
        # After depanelling each board is spoken of by its own serial.
        installed(entry("SN-1", "CONNECTORS", ["J1"]), when=200, source="Acme.Wave.1"),
        installed(entry("SN-1", None, children=[("X", "SN-3")], slot=None), when=300, source="Acme.Assembly.1"),
    )
    with engine.connect() as connection:
        assert packages(connection, "SN-1") == {"R1": "TOP-1", "R9": "BOTTOM", "J1": "CONNECTORS"}
        assert packages(connection, "SN-3") == {"R1": "TOP-1", "C1": "TOP-2", "R9": "BOTTOM"}
        assert carriers(connection, package="TOP-2") == {"SN-3": "exact C1", "SN-1": "exact in SN-3"}
        assert carriers(connection, package="TOP-1") == {"SN-1": "exact R1", "SN-3": "exact R1"}


def test_what_is_told_of_a_panel_may_be_on_its_x_out(engine: Engine) -> None:
    """The printer speaks of two positions, the reader finds a serial on the first only: both ways leave the choice."""
    pasted = [
        {"UnitIdentifier": "PNL", "UnitPositionNumber": n, "Material": {"UniqueIdentifier": "JAR"}} for n in (1, 2)
    ]
    stored(
        engine,
        applied(*pasted, when=0),
        installed(entry("PNL", "REEL-1", ["R1"]), when=10),
        initialized("PNL", ("SN-1", 1), when=20),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-1": "bounded R1", "PNL/2": "bounded R1"}
        made = {part.package: part.evidence for part in made_from(connection, "SN-1").installations}
        assert made == {"REEL-1": "bounded", "JAR": "exact"}


def test_hand_through_hole_and_selective_soldered_parts_need_no_slot(engine: Engine) -> None:
    stored(
        engine,
        installed(entry("SN-1", "BIN-7", ["J1"], slot=None, part_number="CONN"), source="Acme.Bench.1"),
        installed(entry("SN-1", "TUBE-2", ["T1"], slot=None, part_number="TRAFO"), when=9, source="Acme.Insertion.1"),
        applied(
            {"UnitIdentifier": "SN-1", "Material": {"UniqueIdentifier": "SOLDER-BAR-3"}}, when=20, source="Acme.Sel.1"
        ),
    )
    with engine.connect() as connection:
        assert packages(connection, "SN-1") == {"J1": "BIN-7", "T1": "TUBE-2", None: "SOLDER-BAR-3"}
        assert carriers(connection, package="SOLDER-BAR-3") == {"SN-1": "exact"}


def test_tools_of_every_kind_lead_to_the_boards_they_touched(engine: Engine) -> None:
    tools = ("STENCIL-1", "SQUEEGEE-2", "FIXTURE-3", "ADAPTER-4")
    used = [{"UnitIdentifier": "SN-1", "Tool": {"UniqueIdentifier": tool}, "UsageCycles": 1} for tool in tools]
    placed = entry(
        "SN-1",
        "REEL-1",
        InstalledComponents=[{"ReferenceDesignator": "R1", "HeadAndNozzle": {"UniqueIdentifier": "NOZZLE-5"}}],
        CarrierLocation={"LocationIdentifier": "F1", "CarrierInformation": {"UniqueIdentifier": "FEEDER-6"}},
    )
    stored(engine, message("Production.ToolsUsed", {"UsedTools": used}), installed(placed, when=5))
    with engine.connect() as connection:
        for tool in tools:
            assert carriers(connection, tool=tool) == {"SN-1": "exact"}
        assert (
            carriers(connection, nozzle="NOZZLE-5") == carriers(connection, feeder="FEEDER-6") == {"SN-1": "exact R1"}
        )


def test_firmware_is_told_with_version_and_checksum_and_leads_to_its_boards(engine: Engine) -> None:
    def personalized(serial: str, version: str, checksum: str) -> dict[str, Any]:
        told = [{"Name": "FirmwareVersion", "Value": version}, {"Name": "FirmwareChecksum", "Value": checksum}]
        return {"UnitIdentifier": serial, "Characteristics": told}

    body = {
        "PersonalizedUnits": [personalized("SN-1", "1.4.2", "sha256:ab"), personalized("SN-2", "1.4.3", "sha256:cd")]
    }
    stored(
        engine,
        message("Production.Assembly.UnitsPersonalized", body, when=0, source="Acme.Programmer.1"),
        installed(entry("BOX", None, children=[("A1", "SN-1")], slot=None), when=50, source="Acme.Assembly.1"),
    )
    with engine.connect() as connection:
        told = [(one.name, one.value) for one in made_from(connection, "SN-2").firmware]
        assert told == [("FirmwareVersion", "1.4.3"), ("FirmwareChecksum", "sha256:cd")]
        for firmware in ("1.4.2", "sha256:ab"):
            assert carriers(connection, firmware=firmware) == {"SN-1": "exact", "BOX": "exact in SN-1"}


@pytest.mark.parametrize("position", [1, "1", "1.0", "1e0", " 1 "])
def test_firmware_of_a_position_that_a_machine_writes_in_its_own_way(engine: Engine, position: object) -> None:
    told = {"UnitIdentifier": "PNL", "UnitPositionNumber": position, "Characteristics": [{"Name": "V", "Value": "1"}]}
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=0),
        message("Production.Assembly.UnitsPersonalized", {"PersonalizedUnits": [told]}, when=50),
    )
    with engine.connect() as connection:
        assert [one.value for one in made_from(connection, "SN-1").firmware] == ["1"]
        assert made_from(connection, "SN-2").firmware == []
        assert carriers(connection, firmware="1") == {"SN-1": "exact"}


def test_what_is_told_of_no_position_stands_beside_what_is_told_of_one(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started(("PNL", 1), ("PNL", 2), transaction=work, when=0),
        installed(entry(None, "REEL-1", ["R1"]), entry(None, "REEL-2", ["R2"], position=2), transaction=work, when=5),
        completed(transaction=work, when=9),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-2") == {"PNL/2": "exact R2"}
        assert carriers(connection, package="REEL-1") == {"PNL/1": "bounded R1", "PNL/2": "bounded R1"}


def test_a_removal_that_may_mean_several_units_ends_nothing(engine: Engine) -> None:
    """The transaction has two units, and the message does not say from which the part was taken."""
    work = uuid4()
    stored(
        engine,
        installed(entry("SN-1", "REEL-1", ["R1"]), entry("SN-2", "REEL-1", ["R1"]), when=0),
        started("SN-1", "SN-2", transaction=work, when=100, source="Acme.Bench.1"),
        uninstalled(None, ["R1"], transaction=work, when=110, source="Acme.Bench.1"),
        installed(entry("BOX", None, children=[("A1", "SN-1"), ("A2", "SN-2")], slot=None), when=500),
    )
    with engine.connect() as connection:
        found = carriers(connection, package="REEL-1")
        assert found == {"SN-1": "exact R1", "SN-2": "exact R1", "BOX": "exact in SN-1, SN-2"}


def test_what_a_board_was_made_from_as_it_was_known_then(engine: Engine) -> None:
    stored(engine, installed(entry("SN-1", "REEL-1", ["R1"]), when=0))
    then = known_now(engine)
    stored(
        engine,
        uninstalled("SN-1", ["R1"], package="REEL-1", when=50),
        installed(entry("SN-1", "REEL-2", ["R1"]), when=60),
        message(
            "Materials.Management.MaterialsInitialized",
            {"Materials": [{"UniqueIdentifier": "REEL-1", "ManufacturerLotCode": "L1"}]},
        ),
    )
    with engine.connect() as connection:
        before = made_from(connection, "SN-1", as_of=then).installations
        assert [(part.package, part.removed_at, part.lot) for part in before] == [("REEL-1", None, None)]
        now = made_from(connection, "SN-1").installations
        assert [(part.package, part.removed_at is None, part.lot) for part in now] == [
            ("REEL-1", False, "L1"),
            ("REEL-2", True, None),
        ]


def test_a_later_description_that_says_less_takes_nothing_away(engine: Engine) -> None:
    first = {
        "UniqueIdentifier": "REEL-1",
        "InternalPartNumber": "RES",
        "ManufacturerLotCode": "L1",
        "InitialQuantity": 9,
    }
    then = {"UniqueIdentifier": "REEL-1", "Quantity": 4}
    stored(
        engine,
        message("Materials.Management.MaterialsModified", {"Materials": [then]}, when=10),
        message("Materials.Management.MaterialsInitialized", {"Materials": [first]}, when=0),
        installed(entry("SN-1", "REEL-1", ["R1"]), when=20),
    )
    with engine.connect() as connection:
        assert carriers(connection, lot="L1", part_number="RES") == {"SN-1": "exact R1"}
