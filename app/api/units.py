"""Units: what one is, and its journey."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Overrider, Reading, UnitReader
from app.api.once import DoOnce
from app.http.answers import json_answer
from app.http.tracing import AsOf, with_zone
from app.quality.journey import journey_of
from app.units.queries import JourneyEntry, UnitOverview, unit
from app.units.taken_out import SeenOut, WasIn, take_out, withdraw_taken_out

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


class OutOfPanel(BaseModel):
    """Boards that somebody saw outside the panel or carrier they were in, and why that is told."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"serials": ["SN-3"], "reason": "Depanelled, in rack 4."}]}
    )

    serials: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(min_length=1, max_length=1000)
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/taken-out", response_model=dict[str, list[WasIn]])
def post_taken_out(seen: OutOfPanel, actor: Overrider, once: DoOnce) -> Response:
    """Say that boards are no longer in their panel or carrier: `{"were_in": [{"serial", "panel", "position_number"}]}`.

    A carrier that is used again with fewer boards is judged by what was in it last, until that is known to be gone:
    in another panel or assembly, shipped, or told here. The boards themselves are judged as before.
    """

    def deed(connection: Connection) -> dict[str, list[WasIn]]:
        return {"were_in": take_out(connection, seen.serials, reason=seen.reason, actor=actor.identity)}

    return once(deed)


class StillInPanel(BaseModel):
    """Boards that are in the panel or carrier they were said to be outside of, and how that came."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"serials": ["SN-3"], "reason": "It was SN-8 in the rack."}]}
    )

    serials: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(min_length=1, max_length=1000)
    reason: str = Field(min_length=1, max_length=1000)


@router.post("/taken-out/withdrawals", response_model=dict[str, list[SeenOut]])
def post_withdrawals(mistaken: StillInPanel, actor: Overrider, once: DoOnce) -> Response:
    """Say that it was a mistake: these boards are in their panels, and were all the time. Returns what was withdrawn.

    Only until something is told of them in a panel again.
    """

    def deed(connection: Connection) -> dict[str, list[SeenOut]]:
        withdrawn = withdraw_taken_out(connection, mistaken.serials, reason=mistaken.reason, actor=actor.identity)
        return {"withdrawn": withdrawn}

    return once(deed)
