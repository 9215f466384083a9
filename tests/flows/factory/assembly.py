"""Final assembly: boards into assemblies, and those into larger ones; taken apart again where it must be."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.cfx.messages.assembly import InstalledMaterial, MaterialsInstalled, MaterialsUninstalled, UninstalledMaterial
from app.cfx.messages.storage import MaterialsLoaded
from app.cfx.messages.structures import InstalledComponent, MaterialPackage, UnitPosition
from tests.flows.factory.boards import Board, Certainty, Fitted, Panel, Stay
from tests.flows.factory.material import Package
from tests.flows.factory.route import Names, Station, location, material, named
from tests.flows.factory.stock import Stock

SCREW = "SCREW-M3"


@dataclass(slots=True, kw_only=True)
class AssemblyStation(Station):
    """Builds units into units, with a screw each; a child is told as a component, or as the material itself."""

    stock: Stock
    names: Names
    box: Package | None = None

    def build(self, children: Sequence[Board], at: float, *, screws: int | None = None) -> tuple[Board, float]:
        """A new assembly around these, and when it is done; with a screw a child, or as many as said."""
        since = max(at, self.free)
        box = self._box(since)
        since += 2.0
        serial = self.names.next("ASSY")
        assembly = Board(serial, serial, 0, alone=True)
        transaction = self.begin([UnitPosition(unit_identifier=serial)], serial, since)
        until = since + 30.0
        entries = [self._entry(assembly, child, number) for number, child in enumerate(children, start=1)]
        designators = [f"S{number}" for number in range(1, (screws or len(children)) + 1)]
        entries.append(
            InstalledMaterial(
                unit_identifier=serial,
                quantity_installed=float(len(designators)),
                material=material([box], None),
                installed_components=[InstalledComponent(reference_designator=name) for name in designators],
            )
        )
        self.voice.say(MaterialsInstalled(transaction_id=transaction, installed_materials=entries), until)
        for number, child in enumerate(children, start=1):
            assembly.children.append(Stay(child, f"A{number}", until))
        for name in designators:
            box.pieces -= 1
            assembly.fitted.append(Fitted(box, name, self.handle, until, Certainty.certain))
        self.end(transaction, [assembly], since, until + 1)
        return assembly, until + 1

    def fit(self, panel: Panel, at: float) -> tuple[Board, float]:
        """Build a new unit with a screw in it into one board of a panel; returns it, and when that is done."""
        module, at = self.build([], at, screws=1)
        board = self.rng.choice(panel.good)
        since = max(at, self.free)
        transaction = self.begin(named(panel, [board], serials=False), panel.identifier, since)
        told = InstalledMaterial(
            unit_identifier=panel.identifier,
            unit_position_number=board.position,
            quantity_installed=1.0,
            installed_components=[
                InstalledComponent(reference_designator="M1", installed_unit_identifier=module.serial)
            ],
        )
        until = since + 10.0
        self.voice.say(MaterialsInstalled(transaction_id=transaction, installed_materials=[told]), until)
        board.children.append(Stay(module, "M1", until))
        self.end(transaction, [board], since, until + 1)
        return module, until + 1

    def take_out(self, assembly: Board, stay: Stay, at: float) -> float:
        """Take a child out of its assembly; returns when it is done."""
        since = max(at, self.free)
        child = stay.child.serial
        transaction = self.begin([UnitPosition(unit_identifier=assembly.serial)], assembly.serial, since)
        component = InstalledComponent(reference_designator=stay.designator, installed_unit_identifier=child)
        plain = InstalledComponent(reference_designator=stay.designator)
        told = (
            UninstalledMaterial(unit_identifier=assembly.serial, uninstalled_components=[component])
            if self.rng.random() < 0.5
            else UninstalledMaterial(
                unit_identifier=assembly.serial,
                material=MaterialPackage(unique_identifier=child),
                uninstalled_components=[plain],
            )
        )
        self.voice.say(MaterialsUninstalled(transaction_id=transaction, uninstalled_materials=[told]), since + 5)
        stay.until = since + 5
        self.end(transaction, [assembly], since, since + 6)
        return since + 6

    def _entry(self, assembly: Board, child: Board, number: int) -> InstalledMaterial:
        as_material = self.rng.random() < 0.5
        return InstalledMaterial(
            unit_identifier=assembly.serial,
            quantity_installed=1.0,
            material=MaterialPackage(
                unique_identifier=child.serial if as_material else None, internal_part_number="PCBA"
            ),
            installed_components=[
                InstalledComponent(
                    reference_designator=f"A{number}",
                    installed_unit_identifier=None if as_material else child.serial,
                )
            ],
        )

    def _box(self, at: float) -> Package:
        if self.box is None or self.box.pieces < 4:
            if self.box is not None:
                self.gone(self.box, at)
            self.box = self.stock.draw(SCREW, 50, at)
            self.voice.say(MaterialsLoaded(materials=[location("SCREWS", "SCREWS", [self.box])]), at + 1)
            self.received(self.box, at + 1)
        return self.box
