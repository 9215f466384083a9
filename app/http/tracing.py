"""The trace questions as both doors ask them: narrowed to the asker, and as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from msgspec import Struct
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Connection

from app.http.forms import Form
from app.http.parquet import Column, Kind, parquet_answer
from app.http.streams import watched
from app.http.tables import csv_answer
from app.people import Actor, Permission
from app.trace.evidence import Evidence
from app.trace.excluded import ExcludedUnit
from app.trace.explorer import Explored, Grouping, Narrowing, explore, narrowed
from app.trace.made_from import MadeFrom
from app.trace.pages import Counts, Cursor
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, WhereUsed, stream_where_used, where_used

_AS_OF = "Answer from what was known then"
AsOf = Annotated[datetime | None, Query(description=_AS_OF)]
_Term = Annotated[str | None, Field(max_length=256)]


class _Terms(BaseModel):
    package: _Term = None
    lot: _Term = None
    part_number: _Term = None
    date_code: _Term = None
    manufacturer: _Term = None
    vendor: _Term = None
    delivery: _Term = Field(None, description="The supplier's delivery note, invoice or order")
    received_on: date | None = Field(None, description="Day of receipt, UTC")
    slot: _Term = None
    feeder: _Term = None
    nozzle: _Term = None
    tool: _Term = Field(None, description="Stencil, squeegee, nozzle, fixture, adapter")
    firmware: _Term = Field(None, description="Version or checksum")
    recipe: _Term = None
    recipe_revision: _Term = None
    operator: _Term = Field(None, description="Not for customers")
    station: _Term = Field(None, description="CFX handle")
    since: datetime | None = Field(None, description="By the station's clock")
    until: datetime | None = Field(None, description="By the station's clock")
    serial: _Term = Field(None, description="A child unit; goes with no other term")
    as_of: datetime | None = Field(None, description=_AS_OF)


TERMS: Final = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": told,
            **({"description": told["description"]} if "description" in told else {}),
        }
        for name, told in _Terms.model_json_schema()["properties"].items()
    ]
}
"""The terms of `Asked` as `/docs` describes them (`openapi_extra`). FastAPI would do it by itself, but then reads them
one by one, which takes as long as to look a reel up."""


async def question(request: Request) -> Question:
    """What is looked for, from the query of an address: every term given must hold. A time without zone is UTC."""
    try:
        terms = _Terms.model_validate(dict(request.query_params))
    except ValidationError as error:
        told = error.errors(include_url=False)
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in told]) from error
    given: dict[str, Any] = {name: value for name, value in terms if value}
    for name in given.keys() & {"since", "until", "as_of"}:
        given[name] = with_zone(given[name])
    return Question(**given)


def with_zone(moment: datetime | None) -> datetime | None:
    """A time without zone is UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


Asked = Annotated[Question, Depends(question)]
_ALL = Narrowing()


def carrying_units(
    connection: Connection, asked: Question, actor: Actor, *, cursor: str | None, limit: int
) -> WhereUsed:
    """A page of the units that carry it. To a customer, what none of theirs carries is not known."""
    _require(asked, actor)
    return where_used(connection, asked, customer_id=actor.customer_id, cursor=cursor, limit=limit)


def explored_units(
    connection: Connection,
    asked: Question,
    actor: Actor,
    wanted: Narrowing,
    *,
    by: Grouping | None,
    cursor: str | None,
    limit: int,
) -> Explored:
    """A page of what is wanted of the units that carry it, counted and grouped; how far a long count is shows."""
    _require(asked, actor)
    after = Cursor.read(cursor) if cursor else None
    units = stream_where_used(connection, asked, customer_id=actor.customer_id, after=after.key if after else None)
    seen = watched(units, connection.engine, deed=f"Counting where {asked.name} is used", actor=actor.name)
    return explore(connection, seen, wanted, by=by, after=after, limit=limit)


def _require(asked: Question, actor: Actor) -> None:
    """Who worked where is the factory's own affair. Raises `Forbidden`."""
    if asked.operator:
        actor.require(Permission.read_line)


class TellingUnit(Struct, omit_defaults=True, gc=False):
    """A unit that carries, or may carry, what was asked for, `via` the unit that it came in with."""

    serial: str
    evidence: Evidence
    reason: str
    reference_designators: list[str]
    place: str | None
    recorded_at: datetime | None
    via: str | None = None
    position_number: int | None = None


class UsedPage(Struct, omit_defaults=True):
    """A page of the answer; `next` is the cursor of the next page. `counts` are over the whole answer."""

    counts: Counts
    units: list[TellingUnit]
    next: str | None = None


def where_used_answer(found: WhereUsed | Explored) -> UsedPage:
    """A page as the contract says it: without what serves the cursor only."""
    told = [
        TellingUnit(
            unit.serial,
            unit.evidence,
            unit.reason,
            unit.reference_designators,
            unit.place,
            unit.recorded_at,
            unit.via,
            unit.position_number,
        )
        for unit in found.units
    ]
    return UsedPage(found.counts, told, found.next)


_CARRYING_COLUMNS = (
    Column("serial"),
    Column("position_number", Kind.integer),
    Column("evidence"),
    Column("reference_designators", Kind.texts),
    Column("place"),
    Column("via"),
    Column("recorded_at", Kind.moment),
    Column("reason"),
)


def carrying_units_table(
    connection: Connection, asked: Question, actor: Actor, form: Form = Form.csv, wanted: Narrowing = _ALL
) -> Response:
    """All units that carry it, or what is wanted of them, as a table; CSV and Parquet are streamed."""
    _require(asked, actor)
    units = narrowed(connection, stream_where_used(connection, asked, customer_id=actor.customer_id), wanted)
    # The first one is fetched before the answer begins, while an error can still be told.
    first = next(units, None)
    all_of_them = chain([first], units) if first is not None else units
    deed = f"Telling where {asked.name} is used"
    every = _carrying_rows(watched(all_of_them, connection.engine, deed=deed, actor=actor.name))
    name = f"where-used {asked.words}.{form}"
    columns = [column.name for column in _CARRYING_COLUMNS]
    match form:
        case Form.csv:
            return csv_answer(columns, every, name)
        case Form.parquet:
            return parquet_answer(_CARRYING_COLUMNS, every, name)
        # The libraries of files that people print or open are brought when one is asked for: no start waits for them.
        case Form.xlsx:
            from app.http.spreadsheets import spreadsheet_answer  # noqa: PLC0415

            return spreadsheet_answer(columns, every, name)
        case Form.pdf:
            from app.http.paper import paper_answer  # noqa: PLC0415

            as_of = f", as known at {asked.as_of:%Y-%m-%d %H:%M:%S %Z}" if asked.as_of else ""
            title = f"Where used: {asked.words}"
            subtitle = f"Asked by {actor.name}{as_of}"
            return paper_answer(title, subtitle, _ON_PAPER, (_on_paper(row) for row in every), name)


# What a person reads, with each column's share of the width.
_ON_PAPER = (
    ("serial", 20.0), ("evidence", 8.0), ("designators", 16.0), ("place", 14.0), ("via", 12.0), ("reason", 40.0),
)  # fmt: skip


def _on_paper(row: Sequence[object]) -> tuple[object, ...]:
    told = dict(zip((column.name for column in _CARRYING_COLUMNS), row, strict=True))
    position = f" position {told['position_number']}" if told["position_number"] else ""
    return (
        f"{told['serial']}{position}",
        told["evidence"],
        told["reference_designators"],
        told["place"],
        told["via"],
        told["reason"],
    )


def _carrying_rows(units: Iterator[CarryingUnit]) -> Iterator[tuple[object, ...]]:
    for unit in units:
        yield tuple(getattr(unit, column.name) for column in _CARRYING_COLUMNS)


_EXCLUDED_COLUMNS = ("serial", "position_number", "place", "reason")


def excluded_units_csv(units: Iterable[ExcludedUnit], asked: Question) -> StreamingResponse:
    """Units that do not carry it, though they were near, as CSV."""
    rows = (tuple(getattr(unit, column) for column in _EXCLUDED_COLUMNS) for unit in units)
    return csv_answer(_EXCLUDED_COLUMNS, rows, f"excluded {asked.words}.csv")


_INSTALLED_COLUMNS = (
    "reference_designator",
    "part_number",
    "package",
    "lot",
    "evidence",
    "station",
    "recorded_at",
    "removed_at",
    "perhaps_removed_at",
)


def made_from_csv(made: MadeFrom) -> StreamingResponse:
    """Every part of a unit as CSV."""
    rows = (tuple(getattr(part, column) for column in _INSTALLED_COLUMNS) for part in made.installations)
    return csv_answer(_INSTALLED_COLUMNS, rows, f"made-from {made.serial}.csv")
