"""Packages: what is known of one, the newest ones, and receiving."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db import transaction
from app.errors import BirthmarkError, Invalid
from app.http.tracing import carrying_units
from app.materials.queries import loading_statements, package, packages, relatives
from app.materials.receiving import Arrival
from app.people import Permission
from app.quality.package_holds import take_in_package
from app.sentences import Sentence
from app.trace.question import Question
from app.web.pages import Visitor, answer, render
from app.web.session import PostedByUs, TheVisitor, Visiting

router = APIRouter(include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
Receiver = Annotated[Visitor, Depends(Visiting(Permission.receive_packages))]
_UNITS_SHOWN = 20
_PACKAGES_SHOWN = 100


@router.get("/packages")
def package_list(
    request: Request,
    visitor: LineReader,
    lot: str | None = None,
    part_number: str | None = None,
    cursor: int | None = None,
) -> Response:
    """The newest packages, of all, of a lot or of a part."""
    with request.app.state.engine.connect() as connection:
        found = packages(connection, lot=lot, part_number=part_number, before=cursor, limit=_PACKAGES_SHOWN)
    more = found[-1].package_id if len(found) == _PACKAGES_SHOWN else None
    told = {"packages": found, "next": more}
    return answer(request, "packages.html", visitor, told, lot=lot, part_number=part_number)


@router.get("/package")
def package_page(request: Request, visitor: TheVisitor, identifier: str) -> Response:
    """One package: what it is, where it was loaded, which units carry it."""
    actor = visitor.actor
    actor.require(Permission.read_units)
    asked = Question(package=identifier)
    with request.app.state.engine.connect() as connection:
        known = package(connection, identifier)
        if known is None:
            raise asked.not_known
        # To a customer this raises `NotFound` unless a unit of theirs carries the package.
        used = carrying_units(connection, asked, actor, cursor=None, limit=_UNITS_SHOWN)
        inside = actor.may(Permission.read_line)  # where it stood, and how much is left, is the factory's own business
        loadings = loading_statements(connection, known.package_id) if inside else ()
        family = relatives(connection, known.package_id) if inside else ()
    shown = known if inside else known.origin()
    told = {"package": shown, "loadings": loadings, "relatives": family, "counts": used.counts}
    return answer(request, "package.html", visitor, told, used=used)


@router.get("/packages/receive")
def receive_form(request: Request, visitor: Receiver) -> Response:
    """Ask for a label or fields."""
    return render(request, "receive.html", visitor, said={}, problem=None)


@router.post("/packages/receive", dependencies=[PostedByUs])
def receive(
    *,
    request: Request,
    visitor: Receiver,
    label: Annotated[str, Form()] = "",
    identifier: Annotated[str, Form()] = "",
    part_number: Annotated[str, Form()] = "",
    lot: Annotated[str, Form()] = "",
    quantity: Annotated[str, Form()] = "",
) -> Response:
    """Receive one package and show it; what is refused stays in the form."""
    said = {
        "label": label,
        "identifier": identifier,
        "part_number": part_number,
        "lot": lot,
        "quantity": quantity,
    }
    try:
        arrival = Arrival(
            identifier=identifier or None,
            part_number=part_number or None,
            lot=lot or None,
            quantity=_quantity(quantity),
        )
        with transaction(request.app.state.engine) as connection:
            received = take_in_package(connection, arrival, label=label or None, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return render(request, "receive.html", visitor, refused.status, said=said, problem=refused)
    return RedirectResponse(f"/package?identifier={quote(received, safe='')}", 303)


def _quantity(typed: str) -> float | None:
    if not typed.strip():
        return None
    try:
        return float(typed)
    except ValueError:
        raise Invalid(Sentence("The quantity %(typed)s is not a number.", typed=repr(typed))) from None
