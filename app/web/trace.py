"""Trace for people: one box for any identifier, the unit and its journey, where a material went."""

from dataclasses import asdict
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.http.answers import json_answer
from app.http.tables import wants_csv
from app.http.tracing import Asked, carrying_units, carrying_units_table, journey, made_from_csv, where_used_answer
from app.people import Permission
from app.trace.made_from import made_from
from app.trace.search import Match, matches
from app.units.queries import unit
from app.web.pages import render, wants_json
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
    return f"{page}?{urlencode(query).replace('+', '%20')}"


@router.get("/search")
def search(request: Request, visitor: TheVisitor, connection: Reading, q: str = "") -> Response:
    """Whatever was typed or scanned: its page, or the choice where it could be several things."""
    visitor.actor.require(Permission.read_units)
    found: list[Match] = []
    if q.strip():
        found = list(matches(connection, q, customer_id=visitor.actor.customer_id))
    if wants_json(request):
        return json_answer({"matches": [{**asdict(m), "page": address_of(m)} for m in found]})
    if len(found) == 1:
        return RedirectResponse(address_of(found[0]), 303)
    status = 404 if q.strip() and not found else 200
    choices = [(match, address_of(match)) for match in found]
    return render(request, "search.html", visitor, status, typed=q, choices=choices)


@router.get("/units")
def unit_page(request: Request, visitor: TheVisitor, connection: Reading, serial: str) -> Response:
    """The unit's passport: what it is, what it is made from, what was done to it."""
    actor = visitor.actor
    actor.require(Permission.read_units)
    made = made_from(connection, serial, customer_id=actor.customer_id)
    if wants_csv(request):
        return made_from_csv(made)
    happened = journey(connection, serial, actor)
    overview = unit(connection, serial, customer_id=actor.customer_id)
    if wants_json(request):
        return json_answer({"unit": overview, "made_from": made, "history": happened})
    return render(request, "unit.html", visitor, unit=overview, made=made, journey=happened)


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
    if wants_csv(request):
        return carrying_units_table(connection, asked, visitor.actor)
    found = carrying_units(connection, asked, visitor.actor, cursor=cursor, limit=_UNITS_SHOWN)
    if wants_json(request):
        return json_answer(where_used_answer(found))
    terms = {name: str(value) for name, value in asdict(asked).items() if value is not None}
    return render(
        request,
        "where_used.html",
        visitor,
        asked=asked,
        found=found,
        query=urlencode(terms).replace("+", "%20"),
    )
