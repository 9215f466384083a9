"""The genealogy of a unit, reel or lot as a picture that folds what belongs together."""

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response

from app.errors import Invalid
from app.http.tables import wants_csv
from app.people import Permission
from app.sentences import Sentence
from app.trace.graph import Graph, graph_of_material, graph_of_unit, require_drawable
from app.trace.question import Question
from app.web.pages import answer, wants_page
from app.web.session import Reading, TheVisitor

router = APIRouter(include_in_schema=False)
_Term = Annotated[str | None, Query(max_length=256)]


@router.get("/graph")
def graph_page(
    *,
    request: Request,
    visitor: TheVisitor,
    connection: Reading,
    serial: _Term = None,
    package: _Term = None,
    lot: _Term = None,
    part_number: _Term = None,
) -> Response:
    """The picture of one of these; the page's script draws the JSON twin."""
    visitor.actor.require(Permission.read_units)
    customer_id = visitor.actor.customer_id
    if sum(map(bool, (serial, package, lot))) != 1:
        raise Invalid(Sentence("Say what the picture is about: one serial, one package or one lot."))
    asked = Question(package=package or None, lot=lot or None, part_number=part_number or None, serial=serial or None)
    terms = {"package": package, "lot": lot, "part_number": part_number}
    query = urlencode({name: term for name, term in terms.items() if term}, quote_via=quote)
    back = f"/units?serial={quote(serial, safe='')}" if serial else f"/where-used?{query}"
    told: dict[str, object] = {}
    if wants_page(request) and not wants_csv(request):  # the script asks for the rest; here it must only be known
        require_drawable(connection, asked, customer_id=customer_id)
    elif serial:
        told = _told_of(graph_of_unit(connection, serial, customer_id=customer_id))
    else:
        told = _told_of(graph_of_material(connection, asked, customer_id=customer_id))
    return answer(request, "graph.html", visitor, told, asked=asked, back=back)


def _told_of(graph: Graph) -> dict[str, object]:
    """The members of the JSON twin, and the tables of the CSV twin."""
    return {"root": graph.root, "left_out": graph.left_out, "nodes": graph.nodes, "edges": graph.edges}
