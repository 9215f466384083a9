"""Setup lists: what each station must hold for a product revision, slot by slot."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError
from app.lines.queries import stations
from app.people import Permission
from app.products.queries import products
from app.sentences import Sentence
from app.setup.csv_lists import read_setup_list, written_setup_list
from app.setup.learning import learn_setup
from app.setup.lists import require_listed, setup_list, setups
from app.setup.requirements import SIDES
from app.setup.withdrawing import withdraw_setup
from app.web.filled import NOTHING, Filled, Misfilled, whole
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_gate))]
Word = Annotated[str, Form(max_length=256)]
Listed = Annotated[str, Form(max_length=1_000_000)]


@router.get("/setups")
def setup_lists(request: Request, visitor: LineReader) -> Response:
    """Every setup list."""
    return _setups(request, visitor)


def _setups(request: Request, visitor: Visitor, filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        told = {"setups": setups(connection)}
        places, catalogue = stations(connection), products(connection)
    return answer(
        request, "setups.html", visitor, told, filled.status, stations=places, products=catalogue, sides=SIDES,
        filled=filled,
    )  # fmt: skip


@router.get("/setup")
def setup_page(request: Request, visitor: LineReader, setup_id: int) -> Response:
    """One setup list."""
    return _setup(request, visitor, setup_id)


def _setup(request: Request, visitor: Visitor, setup_id: int, filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        setup, slots = setup_list(connection, setup_id)
    told = {"setup": setup, "slots": slots}
    return answer(
        request, "setup_list.html", visitor, told, filled.status, written=written_setup_list(slots), filled=filled
    )


@router.post("/setups", dependencies=[PostedByUs])
def take_list(
    *,
    request: Request,
    visitor: Planner,
    product_revision_id: Word = "",
    station: Word = "",
    side: Word = "",
    slots: Listed = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Take a list, from a file or as it was typed, as what stations must hold."""
    said = {"product_revision_id": product_revision_id, "station": station, "side": side, "slots": slots}
    try:
        revision_id = whole(product_revision_id, "product_revision_id")
        if revision_id is None:
            raise Misfilled("product_revision_id", Sentence("Choose the product it is for."))
        listed = read_setup_list(_text(file) or slots)
        if None in listed and not station.strip():
            raise Misfilled("station", Sentence("The list names no station: choose one."))

        def deed(connection: Connection) -> dict[str, int]:
            return require_listed(
                connection, listed, station=station.strip() or None, product_revision_id=revision_id,
                side=side or None, actor=visitor.actor.identity,
            )  # fmt: skip

        taken = retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _setups(request, visitor, Filled("list", said, refused, "slots"))
    only = next(iter(taken.values())) if len(taken) == 1 else None
    return RedirectResponse(f"/setup?setup_id={only}" if only else "/setups", 303)


def _text(file: UploadFile | None) -> str:
    if file is None or not file.size:
        return ""
    try:
        return file.file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misfilled("file", Sentence("The list is not UTF-8. Save it as UTF-8.")) from None


@router.post("/setups/learned", dependencies=[PostedByUs])
def learn(
    request: Request, visitor: Planner, product_revision_id: Word = "", station: Word = "", side: Word = ""
) -> Response:
    """Take what is verified in a station's slots now as what they must hold."""
    said = {"product_revision_id": product_revision_id, "station": station, "side": side}
    try:
        revision_id = whole(product_revision_id, "product_revision_id")
        if revision_id is None:
            raise Misfilled("product_revision_id", Sentence("Choose the product it is for."))
        if not station.strip():
            raise Misfilled("station", Sentence("Choose the station it is for."))

        def deed(connection: Connection) -> int:
            return learn_setup(
                connection, station=station.strip(), product_revision_id=revision_id, side=side or None,
                at=datetime.now(UTC), actor=visitor.actor.identity,
            )  # fmt: skip

        learned = retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _setups(request, visitor, Filled("learn", said, refused, "station"))
    return RedirectResponse(f"/setup?setup_id={learned}", 303)


@router.post("/setup/withdraw", dependencies=[PostedByUs])
def withdraw(request: Request, visitor: Planner, setup_id: Annotated[int, Form()], confirm: Word = "") -> Response:
    """Take a list back, once its product's part number was typed."""

    def deed(connection: Connection) -> None:
        setup, _ = setup_list(connection, setup_id)
        if confirm.strip() != setup.part_number:
            raise Misfilled("confirm", Sentence("Type %(identifier)s to confirm", identifier=setup.part_number))
        withdraw_setup(connection, setup_id, at=datetime.now(UTC), actor=visitor.actor.identity)

    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _setup(request, visitor, setup_id, Filled("withdraw", {"confirm": confirm}, refused, "confirm"))
    return RedirectResponse("/setups", 303)


@router.post("/setup", dependencies=[PostedByUs])
def change_list(request: Request, visitor: Planner, setup_id: Annotated[int, Form()], slots: Listed = "") -> Response:
    """Change what a station must hold."""

    def deed(connection: Connection) -> None:
        setup, _ = setup_list(connection, setup_id)
        require_listed(
            connection, read_setup_list(slots), station=setup.station,
            product_revision_id=setup.product_revision_id, side=setup.side, actor=visitor.actor.identity,
        )  # fmt: skip

    try:
        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _setup(request, visitor, setup_id, Filled("list", {"slots": slots}, refused, "slots"))
    return RedirectResponse(f"/setup?setup_id={setup_id}", 303)
