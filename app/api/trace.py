"""Trace: what a unit is made from, and where a material went."""

from itertools import chain, islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from app.api.access import Reading, Sent, TheTrace, Tracing, UnitReader
from app.db import asked
from app.errors import Invalid
from app.http.answers import documented, json_answer, whole_answer
from app.http.bearing import asker
from app.http.forms import MEDIA_TYPES, form_of
from app.http.tables import wants_csv
from app.http.tracing import (
    TERMS,
    Asked,
    AsOf,
    UsedPage,
    carrying_units,
    carrying_units_table,
    excluded_units_csv,
    made_from_csv,
    where_used_answer,
    with_zone,
)
from app.people import Permission
from app.sentences import Sentence
from app.trace.excluded import ExcludedUnit, excluded
from app.trace.graph import Graph, graph_of_material, graph_of_unit
from app.trace.made_from import MadeFrom, made_from
from app.trace.question import Question
from app.trace.where_used import LARGEST_PAGE, WhereUsed

router = APIRouter(prefix="/trace", tags=["trace"])

_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_TABLES: dict[int | str, dict[str, Any]] = {200: {"content": {media_type: {} for media_type in MEDIA_TYPES.values()}}}


@router.get("/made-from", response_model=documented(MadeFrom), responses=_CSV)
def get_made_from(
    request: Request,
    trace: TheTrace,
    sent: Sent,
    serial: Annotated[str, Query(min_length=1)],
    as_of: AsOf = None,
) -> Response:
    """The unit as built: each designator with its package, lot, evidence and station.

    A panel's identifier answers for all its boards. Identifiers are percent-encoded; a `+` is a
    plus. `Accept: text/csv` gives the installations as a table.
    """

    def question(connection: Connection) -> MadeFrom:
        reader = asker(connection, sent, Permission.read_units)
        return made_from(connection, serial, customer_id=reader.customer_id, as_of=with_zone(as_of))

    made = asked(trace, question)
    return made_from_csv(made) if wants_csv(request) else whole_answer(made)


@router.get("/where-used", response_model=documented(UsedPage), responses=_TABLES, openapi_extra=TERMS)
def get_where_used(
    *,
    request: Request,
    trace: TheTrace,
    tracing: Tracing,
    sent: Sent,
    terms: Asked,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 1000,
) -> Response:
    """The units that ever carried a package, a lot (of a part) or a child unit.

    A removed part counts, a rejected placement does not. Parent assemblies are included, with `via`
    naming the child. `counts` are over the whole answer, whatever the page. All terms given must
    hold. `Accept` or `?format=` gives all of it as csv, parquet (both streamed), xlsx or pdf.
    """
    form = form_of(request)
    if form is not None:
        reader = asked(trace, lambda connection: asker(connection, sent, Permission.read_units))
        return carrying_units_table(tracing(), terms, reader, form)

    def question(connection: Connection) -> WhereUsed:
        # One connection for who asks and what, with plans that are made: nine in ten pages are small.
        reader = asker(connection, sent, Permission.read_units)
        return carrying_units(connection, terms, reader, cursor=cursor, limit=limit)

    return whole_answer(where_used_answer(asked(trace, question)))


@router.get("/excluded", response_model=dict[str, list[ExcludedUnit]], responses=_CSV, openapi_extra=TERMS)
def get_excluded(
    *,
    request: Request,
    reader: UnitReader,
    connection: Reading,
    asked: Asked,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 1000,
) -> Response:
    """Units that were near a package, lot or part and do not carry it, each with the reason.

    JSON gives the first `limit` of them; `Accept: text/csv` streams all.
    """
    if reader.customer_id is not None:  # raises `NotFound` unless a unit of theirs carries it
        carrying_units(connection, asked, reader, cursor=None, limit=1)
    units = excluded(connection, asked, customer_id=reader.customer_id)
    first = list(islice(units, 1))  # fetched now, while an error can still be told
    every = chain(first, units)
    if wants_csv(request):
        return excluded_units_csv(every, asked)
    return json_answer({"units": list(islice(every, limit))})


@router.get("/graph", response_model=Graph)
def get_graph(
    *,
    reader: UnitReader,
    connection: Reading,
    serial: Annotated[str | None, Query(max_length=256)] = None,
    package: Annotated[str | None, Query(max_length=256)] = None,
    lot: Annotated[str | None, Query(max_length=256)] = None,
    part_number: Annotated[str | None, Query(max_length=256, description="Of the lot")] = None,
) -> Response:
    """The genealogy around a unit, a package or a lot: nodes, and edges from material to the units it went into.

    Nodes with the same `group` belong together and may be shown as one; `left_out` counts units beyond the 20,000th.
    """
    if sum(map(bool, (serial, package, lot))) != 1:
        raise Invalid(Sentence("Say what the picture is about: one serial, one package or one lot."))
    if serial:
        return json_answer(graph_of_unit(connection, serial, customer_id=reader.customer_id))
    asked = Question(package=package or None, lot=lot or None, part_number=part_number or None)
    return json_answer(graph_of_material(connection, asked, customer_id=reader.customer_id))
