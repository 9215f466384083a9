"""Set up a factory: what is planned for a first board, and what is still missing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.line_board.beginning import steps
from app.people import Permission
from app.web.pages import Visitor, answer
from app.web.session import Reading, Visiting

router = APIRouter(prefix="/planning", include_in_schema=False)

Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_work))]


@router.get("")
def planning_page(request: Request, visitor: Planner, connection: Reading) -> Response:
    """The list of what is to be planned, each with the page on which that is done."""
    return answer(request, "planning.html", visitor, {"steps": steps(connection)})
