"""Messages that could not be taken in: why, their bytes, replay and dismissal."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Row

from app.db import transaction
from app.errors import Conflict
from app.inbox.quarantine import message, quarantined
from app.inbox.replay import dismiss, replay
from app.people import Permission
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/quarantine", include_in_schema=False)

Handler = Annotated[Visitor, Depends(Visiting(Permission.handle_quarantine))]
_SHOWN = 50


@router.get("")
def quarantine_page(request: Request, visitor: Handler, cursor: int = 0, resolved: bool = False) -> Response:
    """Open messages, oldest first; with `resolved` all."""
    with request.app.state.engine.connect() as connection:
        rows = quarantined(connection, resolved=resolved, after=cursor, limit=_SHOWN)
    more = rows[-1].quarantine_id if len(rows) == _SHOWN else None
    told = {"quarantine": [_told(row) for row in rows], "next": more}
    return answer(request, "quarantine.html", visitor, told, rows=rows, resolved=resolved)


def _told(row: Row[Any]) -> dict[str, Any]:
    return {**row._asdict(), "raw": row.raw.decode("utf-8", "replace")}


@router.get("/{quarantine_id}")
def message_page(request: Request, visitor: Handler, quarantine_id: int) -> Response:
    """One message: the reason, its bytes made harmless, and what can be done."""
    return _message_page(request, visitor, quarantine_id)


def _message_page(request: Request, visitor: Visitor, quarantine_id: int, refused: Conflict | None = None) -> Response:
    with request.app.state.engine.connect() as connection:
        row = message(connection, quarantine_id)
    status = refused.status if refused else 200
    return answer(request, "quarantined.html", visitor, {"message": _told(row)}, status, row=row, problem=refused)


@router.get("/{quarantine_id}/raw")
def raw(request: Request, visitor: Handler, quarantine_id: int) -> Response:  # noqa: ARG001
    """The bytes as they came; a file to keep, never shown by the browser."""
    with request.app.state.engine.connect() as connection:
        row = message(connection, quarantine_id)
    return Response(
        row.raw,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="quarantine-{quarantine_id}.bin"'},
    )


@router.post("/{quarantine_id}/replay", dependencies=[PostedByUs])
def replay_message(request: Request, visitor: Handler, quarantine_id: int) -> Response:
    """Take it in once more."""
    state = request.app.state
    try:
        replay(state.engine, state.recorder, quarantine_id, actor=visitor.actor.identity)
    except Conflict as refused:
        return _message_page(request, visitor, quarantine_id, refused)
    return RedirectResponse(f"/quarantine/{quarantine_id}", 303)


@router.post("/{quarantine_id}/dismiss", dependencies=[PostedByUs])
def dismiss_message(
    request: Request, visitor: Handler, quarantine_id: int, reason: Annotated[str, Form()] = ""
) -> Response:
    """Say why it is not taken in."""
    with transaction(request.app.state.engine) as connection:
        dismiss(connection, quarantine_id, reason=reason, actor=visitor.actor.identity)
    return RedirectResponse("/quarantine", 303)
