"""Paste printer: reads the panel's mark, prints paste, cleans its stencil.

Says, within a work record: IdentifiersRead (or IdentifiersNotRead, and what the operator typed),
MaterialsApplied (the paste's jar, grams a board), ToolsUsed (the stencil), UnitsProcessed (strokes,
separation); between panels StencilCleaned and a new jar.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from app.cfx.messages import Message
from app.cfx.messages.assembly import InstalledMaterial, MaterialsApplied
from app.cfx.messages.materials import MaterialsRetired
from app.cfx.messages.production import ToolsLoaded, ToolsUsed, UnitsProcessed
from app.cfx.messages.resource import StencilCleaned
from app.cfx.messages.storage import MaterialsLoaded, MaterialsUnloaded
from app.cfx.messages.structures import MaterialLocation, MaterialPackage, Tool, ToolUsed
from app.cfx.scalars import format_timespan
from stations.alone import run_alone
from stations.feeders import initialized
from stations.machine import Machine, Said, Setup, Visit
from stations.panels import Applied
from stations.program import Side
from stations.reels import Reel, Stock
from stations.scanning import read_panel

PASTE: Final = "SAC305-T4-ROL0"
_PRINTS_BETWEEN_CLEANINGS: Final = 10
_GRAMS_A_PAD: Final = 0.0006
_JAR: Final = 500  # grams


class PastePrinter(Machine):
    """A stencil printer with one jar of paste and a stencil for each side."""

    operation: ClassVar[str] = "paste_printing"
    model: ClassVar[str] = "Printer"
    reads_marks: ClassVar[bool] = True
    stock: Stock

    def __init__(self, handle: str, setup: Setup) -> None:
        super().__init__(handle, setup)
        serial = handle.rpartition(".")[2]
        self.stock = Stock(f"J{setup.run}{serial}-", self.chance)
        self._slot = f"{serial}-PASTE"
        self._jar: Reel = self.stock.reel(PASTE, "Indium", _JAR)
        self._grams = float(_JAR)
        self._prints = 0
        self._cleaned_at: datetime | None = None

    def set_up(self, now: datetime) -> list[Said]:
        """Say which paste and stencils are in the machine."""
        self._cleaned_at = now
        return [
            self.said(initialized(self.stock.issued, self.clock(now), "g"), now),
            self.said(MaterialsLoaded(materials=[self._location()]), now),
            self.said(ToolsLoaded(tools=[self._stencil(side) for side in self.program.sides]), now),
        ]

    def slots(self) -> dict[str, str]:
        """Give the place of the one jar."""
        return {self._slot: PASTE}

    def process(self, visit: Visit) -> None:
        """Read the panel's mark, print, and clean the stencil when it is due."""
        read_panel(self, visit)
        if self._grams < 0.05 * _JAR:
            self._new_jar(visit)
        visit.takes(self.seconds())
        pads = {board.position: self._print(visit, board.position) for board in visit.boards}
        visit.say(
            MaterialsApplied(
                transaction_id=visit.transaction,
                applied_materials=[
                    InstalledMaterial(
                        unit_identifier=visit.panel.identifier,
                        unit_position_number=position,
                        quantity_installed=grams,
                        quantity_non_installed=0.0,
                        material=self._package(),
                    )
                    for position, grams in pads.items()
                ],
            )
        )
        self._say_process(visit)
        self._prints += 1
        if self._prints % _PRINTS_BETWEEN_CLEANINGS == 0:
            self._clean(visit)

    def _print(self, visit: Visit, position: int) -> float:
        board = visit.panel.boards[position - 1]
        components = self.program.placed_on(visit.side)
        grams = round(sum(one.pads for one in components) * _GRAMS_A_PAD * self.chance.uniform(0.95, 1.05), 4)
        self._grams -= grams
        board.applied.append(Applied("paste", PASTE, self._jar.identifier, self._jar.lot.code, self.handle, visit.now))
        for one in components:
            if self.chance.random() < 2 * self.faults.placement_defect:
                board.poor_paste.add(one.reference_designator)
        return grams

    def _say_process(self, visit: Visit) -> None:
        stencil = self._stencil(visit.side)
        visit.say(
            ToolsUsed(
                transaction_id=visit.transaction,
                used_tools=[
                    ToolUsed(
                        unit_identifier=visit.panel.identifier,
                        unit_position_number=board.position,
                        tool=stencil,
                        usage_cycles=1,
                    )
                    for board in visit.boards
                ],
            )
        )
        visit.say(
            UnitsProcessed(
                transaction_id=visit.transaction,
                overall_result="Succeeded",
                common_process_data={
                    "$type": "CFX.Structures.SolderPastePrinting.SolderPastePrintingPCBProcessData, CFX",
                    "Strokes": [{"PrintPressure": round(self.chance.gauss(6.0, 0.05), 2), "PrintSpeed": 60.0}],
                    "Separation": {"SeparationSpeed": 3.0, "SeparationDistance": 2.0},
                    "RecipeName": self.recipe(visit.side),
                    "OffsetX": round(self.chance.gauss(0, 0.01), 3),
                    "OffsetY": round(self.chance.gauss(0, 0.01), 3),
                    "FirstPrintDirection": "forward" if self._prints % 2 else "backward",
                },
            )
        )

    def _clean(self, visit: Visit) -> None:
        since = visit.now - self._cleaned_at if self._cleaned_at else timedelta(0)
        self._cleaned_at = visit.now
        visit.say(
            StencilCleaned(
                stencil=self._stencil(visit.side),
                stencil_clean_mode="W",
                time_since_last_clean=format_timespan(since),
                cycles_since_last_clean=_PRINTS_BETWEEN_CLEANINGS,
                stencil_clean_cycles=1,
                stencil_clean_time=format_timespan(timedelta(seconds=round(0.1 * self.setup.takt, 3))),
            )
        )

    def replace(self, now: datetime) -> list[Said]:
        """Let an operator take out a jar that must not be used, and open one of another lot."""
        if self._jar.identifier not in self.blocked:
            return []
        self.stock.set_aside(self.blocked)
        return [self.said(message, now) for message in self._change_jar(self.clock(now))]

    def _new_jar(self, visit: Visit) -> None:
        old = self._package()
        for message in self._change_jar(visit.stamp):
            visit.say(message)
        visit.say(MaterialsRetired(materials=[old]))

    def _change_jar(self, at: datetime) -> list[Message]:
        old = self._jar.identifier
        self._jar, self._grams = self.stock.reel(PASTE, "Indium", _JAR), float(_JAR)
        return [
            initialized([self._jar], at, "g"),
            MaterialsUnloaded(material_package_identifiers=[old]),
            MaterialsLoaded(materials=[self._location()]),
        ]

    def _package(self) -> MaterialPackage:
        return MaterialPackage(
            unique_identifier=self._jar.identifier, internal_part_number=PASTE, quantity=round(self._grams, 3)
        )

    def _location(self) -> MaterialLocation:
        return MaterialLocation(location_identifier=self._slot, location_name="PASTE", material_package=self._package())

    def _stencil(self, side: Side) -> Tool:
        name = f"STENCIL-{self.program.name}-{self.program.revision}-{side}"
        return Tool(
            type_="CFX.Structures.SolderPastePrinting.SMTStencil, CFX",
            unique_identifier=name,
            name=name,
            cleaning_state="Cleaned",
        )


if __name__ == "__main__":
    raise SystemExit(run_alone(PastePrinter))
