"""Yield and defects: how good the lines are, what is found most, and which lots are behind it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from app.people import Permission
from app.quality.queries import defect_pareto, symptom_pareto
from app.quality.suspect_lots import suspect_lots
from app.quality.yields import first_pass_yields
from app.web.pages import Visitor, answer
from app.web.session import Reading, Visiting

router = APIRouter(include_in_schema=False)

QualityReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
HOURS = (1, 8, 24, 168)


@router.get("/yield")
def yield_page(
    request: Request,
    visitor: QualityReader,
    connection: Reading,
    hours: Annotated[int, Query(ge=1, le=24 * 31)] = 8,
    by: Literal["code", "reference_designator", "part_number"] = "code",
) -> Response:
    """First-pass yield by station, defects and symptoms as Paretos, and the lots that failed boards share."""
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    told = {
        "yields": first_pass_yields(connection, since, until),
        "defects": defect_pareto(connection, since, until, by=by),
        "symptoms": symptom_pareto(connection, since, until),
        "suspects": suspect_lots(connection, since, until, most=6),
    }
    return answer(request, "yield.html", visitor, told, hours=hours, by=by, choices=HOURS)
