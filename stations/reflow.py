"""Reflow oven: several panels inside at a time, each with its zones' temperatures.

Says, within a work record: UnitsProcessed with ReflowProcessData (conveyor, setpoints and readings
of every zone).
"""

from typing import Any, ClassVar, Final

from app.cfx.messages.production import UnitsProcessed
from stations.alone import run_alone
from stations.machine import Machine, Visit

#: Zone type, name, top and bottom setpoint in degrees Celsius (a lead-free SAC305 profile).
_ZONES: Final = (
    ("PreHeat", "Zone1", 150.0, 150.0),
    ("PreHeat", "Zone2", 170.0, 170.0),
    ("Soak", "Zone3", 185.0, 185.0),
    ("Soak", "Zone4", 195.0, 195.0),
    ("Reflow", "Zone5", 235.0, 230.0),
    ("Reflow", "Zone6", 255.0, 250.0),
    ("Cool", "Zone7", 120.0, 120.0),
)
_SPEED: Final = 80.0  # cm/min
_OPENS: Final = 0.5  # how often too little paste leaves an open joint


class ReflowOven(Machine):
    """A convection oven with a conveyor."""

    operation: ClassVar[str] = "reflow"
    model: ClassVar[str] = "Oven"
    pass_time: ClassVar[float] = 6.0

    def process(self, visit: Visit) -> None:
        """Let the panel through; the next one follows before it has left."""
        seconds = self.seconds()
        visit.takes(0.7 * self.setup.takt)
        visit.next_may_enter()
        visit.takes(max(0.0, seconds - 0.7 * self.setup.takt))
        for board in visit.boards:
            for name in sorted(board.poor_paste):
                if self.chance.random() < _OPENS:
                    board.flaws.setdefault(name, "open joint")
            board.poor_paste.clear()
        visit.say(
            UnitsProcessed(
                transaction_id=visit.transaction,
                overall_result="Succeeded",
                common_process_data={
                    "$type": "CFX.Structures.SolderReflow.ReflowProcessData, CFX",
                    "ConveyorSpeed": round(self.chance.gauss(_SPEED, 0.2), 2),
                    "ConveyorSpeedSetpoint": _SPEED,
                    "ZoneData": [self._zone(number, *zone) for number, zone in enumerate(_ZONES, start=1)],
                },
            )
        )

    def _zone(self, number: int, kind: str, name: str, top: float, bottom: float) -> dict[str, Any]:
        def reading(sub_zone: str, setpoint: float) -> dict[str, Any]:
            value = round(self.chance.gauss(setpoint, 0.6), 1)
            return {"SubZone": sub_zone, "ReadingType": "Temperature", "ReadingValue": value}

        return {
            "Zone": {"ReflowZoneType": kind, "StageSequence": number, "StageName": name, "StageType": "Work"},
            "Setpoints": [
                {"SubZone": "Top", "SetpointType": "Temperature", "Setpoint": top},
                {"SubZone": "Bottom", "SetpointType": "Temperature", "Setpoint": bottom},
            ],
            "Readings": [reading("Top", top), reading("Bottom", bottom)],
        }


if __name__ == "__main__":
    raise SystemExit(run_alone(ReflowOven))
