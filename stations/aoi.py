"""Automated optical inspection: looks at every part of the side, and a person at what it found.

Says, within a work record: UnitsInspected (method AOI) after the person's verdict: a board with a
false call is Failed by the machine and DefectRejected by the person; a real flaw is
DefectConfirmed and sends the board to repair. Passed parts are counted, not listed.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.cfx.messages.inspection import Defect, InspectedUnit, Inspection, UnitsInspected
from app.cfx.messages.structures import ComponentDesignator
from stations.alone import run_alone
from stations.machine import OPERATOR, Machine, Visit
from stations.panels import Board
from stations.program import Component

_CODES: Final = {
    "tombstone": ("TOMBSTONE", "Component Problems"),
    "shifted": ("COMPONENT_SHIFT", "Component Problems"),
    "missing lead contact": ("LEAD_LIFTED", "Solder Problems"),
    "open joint": ("SOLDER_OPEN", "Solder Problems"),
}
_FALSE_CALL: Final = ("SOLDER_INSUFFICIENT", "Solder Problems")
_SEES: Final = 0.97


class OpticalInspection(Machine):
    """A camera from above, and a review screen."""

    operation: ClassVar[str] = "optical_inspection"
    model: ClassVar[str] = "AOI"
    method: ClassVar[str] = "AOI"
    pass_time: ClassVar[float] = 0.75

    def looks_at(self, visit: Visit) -> list[Component]:
        """Give the parts this inspection can judge: those of the side that show their joints."""
        return self.program.placed_on(visit.side)

    def sees(self, component: Component, flaw: str) -> bool:
        """Whether the machine finds a flaw that is there."""
        hidden = component.bottom_terminated and flaw == "open joint"
        return not hidden and self.chance.random() < _SEES

    def process(self, visit: Visit) -> None:
        """Inspect every board, have the findings reviewed, and say what remained."""
        visit.takes(self.seconds())
        components = self.looks_at(visit)
        units = [self._inspect(visit, board, components) for board in visit.boards]
        reviewed = any(unit.verification for unit in units)
        if reviewed:
            visit.takes(0.15 * self.setup.takt)
        visit.say(
            UnitsInspected(
                transaction_id=visit.transaction,
                inspection_method=self.method,
                inspector=OPERATOR if reviewed else None,
                recipe_name=self.recipe(visit.side),
                recipe_revision=self.program.revision,
                inspected_units=units,
            )
        )

    def _inspect(self, visit: Visit, board: Board, components: list[Component]) -> InspectedUnit:
        inspections = []
        confirmed = False
        for component in components:
            flaw = board.flaws.get(component.reference_designator)
            real = flaw is not None and self.sees(component, flaw)
            if real:
                confirmed = True
                code, category = _CODES[flaw or ""]
            elif self.chance.random() < self.faults.false_call:
                code, category = _FALSE_CALL
            else:
                continue
            inspections.append(self._failed(component, code, category, real=real))
        if confirmed:
            board.failed_at = board.failed_at or self.operation
        verification = ("DefectConfirmed" if confirmed else "DefectRejected") if inspections else None
        return InspectedUnit(
            unit_identifier=visit.panel.identifier,
            unit_position_number=board.position,
            overall_result="Failed" if inspections else "Passed",
            inspections=[*inspections, *self.measure(board, components)] or None,
            verification=verification,
            total_inspection_count=len(components),
        )

    def measure(self, board: Board, components: list[Component]) -> Iterator[Inspection]:
        """Give inspections that measure; none for a camera that only looks."""
        del board, components
        yield from ()

    def _failed(self, component: Component, code: str, category: str, *, real: bool) -> Inspection:
        verdict = "DefectConfirmed" if real else "DefectRejected"
        name = component.reference_designator
        return Inspection(
            unique_identifier=str(self.new_id()),
            inspection_name=f"INSPECT_{name}",
            result="Failed",
            verification=verdict,
            defects_found=[
                Defect(
                    unique_identifier=str(self.new_id()),
                    defect_code=code,
                    defect_category=category,
                    description=f"{code.replace('_', ' ').capitalize()} on {name}",
                    component_of_interest=ComponentDesignator(
                        reference_designator=name, part_number=component.part_number
                    ),
                    priority=1,
                    confidence_level=round(self.chance.uniform(70, 99), 1),
                    verification=verdict,
                )
            ],
        )


if __name__ == "__main__":
    raise SystemExit(run_alone(OpticalInspection))
