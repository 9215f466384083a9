"""Solder paste inspection: measures every deposit of every pad.

Says, within a work record: UnitsInspected (method SPI) with one SolderPasteMeasurement a pad; a
deposit with too little paste fails its pad, and the board unless the operator accepts it.
"""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from app.cfx.messages.inspection import Defect, InspectedUnit, Inspection, Measurement, UnitsInspected
from app.cfx.messages.structures import ComponentDesignator
from stations.alone import run_alone
from stations.machine import OPERATOR, Machine, Visit
from stations.panels import Board
from stations.program import Component

Noise = NDArray[np.float64]

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
        units = [self._inspect(visit, board) for board in visit.boards]
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
        noise = np.random.default_rng(self.chance.getrandbits(64))
        for component in components:
            pads = noise.standard_normal((component.pads, 5))
            deposits = self._deposits(component, pads, poor=component.reference_designator in board.poor_paste)
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

    def _deposits(self, component: Component, noise: Noise, *, poor: bool) -> list[Measurement]:
        """Measure one part's deposits; `noise` holds five standard normal numbers a pad."""
        width = 0.32 if component.pads > 8 else 0.5
        height = round(width * 1.2, 3)
        expected = width * height * _STENCIL
        found = []
        for pad, (spread, x, y, dx, dy) in enumerate(noise.tolist(), start=1):
            share = 1 + 0.06 * spread
            if poor and pad == 1:
                share = self.chance.uniform(0.2, 0.45)
            found.append(
                Measurement(
                    type_=_MEASUREMENT,
                    x=round(width + 0.008 * x, 3),
                    ex=width,
                    y=round(height + 0.008 * y, 3),
                    ey=height,
                    z=round(_STENCIL * share, 4),
                    ez=_STENCIL,
                    dx=round(0.012 * dx, 3),
                    dy=round(0.012 * dy, 3),
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
