"""Where-used by what was done: with which tool, under which recipe, by whom, where and when."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Invalid, NotFound
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, stream_where_used
from tests.containment.stories import contain, held
from tests.inbox.messages import STATION, at, completed, entry, initialized, installed, message, started, stored

PRINTER, TESTER = "Acme.Printer.1", "Acme.Tester.1"


def answer(engine: Engine, **terms: Any) -> list[CarryingUnit]:
    with engine.connect() as connection:
        return list(stream_where_used(connection, Question(**terms)))


def serials(engine: Engine, **terms: Any) -> list[str]:
    return [unit.serial for unit in answer(engine, **terms)]


def used(tool: str, *units: str | None, transaction: UUID | None = None, **envelope: Any) -> bytes:
    """`ToolsUsed`."""
    body: dict[str, Any] = {"TransactionId": str(transaction)} if transaction else {}
    body["UsedTools"] = [
        {"Tool": {"UniqueIdentifier": tool}} | ({"UnitIdentifier": unit} if unit else {}) for unit in units
    ]
    return message("Production.ToolsUsed", body, **envelope)


def changed(new: str, *, old: str | None = None, **envelope: Any) -> bytes:
    """`ToolChanged`."""
    body = {"NewTool": {"UniqueIdentifier": new}} | ({"OldTool": {"UniqueIdentifier": old}} if old else {})
    return message("ResourcePerformance.ToolChanged", body, **envelope)


def operator(name: str, *, active: bool, **envelope: Any) -> bytes:
    """`OperatorActivated` or `OperatorDeactivated`."""
    kind = "OperatorActivated" if active else "OperatorDeactivated"
    return message(f"Production.{kind}", {"Operator": {"OperatorIdentifier": name, "ActorType": "Human"}}, **envelope)


def worked(serial: str, *, start: float, end: float, source: str = STATION, **more: Any) -> list[bytes]:
    work = uuid4()
    return [
        started(serial, transaction=work, when=start, source=source, **more),
        completed(serial, transaction=work, when=end, source=source),
    ]


def test_a_tool_leads_to_the_units_it_touched(engine: Engine) -> None:
    stored(
        engine,
        used("STENCIL-7", "SN-1", when=10, source=PRINTER),
        used("STENCIL-8", "SN-2", when=20, source=PRINTER),
        used("STENCIL-7", "SN-3", when=30, source="Acme.Printer.2"),
    )
    first, second = answer(engine, tool="STENCIL-7")
    assert (first.serial, first.evidence.value, second.serial) == ("SN-1", "exact", "SN-3")
    assert first.reason == "Acme.Printer.1 used the tool on it, 2026-11-20 06:00:10 UTC."


def test_a_tool_at_a_station_within_a_time(engine: Engine) -> None:
    stored(engine, *(used("STENCIL-7", f"SN-{n}", when=10 * n, source=PRINTER) for n in range(1, 6)))
    stored(engine, used("STENCIL-7", "SN-9", when=25, source="Acme.Printer.2"))
    assert serials(engine, tool="STENCIL-7", station=PRINTER, since=at(20), until=at(40)) == ["SN-2", "SN-3", "SN-4"]


def test_a_tool_used_on_a_panel_touched_all_its_boards(engine: Engine) -> None:
    stored(engine, initialized("PNL", ("B-1", 1), ("B-2", 2)), used("STENCIL-7", "PNL", when=10, source=PRINTER))
    assert {(unit.serial, unit.evidence.value) for unit in answer(engine, tool="STENCIL-7")} == {
        ("B-1", "exact"),
        ("B-2", "exact"),
    }


def test_a_tool_told_by_its_work_touched_what_was_worked_on(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        started("SN-1", transaction=work, source=TESTER),
        used("ADAPTER-3", None, transaction=work, when=5, source=TESTER),
    )
    assert serials(engine, tool="ADAPTER-3") == ["SN-1"]


def test_a_touched_unit_leads_to_the_assembly_around_it(engine: Engine) -> None:
    stored(engine, used("TORQUE-1", "SN-CHILD", when=10))
    built = entry("SN-BOX", None, children=[("A1", "SN-CHILD")], part_number="CHILD")
    stored(engine, installed(built, transaction=uuid4(), when=20, source="Acme.Box.1"))
    child, box = answer(engine, tool="TORQUE-1")
    assert (child.serial, box.serial, box.via) == ("SN-CHILD", "SN-BOX", "SN-CHILD")


def test_a_recipe_and_its_revision(engine: Engine) -> None:
    stored(engine, *worked("SN-1", start=0, end=9, recipe="TOP-A"), *worked("SN-2", start=10, end=19, recipe="TOP-B"))
    assert serials(engine, recipe="TOP-A") == ["SN-1"]
    with pytest.raises(NotFound, match="No recipe TOP-A revision 2 is known here"):
        answer(engine, recipe="TOP-A", recipe_revision="2")


def test_an_operator_may_have_touched_what_was_worked_on_while_logged_in(engine: Engine) -> None:
    stored(
        engine,
        *worked("SN-BEFORE", start=0, end=9),
        *worked("SN-DURING", start=5, end=25),
        operator("ann", active=True, when=15),
        operator("bob", active=True, when=16),
        *worked("SN-INSIDE", start=30, end=39),
        operator("ann", active=False, when=40),
        *worked("SN-AFTER", start=50, end=59),
        *worked("SN-ELSEWHERE", start=30, end=39, source=TESTER),
    )
    found = answer(engine, operator="ann")
    assert {unit.serial: unit.evidence.value for unit in found} == {"SN-DURING": "inferred", "SN-INSIDE": "inferred"}
    assert "ann was logged in at Acme.Mounter.1 while it was worked on there, 2026-11-20 06:00:30 UTC." in {
        unit.reason for unit in found
    }
    assert set(serials(engine, operator="bob")) == {"SN-DURING", "SN-INSIDE", "SN-AFTER"}, "bob never logged out"


def test_an_operator_named_for_a_unit_is_certain(engine: Engine) -> None:
    inspection = {
        "InspectionMethod": "Human",
        "Inspector": {"OperatorIdentifier": "ann"},
        "InspectedUnits": [{"UnitIdentifier": "SN-1", "OverallResult": "Passed", "Inspections": []}],
    }
    repair = {"RepairOperator": {"LoginName": "ann"}, "RepairedUnits": [{"UnitIdentifier": "SN-2"}]}
    stored(
        engine,
        operator("ann", active=True, when=0, source=TESTER),
        *worked("SN-1", start=5, end=15, source=TESTER),
        message("Production.TestAndInspection.UnitsInspected", inspection, when=10, source=TESTER),
        message("Production.ReworkAndRepair.UnitsRepaired", repair, when=20, source="Acme.Repair.1"),
    )
    first, second = answer(engine, operator="ann")
    assert (first.serial, first.evidence.value) == ("SN-1", "exact")
    assert first.reason == "ann inspected it at Acme.Tester.1, 2026-11-20 06:00:10 UTC."
    assert (second.serial, second.reason[:29]) == ("SN-2", "ann repaired it at Acme.Repai")


def test_what_was_known_then_is_answered_then(engine: Engine) -> None:
    stored(engine, used("STENCIL-7", "SN-1"))
    with engine.connect() as connection:
        between = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    stored(engine, used("STENCIL-7", "SN-2"))
    assert serials(engine, tool="STENCIL-7") == ["SN-1", "SN-2"]
    assert serials(engine, tool="STENCIL-7", as_of=between) == ["SN-1"]


@pytest.mark.parametrize(
    "terms",
    [
        {"tool": "T", "serial": "SN"},
        {"recipe_revision": "2"},
        {"recipe_revision": "2", "tool": "T"},
    ],
)
def test_terms_that_do_not_go_together_are_refused(terms: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        Question(**terms)  # type: ignore[arg-type]


@pytest.mark.parametrize("term", ["tool", "recipe", "operator"])
def test_what_nobody_named_is_not_known(engine: Engine, term: str) -> None:
    with pytest.raises(NotFound, match=r"No .* nothing is known here"):
        answer(engine, **{term: "nothing"})


def test_a_tool_that_was_loaded_may_have_touched_what_was_worked_on_meanwhile(engine: Engine) -> None:
    stored(
        engine,
        *worked("SN-0", start=0, end=5, source=PRINTER),
        changed("ST-1", when=8, source=PRINTER),
        *worked("SN-1", start=10, end=20, source=PRINTER),
        *worked("SN-2", start=10, end=20, source=TESTER),
        *worked("SN-3", start=30, end=40, source=PRINTER),
        used("ST-1", "SN-3", when=35, source=PRINTER),
        *worked("SN-4", start=50, end=60, source=PRINTER),
        used("ST-2", "SN-4", when=55, source=PRINTER),
        changed("ST-2", old="ST-1", when=70, source=PRINTER),
        *worked("SN-5", start=80, end=90, source=PRINTER),
    )
    with engine.begin() as connection:
        connection.execute(text("UPDATE tool SET kind = 'stencil'"))
    told = {unit.serial: (unit.evidence.value, unit.reason) for unit in answer(engine, tool="ST-1")}
    assert {serial: evidence for serial, (evidence, _) in told.items()} == {"SN-1": "inferred", "SN-3": "exact"}
    assert told["SN-1"][1].startswith(f"{PRINTER} worked on it while ST-1 was loaded there, ")


def test_such_a_tool_can_be_contained(engine: Engine) -> None:
    stored(engine, changed("ST-1", when=1, source=PRINTER), *worked("SN-1", start=10, end=20, source=PRINTER))
    contain(engine, tool="ST-1")
    assert held(engine, "SN-1")
