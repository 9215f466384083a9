"""One's own account: password and PIN, each changed by whoever knows the old one."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.errors import BirthmarkError
from app.http.proofs import address_of
from app.people import change_password, change_pin, has_pin
from app.sentences import Sentence
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, TheVisitor

router = APIRouter(prefix="/account", include_in_schema=False)

Secret = Annotated[str, Form(max_length=1024)]


@router.get("")
def account_page(request: Request, visitor: TheVisitor, changed: str = "") -> Response:
    """Who is logged in, and the forms to change password and PIN."""
    return _page(request, visitor, changed=changed)


def _page(request: Request, visitor: Visitor, *, changed: str = "", refused: BirthmarkError | None = None) -> Response:
    with request.app.state.engine.connect() as connection:
        pin = has_pin(connection, visitor.actor.name)
    told = {"name": visitor.actor.name, "role": visitor.actor.role, "has_pin": pin}
    page = answer(
        request, "account.html", visitor, told, refused.status if refused else 200, problem=refused, changed=changed
    )
    if refused and "retry_after" in refused.details:
        page.headers["Retry-After"] = str(refused.details["retry_after"])
    return page


@router.post("/password", dependencies=[PostedByUs])
def new_password(
    request: Request, visitor: TheVisitor, old: Secret = "", new: Secret = "", again: Secret = ""
) -> Response:
    """Change one's password; one's other sessions end."""
    return _changed(request, visitor, "password", change_password, old=old, new=new, again=again)


@router.post("/pin", dependencies=[PostedByUs])
def new_pin(request: Request, visitor: TheVisitor, old: Secret = "", new: Secret = "", again: Secret = "") -> Response:
    """Change one's PIN, or choose the first one; one's sessions at other stations end."""
    return _changed(request, visitor, "pin", change_pin, old=old, new=new, again=again)


class _Mistyped(BirthmarkError):
    """What was typed twice is not the same."""

    status = 422
    code = "mistyped"
    title = "The two are not the same"


def _changed(
    request: Request, visitor: Visitor, what: str, change: Callable[..., None], *, old: str, new: str, again: str
) -> Response:
    try:
        if new != again:
            raise _Mistyped(Sentence("What was typed twice differs. Type the new one twice."))
        change(
            request.app.state.engine, name=visitor.actor.name, old=old, new=new, address=address_of(request),
            session=visitor.secret,
        )  # fmt: skip
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse(f"/account?changed={what}", 303)
