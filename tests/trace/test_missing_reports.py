"""What is possible where a report is missing, late, or leaves a choice; and what is not, though it was near."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine

from app.lines.clocks import measure_clocks
from app.trace.balance import mass_balance
from app.trace.excluded import excluded
from app.trace.level import material_level
from app.trace.made_from import made_from
from app.trace.question import Question
from tests.flows.test_deep_and_wide import known_now
from tests.inbox.messages import completed, entry, initialized, installed, message, started, stored, uninstalled
from tests.trace.bills import planned
from tests.trace.test_what_goes_in import carriers

BENCH, ASSEMBLY = "Acme.Bench.1", "Acme.Assembly.1"


def loaded(slot: str, *chain: str, when: float, source: str = "Acme.Mounter.1") -> bytes:
    """A package in a slot; of a chain the last names it, and those before lead."""
    package: dict[str, Any] | None = None
    for name in chain:
        package = {"UniqueIdentifier": name, **({"LeadingMaterialPackage": package} if package else {})}
    place = {"LocationIdentifier": slot, "LocationName": slot, "MaterialPackage": package}
    return message("Materials.Storage.MaterialsLoaded", {"Materials": [place]}, when=when, source=source)


def unloaded(*names: str, when: float, source: str = "Acme.Mounter.1") -> bytes:
    body = {"MaterialPackageIdentifiers": list(names)}
    return message("Materials.Storage.MaterialsUnloaded", body, when=when, source=source)


def built(parent: str, child: str, when: float) -> bytes:
    return installed(entry(parent, None, children=[("A1", child)], slot=None), when=when, source=ASSEMBLY)


def others(connection: Connection, package: str) -> set[str]:
    return {
        f"{one.serial}/{one.position_number}" if one.position_number else one.serial
        for one in excluded(connection, Question(package=package))
    }


def as_built(connection: Connection, serial: str) -> set[tuple[str, str | None, str, str]]:
    """(board, designator, package, evidence) of a unit as built."""
    return {
        (
            f"{one.serial or serial}/{one.position_number}" if one.position_number else one.serial or serial,
            one.reference_designator,
            one.package,
            one.evidence.value,
        )
        for one in made_from(connection, serial).installations
    }


def test_a_machine_that_names_the_slot_leaves_each_package_that_was_in_it(engine: Engine) -> None:
    """R1 and R2 are of slot F1, where REEL-2 came behind REEL-1; what was in F2, or there before and after, is not."""
    planned(engine, "WO-1", {"R1": "RES", "R2": "RES"})
    work = uuid4()
    stored(
        engine,
        message(
            "Materials.Management.MaterialsInitialized",
            {"Materials": [{"UniqueIdentifier": "REEL-9", "InternalPartNumber": "CAP"}]},
        ),
        loaded("F1", "REEL-0", when=0),
        loaded("F1", "REEL-1", when=50),
        loaded("F2", "REEL-9", when=60),
        started("SN-1", transaction=work, order="WO-1", when=100),
        loaded("F1", "REEL-2", when=130),
        installed(
            entry("SN-1", None, ["R1", "R2"], slot="F1", part_number="RES"),
            entry("SN-1", "REEL-9", ["C1"], slot="F2", part_number="CAP"),
            transaction=work,
            when=150,
        ),
        completed(transaction=work, when=160),
        loaded("F1", "REEL-3", when=200),
    )
    with engine.connect() as connection:
        made = made_from(connection, "SN-1")
        assert as_built(connection, "SN-1") == {
            ("SN-1", designator, package, "bounded") for designator in ("R1", "R2") for package in ("REEL-1", "REEL-2")
        } | {("SN-1", "C1", "REEL-9", "exact")}
        assert "did not name the package at R1, R2; it was in slot F1 then" in str(made.installations[-1].why)
        assert (made.completeness.with_package, made.completeness.missing) == (2, ())
        assert material_level(connection, "SN-1").level == 3


def test_the_report_of_one_board_of_a_panel_got_lost(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("F1", "REEL-1", when=0),
        loaded("F2", "REEL-2", when=1),
        started(("PNL", 1), ("PNL", 2), transaction=work, panel="PNL", when=100),
        installed(entry("PNL", "REEL-2", ["R1"], position=1, slot="F2"), transaction=work, when=150),
        completed(transaction=work, when=160),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"PNL/2": "inferred"}
        assert others(connection, "REEL-1") == {"PNL/1"}
        assert as_built(connection, "PNL") == {
            ("PNL", "R1", "REEL-2", "exact"),
            ("PNL/2", None, "REEL-1", "inferred"),
            ("PNL/2", None, "REEL-2", "inferred"),
        }
        assert carriers(connection, package="REEL-2") == {"PNL/1": "exact R1", "PNL/2": "inferred"}


def test_what_a_bench_put_in_later_says_nothing_of_the_part_it_took_out(engine: Engine) -> None:
    """Slot F2 never reports. R2 came from there, and was replaced from the bench's reel; SN-2 kept its own."""
    planned(engine, "WO-1", {"R1": "RES", "R2": "RES"})
    parts = [{"UniqueIdentifier": name, "InternalPartNumber": "RES"} for name in ("REEL-1", "REEL-2", "REEL-9")]
    first, second, repair = uuid4(), uuid4(), uuid4()
    stored(
        engine,
        message("Materials.Management.MaterialsInitialized", {"Materials": parts}, when=0),
        loaded("F1", "REEL-1", when=10),
        loaded("F2", "REEL-2", when=11),
        started("SN-1", transaction=first, order="WO-1", when=100),
        installed(entry("SN-1", "REEL-1", ["R1"], slot="F1", part_number="RES"), transaction=first, when=110),
        completed(transaction=first, when=120),
        started("SN-2", transaction=second, order="WO-1", when=130),
        installed(entry("SN-2", "REEL-1", ["R1", "R2"], slot="F1", part_number="RES"), transaction=second, when=140),
        completed(transaction=second, when=150),
        built("BEFORE", "SN-1", 200),
        uninstalled("BEFORE", children=[("A1", "SN-1")], when=250, source=ASSEMBLY),
        started("SN-1", transaction=repair, when=300, source=BENCH),
        uninstalled("SN-1", ["R2"], transaction=repair, when=310, source=BENCH),
        installed(entry("SN-1", "REEL-9", ["R2"], slot=None), transaction=repair, when=320, source=BENCH),
        completed(transaction=repair, when=330, source=BENCH),
        built("AFTER", "SN-1", 400),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-2") == {"SN-1": "inferred", "BEFORE": "inferred in SN-1"}
        assert others(connection, "REEL-2") == {"SN-2"}
        assert {one for one in as_built(connection, "SN-1") if one[2] == "REEL-2"} == {
            ("SN-1", "R2", "REEL-2", "inferred")
        }
        assert {one[2] for one in as_built(connection, "SN-2")} == {"REEL-1"}
        assert carriers(connection, package="REEL-9") == {"SN-1": "exact R2", "AFTER": "exact in SN-1"}


def test_work_told_of_a_carrier_and_reported_by_serial(engine: Engine) -> None:
    """The reel left the slot while the board was worked on, before the report; the transaction ties the two."""
    work = uuid4()
    stored(
        engine,
        initialized("CARRIER", ("SN-1", 1), when=0, source="Acme.Laser.1"),
        loaded("F1", "REEL-1", when=10),
        started("CARRIER", transaction=work, panel="CARRIER", when=100),
        unloaded("REEL-1", when=110),
        loaded("F1", "REEL-2", when=130),
        installed(entry("SN-1", None, ["R1"], slot="F1"), transaction=work, when=150),
        completed(transaction=work, when=160),
    )
    with engine.connect() as connection:
        for reel in ("REEL-1", "REEL-2"):
            assert carriers(connection, package=reel) == {"SN-1": "bounded"}


def test_what_is_over_and_sure_does_not_hide_what_is_later_and_possible(engine: Engine) -> None:
    """REEL-1 was in SN-1, was taken out, and may have been put in again by work of which no report came."""
    work = uuid4()
    stored(
        engine,
        installed(entry("SN-1", "REEL-1", ["R1"]), when=0),
        uninstalled("SN-1", ["R1"], package="REEL-1", when=100, source=BENCH),
        built("EARLY", "SN-1", 200),
        uninstalled("EARLY", ["A1"], children=[("A1", "SN-1")], when=300, source=ASSEMBLY),
        loaded("BIN", "REEL-1", when=400, source=BENCH),
        started("SN-1", transaction=work, when=410, source=BENCH),
        completed(transaction=work, when=430, source=BENCH),
        built("LATE", "SN-1", 500),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-1": "exact R1", "LATE": "inferred in SN-1"}


def test_a_reel_spliced_offline_came_in_with_the_one_it_leads_until_it_is_taken_down(engine: Engine) -> None:
    joined = {"LeadingMaterialPackage": {"UniqueIdentifier": "A"}, "TrailingMaterialPackage": {"UniqueIdentifier": "B"}}
    first, second = uuid4(), uuid4()
    stored(
        engine,
        message("Materials.Management.MaterialsJoined", joined, when=0, source="Acme.Table.1"),
        loaded("F1", "B", when=100),  # the machine reads the label of the last
        started("SN-1", transaction=first, when=110),
        completed(transaction=first, when=120),
        unloaded("A", "B", when=200),
        loaded("BIN", "B", when=300, source=BENCH),
        started("SN-2", transaction=second, when=310, source=BENCH),
        completed(transaction=second, when=320, source=BENCH),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="A") == {"SN-1": "inferred"}
        assert carriers(connection, package="B") == {"SN-1": "inferred", "SN-2": "inferred"}


def test_clocks_that_differ_leave_a_possibility_not_an_order(engine: Engine) -> None:
    """By the clocks the part came out one second before the board was built in; they may be two seconds wrong each."""
    stored(
        engine,
        installed(entry("SN-1", "REEL-1", ["R1"]), entry("SN-2", "REEL-1", ["R1"]), when=0),
        uninstalled("SN-1", ["R1"], when=100, source=BENCH),
        uninstalled("SN-2", ["R1"], when=100, source=BENCH),
        built("NEAR", "SN-1", 101),
        built("FAR", "SN-2", 110),
    )
    with engine.connect() as connection:
        found = carriers(connection, package="REEL-1")
        assert found == {"SN-1": "exact R1", "SN-2": "exact R1", "NEAR": "bounded in SN-1"}


def test_what_was_known_then_knows_no_end_that_came_later(engine: Engine) -> None:
    """The work seemed to go on when REEL-1 was loaded; later it is told that it had ended before."""
    work = uuid4()
    stored(engine, started("SN-1", transaction=work, when=0), loaded("F1", "REEL-1", when=100))
    with engine.connect() as connection:
        live = carriers(connection, package="REEL-1")
    then = known_now(engine)
    stored(engine, completed(transaction=work, when=50))
    with engine.connect() as connection:
        assert live == {"SN-1": "inferred"}
        assert carriers(connection, package="REEL-1", as_of=then) == live
        assert carriers(connection, package="REEL-1") == {}


def test_the_balance_as_it_was_known_then(engine: Engine) -> None:
    came = {"UniqueIdentifier": "REEL-1", "InternalPartNumber": "RES", "InitialQuantity": 10.0, "Quantity": 10.0}
    stored(
        engine,
        message("Materials.Management.MaterialsInitialized", {"Materials": [came]}, when=0),
        installed(entry("SN-1", "REEL-1", ["R1", "R2"]), when=100),
    )
    then = known_now(engine)
    retired = {"Materials": [{"UniqueIdentifier": "REEL-1", "Quantity": 5.0}]}
    stored(
        engine,
        installed(entry("SN-2", "REEL-1", ["R1", "R2"]), when=50),
        message("Materials.Management.MaterialsRetired", retired, when=200),
    )
    with engine.connect() as connection:
        before = mass_balance(connection, package="REEL-1", as_of=then)
        assert (before.placed.at_least, before.remaining, before.gap) == (2, None, None)
        now = mass_balance(connection, package="REEL-1")
        assert now.remaining is not None
        assert (now.placed.at_least, now.remaining.quantity) == (4, 5)
        assert now.gap is not None
        assert now.gap.at_least == 1


def test_a_clock_that_was_seen_wrong_widens_the_window_from_then_on(engine: Engine) -> None:
    """The reel was taken out 30 s before the work began, by a clock that was once a minute off."""
    work = uuid4()
    stored(
        engine,
        loaded("F1", "REEL-1", when=0),
        unloaded("REEL-1", when=70),
        started("SN-1", transaction=work, when=100),
        completed(transaction=work, when=110),
    )
    then = known_now(engine)
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {}
    with engine.begin() as connection:
        measure_clocks(connection, {"Acme.Mounter.1": timedelta(seconds=-60)})
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-1": "inferred"}
        assert as_built(connection, "SN-1") == {("SN-1", None, "REEL-1", "inferred")}
        assert carriers(connection, package="REEL-1", as_of=then) == {}


def test_paste_fills_no_designator_that_nobody_filled(engine: Engine) -> None:
    """J1 is soldered by hand, without a report. The printer says which jar it printed from."""
    planned(engine, "WO-1", {"J1": "CONN"})
    work = uuid4()
    pasted = {"UnitIdentifier": "SN-1", "Material": {"UniqueIdentifier": "JAR-1", "InternalPartNumber": "PASTE"}}
    stored(
        engine,
        loaded("P", "JAR-1", when=0),
        started("SN-1", transaction=work, order="WO-1", when=100),
        message(
            "Production.Application.MaterialsApplied",
            {"TransactionId": str(work), "AppliedMaterials": [pasted]},
            when=105,
        ),
        completed(transaction=work, when=110),
    )
    with engine.connect() as connection:
        assert as_built(connection, "SN-1") == {("SN-1", None, "JAR-1", "exact")}
        assert carriers(connection, package="JAR-1") == {"SN-1": "exact"}
