"""X-ray: looks under the parts whose joints hide beneath them, and measures their voids.

Says, within a work record: UnitsInspected (method AXI) with the voids of every bottom-terminated
part in percent of the joint's area (at most 30, a usual factory limit), and what the person at the screen made
of the machine's findings.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.cfx.messages.inspection import Inspection, Measurement
from app.cfx.messages.structures import NumericValue
from stations.alone import run_alone
from stations.aoi import OpticalInspection
from stations.machine import Visit
from stations.panels import Board
from stations.program import Component

_MOST_VOIDS: Final = 30.0


class XrayInspection(OpticalInspection):
    """A transmission X-ray with an automatic judge."""

    operation: ClassVar[str] = "xray_inspection"
    model: ClassVar[str] = "AXI"
    method: ClassVar[str] = "AXI"
    pass_time: ClassVar[float] = 0.8

    def looks_at(self, visit: Visit) -> list[Component]:
        """Give the bottom-terminated parts of both sides: X-ray looks through the board."""
        del visit
        return [one for one in self.program.components if one.bottom_terminated and one.assembly == "machine"]

    def sees(self, component: Component, flaw: str) -> bool:
        """X-ray sees joints, hidden or not."""
        del component
        return flaw in {"open joint", "missing lead contact"}

    def measure(self, board: Board, components: list[Component]) -> Iterator[Inspection]:
        """Give the voids under every part."""
        del board
        if components:
            yield Inspection(
                unique_identifier=str(self.new_id()),
                inspection_name="VOIDS",
                result="Passed",
                measurements=[self._voids(component) for component in components],
            )

    def _voids(self, component: Component) -> Measurement:
        percent = round(min(self.chance.lognormvariate(2.2, 0.35), _MOST_VOIDS - 0.5), 2)
        return Measurement(
            type_="CFX.Structures.NumericMeasurement, CFX",
            measurement_name=f"VOIDS_{component.reference_designator}",
            measured_value=NumericValue(
                value=percent,
                value_units="%",
                minimum_acceptable_value=0.0,
                maximum_acceptable_value=_MOST_VOIDS,
            ),
            result="Passed",
            crds=component.reference_designator,
        )


if __name__ == "__main__":
    raise SystemExit(run_alone(XrayInspection))
