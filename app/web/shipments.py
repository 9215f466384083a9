"""Shipments for people: what is packed for whom, and what has left."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.errors import NotFound
from app.people import Permission
from app.sentences import Sentence
from app.units.shipments import shipments, shipped_serials
from app.web.pages import answer
from app.web.session import Reading, TheVisitor

router = APIRouter(include_in_schema=False)


@router.get("/shipments")
def shipments_page(request: Request, visitor: TheVisitor, connection: Reading) -> Response:
    """Every shipment, the newest first; a customer sees their own."""
    visitor.actor.require(Permission.read_units)
    found = shipments(connection, customer_id=visitor.actor.customer_id)
    return answer(request, "shipments.html", visitor, {"shipments": found})


@router.get("/shipment")
def shipment_page(
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    number: Annotated[str, Query(min_length=1, max_length=256)],
) -> Response:
    """One shipment and the units in it."""
    visitor.actor.require(Permission.read_units)
    found = shipments(connection, customer_id=visitor.actor.customer_id, number=number)
    if not found:
        raise NotFound(Sentence("There is no shipment %(number)s. Check its number.", number=number))
    told = {"shipment": found[0], "serials": [{"serial": one} for one in shipped_serials(connection, number)]}
    return answer(request, "shipment.html", visitor, told)
