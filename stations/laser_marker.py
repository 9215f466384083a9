"""Laser marker: gives every board and the panel a serial, engraves it and reads it back.

Says: UnitsInitialized (which serial sits at which position of which panel, for which work order),
then IdentifiersRead from the pixels of its own camera. What the camera cannot read is engraved a
second time, deeper; what it then still cannot read is typed by a person (see `stations.scanning`).
"""

from typing import ClassVar, Final

from app.cfx.messages.identification import IdentifiersNotRead, IdentifiersRead
from app.cfx.messages.production import UnitsInitialized
from app.cfx.messages.structures import UnitPosition, WorkOrderIdentifier
from stations.alone import run_alone
from stations.machine import Machine, Visit
from stations.panels import Panel
from stations.scanning import ask_the_operator, mark, read_mark, type_serial

_RAIL: Final = 0  # the panel's own mark, on its rail


class LaserMarker(Machine):
    """A laser that takes bare panels from a stack, with a camera beside it."""

    operation: ClassVar[str] = "laser_marking"
    model: ClassVar[str] = "LaserMarker"

    def process(self, visit: Visit) -> None:
        """Engrave, read back, engrave again what could not be read."""
        panel = visit.panel
        visit.say(
            UnitsInitialized(
                transaction_id=visit.transaction,
                primary_identifier=panel.identifier,
                work_order_identifier=WorkOrderIdentifier(work_order_id=panel.work_order, batch=panel.batch),
                unit_count=len(panel.boards),
                units=self._serials(panel),
            )
        )
        visit.takes(self.seconds())
        panel.mark = mark(panel.identifier, self.chance, self.faults.bad_mark)
        for board in panel.boards:
            board.mark = mark(board.serial, self.chance, self.faults.bad_mark)
        unread = [position for position in range(len(panel.boards) + 1) if not self._reads(panel, position)]
        if unread:
            unread = self._engrave_again(visit, unread)
        if unread:
            ask_the_operator(self, visit, "what the camera could not read twice")
            for position in unread:
                type_serial(self._text(panel, position), self.chance)
        visit.say(IdentifiersRead(primary_identifier=panel.identifier, units=self._serials(panel)))

    def _engrave_again(self, visit: Visit, unread: list[int]) -> list[int]:
        """Engrave marks a second time, deeper, and say which still cannot be read."""
        panel = visit.panel
        visit.say(IdentifiersNotRead(positions_not_read=unread))
        visit.takes(0.1 * self.setup.takt * len(unread))
        for position in unread:
            engraved = mark(self._text(panel, position), self.chance, self.faults.bad_mark / 4)
            if position == _RAIL:
                panel.mark = engraved
            else:
                panel.boards[position - 1].mark = engraved
        still = [position for position in unread if not self._reads(panel, position)]
        if still:
            visit.say(IdentifiersNotRead(positions_not_read=still))
        return still

    def _reads(self, panel: Panel, position: int) -> bool:
        engraved = panel.mark if position == _RAIL else panel.boards[position - 1].mark
        return read_mark(engraved, self.chance) == self._text(panel, position)

    def _text(self, panel: Panel, position: int) -> str:
        return panel.identifier if position == _RAIL else panel.boards[position - 1].serial

    def _serials(self, panel: Panel) -> list[UnitPosition]:
        layout = self.setup.layout
        found = []
        for board in panel.boards:
            x, y = layout.place(board.position)
            found.append(
                UnitPosition(
                    unit_identifier=board.serial,
                    position_number=board.position,
                    position_name=f"CIRCUIT{board.position}",
                    x=x,
                    y=y,
                    rotation=0.0,
                    flip_x=False,
                    flip_y=False,
                )
            )
        return found


if __name__ == "__main__":
    raise SystemExit(run_alone(LaserMarker))
