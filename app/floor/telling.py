"""What people did, as CFX says it (IPC-2591): the same messages a machine would send, so the evidence is the same."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from app.cfx.envelope import encode
from app.cfx.messages.assembly import (
    InstalledMaterial,
    MaterialsInstalled,
    MaterialsUninstalled,
    Repair,
    RepairedUnit,
    UninstalledMaterial,
    UnitsRepaired,
)
from app.cfx.messages.base import Message
from app.cfx.messages.inspection import Defect, InspectedUnit, Inspection, UnitsInspected
from app.cfx.messages.production import ActivitiesExecuted, Activity, WorkCompleted, WorkStarted
from app.cfx.messages.structures import (
    ComponentDesignator,
    InstalledComponent,
    MaterialPackage,
    Operator,
    UnitPosition,
)
from app.floor.deeds import Noted, RepairDone
from app.units.provisional import OPENLY

_TICK = timedelta(microseconds=10)  # messages of one deed stay in order


class Telling:
    """The messages of one deed. Their ids follow from the deed's, so telling them again changes nothing."""

    def __init__(self, deed_id: UUID, station: str, at: datetime, operator: str) -> None:
        self._deed_id = deed_id
        self._station = station
        self._at = at
        self.operator = Operator(operator_identifier=operator, actor_type="Human")
        self.envelopes: list[bytes] = []

    @property
    def payload(self) -> bytes:
        """All of them, as a door receives them."""
        return b"[" + b",".join(self.envelopes) + b"]"

    def say(self, message: Message) -> None:
        """Add a message."""
        number = len(self.envelopes)
        self.envelopes.append(
            encode(
                message,
                source=self._station,
                unique_id=uuid5(self._deed_id, f"{number} {message.message_name}"),
                time_stamp=self._at + number * _TICK,
            )
        )

    def started(self, serial: str, transaction: UUID) -> None:
        """Work on a unit began."""
        self.say(
            WorkStarted(
                transaction_id=transaction,
                primary_identifier=serial,
                unit_count=1,
                units=[UnitPosition(unit_identifier=serial)],
            )
        )

    def unheard(self, transaction: UUID) -> None:
        """It began without a verdict, as the station's policy lets it (`fail_open_record`)."""
        activity = Activity(activity_name=OPENLY, activity_state="Completed", time_stamp=self._at)
        self.say(ActivitiesExecuted(transaction_id=transaction, activities=[activity]))

    def completed(self, serial: str, transaction: UUID, result: str = "Completed") -> None:
        """Work on a unit ended."""
        self.say(WorkCompleted(transaction_id=transaction, result=result, primary_identifier=serial, unit_count=1))

    def inspected(
        self, serial: str, transaction: UUID, outcome: str, defects: Sequence[Noted], *, mistaken: bool = False
    ) -> None:
        """Somebody looked at a unit. `mistaken`: what was said before was no defect."""
        word = "DefectRejected" if mistaken else "DefectConfirmed"
        inspections = [
            Inspection(
                unique_identifier=str(uuid5(self._deed_id, f"inspection {number}")),
                inspection_name=f"VISUAL_{noted.reference_designator or 'BOARD'}",
                result="Failed",
                verification=word,
                defects_found=[self._defect(number, noted, word)],
            )
            for number, noted in enumerate(defects)
        ]
        failed = outcome == "failed"
        self.say(
            UnitsInspected(
                transaction_id=transaction,
                inspection_method="Human",
                inspector=self.operator,
                inspected_units=[
                    InspectedUnit(
                        unit_identifier=serial,
                        overall_result="Failed" if failed else "Passed",
                        inspections=inspections or None,
                        verification=word if failed else None,
                    )
                ],
            )
        )

    def _defect(self, number: int, noted: Noted, verification: str) -> Defect:
        where = noted.reference_designator
        return Defect(
            unique_identifier=str(uuid5(self._deed_id, f"defect {number}")),
            defect_code=noted.code,
            defect_category="Visual",
            description=noted.code.replace("_", " ").capitalize() + (f" on {where}" if where else ""),
            comments=noted.comment or None,
            component_of_interest=ComponentDesignator(reference_designator=where) if where else None,
            verification=verification,
        )

    def repaired(self, serial: str, transaction: UUID, repairs: Sequence[RepairDone], *, succeeded: bool) -> None:
        """A unit was repaired, or could not be."""
        result = "RepairSuccessful" if succeeded else "UnableToRepair"
        self.say(
            UnitsRepaired(
                transaction_id=transaction,
                repair_operator=self.operator,
                repaired_units=[
                    RepairedUnit(
                        unit_identifier=serial,
                        overall_result=result,
                        repairs=[
                            Repair(
                                unique_identifier=str(uuid5(self._deed_id, f"repair {number}")),
                                repair_name=done.action,
                                repair_end_time=self._at,
                                comments=done.comment or None,
                                component_of_interest=ComponentDesignator(
                                    reference_designator=done.reference_designator
                                ),
                                result=result,
                            )
                            for number, done in enumerate(repairs)
                        ],
                    )
                ],
            )
        )

    def taken_out(
        self,
        serial: str,
        transaction: UUID,
        designator: str,
        package: str | None,
        reason: str | None = "DefectiveMaterial",
    ) -> None:
        """A part was taken off; `package` is the one it came from, where that is known."""
        self.say(
            MaterialsUninstalled(
                transaction_id=transaction,
                uninstalled_materials=[
                    UninstalledMaterial(
                        unit_identifier=serial,
                        quantity_uninstalled=1.0,
                        reason=reason,
                        material=MaterialPackage(unique_identifier=package) if package else None,
                        uninstalled_components=[InstalledComponent(reference_designator=designator)],
                    )
                ],
            )
        )

    def put_in(self, serial: str, transaction: UUID, designator: str, package: str, part_number: str | None) -> None:
        """A part was put on, out of a package."""
        self.say(
            MaterialsInstalled(
                transaction_id=transaction,
                installed_materials=[
                    InstalledMaterial(
                        unit_identifier=serial,
                        quantity_installed=1.0,
                        quantity_non_installed=0.0,
                        material=MaterialPackage(unique_identifier=package, internal_part_number=part_number),
                        installed_components=[InstalledComponent(reference_designator=designator)],
                    )
                ],
            )
        )
