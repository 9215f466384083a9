"""Solder paste inspection: measures every deposit of every pad.

Says, within a work record: UnitsInspected (method SPI) with one SolderPasteMeasurement a pad; a
deposit with too little paste fails its pad, and the board unless the operator accepts it.
"""

from typing import ClassVar, Final

from app.cfx.messages.inspection import Defect, InspectedUnit, Inspection, Measurement, UnitsInspected
from app.cfx.messages.structures import ComponentDesignator
from stations.alone import run_alone
from stations.machine import OPERATOR, Machine, Visit
from stations.panels import Board
from stations.program import Component

_MEASUREMENT: Final = "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX"
_STENCIL: Final = 0.12  # mm
_LOWEST_VOLUME: Final = 0.5  # of what is expected


class SolderPasteInspection(Machine):
    """A 3D camera over the printed panel."""

    operation: ClassVar[str] = "solder_paste_inspection"
    model: ClassVar[str] = "SPI"
    pass_time: ClassVar[float] = 0.7

    def process(self, visit: Visit) -> None:
        """Measure every pad of the side on every board."""
        visit.takes(self.seconds())
        units = [self._inspect(visit, board) for board in visit.panel.boards]
        visit.say(
            UnitsInspected(
                transaction_id=visit.transaction,
                inspection_method="SPI",
                inspector=OPERATOR if any(unit.verification for unit in units) else None,
                recipe_name=self.recipe(visit.side),
                recipe_revision=self.program.revision,
                inspected_units=units,
            )
        )

    def _inspect(self, visit: Visit, board: Board) -> InspectedUnit:
        components = self.program.placed_on(visit.side)
        measured: list[Measurement] = []
        defects: list[Defect] = []
        for component in components:
            deposits = self._deposits(component, poor=component.reference_designator in board.poor_paste)
            measured += deposits
            defects += [self._defect(component, one) for one in deposits if one.result == "Failed"]
        passed = not defects
        return InspectedUnit(
            unit_identifier=visit.panel.identifier,
            unit_position_number=board.position,
            overall_result="Passed" if passed else "Failed",
            verification=None if passed else "DefectAccepted",
            inspections=[
                Inspection(
                    unique_identifier=str(self.new_id()),
                    inspection_name=f"PASTE {visit.side}",
                    result="Passed" if passed else "Failed",
                    verification=None if passed else "DefectAccepted",
                    defects_found=defects or None,
                    measurements=measured,
                )
            ],
        )

    def _deposits(self, component: Component, *, poor: bool) -> list[Measurement]:
        small = 0.32 if component.pads > 8 else 0.5
        width, height = small, round(small * 1.2, 3)
        expected = width * height * _STENCIL
        gauss = self.chance.gauss
        found = []
        for pad in range(1, component.pads + 1):
            share = gauss(1.0, 0.06)
            if poor and pad == 1:
                share = self.chance.uniform(0.2, 0.45)
            found.append(
                Measurement(
                    type_=_MEASUREMENT,
                    x=round(gauss(width, 0.008), 3),
                    ex=width,
                    y=round(gauss(height, 0.008), 3),
                    ey=height,
                    z=round(_STENCIL * share, 4),
                    ez=_STENCIL,
                    dx=round(gauss(0, 0.012), 3),
                    dy=round(gauss(0, 0.012), 3),
                    # mm3 to ml
                    vol=round(expected * share / 1000, 9),
                    evol=round(expected / 1000, 9),
                    result="Passed" if share >= _LOWEST_VOLUME else "Failed",
                    crds=f"{component.reference_designator}.{pad}",
                )
            )
        return found

    def _defect(self, component: Component, deposit: Measurement) -> Defect:
        return Defect(
            unique_identifier=str(self.new_id()),
            defect_code="PASTE_INSUFFICIENT",
            defect_category="Solder Problems",
            description=f"Too little paste on {deposit.crds}",
            component_of_interest=ComponentDesignator(
                reference_designator=deposit.crds, part_number=component.part_number
            ),
            priority=1,
            confidence_level=95.0,
            verification="DefectAccepted",
        )


if __name__ == "__main__":
    raise SystemExit(run_alone(SolderPasteInspection))
