"""Functional test: the boards, cut from their panel, are read, programmed and tested one by one.

Boards are named by their serials from here on, as read from their marks. Says, for every board a
work record of its own: UnitsArrived, WorkStarted, UnitsPersonalized (MAC address, firmware and its
checksum), MaterialsInstalled (the firmware as a material), UnitsTested (method FCT, numeric
measurements with limits), WorkCompleted, UnitsDeparted. A failed board is tested once more; an
error of the tester says nothing about the board and is tested again. Boards an inspection has sent
to repair are not tested.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from app.cfx.messages.assembly import (
    Characteristic,
    InstalledMaterial,
    MaterialsInstalled,
    PersonalizedUnit,
    UnitsPersonalized,
)
from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.inspection import Measurement, Symptom, Test, TestedUnit, UnitsTested
from app.cfx.messages.materials import MaterialsInitialized
from app.cfx.messages.production import UnitsArrived, UnitsDeparted, WorkCompleted, WorkStarted
from app.cfx.messages.structures import (
    ComponentDesignator,
    MaterialPackage,
    MaterialPackageDetail,
    NumericValue,
    UnitPosition,
    WorkOrderIdentifier,
)
from stations.alone import run_alone
from stations.machine import Machine, Said, Visit
from stations.panels import Applied, Board, Fit, Panel
from stations.program import Side
from stations.scanning import read_boards

FIRMWARE_VERSION: Final = "1.4.2"
_NUMERIC: Final = "CFX.Structures.NumericMeasurement, CFX"


@dataclass(frozen=True, slots=True)
class _Step:
    """One measurement of the test plan, and which kinds of part, when bad, throw it off by how much."""

    name: str
    unit: str
    nominal: float
    spread: float
    lowest: float
    highest: float
    blames: frozenset[str]
    off_by: float


_PLAN: Final = (
    _Step("SUPPLY_CURRENT", "mA", 46.0, 0.8, 38.0, 54.0, frozenset(), 21.0),
    _Step("RAIL_3V3", "V", 3.3, 0.008, 3.201, 3.399, frozenset({"R", "RN", "FB", "L", "F", "PTC"}), -0.31),
    _Step("RIPPLE_3V3", "mV", 18.0, 1.5, 0.0, 40.0, frozenset({"C"}), 37.0),
    _Step("CLOCK", "MHz", 12.0, 0.0001, 11.9988, 12.0012, frozenset({"Y"}), 0.021),
)


class FunctionalTest(Machine):
    """A fixture with a nest for every board of a panel."""

    operation: ClassVar[str] = "functional_test"
    model: ClassVar[str] = "FCT"
    reads_marks: ClassVar[bool] = True

    @property
    def firmware(self) -> str:
        """The firmware's part number."""
        return f"FW-{self.program.name}"

    @property
    def _image(self) -> str:
        return f"{self.firmware}@{FIRMWARE_VERSION}"

    @property
    def _checksum(self) -> str:
        return hashlib.sha256(f"{self._image} revision {self.program.revision}".encode()).hexdigest()

    def recipe(self, side: Side) -> str:
        """Name the test plan; boards are tested as a whole."""
        del side
        return f"{self.program.name}-FCT"

    def set_up(self, now: datetime) -> list[Said]:
        """Say which firmware is programmed: software counts as a material with a checksum (IPC-1782)."""
        detail = MaterialPackageDetail(
            unique_identifier=self._image,
            internal_part_number=self.firmware,
            manufacturer="Birthmark",
            manufacturer_part_number=self.firmware,
            manufacturer_lot_code=f"sha256:{self._checksum}",
            created=self.clock(now),
            quantity=1.0,
            initial_quantity=1.0,
            status="Active",
        )
        return [self.said(MaterialsInitialized(materials=[detail]), now)]

    def arrive(self, visit: Visit) -> None:
        """The panel arrives as single boards, each of which says so once its mark is read."""
        visit.takes(0.05 * self.setup.takt)

    def start(self, visit: Visit) -> None:
        """Work starts board by board."""

    def complete(self, visit: Visit) -> None:
        """Work is complete board by board."""

    def process(self, visit: Visit) -> None:
        """Read, program and test every board; the nests work side by side."""
        visit.said += self.change_state(ResourceState.PRD_RegularWork, visit.now)
        serials = read_boards(self, visit)
        tested = [board for board in visit.boards if board.failed_at is None]
        seconds = self.seconds()
        records = [(board, serials[board.position], self.new_id()) for board in tested]
        for board, serial, transaction in records:
            self._start_board(visit, visit.panel, serial, transaction)
            visit.takes(0.02 * self.setup.takt)
            self._program(visit, board, serial, transaction)
        visit.takes(seconds)
        for board, serial, transaction in records:
            self._test(visit, board, serial, transaction)
            self._finish_board(visit, board, serial, transaction)

    def _start_board(self, visit: Visit, panel: Panel, serial: str, transaction: UUID) -> None:
        units = [UnitPosition(unit_identifier=serial)]
        visit.say(UnitsArrived(primary_identifier=serial, unit_count=1, units=units))
        visit.say(
            WorkStarted(
                transaction_id=transaction,
                primary_identifier=serial,
                unit_count=1,
                units=units,
                recipe_name=self.recipe(visit.side),
                revision=self.program.revision,
                work_order_identifier=WorkOrderIdentifier(work_order_id=panel.work_order, batch=panel.batch),
            )
        )
        visit.say_without(transaction)

    def _program(self, visit: Visit, board: Board, serial: str, transaction: UUID) -> None:
        mac = "02-" + "-".join(f"{self._names.getrandbits(8):02X}" for _ in range(5))
        characteristics = {
            "MACAddress": mac,
            "FirmwarePartNumber": self.firmware,
            "FirmwareVersion": FIRMWARE_VERSION,
            "FirmwareChecksum": f"sha256:{self._checksum}",
        }
        visit.say(
            UnitsPersonalized(
                transaction_id=transaction,
                personalized_units=[
                    PersonalizedUnit(
                        unit_identifier=serial,
                        characteristics=[
                            Characteristic(name=name, value=value) for name, value in characteristics.items()
                        ],
                    )
                ],
            )
        )
        visit.say(
            MaterialsInstalled(
                transaction_id=transaction,
                installed_materials=[
                    InstalledMaterial(
                        unit_identifier=serial,
                        quantity_installed=1.0,
                        quantity_non_installed=0.0,
                        material=MaterialPackage(unique_identifier=self._image, internal_part_number=self.firmware),
                    )
                ],
            )
        )
        lot = f"sha256:{self._checksum}"
        board.applied.append(Applied("firmware", self.firmware, self._image, lot, self.handle, visit.now))

    def _test(self, visit: Visit, board: Board, serial: str, transaction: UUID) -> None:
        bad = board.bad_parts()
        if self.chance.random() < self.faults.tester_error:
            error = Test(
                unique_identifier=str(self.new_id()),
                test_name="CONTACT",
                result="Error",
                error="Probe P7 has no contact",
            )
            self._say_tested(visit, serial, transaction, [error], "Error")
            visit.takes(0.1 * self.setup.takt)
        for _ in range(2):
            tests = list(self._tests(bad))
            failed = any(test.result == "Failed" for test in tests)
            self._say_tested(visit, serial, transaction, tests, "Failed" if failed else "Passed")
            if not failed:
                return
            visit.takes(0.1 * self.setup.takt)
        board.failed_at = self.operation

    def _tests(self, bad: list[Fit]) -> Iterator[Test]:
        """Measure the board; a part that does not work shows in the step its kind acts on."""
        kinds = {fit.reference_designator: fit.reference_designator.rstrip("0123456789") for fit in bad}
        chips = {name for name, kind in kinds.items() if kind == "U"}
        blamed = chips.union(*({name for name, kind in kinds.items() if kind in step.blames} for step in _PLAN))
        for step in _PLAN:
            if step.name == "CLOCK" and not any(one.kind == "Y" for one in self.program.components):
                continue
            guilty = {name for name, kind in kinds.items() if kind in step.blames}
            if step.name == "SUPPLY_CURRENT":
                guilty |= kinds.keys() - blamed
            yield self._measure(step, guilty)
        for component in self.program.components:
            if component.kind == "U":
                dead = component.reference_designator in chips
                yield Test(
                    unique_identifier=str(self.new_id()),
                    test_name=f"SELFTEST_{component.reference_designator}",
                    result="Failed" if dead else "Passed",
                    symptoms_found=[_symptom("NO_ANSWER", {component.reference_designator}, self.new_id())]
                    if dead
                    else None,
                )

    def _measure(self, step: _Step, guilty: set[str]) -> Test:
        value = self.chance.gauss(step.nominal, step.spread) + (step.off_by if guilty else 0.0)
        value = min(max(value, step.lowest), step.highest) if not guilty else value
        digits = 5 if step.spread < 0.001 else 3
        result = "Passed" if step.lowest <= value <= step.highest else "Failed"
        measurement = Measurement(
            type_=_NUMERIC,
            measurement_name=step.name,
            measured_value=NumericValue(
                value=round(value, digits),
                value_units=step.unit,
                expected_value=step.nominal,
                expected_value_units=step.unit,
                minimum_acceptable_value=step.lowest,
                maximum_acceptable_value=step.highest,
            ),
            result=result,
        )
        # The tester knows what it measured, not which part is to blame.
        return Test(
            unique_identifier=str(self.new_id()),
            test_name=step.name,
            result=result,
            symptoms_found=[_symptom(f"{step.name}_OUT_OF_LIMITS", set(), self.new_id())]
            if result == "Failed"
            else None,
            measurements=[measurement],
        )

    def _say_tested(self, visit: Visit, serial: str, transaction: UUID, tests: list[Test], result: str) -> None:
        visit.say(
            UnitsTested(
                transaction_id=transaction,
                test_method="FCT",
                recipe_name=self.recipe(visit.side),
                recipe_revision=self.program.revision,
                tested_units=[TestedUnit(unit_identifier=serial, overall_result=result, tests=tests)],
            )
        )

    def _finish_board(self, visit: Visit, board: Board, serial: str, transaction: UUID) -> None:
        visit.say(
            WorkCompleted(
                transaction_id=transaction,
                result="Failed" if board.failed_at else "Completed",
                primary_identifier=serial,
                unit_count=1,
            )
        )
        units = [UnitPosition(unit_identifier=serial, status="Fail" if board.failed_at else "Pass")]
        visit.say(UnitsDeparted(primary_identifier=serial, unit_count=1, units=units))


def _symptom(code: str, designators: set[str], identifier: UUID) -> Symptom:
    return Symptom(
        unique_identifier=str(identifier),
        symptom_code=code,
        symptom_category="Electrical Tests",
        components_of_interest=[ComponentDesignator(reference_designator=name) for name in sorted(designators)] or None,
    )


if __name__ == "__main__":
    raise SystemExit(run_alone(FunctionalTest))
