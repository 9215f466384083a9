"""The trace questions as both doors ask them: narrowed to the asker, and as CSV."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

from app.errors import Invalid, NotFound
from app.http.tables import csv_answer
from app.people import Actor
from app.quality.journey import runs_of_unit
from app.quality.queries import RecordedRun
from app.trace.made_from import MadeFrom
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, WhereUsed, stream_where_used, where_used
from app.units.queries import JourneyEntry, history


@dataclass(frozen=True, slots=True)
class Material:
    """What is looked for: a package, a lot (best with its part number), a part, or a child unit."""

    package: str | None = None
    lot: str | None = None
    part_number: str | None = None
    serial: str | None = None

    def __post_init__(self) -> None:
        """Refuse questions that mean nothing or two things at once."""
        said = {name: value for name, value in asdict(self).items() if value}
        if not said:
            raise Invalid("Say what is looked for: ?package=, ?lot=&part_number=, or ?serial=.")
        if len(said) > 1 and said.keys() != {"lot", "part_number"}:
            raise Invalid(
                f"{' and '.join(sorted(said))} do not go together. Ask for a package, for a lot "
                "with its part number, or for the serial of a child unit."
            )

    @property
    def question(self) -> Question:
        """The question as `app.trace` takes it."""
        return Question(**{name: value or None for name, value in asdict(self).items()})

    @property
    def title(self) -> str:
        """In words: `package R-1182`."""
        words = {"package": "reel", "lot": "lot", "part_number": "part", "serial": "unit"}
        return " of ".join(f"{words[name]} {value}" for name, value in asdict(self).items() if value)


def carrying_units(
    connection: Connection, material: Material, actor: Actor, *, cursor: str | None, limit: int
) -> WhereUsed:
    """A page of the units that carry it. To a customer, what none of theirs carries is not known."""
    found = where_used(
        connection,
        material.question,
        customer_id=actor.customer_id,
        cursor=cursor,
        limit=limit,
    )
    if actor.customer_id is not None and not any((found.counts.exact, found.counts.bounded, found.counts.inferred)):
        raise _not_theirs(material)
    return found


def _not_theirs(material: Material) -> NotFound:
    """Says no more than for what does not exist, or a customer could probe for others' material."""
    return material.question.not_known


def journey(connection: Connection, serial: str, actor: Actor) -> list[JourneyEntry]:
    """What happened to a unit, inspections and tests included, oldest first.

    Raises `NotFound` where the serial is not known, or not the asking customer's.
    """
    entries = history(connection, serial, customer_id=actor.customer_id)
    runs = runs_of_unit(connection, serial, customer_id=actor.customer_id)
    if actor.customer_id is not None:
        entries = [_without_others(entry) for entry in entries]
    entries += [_of_run(run) for run in runs]
    return sorted(entries, key=lambda entry: (entry.recorded_at, entry.received_at))


def _without_others(entry: JourneyEntry) -> JourneyEntry:
    """A machine's own words (members in CFX's PascalCase) may name units of other customers."""
    ours = {name: value for name, value in entry.details.items() if name[:1].islower()}
    return replace(entry, details=ours)


def _of_run(run: RecordedRun) -> JourneyEntry:
    told = {
        "outcome": run.outcome,
        "machine_outcome": run.machine_outcome,
        "verification": run.verification,
        "method": run.method,
        "recipe": run.recipe,
        "recipe_revision": run.recipe_revision,
        "by": run.by,
        "steps": run.steps,
        "out_of_limit": run.cells_out_of_limit,
        "defects": [_spoken(asdict(defect)) for defect in run.defects],
        "symptoms": [_spoken(asdict(symptom)) for symptom in run.symptoms],
    }
    return JourneyEntry(
        what="UnitsInspected" if run.kind == "inspection" else "UnitsTested",
        station=run.station,
        recorded_at=run.recorded_at,
        received_at=run.received_at,
        details=_spoken(told),
    )


def _spoken(told: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said."""
    return {name: value for name, value in told.items() if value not in (None, [], ())}


_CARRYING_COLUMNS = (
    "serial",
    "position_number",
    "evidence",
    "reference_designators",
    "place",
    "via",
    "recorded_at",
    "reason",
)


def carrying_units_csv(connection: Connection, material: Material, actor: Actor) -> StreamingResponse:
    """All units that carry it, streamed as CSV."""
    units = stream_where_used(connection, material.question, customer_id=actor.customer_id)
    # The first one is fetched before the answer begins, while an error can still be told.
    first = next(units, None)
    if first is None and actor.customer_id is not None:
        raise _not_theirs(material)
    every = chain([first], units) if first is not None else units
    name = f"where-used {material.title}.csv"
    return csv_answer(_CARRYING_COLUMNS, _carrying_rows(every), name)


def _carrying_rows(units: Iterator[CarryingUnit]) -> Iterator[tuple[object, ...]]:
    for unit in units:
        yield tuple(getattr(unit, column) for column in _CARRYING_COLUMNS)


_INSTALLED_COLUMNS = (
    "reference_designator",
    "part_number",
    "package",
    "lot",
    "evidence",
    "station",
    "recorded_at",
    "removed_at",
)


def made_from_csv(made: MadeFrom) -> StreamingResponse:
    """Every part of a unit as CSV."""
    rows = (tuple(getattr(part, column) for column in _INSTALLED_COLUMNS) for part in made.installations)
    return csv_answer(_INSTALLED_COLUMNS, rows, f"made-from {made.serial}.csv")
