"""Feeder lanes as a placement machine's controller knows them: what was loaded, spliced, used up.

The controller never looks at the tape. It knows which package an operator loaded, which one was
spliced behind it (`MaterialsJoined`), and that the sensor saw a splice pass: from there on it says
the next package. That is all a real machine knows, and it is exact.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.cfx.messages import Message
from app.cfx.messages.materials import MaterialsInitialized, MaterialsJoined, MaterialsRetired
from app.cfx.messages.storage import MaterialsEmpty, MaterialsLoaded, MaterialsUnloaded, SplicePointDetected
from app.cfx.messages.structures import (
    MaterialCarrier,
    MaterialCarrierLocation,
    MaterialLocation,
    MaterialPackage,
    MaterialPackageDetail,
)
from stations.reels import Part, Reel, Tape

_TAPE_FEEDER: Final = "CFX.Structures.SMTPlacement.SMDTapeFeeder, CFX"


@dataclass(slots=True)
class Loaded:
    """A package as the controller counts it."""

    identifier: str
    part_number: str
    count: int

    def cfx(self) -> MaterialPackage:
        """Give the package as messages carry it."""
        return MaterialPackage(
            unique_identifier=self.identifier, internal_part_number=self.part_number, quantity=float(self.count)
        )


class Lane:
    """One lane of a feeder in a slot: a tape, and what the controller knows of it."""

    def __init__(self, station: str, slot: int, number: int, tape: Tape, first: Reel) -> None:
        self.slot = slot
        self.place_id = f"{station}-S{slot:02d}"
        self.number = number
        self._station = station
        self._tape = tape
        self.active = _loaded(first)
        self.next: Loaded | None = None
        self._dry = False
        self._feeder = f"{station}-FDR{slot:02d}"
        self.carrier = MaterialCarrier(
            type_=_TAPE_FEEDER,
            base_unique_identifier=self._feeder,
            lane_number=number,
            tape_width=8.0,
            tape_pitch=4.0,
            unique_identifier=f"{self._feeder}-{number}",
            name=f"TAPEFEEDER8mm {slot:02d}.{number}",
        )
        self.place = MaterialCarrierLocation(
            location_identifier=self.place_id, location_name=f"SLOT{slot}", carrier_information=self.carrier
        )

    @property
    def empty(self) -> bool:
        """Whether the tape's end has passed: the sensor sees no part any more."""
        return self._tape.empty

    @property
    def counted(self) -> int:
        """How many parts the controller thinks are left, the spliced reel included."""
        return self.active.count + (self.next.count if self.next else 0)

    def location(self, package: Loaded) -> MaterialLocation:
        """Give a package in this lane as messages carry it."""
        return MaterialLocation(
            location_identifier=self.place.location_identifier,
            location_name=self.place.location_name,
            material_package=package.cfx(),
            carrier_information=self.carrier,
        )

    def splice(self, reel: Reel) -> Message:
        """Let an operator splice a reel to the tape's end and scan both labels."""
        self._tape.splice(reel)
        self.next = _loaded(reel)
        return MaterialsJoined(leading_material_package=self.active.cfx(), trailing_material_package=self.next.cfx())

    def sense(self) -> list[Message]:
        """Look whether a splice has come under the sensor; from then on the next package is used."""
        if not self._tape.splice_under_sensor() or self.next is None:
            return []
        depleted, self.active, self.next = self.active, self.next, None
        depleted.count = 0
        return [
            SplicePointDetected(
                depleted_material=self.location(depleted), newly_active_material=self.location(self.active)
            ),
            MaterialsRetired(materials=[depleted.cfx()]),
        ]

    def pick(self) -> tuple[Part, Loaded]:
        """Pick the next part: the thing itself, and the package the controller takes it to be from."""
        part = self._tape.take()
        self.active.count -= 1
        return part, self.active

    def run_dry(self) -> list[Message]:
        """Say, once, that the slot is empty."""
        if self._dry:
            return []
        self._dry = True
        return [MaterialsEmpty(empty_materials=[self.location(self.active)])]

    def packages(self) -> list[str]:
        """Give what sits in the lane: the active package, and the one spliced behind it."""
        return [one.identifier for one in (self.active, self.next) if one is not None]

    def reload(self, reel: Reel) -> list[Message]:
        """Let an operator take the empty reel out and load a new one."""
        old = self.active
        unloaded, loaded = self.exchange(reel)
        return [unloaded, MaterialsRetired(materials=[old.cfx()]), loaded]

    def exchange(self, reel: Reel) -> list[Message]:
        """Let an operator take out what sits in the lane, empty or not, and load another reel."""
        out = self.packages()
        self._tape.replace(reel)
        self.active, self.next, self._dry = _loaded(reel), None, False
        return [
            MaterialsUnloaded(material_package_identifiers=out),
            MaterialsLoaded(materials=[self.location(self.active)]),
        ]


def _loaded(reel: Reel) -> Loaded:
    return Loaded(reel.identifier, reel.lot.part_number, reel.quantity)


def initialized(reels: list[Reel], at: datetime, units: str | None = None) -> MaterialsInitialized:
    """Say that packages came into being, each with its maker's lot."""
    return MaterialsInitialized(
        materials=[
            MaterialPackageDetail(
                unique_identifier=reel.identifier,
                internal_part_number=reel.lot.part_number,
                manufacturer=reel.lot.manufacturer,
                manufacturer_part_number=reel.lot.part_number,
                manufacturer_lot_code=reel.lot.code,
                created=at,
                units=units,
                initial_quantity=float(reel.quantity),
                quantity=float(reel.quantity),
                status="Active",
            )
            for reel in reels
        ]
    )
