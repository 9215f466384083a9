"""Containments for people: from any where-used result to what is held, decided and released."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError, NotFound
from app.http.tracing import Asked
from app.live import going_on, reporting
from app.people import Permission
from app.quality.containments import open_containment, record_of, release_containment, terms_contained
from app.quality.dispositions import AUTHORITY, Disposition, disposition_units
from app.quality.held_units import held_in_store, held_units, shipped_of
from app.quality.nonconformances import NonconformanceSummary, nonconformances
from app.quality.scope import scope_of
from app.quality.terms import Terms
from app.sentences import Sentence
from app.web.pages import Visitor, answer, query_of, render
from app.web.session import PostedByUs, Reading, TheVisitor, Visiting

router = APIRouter(include_in_schema=False)

Container = Annotated[Visitor, Depends(Visiting(Permission.open_containments))]
Serials = Annotated[list[str], Query(min_length=1, max_length=1000)]
Why = Annotated[str, Form(max_length=2000)]
Retyped = Annotated[str, Form(max_length=256)]
_UNITS_SHOWN = 200


@router.get("/containments")
def containments_page(request: Request, visitor: TheVisitor, connection: Reading, fragment: bool = False) -> Response:
    """Every containment, the newest first, and what is going on right now."""
    visitor.actor.require(Permission.read_units)
    # Who does what for whom is the factory's own business.
    running = going_on(connection) if visitor.actor.may(Permission.read_line) else ()
    if fragment:
        return render(request, "going_on.html", visitor, running=running)
    found = nonconformances(connection, customer_id=visitor.actor.customer_id, containments=True)
    return answer(request, "containments.html", visitor, {"containments": found}, running=running)


@router.get("/contain")
def contain_page(request: Request, visitor: Container, connection: Reading, asked: Asked) -> Response:
    """What a containment of this would hold, and the form to open it."""
    return _contain_page(request, visitor, connection, Terms(asked))


@router.get("/contain/units")
def contain_units_page(request: Request, visitor: Container, connection: Reading, serials: Serials) -> Response:
    """The same for units by their serials."""
    return _contain_page(request, visitor, connection, Terms(serials=tuple(serials)))


def _contain_page(
    request: Request, visitor: Visitor, connection: Connection, terms: Terms, refused: BirthmarkError | None = None
) -> Response:
    scope = scope_of(connection, terms)
    told = {
        "contains": terms.words,
        "units": len(scope.units),
        "by_evidence": scope.by_evidence,
        "packages": sorted(scope.packages.values()),
    }
    if terms.question is not None:
        query = query_of(terms.question)
        back, deed = f"/where-used?{query}", f"/contain?{query}"
    else:
        serials = urlencode([("serials", serial) for serial in terms.serials], quote_via=quote)
        back = f"/units?serial={quote(terms.serials[0], safe='')}"
        deed = f"/contain/units?{serials}"
    status = refused.status if refused else 200
    return answer(
        request, "contain.html", visitor, told, status,
        back=back, deed=deed, identifier=terms.identifier, problem=refused, running=[],
    )  # fmt: skip


@router.post("/contain", dependencies=[PostedByUs])
def contain(
    *,
    request: Request,
    visitor: Container,
    asked: Asked,
    connection: Reading,
    reason: Why = "",
    confirm: Retyped = "",
) -> Response:
    """Contain it: counted anew, in the deed's own transaction."""
    return _contain(request, visitor, connection, Terms(asked), reason, confirm)


@router.post("/contain/units", dependencies=[PostedByUs])
def contain_units(
    *,
    request: Request,
    visitor: Container,
    serials: Serials,
    connection: Reading,
    reason: Why = "",
    confirm: Retyped = "",
) -> Response:
    """The same for units by their serials."""
    return _contain(request, visitor, connection, Terms(serials=tuple(serials)), reason, confirm)


def _contain(
    request: Request, visitor: Visitor, connection: Connection, terms: Terms, reason: str, confirm: str
) -> Response:
    engine, actor = request.app.state.engine, visitor.actor
    try:
        with reporting(engine, deed=f"Containing {terms.name}", actor=actor.name) as progress:
            contained = retrying(
                engine,
                lambda deed: open_containment(
                    deed, terms, reason=reason, actor=actor.identity, confirm=confirm, progress=progress
                ),
            )
    except BirthmarkError as refused:
        return _contain_page(request, visitor, connection, terms, refused)
    return RedirectResponse(f"/containments/{contained.number}", 303)


@router.get("/containments/{number}")
def containment_page(
    request: Request, visitor: TheVisitor, connection: Reading, number: str, cursor: str | None = None
) -> Response:
    """One containment: what it holds, where that is, what had left, what was decided."""
    visitor.actor.require(Permission.read_units)
    return _containment_page(request, visitor, connection, number, cursor=cursor)


def _containment_page(
    request: Request,
    visitor: Visitor,
    connection: Connection,
    number: str,
    *,
    cursor: str | None = None,
    refused: BirthmarkError | None = None,
) -> Response:
    actor = visitor.actor
    summary = _summary(connection, number, actor.customer_id)
    page = held_units(connection, summary.number, customer_id=actor.customer_id, cursor=cursor, limit=_UNITS_SHOWN)
    shipped = shipped_of(connection, summary.number, customer_id=actor.customer_id)
    told: dict[str, Any] = {"containment": summary, "units": page.units, "next": page.next, "shipped": shipped}
    inside = actor.customer_id is None
    record: Mapping[str, Any] = {}
    intact, contains = True, ""
    if inside:
        record, intact = record_of(connection, number)
        told["packages"] = held_in_store(connection, summary.number)
        contains = terms_contained(connection, number).words
    decisions = [] if summary.released_at else sorted(AUTHORITY.get(actor.role, ()))
    return answer(
        request, "containment.html", visitor, told, refused.status if refused else 200,
        record=record, intact=intact, contains=contains, decisions=decisions, packages=told.get("packages", []),
        problem=refused,
    )  # fmt: skip


def _summary(connection: Connection, number: str, customer_id: int | None) -> NonconformanceSummary:
    found = nonconformances(connection, customer_id=customer_id, number=number)
    if not found or found[0].containment != number:
        raise NotFound(Sentence("There is no containment %(number)s. Check its number.", number=number))
    return found[0]


@router.post("/containments/{number}/release", dependencies=[PostedByUs])
def release(
    *,
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.release_holds))],
    connection: Reading,
    number: str,
    reason: Annotated[str, Form(max_length=2000)] = "",
    confirm: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """End it, once, and with it every hold that is left."""

    def deed(own: Connection) -> None:
        Terms(serials=(number,)).confirm(confirm)
        release_containment(own, number, reason=reason, actor=visitor.actor.identity)

    return _done(request, visitor, connection, number, deed)


@router.post("/containments/{number}/decide", dependencies=[PostedByUs])
def decide(
    *,
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.decide_units))],
    connection: Reading,
    number: str,
    decision: Annotated[Disposition, Form()],
    serials: Annotated[Sequence[str], Form()] = (),
    reason: Annotated[str, Form(max_length=2000)] = "",
    customer_approval: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """Decide what becomes of some of the units, once."""
    actor = visitor.actor
    summary = _summary(connection, number, actor.customer_id)

    def deed(own: Connection) -> None:
        disposition_units(
            own, summary.number, list(serials), decision,
            reason=reason, actor=actor.identity, role=actor.role, customer_approval=customer_approval,
        )  # fmt: skip

    return _done(request, visitor, connection, number, deed)


def _done(
    request: Request, visitor: Visitor, connection: Connection, number: str, deed: Callable[[Connection], None]
) -> Response:
    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _containment_page(request, visitor, connection, number, refused=refused)
    return RedirectResponse(f"/containments/{quote(number, safe='')}", 303)
