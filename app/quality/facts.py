"""The facts of quality: what a station or a person reports of one unit.

Deeds take `Inspection` and `Test`, which know their unit. A message knows only what the machine said of it: that is an
`InspectedUnit` or `TestedUnit`, and `.on(report, unit_id, ...)` makes the fact of it once the unit is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.facts import Report
from app.quality.formats import Value
from app.quality.layout import Kind, Layout
from app.quality.outcome import Outcome
from app.quality.packing import Packed, pack

FAILED = 1  # `outcome.CFX_RESULTS`


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with a unit, and where. `confidence` in percent, `step` the inspection or test that found it."""

    step: str | None = None
    reference_designator: str | None = None
    part_number: str | None = None
    code: str | None = None
    category: str | None = None
    description: str | None = None
    comments: str | None = None
    priority: int | None = None
    confidence: float | None = None
    verification: str | None = None


@dataclass(frozen=True, slots=True)
class Symptom:
    """What was noticed of a unit without a word on the cause."""

    step: str | None = None
    reference_designators: tuple[str, ...] = ()
    code: str | None = None
    category: str | None = None
    description: str | None = None
    comments: str | None = None


@dataclass(frozen=True)
class Measurements:
    """What one run measured: a layout, and one sequence of values for each of its columns, in step with its items."""

    layout: Layout
    columns: tuple[Sequence[Value] | NDArray[Any], ...]

    @cached_property
    def packed(self) -> Packed:
        return pack(self.columns, self.layout.long)

    @cached_property
    def failed(self) -> list[int]:
        """Cells of items whose own result is failed, as the machine gave it."""
        return [
            place.first_cell + row
            for place, column in zip(self.layout.places, self.columns, strict=True)
            if place.column.kind is Kind.result
            for row in _rows_of(FAILED, column)
        ]

    @cached_property
    def out_of_limit(self) -> list[int]:
        """Cells of numbers beyond a limit that they can be compared with, whatever the machine said of them."""
        cells: list[int] = []
        for place, column in zip(self.layout.places, self.columns, strict=True):
            if place.column.kind is not Kind.number:
                continue
            limits = place.column.comparable
            if limits.lower is None and limits.upper is None:
                continue
            numbers = column if isinstance(column, np.ndarray) else np.array([_float(value) for value in column])
            beyond = limits.beyond(numbers)
            if beyond is not None:
                cells.extend((np.flatnonzero(beyond) + place.first_cell).tolist())
        return cells


def _rows_of(result: int, column: Sequence[Value] | NDArray[Any]) -> list[int]:
    if isinstance(column, np.ndarray):
        return np.flatnonzero(column == result).tolist()
    return [row for row, other in enumerate(column) if other == result]


def _float(value: Value) -> float:
    return float(value) if isinstance(value, float | int) else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every run has: how it ended and what it found.

    `number` is 0 for a panel as a whole, else the unit's place in the message, from 1 on. `method` is CFX's word or the
    station's. `steps` counts the inspections or tests that were made.
    """

    number: int = 1
    outcome: Outcome
    transaction_id: UUID | None = None
    method: str | None = None
    steps: int = 0
    defects: tuple[Defect, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    measurements: Measurements | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRun(Run):
    """A run at an inspection: `machine_outcome` by the machine, `outcome` after verification (`outcome.verified`)."""

    machine_outcome: Outcome
    verification: str | None = None
    inspector: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun(Run):
    """A run at a test."""

    __test__ = False  # not a test case of pytest's

    tester: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection of a unit: the unit and position as the machine spoke them, and the run."""

    report: Report
    unit_id: int
    position_number: int
    run: InspectionRun
    recipe_id: int | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A test of a unit: the unit and position as the machine spoke them, and the run."""

    __test__ = False

    report: Report
    unit_id: int
    position_number: int
    run: TestRun
    recipe_id: int | None = None


@dataclass(frozen=True, slots=True)
class InspectedUnit:
    """An inspection as a message tells it. Without a `unit_identifier`, the transaction's unit is meant."""

    unit_identifier: str | None
    position_number: int
    recipe: tuple[str, str | None] | None
    run: InspectionRun

    def on(self, report: Report, unit_id: int, position_number: int, recipe_id: int | None) -> Inspection:
        """The fact, once the unit is known."""
        return Inspection(report, unit_id, position_number, self.run, recipe_id)


@dataclass(frozen=True, slots=True)
class TestedUnit:
    """A test as a message tells it. Without a `unit_identifier`, the transaction's unit is meant."""

    __test__ = False

    unit_identifier: str | None
    position_number: int
    recipe: tuple[str, str | None] | None
    run: TestRun

    def on(self, report: Report, unit_id: int, position_number: int, recipe_id: int | None) -> Test:
        """The fact, once the unit is known."""
        return Test(report, unit_id, position_number, self.run, recipe_id)
