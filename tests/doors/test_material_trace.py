"""Balance, level and deviations over REST: what is answered, to whom, and in which shape."""

import csv
import io
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.doors.conftest import Ask
from tests.doors.story import address
from tests.inbox.messages import entry, initialized, installed, message, stored
from tests.trace.bills import planned
from tests.trace.reels import described, empty


@pytest.fixture
def order(engine: Engine) -> str:
    """SN-1 and SN-2, each with an approved alternate at C1; R1 of SN-2 is wrong. P 1/+ lost nine of ten pieces."""
    planned(engine, "WO/7", {"R1": "10K", "C1": "100n"}, approved={"100n": "100n-B"}, customer="Acme")
    reel = described("P 1/+", initial=10, InternalPartNumber="10K")
    stored(engine, reel, initialized(None, "SN-1", "SN-2", order="WO/7"))
    for serial, package, part in (("SN-1", "P 1/+", "10K"), ("SN-2", "P-2", "22K")):
        resistor = entry(serial, package, ["R1"], part_number=part)
        capacitor = entry(serial, "P-3", ["C1"], part_number="100n-B", slot="M1.F.2")
        stored(engine, installed(resistor, capacitor, transaction=uuid4(), when=10))
    stored(engine, empty("P 1/+", when=90))
    return "WO/7"


def test_a_balance_names_its_figures_and_findings(admin: TestClient, order: str) -> None:
    told = admin.get(address("trace/balance", package="P 1/+")).json()
    assert (told["received"], told["placed"], told["rejected"]) == (
        10,
        {"at_least": 1, "at_most": 1},
        {"at_least": 0, "at_most": 0},
    )
    assert told["gap"] == {"at_least": 9, "at_most": 9}
    assert told["remaining"]["says"] == "Acme.Mounter.1 said that it ran empty"
    assert told["stations"] == {"Acme.Mounter.1": {"at_least": 1, "at_most": 1}}
    [finding] = told["findings"]
    assert (finding["code"], finding["figures"]["missing"]) == ("missing_trace", 9)
    unknown = admin.get(address("trace/balance", package="nope"))
    assert (unknown.status_code, "nope" in unknown.json()["detail"]) == (404, True)


def test_suspicious_packages_stream(admin: TestClient, order: str) -> None:
    [found] = admin.get("/api/v1/trace/suspicious-packages").json()["findings"]
    assert (found["package"], found["code"]) == ("P 1/+", "missing_trace")
    assert admin.get("/api/v1/trace/suspicious-packages?tolerance=0.9").json() == {"findings": []}
    table = admin.get("/api/v1/trace/suspicious-packages", headers={"Accept": "text/csv"})
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["package"], row["code"]) == ("P 1/+", "missing_trace")
    assert admin.get("/api/v1/trace/suspicious-packages?tolerance=2").status_code == 422


def test_a_level_says_what_is_missing(admin: TestClient, order: str, engine: Engine) -> None:
    told = admin.get(address("trace/level", serial="SN-1")).json()
    assert (told["level"], told["missing"], told["exact"], told["by_bill"]) == (4, [], 2, True)
    stored(engine, initialized(None, "SN-3", order="WO/7"))
    lower = admin.get(address("trace/level", serial="SN-3")).json()
    assert (lower["level"], lower["without"]) == (2, 2)
    assert lower["missing"] == [
        "No package of 100n is recorded for this unit at C1.",
        "No package of 10K is recorded for this unit at R1.",
    ]


def test_deviations_of_a_unit_and_of_its_order(admin: TestClient, order: str) -> None:
    unit = admin.get(address("trace/deviations", serial="SN-2")).json()
    [deviation], [alternate] = unit["deviations"], unit["alternates"]
    assert (deviation["reference_designator"], deviation["verdict"]) == ("R1", "not_approved")
    assert (alternate["reference_designator"], alternate["part_number"]) == ("C1", "100n-B")
    whole = admin.get(address("trace/deviations", work_order=order)).json()
    assert [(one["verdict"], one["units"]) for one in (*whole["deviations"], *whole["alternates"])] == [
        ("not_approved", 1),
        ("alternate", 2),
    ]
    table = admin.get(address("trace/deviations", work_order=order), headers={"Accept": "text/csv"})
    assert {row["reference_designator"] for row in csv.DictReader(io.StringIO(table.text))} == {"C1", "R1"}
    for query in ("", "?serial=SN-1&work_order=WO/7"):
        assert admin.get(f"/api/v1/trace/deviations{query}").status_code == 422


def test_a_customer_sees_their_units_and_no_balance(ask: Ask, order: str) -> None:
    acme, other = ask("customer", customer="Acme"), ask("customer", customer="Initech")
    for path, asked in (
        ("trace/level", {"serial": "SN-1"}),
        ("trace/deviations", {"serial": "SN-1"}),
        ("trace/deviations", {"work_order": order}),
    ):
        assert acme.get(address(path, **asked)).status_code == 200
        assert other.get(address(path, **asked)).status_code == 404
    assert acme.get(address("trace/balance", package="P 1/+")).status_code == 403
    assert acme.get("/api/v1/trace/suspicious-packages").status_code == 403


def test_where_used_by_tool_and_operator(ask: Ask, admin: TestClient, order: str, engine: Engine) -> None:
    tools = {"UsedTools": [{"UnitIdentifier": "SN-1", "Tool": {"UniqueIdentifier": "STENCIL 7"}}]}
    repair = {"RepairOperator": {"OperatorIdentifier": "ann"}, "RepairedUnits": [{"UnitIdentifier": "SN-2"}]}
    stored(
        engine,
        message("Production.ToolsUsed", tools, when=1, source="Acme.Printer.1"),
        message("Production.ReworkAndRepair.UnitsRepaired", repair, when=99, source="Acme.Repair.1"),
    )
    acme = ask("customer", customer="Acme")

    def units(asking: TestClient, **terms: str) -> list[tuple[str, str]]:
        found = asking.get(address("trace/where-used", **terms)).json()["units"]
        return [(unit["serial"], unit["evidence"]) for unit in found]

    assert units(admin, tool="STENCIL 7", station="Acme.Printer.1") == [("SN-1", "exact")]
    assert units(admin, operator="ann") == [("SN-2", "exact")]
    assert units(acme, tool="STENCIL 7") == [("SN-1", "exact")]
    for accept in ("application/json", "text/csv"):
        asked = acme.get(address("trace/where-used", operator="ann"), headers={"Accept": accept})
        assert asked.status_code == 403, "who worked where is the factory's own affair"
