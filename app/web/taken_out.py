"""A board was seen outside its carrier, or it was not after all: the forms on its passport."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.people import Permission
from app.units.taken_out import take_out, withdraw_taken_out
from app.web.pages import Visitor
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/units", include_in_schema=False)


@router.post("/taken-out", dependencies=[PostedByUs])
def taken_out(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.override_gate))],
    serial: Annotated[str, Form(min_length=1, max_length=256)],
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Keep it, and show the passport again."""

    def deed(connection: Connection) -> None:
        take_out(connection, [serial], reason=reason, actor=visitor.actor.identity)

    retrying(request.app.state.engine, deed)
    return RedirectResponse(f"/units?serial={quote(serial, safe='')}", 303)


@router.post("/taken-out/withdrawals", dependencies=[PostedByUs])
def withdrawn(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.override_gate))],
    serial: Annotated[str, Form(min_length=1, max_length=256)],
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Take it back, and show the passport again."""

    def deed(connection: Connection) -> None:
        withdraw_taken_out(connection, [serial], reason=reason, actor=visitor.actor.identity)

    retrying(request.app.state.engine, deed)
    return RedirectResponse(f"/units?serial={quote(serial, safe='')}", 303)
