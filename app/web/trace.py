"""Trace for people: one box for any identifier, the unit and its journey, where a material went."""

from dataclasses import asdict
from typing import Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.http.forms import form_of
from app.http.tracing import Asked, carrying_units, carrying_units_table, where_used_answer
from app.people import Permission
from app.trace.search import Match, matches
from app.web.pages import answer, wants_page
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
}


def address_of(match: Match) -> str:
    """The page of something that was found."""
    page, parameter = _PAGES[match.kind]
    query = {parameter: match.identifier}
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
def go(request: Request, visitor: TheVisitor, page: Literal["/units", "/where-used"]) -> Response:  # noqa: ARG001
    """Where a form that asks leads to: the page's own address, where a plus is a plus and nothing is empty."""
    terms = [(name, value) for name, value in request.query_params.multi_items() if name != "page" and value.strip()]
    return RedirectResponse(f"{page}?{urlencode(terms, quote_via=quote)}", 303)


@router.get("/where-used")
def where_used_page(
    *,
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    asked: Asked,
    cursor: str | None = None,
) -> Response:
    """The units that carry a material, with how sure that is and where they are."""
    visitor.actor.require(Permission.read_units)
    form = form_of(request)
    if form is not None:
        return carrying_units_table(connection, asked, visitor.actor, form)
    found = carrying_units(connection, asked, visitor.actor, cursor=cursor, limit=_UNITS_SHOWN)
    terms = {name: str(value) for name, value in asdict(asked).items() if value is not None}
    query = urlencode(terms, quote_via=quote)
    return answer(request, "where_used.html", visitor, where_used_answer(found), asked=asked, found=found, query=query)
