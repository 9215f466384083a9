"""Hand assembly: a person fits the through-hole parts, and those no machine was told about.

Says: OperatorActivated at the start of a shift, and within the work record one MaterialsInstalled
with an entry for every position and bin. A bin that runs empty is replaced between two parts, so a
panel may carry parts of two.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.cfx.messages.assembly import InstalledMaterial, MaterialsInstalled
from app.cfx.messages.materials import MaterialsRetired
from app.cfx.messages.production import OperatorActivated
from app.cfx.messages.storage import MaterialsLoaded, MaterialsUnloaded
from app.cfx.messages.structures import (
    InstalledComponent,
    MaterialCarrierLocation,
    MaterialLocation,
    MaterialPackage,
)
from stations.alone import run_alone
from stations.feeders import initialized
from stations.machine import OPERATOR, Machine, Said, Setup, Visit
from stations.panels import Board, Fit
from stations.program import Component
from stations.reels import Reel, Stock


@dataclass(slots=True)
class _Bin:
    """A bin on the bench, and the label the person scanned when it was put there."""

    name: str
    reel: Reel
    scanned: str
    count: int

    def package(self) -> MaterialPackage:
        return MaterialPackage(
            unique_identifier=self.scanned,
            internal_part_number=self.reel.lot.part_number,
            quantity=float(self.count),
        )


class HandAssembly(Machine):
    """A bench with bins and a screen that shows what goes where."""

    operation: ClassVar[str] = "hand_assembly"
    model: ClassVar[str] = "Bench"
    stock: Stock

    def __init__(self, handle: str, setup: Setup) -> None:
        super().__init__(handle, setup)
        self._serial = handle.rpartition(".")[2]
        self.stock = Stock(f"B{setup.run}{self._serial}-", self.chance, bad_lot=setup.bad_lot)
        self._parts = self.program.by_hand()
        self._makers = {one.part_number: one.manufacturer for one in self._parts}
        self._bins = {
            part_number: self._bin(f"BIN{number}", part_number)
            for number, part_number in enumerate(self._makers, start=1)
        }

    def _bin(self, name: str, part_number: str) -> _Bin:
        quantity = round(self.setup.boards_per_panel * self.chance.uniform(5, 12)) + 1
        reel = self.stock.reel(part_number, self._makers[part_number], quantity)
        return _Bin(name, reel, reel.identifier, quantity)

    def set_up(self, now: datetime) -> list[Said]:
        """Say who works here and what lies in the bins."""
        said = [self.said(OperatorActivated(operator=OPERATOR), now)]
        if self._bins:
            said += [
                self.said(initialized(self.stock.issued, self.clock(now)), now),
                self.said(MaterialsLoaded(materials=[self._location(one) for one in self._bins.values()]), now),
            ]
        return said

    def slots(self) -> dict[str, str]:
        """Give the part of each bin."""
        return {self._place(one): part_number for part_number, one in self._bins.items()}

    def _place(self, one: _Bin) -> str:
        return f"{self._serial}-{one.name}"

    def _location(self, one: _Bin) -> MaterialLocation:
        return MaterialLocation(
            location_identifier=self._place(one),
            location_name=one.name,
            material_package=one.package(),
        )

    def replace(self, now: datetime) -> list[Said]:
        """Let the person at the bench empty bins of what must not be used, and fill them anew."""
        said: list[Said] = []
        for one in list(self._bins.values()):
            if one.scanned in self.blocked:
                self.stock.set_aside(self.blocked)
                fresh = self._bins[one.reel.lot.part_number] = self._bin(one.name, one.reel.lot.part_number)
                said += [
                    self.said(initialized([fresh.reel], self.clock(now)), now),
                    self.said(MaterialsUnloaded(material_package_identifiers=[one.scanned]), now),
                    self.said(MaterialsLoaded(materials=[self._location(fresh)]), now),
                ]
        return said

    def process(self, visit: Visit) -> None:
        """Fit every hand part on every board."""
        seconds = self.seconds()
        count = max(1, len(self._parts) * len(visit.boards))
        entries: dict[tuple[int, str], tuple[_Bin, MaterialPackage, list[InstalledComponent]]] = {}
        for board in visit.boards:
            for component in self._parts:
                visit.takes(seconds / count)
                self._fit(visit, board, component, entries)
        if entries:
            visit.say(
                MaterialsInstalled(
                    transaction_id=visit.transaction,
                    installed_materials=[
                        InstalledMaterial(
                            unit_identifier=visit.panel.identifier,
                            unit_position_number=position,
                            quantity_installed=float(len(installed)),
                            quantity_non_installed=0.0,
                            material=package,
                            carrier_location=MaterialCarrierLocation(
                                location_identifier=self._place(one), location_name=one.name
                            ),
                            installed_components=installed,
                        )
                        for (position, _), (one, package, installed) in entries.items()
                    ],
                )
            )

    def _fit(
        self,
        visit: Visit,
        board: Board,
        component: Component,
        entries: dict[tuple[int, str], tuple[_Bin, MaterialPackage, list[InstalledComponent]]],
    ) -> None:
        one = self._bins[component.part_number]
        if one.count == 0:
            one = self._replace(visit, one)
        part = self.stock.part(one.reel)
        one.count -= 1
        board.fits.append(Fit(component.reference_designator, part, self.handle, visit.side, visit.now, "placed"))
        key = board.position, one.scanned
        _, _, installed = entries.setdefault(key, (one, one.package(), []))
        installed.append(
            InstalledComponent(reference_designator=component.reference_designator, installation_time=visit.stamp)
        )

    def _replace(self, visit: Visit, old: _Bin) -> _Bin:
        visit.say(MaterialsRetired(materials=[old.package()]))
        fresh = self._bins[old.reel.lot.part_number] = self._bin(old.name, old.reel.lot.part_number)
        visit.say(initialized([fresh.reel], visit.stamp))
        visit.say(MaterialsLoaded(materials=[self._location(fresh)]))
        return fresh


if __name__ == "__main__":
    raise SystemExit(run_alone(HandAssembly))
