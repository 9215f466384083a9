"""Products: revisions, their bill of material and board, routing, approved parts, how serials look."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError, Invalid
from app.http.designs import uploaded_design
from app.lines.queries import operations_of_lines
from app.people import Permission
from app.products.board_files import Mismatch
from app.products.instructions import board_drawing
from app.products.planning import approve_parts, import_design, set_routing
from app.products.queries import bill_of, operations_planned, product_revision, products, routing_of
from app.products.routing import RoutingStep
from app.scanning.formats import plan_serial_format, serial_formats_of, withdraw_serial_format
from app.scanning.rules import CHECKS, SerialFormat
from app.sentences import Sentence
from app.trace.designators import natural_order
from app.web.filled import NOTHING, Filled, Misfilled, whole
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
GatePlanner = Annotated[Visitor, Depends(Visiting(Permission.plan_gate))]
WorkPlanner = Annotated[Visitor, Depends(Visiting(Permission.plan_work))]
Word = Annotated[str, Form(max_length=256)]
Revision = Annotated[int, Form(ge=1, le=2**31 - 1)]


@router.get("/products")
def product_list(request: Request, visitor: LineReader) -> Response:
    """Every revision of every product."""
    return _products(request, visitor)


def _products(request: Request, visitor: Visitor, filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        found = products(connection)
    return answer(request, "products.html", visitor, {"products": found}, filled.status, filled=filled)


@router.post("/products", dependencies=[PostedByUs])
def import_product(
    *,
    request: Request,
    visitor: GatePlanner,
    bom: Annotated[UploadFile, File()],
    placements: Annotated[UploadFile, File()],
    part_number: Word = "",
    revision: Word = "",
    customer: Word = "",
    units_per_panel: Word = "",
) -> Response:
    """Import a board from its bill of material and placement file; what the two disagree about is listed."""
    said = {"part_number": part_number, "revision": revision, "customer": customer, "units_per_panel": units_per_panel}
    number = part_number.strip() or None
    try:
        panel = whole(units_per_panel, "units_per_panel", most=1000) or 1
        for field, upload in (("bom", bom), ("placements", placements)):
            if not upload.size:
                raise Misfilled(field, Sentence("Choose the file, as KiCad writes it."))
        design = uploaded_design(bom, placements, name=number, revision=revision.strip() or None)

        def deed(connection: Connection) -> int:
            return import_design(
                connection, design, part_number=number, customer=customer.strip() or None, units_per_panel=panel,
                actor=visitor.actor.identity,
            )  # fmt: skip

        revision_id = retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _products(request, visitor, Filled("import", said, refused, "bom"))
    if design.mismatches:
        return _product(request, visitor, revision_id, mismatches=design.mismatches)
    return _to(revision_id)


@router.get("/product")
def product_page(request: Request, visitor: LineReader, revision_id: int) -> Response:
    """One revision of a product."""
    return _product(request, visitor, revision_id)


def _product(
    request: Request,
    visitor: Visitor,
    revision_id: int,
    *,
    filled: Filled = NOTHING,
    mismatches: Sequence[Mismatch] = (),
    draft: Sequence[RoutingStep] | None = None,
) -> Response:
    with request.app.state.engine.connect() as connection:
        product = product_revision(connection, revision_id)
        routing = routing_of(connection, revision_id)
        bill = [
            replace(line, reference_designators=sorted(line.reference_designators, key=natural_order))
            for line in bill_of(connection, revision_id)
        ]
        flows = operations_of_lines(connection)
        done = {*chain.from_iterable(flows.values())}
        context = {
            "drawings": [d for d in (board_drawing(connection, revision_id, s) for s in ("top", "bottom")) if d.shapes],
            "operations": sorted({*done, *operations_planned(connection)}),
            "serials": serial_formats_of(connection, revision_id),
        }
    told = {"product": product, "routing": routing, "bill": bill}
    return answer(
        request, "product.html", visitor, told, filled.status, filled=filled, done=done, flows=flows,
        checks=sorted(CHECKS), mismatches=mismatches, steps=routing if draft is None else draft,
        drafted=draft is not None, **context,
    )  # fmt: skip


@router.post("/product/routing", dependencies=[PostedByUs])
def change_routing(
    *,
    request: Request,
    visitor: GatePlanner,
    revision_id: Revision,
    operation: Annotated[list[str], Form(max_length=500)],
    optional: Annotated[list[int], Form(max_length=500)] = [],  # noqa: B006  (FastAPI copies it)
    edit: Annotated[str, Form(max_length=50_000)] = "save",
) -> Response:
    """Change the routing as it is shown: `edit` adds or moves a step, and only `save` makes it the product's."""
    steps = [RoutingStep(one.strip(), at in optional) for at, one in enumerate(operation)]
    if edit != "save":
        return _product(request, visitor, revision_id, draft=_edited(steps, edit))

    def deed(connection: Connection) -> None:
        given = [step for step in steps if step.operation]
        set_routing(connection, revision_id, given, actor=visitor.actor.identity)

    return _done(request, visitor, revision_id, Filled("routing", at="operation"), "routing", deed)


def _edited(steps: list[RoutingStep], edit: str) -> list[RoutingStep]:
    """`add`: one more; `up-2`, `remove-2`: the third moves before the second, or goes; `flow-...`: each of these."""
    what, _, number = edit.partition("-")
    at = int(number) if number.isdecimal() and len(number) < 4 else -1  # of 500 steps
    if what == "add":
        return [*steps, RoutingStep("")]
    if what == "flow":
        return [RoutingStep(operation) for operation in number.split("\n")]
    if what == "remove" and 0 <= at < len(steps):
        return steps[:at] + steps[at + 1 :]
    if what == "up" and 0 < at < len(steps):
        return [*steps[: at - 1], steps[at], steps[at - 1], *steps[at + 1 :]]
    return steps


@router.post("/product/approved", dependencies=[PostedByUs])
def approve(
    request: Request,
    visitor: GatePlanner,
    revision_id: Revision,
    part_number: Word,
    alternates: Annotated[str, Form(max_length=100_000)] = "",
) -> Response:
    """Say which parts may be used in place of one of the bill; one a line."""
    given = [line.strip() for line in alternates.splitlines() if line.strip()]
    filled = Filled(f"approve-{part_number}", {"alternates": alternates}, at="alternates")

    def deed(connection: Connection) -> None:
        approve_parts(connection, revision_id, part_number, given, actor=visitor.actor.identity)

    return _done(request, visitor, revision_id, filled, "bill", deed)


@router.post("/product/serials", dependencies=[PostedByUs])
def plan_serials(
    *,
    request: Request,
    visitor: WorkPlanner,
    revision_id: Revision,
    pattern: Word = "",
    check: Word = "",
    withdraw: Annotated[bool, Form()] = False,
) -> Response:
    """Say how serials of the product look, or that they do not look like that any more."""

    def deed(connection: Connection) -> None:
        if withdraw:
            withdraw_serial_format(connection, revision_id, pattern, actor=visitor.actor.identity)
        elif not pattern.strip():
            raise Invalid(Sentence("Write a serial with # for each digit and @ for each capital."))
        else:
            planned = SerialFormat(pattern.strip(), check or None)
            plan_serial_format(connection, revision_id, planned, actor=visitor.actor.identity)

    filled = Filled("serials", {"pattern": pattern, "check": check}, at="pattern")
    return _done(request, visitor, revision_id, filled, "serials", deed)


def _done(
    request: Request,
    visitor: Visitor,
    revision_id: int,
    filled: Filled,
    part: str,
    deed: Callable[[Connection], object],
) -> Response:
    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _product(request, visitor, revision_id, filled=replace(filled, problem=refused))
    return _to(revision_id, part)


def _to(revision_id: int, part: str = "") -> Response:
    return RedirectResponse(f"/product?revision_id={revision_id}{f'#{part}' if part else ''}", 303)
