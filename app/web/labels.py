"""Printing labels: as a PDF to keep, or straight to a label printer."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db import transaction
from app.errors import BirthmarkError, Invalid, NotFound
from app.labels.contents import Label
from app.labels.printers import RAW_PORT, Printer, find_printer, plan_printer, printers, remove_printer, send
from app.labels.printing import (
    badge_labels,
    control_labels,
    record_print,
    reel_labels,
    serial_labels,
    slot_labels,
    station_labels,
)
from app.labels.sheets import SHEETS, pdf
from app.labels.symbols import Symbology
from app.labels.zpl import Media, zpl
from app.lines.queries import stations
from app.people import Permission
from app.sentences import Sentence
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/labels", include_in_schema=False)

OnTheFloor = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_work))]
Manager = Annotated[Visitor, Depends(Visiting(Permission.manage_people))]
_ON_PRINTER = "printer:"


@router.get("")
def labels_page(request: Request, visitor: OnTheFloor, printed: int | None = None, reel: str = "") -> Response:
    """What can be printed, and where."""
    return _page(request, visitor, printed=printed, reel=reel)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    printed: int | None = None,
    reel: str = "",
    refused: BirthmarkError | None = None,
) -> Response:
    with request.app.state.engine.connect() as connection:
        known, places = printers(connection), stations(connection)
    return answer(
        request,
        "labels.html",
        visitor,
        {"printers": known},
        refused.status if refused else 200,
        stations=places,
        sheets=SHEETS,
        symbologies=list(Symbology),
        printed=printed,
        reel=reel,
        problem=refused,
    )


@router.post("/print", dependencies=[PostedByUs])
def print_labels(
    *,
    request: Request,
    visitor: OnTheFloor,
    kind: Annotated[str, Form()],
    onto: Annotated[str, Form()] = "a4-24",
    values: Annotated[str, Form()] = "",
    symbology: Annotated[Symbology, Form()] = Symbology.qr,
    product: Annotated[str, Form()] = "",
    station: Annotated[str, Form()] = "",
    copies: Annotated[int, Form()] = 1,
) -> Response:
    """Print labels of one kind; `values` holds one serial, reel or slot a line."""
    lines = [line.strip() for line in values.splitlines() if line.strip()]
    try:
        with transaction(request.app.state.engine) as connection:
            if kind == "serial":
                labels = serial_labels(lines, symbology, product=product.strip() or None, copies=copies)
            elif kind == "reel":
                labels = reel_labels(connection, lines, symbology)
            elif kind == "station":
                labels = station_labels(connection, [station] if station else ())
            elif kind == "slot":
                labels = slot_labels(connection, station, lines)
            elif kind == "control":
                labels = control_labels()
            else:
                raise Invalid(Sentence("There are no labels of the kind %(typed)s.", typed=repr(kind)))
            return _print(request, visitor, labels, kind, onto)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)


@router.post("/badge", dependencies=[PostedByUs])
def print_badge(
    request: Request, visitor: Manager, name: Annotated[str, Form()], onto: Annotated[str, Form()] = "a4-8"
) -> Response:
    """Make somebody's new badge and print it; nothing shows its code again."""
    with transaction(request.app.state.engine) as connection:
        labels = badge_labels(connection, name, actor=visitor.actor.identity)
    return _print(request, visitor, labels, "badge", onto)


def _print(request: Request, visitor: Visitor, labels: Sequence[Label], kind: str, onto: str) -> Response:
    engine = request.app.state.engine
    if onto.startswith(_ON_PRINTER):
        with engine.connect() as connection:
            printer = find_printer(connection, onto.removeprefix(_ON_PRINTER))
        send(printer, zpl(labels, printer.media))
        response: Response = RedirectResponse(f"/labels?printed={len(labels)}", 303)
    elif onto in SHEETS:
        name = f'attachment; filename="labels-{kind}.pdf"'
        response = Response(
            pdf(labels, SHEETS[onto]), media_type="application/pdf", headers={"Content-Disposition": name}
        )
    else:
        raise NotFound(Sentence("There is no sheet %(typed)s. The page Labels lists them.", typed=repr(onto)))
    with transaction(engine) as connection:
        record_print(connection, labels, kind=kind, onto=onto, actor=visitor.actor.identity)
    return response


@router.post("/printers", dependencies=[PostedByUs])
def add_printer(
    *,
    request: Request,
    visitor: Planner,
    name: Annotated[str, Form()] = "",
    host: Annotated[str, Form()] = "",
    port: Annotated[int, Form()] = RAW_PORT,
    width: Annotated[float, Form()] = 60,
    height: Annotated[float, Form()] = 40,
    dots_per_mm: Annotated[int, Form()] = 8,
) -> Response:
    """Add a label printer, or change the one of this name."""
    printer = Printer(name, host, port, Media(width, height, dots_per_mm))
    try:
        with transaction(request.app.state.engine) as connection:
            plan_printer(connection, printer, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/labels", 303)


@router.post("/printers/remove", dependencies=[PostedByUs])
def forget_printer(request: Request, visitor: Planner, name: Annotated[str, Form()]) -> Response:
    """Forget a label printer."""
    with transaction(request.app.state.engine) as connection:
        remove_printer(connection, name, actor=visitor.actor.identity)
    return RedirectResponse("/labels", 303)
