"""The passport of a unit for people: its page, paper, CSV and JSON; its measurements; the machines' own messages."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from app.errors import NotFound
from app.http.forms import Form, form_of
from app.http.tables import csv_answer, wants_csv
from app.http.tracing import AsOf, made_from_csv, with_zone
from app.inbox.originals import original
from app.people import Permission
from app.products.drawing import Drawing
from app.products.instructions import board_drawing
from app.quality.journey import runs_of_unit
from app.quality.margins import Judged, judged, worst_first
from app.quality.measurements import measured_run, measurements_of
from app.quality.outcome import FALSE_CALLS, Outcome
from app.quality.passport import Passport, passport
from app.quality.queries import RecordedRun
from app.quality.visits import Visit
from app.sentences import Sentence
from app.trace.by_package import by_package
from app.trace.made_from import made_from
from app.units.taken_out import seen_out, sits_in
from app.web.pages import Visitor, answer, render
from app.web.session import Reading, TheVisitor, Visiting

router = APIRouter(prefix="/units", include_in_schema=False)

_IN_FULL = 60
"""A run of so few values is shown on the passport itself."""
_VALUES_SHOWN = 100
_JOURNEY_COLUMNS = (
    "operation", "station", "started_at", "ended_at", "received_at", "outcome", "attempt", "retests", "operators",
    "recipe", "side", "delay",
)  # fmt: skip
Serial = Annotated[str, Query(min_length=1, max_length=256)]


@router.get("")
def unit_page(
    *,
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    serial: Serial,
    as_of: AsOf = None,
    table: Literal["parts", "journey"] = "parts",
) -> Response:
    """The unit's passport, now or as it was known then; as CSV its parts, or its journey."""
    actor = visitor.actor
    actor.require(Permission.read_units)
    as_of = with_zone(as_of)
    form = form_of(request)
    if form is Form.csv and table == "parts":
        return made_from_csv(made_from(connection, serial, customer_id=actor.customer_id, as_of=as_of))
    told = passport(connection, serial, customer_id=actor.customer_id, as_of=as_of)
    if form is Form.csv:
        return csv_answer(_JOURNEY_COLUMNS, _journey_rows(told.visits), f"journey {serial}.csv")
    if form is Form.pdf:
        from app.http.passport_paper import passport_paper  # noqa: PLC0415  (no start waits for paper)

        return passport_paper(told, asked_by=actor.name)
    may_take_out = told.unit.panel and as_of is None and actor.may(Permission.override_gate)
    return answer(
        request, "unit.html", visitor, _told(told), passport=told,
        carriers=sits_in(connection, [told.unit.serial]) if may_take_out else [],
        seen_out=seen_out(connection, [told.unit.serial]) if may_take_out else [],
        packages=by_package(told.made_from.installations),
        drawings=_drawings(connection, told), marked=_marked(told), inside=actor.customer_id is None,
        in_full=list(_in_full(connection, told.runs)), now=datetime.now(UTC),
    )  # fmt: skip


def _told(told: Passport) -> dict[str, object]:
    return {
        "unit": told.unit,
        "standing": told.standing,
        "as_of": told.as_of,
        "made_from": told.made_from,
        "level": told.level,
        "tries": told.tries,
        "holds": told.holds,
        "history": told.visits,
        "built_into": told.built_into,
    }


def _journey_rows(visits: Sequence[Visit]) -> Iterator[list[object]]:
    for visit in visits:
        yield [getattr(visit, column) for column in _JOURNEY_COLUMNS]


def _drawings(connection: Connection, told: Passport) -> list[Drawing]:
    if told.product_revision_id is None or told.unit.boards:
        return []
    both = [board_drawing(connection, told.product_revision_id, side) for side in ("top", "bottom")]
    return [drawing for drawing in both if drawing.shapes]


def _marked(told: Passport) -> dict[str, str]:
    """Class of each designator that is to be seen on the drawing: without a package, or with a defect that stands."""
    marked = dict.fromkeys(told.made_from.completeness.missing, "warn")
    last: dict[tuple[object, ...], RecordedRun] = {}
    for run in told.runs:
        if run.outcome in {Outcome.passed, Outcome.failed}:
            last[run.station_id, run.method, run.recipe] = run
    for run in last.values():
        if run.outcome is Outcome.failed:
            found = [one.reference_designator for one in run.defects if one.verification not in FALSE_CALLS]
            found += [name for one in run.symptoms for name in one.reference_designators]
            marked.update((name, "bad") for name in found if name)
    return marked


def _in_full(connection: Connection, runs: Sequence[RecordedRun]) -> Iterator[tuple[RecordedRun, list[Judged]]]:
    """The last test of each station, where it has so few values that all of them can be read at once."""
    tests = sorted((run for run in runs if run.kind == "test"), key=lambda run: (run.station, run.method or ""))
    for _, told in groupby(tests, key=lambda run: (run.station, run.method)):
        run = max(told, key=lambda one: one.recorded_at)
        measured = measured_run(connection, run.unit_id, run.position_number, run.event_id, run.number)
        if measured is not None and 0 < len(measured) <= _IN_FULL:
            yield run, [judged(one) for one in measured.items()]


def _values(connection: Connection, run: RecordedRun) -> list[Judged]:
    measured = measurements_of(connection, run.unit_id, run.position_number, run.event_id, run.number)
    return [judged(one) for one in measured]


@router.get("/measurements")
def measurements_page(
    *,
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    serial: Serial,
    event: int,
    run: int = 1,
    order: Literal["worst", "machine"] = "worst",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """Everything one run measured of a unit, the worst first or in the machine's order; CSV and JSON have all of it."""
    actor = visitor.actor
    actor.require(Permission.read_units)
    runs = runs_of_unit(connection, serial, customer_id=actor.customer_id)
    asked = next((one for one in runs if (one.event_id, one.number) == (event, run)), None)
    if asked is None:
        raise NotFound(
            Sentence("No such inspection or test of %(unit)s is known here. Its journey lists them.", unit=serial)
        )
    values = _values(connection, asked)
    values = worst_first(values) if order == "worst" else values
    if wants_csv(request):
        columns = [name for name in Judged.__dataclass_fields__ if name != "deviation"] + ["deviation"]
        rows = ([getattr(one, column) for column in columns] for one in values)
        return csv_answer(columns, rows, f"measurements {serial} {event}.csv")
    told = {"serial": serial, "run": asked, "measurements": values}
    first = (page - 1) * _VALUES_SHOWN
    return answer(
        request, "measurements.html", visitor, told, shown=values[first : first + _VALUES_SHOWN], page=page,
        order=order, pages=max(1, -(-len(values) // _VALUES_SHOWN)), bad=sum(one.is_bad for one in values),
    )  # fmt: skip


@router.get("/inside")
def inside(visitor: TheVisitor, request: Request, connection: Reading, serial: Serial, as_of: AsOf = None) -> Response:
    """What is built into a unit, one level: the passport asks for it when somebody unfolds that unit."""
    visitor.actor.require(Permission.read_units)
    made = made_from(connection, serial, customer_id=visitor.actor.customer_id, as_of=with_zone(as_of))
    return render(request, "inside.html", visitor, components=made.components, parts=len(made.installations), of=serial)


@router.get("/message")
def message(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.read_line))],
    connection: Reading,
    event: int,
) -> Response:
    """What the machine said, byte for byte: the message behind a fact."""
    found = original(connection, event)
    if form_of(request) is None and request.query_params.get("format") == "raw":
        disposition = f'attachment; filename="message-{event}.json"'
        return Response(found.body, media_type="application/octet-stream", headers={"Content-Disposition": disposition})
    told = {"message": {**asdict(found), "body": found.body.decode("utf-8", "replace")}}
    return answer(request, "message.html", visitor, told, original=found)
