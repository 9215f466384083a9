"""What was inspected and tested: the runs of a unit, yields of stations, what is found most."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, text

from app.quality.facts import Defect, Symptom
from app.quality.outcome import FALSE_CALLS, Outcome

Place: TypeAlias = tuple[int, int]
"""(unit_id, position_number) as a machine spoke it."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it is on record. `machine_outcome` and `verification` are None for a test.

    `failed_cells` and `cells_out_of_limit` count what `app.quality.measurements` shows of it; None: nothing measured.
    """

    kind: Literal["inspection", "test"]
    unit_id: int
    position_number: int
    event_id: int
    number: int
    station_id: int
    station: str
    method: str | None
    outcome: Outcome
    machine_outcome: Outcome | None
    verification: str | None
    recipe: str | None
    recipe_revision: str | None
    by: str | None
    steps: int
    recorded_at: datetime
    received_at: datetime
    failed_cells: int | None
    cells_out_of_limit: int | None
    defects: tuple[Defect, ...]
    symptoms: tuple[Symptom, ...]
    handle: str = ""
    operation: str | None = None
    transaction_id: str | None = None

    @property
    def is_false_call(self) -> bool:
        """Did a person overrule the machine?"""
        return self.machine_outcome is Outcome.failed and self.outcome is Outcome.passed


_RUNS = text(
    """
    -- Which inspections and tests were made of these units, in order?
    WITH place AS (
        SELECT * FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[]))
            AS given (unit_id, position_number)
    ), found AS (
        SELECT 'inspection' AS kind, unit_id, position_number, event_id, run, station_id, transaction_id, method,
            outcome, machine_outcome, verification, recipe_id, inspector AS by, steps, recorded_at, received_at
        FROM place JOIN inspection USING (unit_id, position_number)
        UNION ALL
        SELECT 'test', unit_id, position_number, event_id, run, station_id, transaction_id, method, outcome,
            NULL, NULL, recipe_id, tester, steps, recorded_at, received_at
        FROM place JOIN test USING (unit_id, position_number)
    )
    SELECT found.*, coalesce(station.name, station.handle) AS station,
        station.handle, station.operation, recipe.name AS recipe,
        recipe.revision AS recipe_revision, cardinality(measurement.failed) AS failed_cells,
        cardinality(measurement.out_of_limit) AS cells_out_of_limit
    FROM found
    JOIN station USING (station_id)
    LEFT JOIN recipe USING (recipe_id)
    LEFT JOIN measurement USING (unit_id, position_number, event_id, run)
    ORDER BY found.recorded_at, event_id, run
    """
)
_DEFECTS = text(
    """
    -- What was defective on these units?
    SELECT defect.* FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[]))
        AS given (unit_id, position_number)
    JOIN defect USING (unit_id, position_number)
    ORDER BY ordinal
    """
)
_SYMPTOMS = text(
    """
    -- What was noticed of these units?
    SELECT symptom.* FROM unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[]))
        AS given (unit_id, position_number)
    JOIN symptom USING (unit_id, position_number)
    ORDER BY ordinal
    """
)


def runs_of(connection: Connection, places: Iterable[Place]) -> list[RecordedRun]:
    """All inspections and tests recorded under these places, by the stations' clocks.

    On a carrier that is used again, the caller keeps those of the time the unit was on it (`recorded_at`).
    """
    distinct = sorted(set(places))
    given = {"units": [unit for unit, _ in distinct], "positions": [position for _, position in distinct]}
    defects: dict[tuple[int, ...], list[Defect]] = defaultdict(list)
    for row in connection.execute(_DEFECTS, given):
        defects[_key(row)].append(
            Defect(
                row.step, row.reference_designator, row.part_number, row.code, row.category, row.description,
                row.comments, row.priority, row.confidence, row.verification,
            )
        )  # fmt: skip
    symptoms: dict[tuple[int, ...], list[Symptom]] = defaultdict(list)
    for row in connection.execute(_SYMPTOMS, given):
        symptoms[_key(row)].append(
            Symptom(row.step, tuple(row.reference_designators), row.code, row.category, row.description, row.comments)
        )
    return [_run(row, defects[_key(row)], symptoms[_key(row)]) for row in connection.execute(_RUNS, given)]


def _key(row: Any) -> tuple[int, ...]:
    return row.unit_id, row.position_number, row.event_id, row.run


def _run(row: Any, defects: Sequence[Defect], symptoms: Sequence[Symptom]) -> RecordedRun:
    return RecordedRun(
        kind=row.kind,
        unit_id=row.unit_id,
        position_number=row.position_number,
        event_id=row.event_id,
        number=row.run,
        station_id=row.station_id,
        station=row.station,
        method=row.method,
        outcome=Outcome(row.outcome),
        machine_outcome=None if row.machine_outcome is None else Outcome(row.machine_outcome),
        verification=row.verification,
        recipe=row.recipe,
        recipe_revision=row.recipe_revision,
        by=row.by,
        steps=row.steps,
        recorded_at=row.recorded_at,
        received_at=row.received_at,
        failed_cells=row.failed_cells,
        cells_out_of_limit=row.cells_out_of_limit,
        defects=tuple(defects),
        symptoms=tuple(symptoms),
        handle=row.handle,
        operation=row.operation,
        transaction_id=None if row.transaction_id is None else str(row.transaction_id),
    )


Ranking = Literal["code", "category", "reference_designator", "part_number"]

# The columns a Pareto can be made over: names from here, never from a request.
_RANKED: dict[Ranking, str] = {
    "code": "defect.code",
    "category": "defect.category",
    "reference_designator": "defect.reference_designator",
    "part_number": "defect.part_number",
}
_PARETO = """
    -- Which {ranked} are found most?
    SELECT {ranked} AS what, count(*) FILTER (WHERE NOT false_call) AS defects,
        count(DISTINCT (unit_id, position_number)) FILTER (WHERE NOT false_call) AS units,
        count(*) FILTER (WHERE false_call) AS false_calls
    FROM (
        SELECT *, coalesce(verification = ANY (CAST(:false_calls AS text[])), false) AS false_call FROM defect
    ) AS defect
    WHERE recorded_at >= :since AND recorded_at < :until
      AND (CAST(:station_id AS integer) IS NULL OR station_id = :station_id)
    GROUP BY {ranked}
    ORDER BY defects DESC, false_calls DESC, what
    """


@dataclass(frozen=True, slots=True)
class Ranked:
    """One bar of a Pareto. `share` is the part of all defects up to and including this one (0..1)."""

    what: str | None
    defects: int
    units: int
    false_calls: int
    share: float


_SYMPTOM_PARETO = text(
    """
    -- Which symptoms are noticed most?
    SELECT code AS what, count(*) AS defects, count(DISTINCT (unit_id, position_number)) AS units, 0 AS false_calls
    FROM symptom WHERE recorded_at >= :since AND recorded_at < :until
    GROUP BY code ORDER BY defects DESC, what
    """
)


def symptom_pareto(connection: Connection, since: datetime, until: datetime) -> list[Ranked]:
    """What tests noticed most, by the symptom's code, as `defect_pareto` tells it."""
    return _ranked(connection.execute(_SYMPTOM_PARETO, {"since": since, "until": until}).all())


def defect_pareto(
    connection: Connection,
    since: datetime,
    until: datetime,
    *,
    by: Ranking = "code",
    station_id: int | None = None,
) -> list[Ranked]:
    """What is found most, from `since` up to but not at `until`, by the stations' clocks. False calls count apart."""
    statement = text(_PARETO.format(ranked=_RANKED[by]))
    rows = connection.execute(
        statement, {"since": since, "until": until, "station_id": station_id, "false_calls": list(FALSE_CALLS)}
    ).all()
    return _ranked(rows)


def _ranked(rows: Sequence[Any]) -> list[Ranked]:
    total = sum(row.defects for row in rows)
    ranked, seen = [], 0
    for row in rows:
        seen += row.defects
        ranked.append(Ranked(row.what, row.defects, row.units, row.false_calls, seen / total if total else 0.0))
    return ranked
