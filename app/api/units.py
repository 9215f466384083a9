"""Units: what one is, and its journey."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.access import Reading, UnitReader
from app.http.answers import json_answer
from app.http.tracing import AsOf, with_zone
from app.quality.journey import journey_of
from app.units.queries import JourneyEntry, UnitOverview, unit

router = APIRouter(prefix="/units", tags=["units"])

_Serial = Annotated[str, Query(min_length=1, description="Percent-encoded; a + is a plus")]


@router.get("", response_model=UnitOverview)
def get_unit(reader: UnitReader, connection: Reading, serial: _Serial) -> Response:
    """A unit or panel: its order, product and customer, its panel, its boards."""
    return json_answer(unit(connection, serial, customer_id=reader.customer_id))


@router.get("/history", response_model=dict[str, str | list[JourneyEntry]])
def get_history(reader: UnitReader, connection: Reading, serial: _Serial, as_of: AsOf = None) -> Response:
    """What happened to a unit, oldest first, by the stations' clocks (`received_at` is ours).

    Work, arrivals, installations, removals, inspections and tests; a panel's journey is that of its
    boards too.
    """
    happened = journey_of(connection, serial, customer_id=reader.customer_id, as_of=with_zone(as_of))
    return json_answer({"serial": serial, "history": happened})
