"""The passport of a unit on paper: what is printed, signed and sent with it."""

from collections.abc import Iterator

from fastapi.responses import StreamingResponse

from app.http.paper import Paper
from app.quality.passport import Passport
from app.trace.by_package import by_package

_FACTS = (("", 22.0), ("", 78.0))
_JOURNEY = (
    ("operation", 18.0), ("station", 18.0), ("started", 16.0), ("ended", 16.0), ("received", 16.0), ("outcome", 9.0),
    ("by", 12.0),
)  # fmt: skip
_MADE_FROM = (
    ("part", 16.0), ("package", 18.0), ("lot", 12.0), ("evidence", 8.0), ("station", 14.0), ("placed", 14.0),
    ("taken out", 14.0), ("designators", 34.0),
)  # fmt: skip
_HOLDS = (("number", 12.0), ("held", 14.0), ("why", 34.0), ("decided", 12.0), ("because", 28.0))
_DEFECTS = (("found", 14.0), ("at", 18.0), ("designator", 10.0), ("what", 40.0), ("verification", 18.0))


def passport_paper(told: Passport, *, asked_by: str) -> StreamingResponse:
    """The passport as a PDF."""
    unit = told.unit
    then = f", as known at {told.as_of:%Y-%m-%d %H:%M:%S} UTC" if told.as_of else ""
    paper = Paper(f"{'Panel' if unit.boards else 'Unit'} {unit.serial}: {told.standing.word}", f"For {asked_by}{then}")
    paper.table(_FACTS)
    for fact in _facts(told):
        paper.add(fact)
    if told.holds:
        paper.table(_HOLDS, "Holds and decisions")
        for one in told.holds:
            because = one.decided_because or one.release_reason
            decided = one.decision or ("released" if one.released_at else "")
            paper.add([one.containment or one.number, one.held_at, one.reason, decided, because])
    defects = [(run, defect) for run in told.runs for defect in run.defects]
    if defects:
        paper.table(_DEFECTS, "Defects")
        for run, defect in defects:
            what = defect.description or defect.code or defect.category
            paper.add([run.recorded_at, run.station, defect.reference_designator, what, defect.verification])
    paper.table(_JOURNEY, "Journey")
    for visit in told.visits:
        by = ", ".join(visit.operators)
        paper.add([(visit.operation or "").replace("_", " "), visit.station_name, visit.started_at, visit.ended_at,
                   visit.received_at, visit.outcome, by])  # fmt: skip
    paper.table(_MADE_FROM, "Made from")
    for part in by_package(told.made_from.installations):
        paper.add([part.part_number, part.package, part.lot, part.evidence.value, part.station, part.since,
                   part.removed_at, part.reference_designators])  # fmt: skip
    return paper.answer(f"passport {unit.serial}.pdf")


def _facts(told: Passport) -> Iterator[tuple[str, object]]:
    unit, made = told.unit, told.made_from
    for reason in told.standing.reasons:
        yield reason.code.replace("_", " "), f"{reason.sentence} {reason.clears}"
    yield "product", made.product
    yield "work order", made.work_order
    yield "customer", unit.customer
    if unit.panel:
        yield "panel", f"{unit.panel}, position {unit.position_number}"
    if unit.boards:
        yield "boards", list(unit.boards)
    if told.as_of is None:
        yield "place", unit.place
    yield "material level", told.level.sentence
    for missing in told.level.missing:
        yield "", missing
    for one in made.firmware:
        yield one.name, one.value
    for child in made.components:
        where = f" at {child.reference_designator}" if child.reference_designator else ""
        yield "built in", f"{child.serial}{where}"
    for parent in told.built_into:
        yield "built into", parent.serial
