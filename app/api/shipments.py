"""Shipments: pack, unpack, ship, list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import Reading, Shipper, UnitReader
from app.api.once import DoOnce
from app.errors import NotFound
from app.http.answers import json_answer
from app.quality.shipping import pack, ship, unpack
from app.sentences import Sentence
from app.units.shipments import ShipmentSummary, shipments, shipped_serials

router = APIRouter(prefix="/shipments", tags=["quality"])

_Text = Annotated[str, Field(min_length=1, max_length=256)]


class Packing(BaseModel):
    """Units for a shipment to a customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"number": "SH-0042", "customer": "Acme", "serials": ["SN-1", "SN-2"]}]},
    )

    number: _Text
    customer: _Text
    serials: list[_Text] = Field(min_length=1)


@router.post("", status_code=201, response_model=None)
def post_shipment(packing: Packing, actor: Shipper, once: DoOnce) -> Response:
    """Pack units, all of them or none: 409 lists those that may not leave, each with its reasons (`units`)."""

    def deed(connection: Connection) -> dict[str, Any]:
        packed = pack(
            connection, packing.serials, shipment=packing.number, customer=packing.customer, actor=actor.identity
        )
        return {"number": packing.number, "packed": packed}

    return once(deed, status=201)


class Leaving(BaseModel):
    """The shipment that leaves."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"number": "SH-0042"}]})

    number: _Text


@router.post("/ship", response_model=None)
def post_ship(leaving: Leaving, actor: Shipper, once: DoOnce) -> Response:
    """Let a shipment leave, judged again as it stands now: a unit that was contained since stops all of it."""

    def deed(connection: Connection) -> dict[str, Any]:
        return {"number": leaving.number, "shipped": ship(connection, leaving.number, actor=actor.identity)}

    return once(deed)


class Unpacking(BaseModel):
    """Units that are taken out of their shipments, or came back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"serials": ["SN-1"], "reason": "RMA 2026-114"}]}
    )

    serials: list[_Text] = Field(min_length=1)
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


@router.post("/unpack", response_model=None)
def post_unpack(unpacking: Unpacking, actor: Shipper, once: DoOnce) -> Response:
    """Take units out of their shipments, or note that they came back from the customer."""

    def deed(connection: Connection) -> dict[str, Any]:
        taken = unpack(connection, unpacking.serials, reason=unpacking.reason, actor=actor.identity)
        return {"unpacked": taken}

    return once(deed)


@dataclass(frozen=True, slots=True)
class ShipmentPage:
    """Shipments, newest first; `serials` where one was asked for by its number."""

    shipments: Sequence[ShipmentSummary]
    serials: Sequence[str] = ()


@router.get("", response_model=ShipmentPage)
def get_shipments(
    *,
    reader: UnitReader,
    connection: Reading,
    number: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Shipments, newest first, or one by its `number` with its serials. A customer sees what goes to them."""
    found = shipments(connection, customer_id=reader.customer_id, number=number, limit=limit)
    if number is None:
        return json_answer(ShipmentPage(found))
    if not found:
        raise NotFound(Sentence("There is no shipment %(number)s. Check its number.", number=number))
    return json_answer(ShipmentPage(found, shipped_serials(connection, number)))
