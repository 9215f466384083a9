"""`UnitsInspected` and `UnitsTested` into facts: the one place where CFX's structures become this product's.

What a message says is taken as said: a unit that passed with a failed step inside stays passed, and the step failed.
Units are named as the machine named them; whose ids they are is found out by the caller.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from app.cfx.messages import inspection as cfx
from app.cfx.messages.structures import ComponentDesignator, Operator
from app.errors import Invalid
from app.quality.facts import Defect, InspectedUnit, InspectionRun, Symptom, TestedUnit, TestRun
from app.quality.measured import Listed, Members, StepResult, measurements_of
from app.quality.outcome import FALSE_CALLS, VERIFICATIONS, Outcome, verified
from app.sentences import Sentence

Step: TypeAlias = cfx.Inspection | cfx.Test
_HIGHEST = 32767
_NOT_VERIFIED = VERIFICATIONS[0]


def inspected_units(message: cfx.UnitsInspected, body: bytes | None = None) -> list[InspectedUnit]:
    """What a `UnitsInspected` says of each unit, and of the panel as a whole where it does.

    `body` is the message's JSON text: measurements of kinds that CFX 2.1 does not list are read from it.
    Raises `Invalid` for a result that is no result, and for a unit that is named in no way.
    """
    raw = _RawBody(body)
    recipe = (message.recipe_name, message.recipe_revision) if message.recipe_name else None
    units: list[InspectedUnit] = []
    if message.inspected_panel is not None:
        identifier = message.inspected_panel.unit_identifier or _only_identifier(message.inspected_units)
        run = _inspection_run(message, message.inspected_panel, 0, raw.within("InspectedPanel"))
        units.append(InspectedUnit(identifier, 0, recipe, run))
    for number, unit in enumerate(message.inspected_units or (), start=1):
        run = _inspection_run(message, unit, number, raw.within("InspectedUnits", number - 1))
        units.append(InspectedUnit(unit.unit_identifier or None, _position(unit), recipe, run))
    _all_named(message, units)
    return units


def tested_units(
    message: cfx.UnitsTested,
    body: bytes | None = None,  # noqa: PT028 (no test of pytest's)
) -> list[TestedUnit]:
    """What a `UnitsTested` says of each unit. `body` and errors as with `inspected_units`."""
    raw = _RawBody(body)
    recipe = (message.recipe_name, message.recipe_revision) if message.recipe_name else None
    units = [
        TestedUnit(
            unit.unit_identifier or None,
            _position(unit),
            recipe,
            _test_run(message, unit, number, raw.within("TestedUnits", number - 1)),
        )
        for number, unit in enumerate(message.tested_units or (), start=1)
    ]
    _all_named(message, units)
    return units


def _only_identifier(units: Sequence[cfx.InspectedUnit] | None) -> str | None:
    """The panel's identifier where only the positions on it carry it: the one that all of them share."""
    identifiers = {unit.unit_identifier or None for unit in units or () if unit.position}
    return identifiers.pop() if len(identifiers) == 1 else None


def _position(unit: cfx.InspectedUnit | cfx.TestedUnit) -> int:
    if unit.position > _HIGHEST:
        raise Invalid(
            Sentence(
                "Position %(number)s is higher than any panel has (%(limit)s).", number=unit.position, limit=_HIGHEST
            )
        )
    return unit.position


def _all_named(message: cfx.UnitsInspected | cfx.UnitsTested, units: Sequence[InspectedUnit | TestedUnit]) -> None:
    if len(units) > _HIGHEST:
        raise Invalid(
            Sentence(
                "%(count)s units in one message are more than can be told apart (%(limit)s).",
                count=len(units),
                limit=_HIGHEST,
            )
        )
    if message.transaction_id is None and any(unit.unit_identifier is None for unit in units):
        raise Invalid(
            Sentence(
                "A unit has no UnitIdentifier, and there is no TransactionId to tell it by. Have the "
                "station send one of them."
            )
        )


def _inspection_run(
    message: cfx.UnitsInspected, unit: cfx.InspectedUnit | cfx.InspectedPanel, number: int, raw: "_RawBody"
) -> InspectionRun:
    steps = unit.inspections or []
    results = [StepResult(one.inspection_name, one.result, _said(one.verification), one.error) for one in steps]
    verification = _said(unit.verification) or _shared_false_call(steps)
    machine_outcome, outcome = verified(_overall(unit.overall_result, results), verification)
    return InspectionRun(
        number=number,
        outcome=outcome,
        machine_outcome=machine_outcome,
        verification=verification,
        transaction_id=message.transaction_id,
        method=message.inspection_method,
        inspector=_who(message.inspector),
        steps=len(steps) if unit.total_inspection_count is None else unit.total_inspection_count,
        defects=tuple(_defects(steps)),
        symptoms=tuple(_symptoms(steps)),
        measurements=measurements_of(results, _lists(steps, raw, "Inspections")),
    )


def _test_run(message: cfx.UnitsTested, unit: cfx.TestedUnit, number: int, raw: "_RawBody") -> TestRun:
    steps = unit.tests or []
    results = [StepResult(one.test_name, one.result, None, one.error) for one in steps]
    return TestRun(
        number=number,
        outcome=_overall(unit.overall_result, results),
        transaction_id=message.transaction_id,
        method=message.test_method,
        tester=_who(message.tester),
        steps=len(steps),
        defects=tuple(_defects(steps)),
        symptoms=tuple(_symptoms(steps)),
        measurements=measurements_of(results, _lists(steps, raw, "Tests")),
    )


def _overall(said: str | None, steps: Sequence[StepResult]) -> Outcome:
    """The unit's result as said; where it is left out, the worst of its steps. Raises `Invalid` where neither is."""
    if said is not None:
        return Outcome.from_cfx(said)
    outcomes = {Outcome.from_cfx(step.result) for step in steps if step.result is not None}
    for worst in (Outcome.failed, Outcome.error, Outcome.aborted, Outcome.passed):
        if worst in outcomes:
            return worst
    raise Invalid(Sentence("A unit has no OverallResult and no step with a Result: nothing says how it ended."))


def _said(verification: str | None) -> str | None:
    """A verification that took place. `NotVerifiedYet` is what .NET writes where nobody verified anything."""
    return None if verification in (None, "", _NOT_VERIFIED) else verification


def _shared_false_call(steps: Sequence[cfx.Inspection]) -> str | None:
    """The verification of a unit that carries none itself: a false call where every failed step is one.

    Some stations verify step by step, or defect by defect, and leave the unit's own member alone.
    """
    failed = [step for step in steps if step.result is not None and Outcome.from_cfx(step.result) is Outcome.failed]
    words = [word for step in failed for word in _verifications(step)]
    return words[0] if words and all(word in FALSE_CALLS for word in words) else None


def _verifications(step: cfx.Inspection) -> list[str | None]:
    own = _said(step.verification)
    return [own] if own else [_said(defect.verification) for defect in step.defects_found or ()] or [None]


def _who(operator: Operator | None) -> str | None:
    if operator is None:
        return None
    names = " ".join(filter(None, (operator.first_name, operator.last_name)))
    return operator.operator_identifier or operator.login_name or operator.full_name or names or None


def _name(step: Step) -> str | None:
    return step.inspection_name if isinstance(step, cfx.Inspection) else step.test_name


def _symptoms_of(step: Step) -> Sequence[cfx.Symptom]:
    return (step.symptoms if isinstance(step, cfx.Inspection) else step.symptoms_found) or ()


def _designator(component: ComponentDesignator | None) -> str | None:
    return component.reference_designator if component else None


def _defects(steps: Sequence[Step]) -> Iterator[Defect]:
    for step in steps:
        for one in step.defects_found or ():
            component = one.component_of_interest
            yield Defect(
                step=_name(step),
                reference_designator=_designator(component),
                part_number=component.part_number if component else None,
                code=one.defect_code,
                category=one.defect_category,
                description=one.description,
                comments=one.comments or one.verification_detail,
                priority=one.priority,
                confidence=one.confidence_level,
                verification=_said(one.verification) or _inherited(step),
            )


def _inherited(step: Step) -> str | None:
    """A defect within a step that was verified as a whole."""
    return _said(step.verification) if isinstance(step, cfx.Inspection) else None


def _symptoms(steps: Sequence[Step]) -> Iterator[Symptom]:
    for step in steps:
        related = [one for defect in step.defects_found or () for one in defect.related_symptoms or ()]
        for one in (*_symptoms_of(step), *related):
            designators = map(_designator, one.components_of_interest or ())
            yield Symptom(
                step=_name(step),
                reference_designators=tuple(filter(None, designators)),
                code=one.symptom_code,
                category=one.symptom_category,
                description=one.description,
                comments=one.comments,
            )


def _lists(steps: Sequence[Step], raw: "_RawBody", member: str) -> Iterator[Listed]:
    """All measurements of a run: CFX keeps those that belong to a defect or symptom there, and only there."""
    for index, step in enumerate(steps):
        name, inner = _name(step), raw.within(member, index)
        yield _listed(name, step.measurements, inner)
        symptoms_member = "Symptoms" if isinstance(step, cfx.Inspection) else "SymptomsFound"
        yield from _lists_of_symptoms(name, _symptoms_of(step), inner, symptoms_member)
        for at, defect in enumerate(step.defects_found or ()):
            within = inner.within("DefectsFound", at)
            yield _listed(name, defect.related_measurements, within, "RelatedMeasurements")
            yield from _lists_of_symptoms(name, defect.related_symptoms or (), within, "RelatedSymptoms")


def _lists_of_symptoms(
    name: str | None, symptoms: Sequence[cfx.Symptom], raw: "_RawBody", member: str
) -> Iterator[Listed]:
    for at, symptom in enumerate(symptoms):
        yield _listed(name, symptom.related_measurements, raw.within(member, at), "RelatedMeasurements")


def _listed(
    name: str | None, measurements: Sequence[cfx.Measurement] | None, raw: "_RawBody", member: str = "Measurements"
) -> Listed:
    return Listed(name, measurements or (), raw.within(member).members)


class _RawBody:
    """The message's JSON beside its typed form: parsed only when something in it is of an unknown kind."""

    def __init__(self, body: bytes | None, path: tuple[str | int, ...] = (), root: "_RawBody | None" = None) -> None:
        self._body = body
        self._path = path
        self._root = root or self
        self._parsed: Any = None

    def within(self, *path: str | int) -> "_RawBody":
        return _RawBody(None, (*self._path, *path), self._root)

    def members(self, index: int) -> Members | None:
        """The members of the structure at an index of this list; None where there is no body to look into."""
        found = self._root.parsed()
        if found is None:
            return None
        for step in (*self._path, index):
            found = found[step]
        return found if isinstance(found, dict) else None

    def parsed(self) -> Any:
        """The whole body."""
        if self._parsed is None and self._body is not None:
            self._parsed = msgspec.json.decode(self._body)
        return self._parsed
