"""People and tokens: who may do what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db import transaction
from app.errors import BirthmarkError
from app.people import (
    Permission,
    Role,
    badges,
    close_account,
    create_person,
    create_token,
    people,
    revoke_badge,
    revoke_token,
    set_password,
    set_pin,
    tokens,
)
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/people", include_in_schema=False)

Manager = Annotated[Visitor, Depends(Visiting(Permission.manage_people))]


@router.get("")
def people_page(request: Request, visitor: Manager) -> Response:
    """Everybody who may log in, and every token."""
    return _page(request, visitor)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    secret: str | None = None,
    refused: BirthmarkError | None = None,
) -> Response:
    with request.app.state.engine.connect() as connection:
        everybody, every_token, every_badge = people(connection), tokens(connection), badges(connection)
    return answer(
        request,
        "people.html",
        visitor,
        {"people": everybody, "tokens": every_token, "badges": every_badge},
        refused.status if refused else 200,
        roles=list(Role),
        badge_of={one.name: one for one in every_badge},
        secret=secret,
        problem=refused,
    )


@router.post("", dependencies=[PostedByUs])
def add_person(
    *,
    request: Request,
    visitor: Manager,
    role: Annotated[Role, Form()],
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    customer: Annotated[str, Form()] = "",
) -> Response:
    """Open an account."""
    try:
        with transaction(request.app.state.engine) as connection:
            create_person(
                connection,
                name=name,
                role=role,
                password=password,
                customer=customer.strip() or None,
                actor=visitor.actor.identity,
            )
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/people", 303)


@router.post("/tokens", dependencies=[PostedByUs])
def add_token(
    *,
    request: Request,
    visitor: Manager,
    role: Annotated[Role, Form()],
    name: Annotated[str, Form()] = "",
    customer: Annotated[str, Form()] = "",
    station: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
) -> Response:
    """Make a token and show its secret this once."""
    try:
        with transaction(request.app.state.engine) as connection:
            secret = create_token(
                connection,
                name=name,
                role=role,
                customer=customer.strip() or None,
                station=station.strip() or None,
                person=person or None,
                actor=visitor.actor.identity,
            )
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return _page(request, visitor, secret=secret)


@router.post("/tokens/{token_id}/revoke", dependencies=[PostedByUs])
def revoke(request: Request, visitor: Manager, token_id: int) -> Response:
    """Make a token useless from now on."""
    with transaction(request.app.state.engine) as connection:
        revoke_token(connection, token_id, actor=visitor.actor.identity)
    return RedirectResponse("/people", 303)


@router.post("/pin", dependencies=[PostedByUs])
def give_pin(
    request: Request, visitor: Manager, name: Annotated[str, Form()], pin: Annotated[str, Form()] = ""
) -> Response:
    """Give somebody a PIN, which their badge needs."""
    try:
        with transaction(request.app.state.engine) as connection:
            set_pin(connection, name=name, pin=pin, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/people", 303)


@router.post("/password", dependencies=[PostedByUs])
def give_password(
    request: Request, visitor: Manager, name: Annotated[str, Form()], password: Annotated[str, Form()] = ""
) -> Response:
    """Give somebody a new password; their sessions end."""
    try:
        with transaction(request.app.state.engine) as connection:
            set_password(connection, name=name, password=password, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/people", 303)


@router.post("/close", dependencies=[PostedByUs])
def close(request: Request, visitor: Manager, name: Annotated[str, Form()]) -> Response:
    """Let somebody in no longer: their sessions, badge and tokens end."""
    try:
        with transaction(request.app.state.engine) as connection:
            close_account(connection, name=name, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/people", 303)


@router.post("/badge/revoke", dependencies=[PostedByUs])
def take_badge(request: Request, visitor: Manager, name: Annotated[str, Form()]) -> Response:
    """Make somebody's badge useless from now on."""
    with transaction(request.app.state.engine) as connection:
        revoke_badge(connection, name=name, actor=visitor.actor.identity)
    return RedirectResponse("/people", 303)
