"""News for open pages: one stream of server-sent events tells that something was recorded."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from app.live import Changes
from app.people import Permission
from app.web.pages import Visitor
from app.web.session import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.read_line))],  # noqa: ARG001
) -> StreamingResponse:
    """Tell each time something was recorded (server-sent events, WHATWG HTML 9.2).

    A browser that comes back says by `Last-Event-ID` what it heard last; it is told at once if
    anything happened since, and nothing if nothing did.
    """
    changes: Changes = request.app.state.changes
    heard = request.headers.get("last-event-id", "")

    async def events() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        says = "recorded" if heard else "connected"
        async for position in changes.watch(since=heard):
            yield f"id: {position}\nevent: changed\ndata: {says}\n\n" if position else ": still here\n\n"
            says = "recorded"

    return StreamingResponse(events(), media_type="text/event-stream")
