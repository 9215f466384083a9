"""One story of two panels, a reused carrier, reels and rework: every kind of fact, told in about forty messages.

What a message says stands in it: nothing depends on the order of arrival. Within the story, later means a later
`TimeStamp`.
"""

from typing import Any
from uuid import UUID

from tests.inbox.messages import (
    at,
    completed,
    entry,
    initialized,
    installed,
    message,
    positions,
    received,
    started,
    uninstalled,
)

MOUNTER, OVEN, AOI, BENCH = "Acme.Mounter.1", "Hot.Oven.9", "Eye.AOI.3", "Birthmark.Bench.1"
PLACED, PLACED_TOO, BAKED, CARRIED, LOOKED_AT, TESTED, BUILT, TOP, BOTTOM, HALF = (
    UUID(int=(7 << 120) + n) for n in range(1, 11)
)


def told() -> list[bytes]:
    """The messages in the order of what they tell."""
    numbered = iter(range(1, 1000))

    def key() -> UUID:
        return UUID(int=(9 << 120) + next(numbered))

    def say(build: Any, *words: Any, **more: Any) -> bytes:
        return bytes(build(*words, unique_id=key(), **more))

    def of(transaction: UUID, **members: Any) -> dict[str, Any]:
        return {"TransactionId": str(transaction), **members}

    reel_1: dict[str, Any] = {"slot": "M1.F.1", "part_number": "R0603-10K"}
    reel_2: dict[str, Any] = {"slot": "M1.F.2", "part_number": "C0402-100N"}
    reels = (("REEL-1", "R0603-10K", "LOT-A"), ("REEL-2", "C0402-100N", None))
    return [
        # Reels come, are described better later, are cut, spliced, loaded, used up.
        say(received, *reels, when=0),
        say(received, ("REEL-2", "C0402-100N", "LOT-B"), ("REEL-3", "R0603-10K", "LOT-C"), when=1, source=BENCH),
        say(message, "Materials.Management.MaterialsSplit", {
            "SourceMaterialPackageIdentifier": "REEL-3", "NewMaterialPackageIdentifier": "REEL-3-CUT",
            "NewMaterialPackageQuantity": 400.0}, when=2),
        say(message, "Materials.Management.MaterialsJoined", {
            "LeadingMaterialPackage": {"UniqueIdentifier": "REEL-1"},
            "TrailingMaterialPackage": {"UniqueIdentifier": "REEL-3-CUT", "Quantity": 400.0}}, when=3),
        say(message, "Materials.Storage.MaterialsLoaded", {"Materials": [
            {"LocationIdentifier": "M1.F.1", "MaterialPackage": {"UniqueIdentifier": "REEL-1"}},
            {"LocationIdentifier": "M1.F.2", "MaterialPackage": {"UniqueIdentifier": "REEL-2"}}]}, when=4),
        say(message, "Materials.Storage.SplicePointDetected", {
            "NewlyActiveMaterial": {"LocationIdentifier": "M1.F.1",
                                    "MaterialPackage": {"UniqueIdentifier": "REEL-3-CUT"}},
            "DepletedMaterial": {"LocationIdentifier": "M1.F.1",
                                 "MaterialPackage": {"UniqueIdentifier": "REEL-1"}}}, when=31),
        say(message, "Materials.Storage.MaterialsUnloaded",
            {"MaterialPackageIdentifiers": ["REEL-2"]}, when=90),
        # A panel of two boards.
        say(initialized, "PANEL-1", ("SN-11", 1), ("SN-12", 2), order="WO-1", when=10, source="Mark.Laser.1"),
        say(message, "Production.UnitsArrived", {"PrimaryIdentifier": "PANEL-1", "Lane": 1}, when=20),
        say(started, ("PANEL-1", 1), ("PANEL-1", 2), transaction=PLACED, recipe="top", order="WO-1", when=21),
        say(message, "Production.WorkStageStarted", of(PLACED, Stage={"StageName": "A", "StageSequence": 1}), when=22),
        say(installed, entry("PANEL-1", "REEL-1", ["R1", "R2"], position=1, rejected=["R2"], **reel_1),
            entry("PANEL-1", "REEL-1", ["R1"], position=2, **reel_1),
            entry("PANEL-1", "REEL-3-CUT", ["R2"], position=2, **reel_1),
            entry("PANEL-1", "REEL-2", ["C1"], position=1, **reel_2),
            entry("PANEL-1", "REEL-2", ["C1"], position=2, **reel_2), transaction=PLACED, when=40),
        say(message, "Production.ToolsUsed", of(PLACED, UsedTools=[{"Tool": {"UniqueIdentifier": "NOZZLE-7"}}]),
            when=41),
        say(completed, transaction=PLACED, when=42),
        say(completed, transaction=PLACED, result="Aborted", when=41.5),
        say(started, ("PANEL-1", 1), ("PANEL-1", 2), transaction=PLACED, recipe="top", order="WO-1", when=21.5),
        say(message, "Production.UnitsDeparted", {"PrimaryIdentifier": "PANEL-1"}, when=43),
        # The second panel: nobody named its boards to the mounter, only the transaction does.
        say(started, "SN-21", "SN-22", transaction=PLACED_TOO, when=50),
        say(installed, entry(None, "REEL-3-CUT", ["R1", "R2"], **reel_1), entry(None, "REEL-2", ["C1"], **reel_2),
            transaction=PLACED_TOO, when=60),
        say(message, "Production.Application.MaterialsApplied",
            of(PLACED_TOO, AppliedMaterials=[{"Material": {"UniqueIdentifier": "PASTE-1"}}]), when=61),
        say(uninstalled, None, ["C1"], package="REEL-2", transaction=PLACED_TOO, when=62),
        say(completed, "SN-21", "SN-22", transaction=PLACED_TOO, when=63),
        say(initialized, "PANEL-2", ("SN-21", 1), ("SN-22", 2), order="WO-2", when=70, source="Mark.Laser.1"),
        # Both through the oven on one carrier, one after the other.
        say(message, "Production.UnitsArrived",
            {"PrimaryIdentifier": "CARRIER-1", "Units": positions([("SN-11", 1)])}, when=100, source=OVEN),
        say(started, ("CARRIER-1", 1), transaction=BAKED, when=101, source=OVEN),
        say(message, "Production.Processing.UnitsProcessed", of(BAKED, UnitProcessData=[
            {"UnitIdentifier": "CARRIER-1"}]), when=102, source=OVEN),
        say(message, "Production.UnitsArrived",
            {"PrimaryIdentifier": "CARRIER-1", "Units": positions([("SN-21", 1)])}, when=200, source=OVEN),
        say(started, ("CARRIER-1", 1), transaction=CARRIED, when=201, source=OVEN),
        say(message, "Production.Processing.UnitsProcessed", of(CARRIED, UnitProcessData=[]), when=202, source=OVEN),
        say(completed, transaction=CARRIED, when=203, source=OVEN),
        # Inspected without a name, tested with one, repaired.
        say(started, ("PANEL-1", 2), transaction=LOOKED_AT, order="WO-1", when=300, source=AOI),
        say(message, "Production.TestAndInspection.UnitsInspected", of(LOOKED_AT, InspectedUnits=[
            {"UnitPositionNumber": 2, "OverallResult": "Failed", "Inspections": [
                {"InspectionName": "joints", "Result": "Failed", "DefectsFound": [{"DefectCode": "BRIDGE"}],
                 "Measurements": [{"$type": "CFX.Structures.NumericMeasurement, CFX", "MeasurementName": "H",
                                   "Result": "Failed", "MeasuredValue": {"Value": 1.5, "ValueUnits": "mm"}}]}]}]),
            when=301, source=AOI),
        say(message, "Production.TestAndInspection.UnitsTested", of(TESTED, TestMethod="FunctionalTest", TestedUnits=[
            {"UnitIdentifier": "SN-12", "OverallResult": "Passed", "Tests": []}]), when=302, source=AOI),
        say(completed, transaction=LOOKED_AT, result="Failed", when=303, source=AOI),
        say(message, "Production.ReworkAndRepair.UnitsRepaired", {"RepairedUnits": [{"UnitIdentifier": "SN-12"}]},
            when=310, source=BENCH),
        say(uninstalled, "SN-12", ["R2"], when=311, source=BENCH),
        say(installed, entry("SN-12", "REEL-9", ["R2"], slot=None), when=312, source=BENCH),
        # Box build: children by identifier and as a material, one taken out again.
        say(started, "BOX-1", transaction=BUILT, order="WO-9", when=400, source=BENCH),
        say(installed, entry(None, None, children=[("U1", "SN-11"), ("U2", "SN-12")], slot=None),
            entry(None, "SN-22", ["U3"], slot=None), transaction=BUILT, when=401, source=BENCH),
        say(uninstalled, None, children=[("U2", "SN-12")], transaction=BUILT, when=402, source=BENCH),
        say(message, "Production.Assembly.UnitsPersonalized", {"PersonalizedUnits": [
            {"UnitIdentifier": "BOX-1", "Characteristics": [{"Name": "firmware", "Value": "1.4.2"}]}]},
            when=403, source=BENCH),
        say(message, "Production.UnitsDisqualified", {"PrimaryIdentifier": "SN-22", "Reason": "Scrap"}, when=404),
        # Nobody initialized SN-31: its order is the one it was started under first, not the one told first.
        say(started, "SN-31", transaction=TOP, order="WO-3", when=500),
        say(started, "SN-31", transaction=BOTTOM, order="WO-4", when=510, source=OVEN),
        # One of two boards came to its end; what the transaction did, it did to both.
        say(started, "SN-41", "SN-42", transaction=HALF, when=520),
        say(installed, entry(None, "REEL-1", ["R1"], **reel_1), transaction=HALF, when=521),
        say(completed, "SN-41", transaction=HALF, when=522),
        # What decides whether reels and tools may be used.
        say(message, "Materials.Management.MSDManagement.MaterialsOpened", {"Materials": [
            {"UniqueIdentifier": "REEL-2", "MaterialData": {"MSDLevel": "MSL3"}}]}, when=3.5),
        say(message, "Materials.Management.MSDManagement.MaterialsPlacedInDryStorage", {"Materials": [
            {"UniqueIdentifier": "REEL-2"}]}, when=500, source=BENCH),
        say(message, "Production.ToolsLoaded", {"Tools": [{"UniqueIdentifier": "NOZZLE-7"}]}, when=2),
        say(message, "ResourcePerformance.SolderPastePrinting.StencilCleaned", {
            "Stencil": {"UniqueIdentifier": "STENCIL-1"}}, when=30),
        # Stations of themselves.
        say(message, "ResourcePerformance.StationStateChanged", {"OldState": 2200, "NewState": "1100"}, when=5),
        say(message, "Heartbeat", {"CFXHandle": OVEN}, when=6, source=OVEN),
    ]  # fmt: skip


STORY_ENDS = at(404)
