"""Trace for people: one box for any identifier, and where a material went."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from msgspec import structs
from sqlalchemy import Connection

from app.http.forms import form_of
from app.http.tables import wants_csv
from app.http.tracing import (
    Asked,
    carrying_units,
    carrying_units_table,
    excluded_units_csv,
    explored_units,
    where_used_answer,
)
from app.people import Permission
from app.trace.excluded import excluded
from app.trace.explorer import Certainty, Grouping, Narrowing
from app.trace.question import Question
from app.trace.search import Match, matches
from app.web.pages import Visitor, answer, query_of, terms_of, wants_page
from app.web.session import Reading, TheVisitor

router = APIRouter(include_in_schema=False)

_UNITS_SHOWN = 200
_PAGES = {
    "unit": ("/units", "serial"),
    "package": ("/package", "identifier"),
    "lot": ("/where-used", "lot"),
    "part": ("/where-used", "part_number"),
    "work_order": ("/work-orders", "number"),
    "product": ("/work-orders", "product"),
    "tool": ("/where-used", "tool"),
    "station": ("/where-used", "station"),
    "shipment": ("/shipment", "number"),
}
_LATELY = timedelta(days=1)
"""What a station worked on: of all its life would be the whole factory."""


def address_of(match: Match) -> str:
    """The page of something that was found."""
    if match.kind == "containment":
        return f"/containments/{quote(match.identifier, safe='')}"
    page, parameter = _PAGES[match.kind]
    query = {parameter: match.identifier}
    if match.kind == "station":
        query["since"] = (datetime.now(UTC) - _LATELY).isoformat(timespec="minutes")
    if match.kind == "lot" and match.part_number:
        query["part_number"] = match.part_number
    return f"{page}?{urlencode(query, quote_via=quote)}"


@router.get("/search")
def search(request: Request, visitor: TheVisitor, connection: Reading, q: str = "") -> Response:
    """Whatever was typed or scanned: its page, or the choice where it could be several things."""
    visitor.actor.require(Permission.read_units)
    found: list[Match] = []
    if q.strip():
        found = list(matches(connection, q, customer_id=visitor.actor.customer_id))
    if len(found) == 1 and wants_page(request):
        return RedirectResponse(address_of(found[0]), 303)
    told = {"matches": [{**asdict(match), "page": address_of(match)} for match in found]}
    return answer(request, "search.html", visitor, told, 404 if q.strip() and not found else 200, typed=q)


@router.get("/go")
def go(request: Request, visitor: TheVisitor, page: Literal["/units", "/where-used", "/yield/capability"]) -> Response:  # noqa: ARG001
    """Where a form that asks leads to: the page's own address, where a plus is a plus and nothing is empty."""
    terms = [(name, value) for name, value in request.query_params.multi_items() if name != "page" and value.strip()]
    return RedirectResponse(f"{page}?{urlencode(terms, quote_via=quote)}", 303)


Tab = Literal["all", "certain", "possible", "excluded"]


@router.get("/where-used")
def where_used_page(
    *,
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    asked: Asked,
    tab: Tab = "all",
    place: Annotated[str | None, Query(max_length=512)] = None,
    order: Annotated[str | None, Query(max_length=256)] = None,
    day: date | None = None,
    by: Grouping | None = None,
    cursor: str | None = None,
) -> Response:
    """The units that carry a material, with how sure that is and where they are; or those that do not, and why."""
    actor = visitor.actor
    actor.require(Permission.read_units)
    if tab == "excluded":
        return _excluded_page(request, visitor, connection, asked)
    wanted = Narrowing(Certainty(tab) if tab != "all" else None, place, order, day)
    form = form_of(request)
    if form is not None:
        return carrying_units_table(connection, asked, actor, form, wanted)
    found = explored_units(connection, asked, actor, wanted, by=by, cursor=cursor, limit=_UNITS_SHOWN)
    told = {**structs.asdict(where_used_answer(found)), **({"groups": found.groups} if by else {})}
    return answer(
        request, "where_used.html", visitor, told, asked=asked, found=found, tab=tab, wanted=wanted, by=by,
        query=query_of(asked), terms=terms_of(asked), groupings=list(Grouping), running=[],
    )  # fmt: skip


def _excluded_page(request: Request, visitor: Visitor, connection: Connection, asked: Question) -> Response:
    customer_id = visitor.actor.customer_id
    if customer_id is not None:  # raises `NotFound` unless a unit of theirs carries it
        carrying_units(connection, asked, visitor.actor, cursor=None, limit=1)
    units = excluded(connection, asked, customer_id=customer_id) if asked.names_packages else iter(())
    first = list(islice(units, _UNITS_SHOWN + 1))
    if wants_csv(request):
        return excluded_units_csv(chain(first, units), asked)
    told = {"excluded": first[:_UNITS_SHOWN], "more": len(first) > _UNITS_SHOWN}
    return answer(
        request, "where_used.html", visitor, told, asked=asked, found=None, tab="excluded", wanted=Narrowing(), by=None,
        query=query_of(asked), running=[],
    )  # fmt: skip
