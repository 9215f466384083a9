"""Screens of a station: scan and verdict, visual inspection, rework, feeder set-up."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from sqlalchemy import Connection

from app.db import for_deeds
from app.floor.doing import do, read_deed
from app.floor.repairs import findings, replacement
from app.floor.units import UnitAtHand, bench, unit_at_hand
from app.http.answers import json_answer
from app.lines.queries import stations
from app.people import Permission
from app.products.instructions import board_drawing, instructions, picture
from app.scanning.formats import serial_formats
from app.setup.current import building_at
from app.setup.state import SlotState, setup_at
from app.web.pages import STATIC, Visitor, render, telling
from app.web.session import PostedByUs, Reading, Visiting

router = APIRouter(prefix="/station", include_in_schema=False)

AtStation = Annotated[Visitor, Depends(Visiting(Permission.work_at_stations))]
Mode = Literal["work", "inspect", "rework", "setup"]

DEFECTS = (
    "missing", "bridge", "open_joint", "insufficient_solder", "excess_solder", "tombstone", "shifted", "wrong_polarity",
    "wrong_part", "lifted_lead", "damaged", "contaminated",
)  # fmt: skip
"""What can be tapped onto a designator, by IPC-A-610's and IPC-7912's words for it."""

ACTIONS = ("resoldered", "replaced", "realigned", "cleaned", "removed", "no_fault_found")


@router.get("")
def choose(request: Request, visitor: AtStation) -> Response:
    """Which station is this? A scan of its code, or the list."""
    if visitor.station:
        return RedirectResponse(_address("work", visitor.station), 303)
    with request.app.state.engine.connect() as connection:
        known = stations(connection)
        formats = _formats(connection)
    return render(request, "station/choose.html", visitor, stations=known, formats=formats, station=None, mode="choose")


def _formats(connection: Connection) -> list[dict[str, str | None]]:
    """How serials look, as the page's script reads it."""
    return [{"pattern": one.pattern, "check": one.check} for one in serial_formats(connection)]


def _address(mode: str, handle: str) -> str:
    return f"/station/{mode}?at={quote(handle, safe='')}"


@router.get("/offline.js")
def offline_worker() -> Response:
    """The service worker; it may act for pages below its own address, so it is not among the static files."""
    return FileResponse(STATIC / "station" / "offline.js", headers={"Cache-Control": "no-cache"})


@router.get("/slots")
def slots(request: Request, visitor: AtStation, connection: Reading, at: str) -> Response:
    """The set-up of the whole machine at a glance; asked for again whenever something was recorded."""
    return render(request, "station/slots.html", visitor, **_setup(connection, at))


@router.get("/at-hand")
def at_hand(request: Request, visitor: AtStation, connection: Reading, at: str, serial: str, mode: Mode) -> Response:
    """What a person needs to see of the unit in work: steps, the board, what is known to be wrong with it."""
    here = bench(connection, at)
    unit = unit_at_hand(connection, serial)
    told = findings(connection, unit.serial) if mode == "rework" else []
    marked = {one.reference_designator: "bad" for one in told if one.reference_designator}
    steps = _steps(connection, unit, here.operation) if mode == "work" else []
    for step in steps:
        marked.update(dict.fromkeys(step.reference_designators, "accent"))
    return render(
        request,
        "station/at_hand.html",
        visitor,
        station=here,
        mode=mode,
        unit=unit,
        steps=steps,
        findings=told,
        marked=marked,
        drawings=_drawings(connection, unit) if mode != "work" or marked else [],
    )


def _steps(connection: Connection, unit: UnitAtHand, operation: str | None) -> Any:
    if unit.product_revision_id is None or operation is None:
        return []
    return instructions(connection, unit.product_revision_id, operation)


def _drawings(connection: Connection, unit: UnitAtHand) -> list[Any]:
    if unit.product_revision_id is None:
        return []
    both = [board_drawing(connection, unit.product_revision_id, side) for side in ("top", "bottom")]
    return [drawing for drawing in both if drawing.shapes]


@router.get("/replacement")
def may_replace(
    request: Request, visitor: AtStation, connection: Reading, serial: str, designator: str, label: str
) -> Response:
    """May a part of this reel be put there? Asked as soon as the reel is scanned."""
    unit = unit_at_hand(connection, serial)
    found = replacement(
        connection,
        label,
        designator=designator,
        product_revision_id=unit.product_revision_id,
        at=datetime.now(UTC),
    )
    told = telling(request, visitor)
    reasons = [{"code": one.code, "sentence": told(one.sentence), "clears": told(one.clears)} for one in found.reasons]
    return json_answer({"package": found.package, "part_number": found.part_number, "reasons": reasons})


@router.get("/pictures/{picture_id}")
def show_picture(_: AtStation, connection: Reading, picture_id: int) -> Response:
    """A picture of a work instruction."""
    media_type, content = picture(connection, picture_id)
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, max-age=86400, immutable"})


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/deeds", dependencies=[PostedByUs])
def post_deed(request: Request, visitor: AtStation, body: Annotated[bytes, Depends(_body)]) -> Response:
    """Do what a screen asks, once however often it is sent; see `app.floor.deeds`."""
    state = request.app.state
    told = telling(request, visitor)
    answer = do(for_deeds(state.gate), state.recorder, read_deed(body), actor=visitor.actor, told=told)
    return Response(answer, media_type="application/json")


@router.get("/{mode}")
def screen(request: Request, visitor: AtStation, connection: Reading, mode: Mode, at: str = "") -> Response:
    """A station's screen."""
    handle = at or visitor.station
    if not handle:
        return RedirectResponse("/station", 303)
    here = bench(connection, handle)
    told: dict[str, Any] = {"station": here, "mode": mode, "formats": _formats(connection)}
    if mode == "setup":
        told |= _setup(connection, handle)
    return render(request, f"station/{mode}.html", visitor, **told, defects=DEFECTS, actions=ACTIONS)


def _setup(connection: Connection, handle: str) -> dict[str, Any]:
    here = bench(connection, handle)
    now = datetime.now(UTC)
    building = building_at(connection, here.station_id, at=now)
    found = setup_at(
        connection,
        here.station_id,
        product_revision_id=building.product_revision_id if building else None,
        side=building.side if building else None,
        at=now,
    )
    by_state: dict[str, int] = {}
    for slot in found.slots:
        by_state[slot_state(slot)] = by_state.get(slot_state(slot), 0) + 1
    return {"station": here, "setup": found, "counts": by_state, "slot_state": slot_state}


def slot_state(slot: SlotState) -> str:
    """One word for a slot: blocked, empty, wrong, soon (something runs out), unverified, right."""
    if slot.blocked:
        return "blocked"
    if slot.package is None:
        return "empty"
    if slot.reasons:
        return "wrong"
    warned = {warning.code for warning in slot.warnings}
    if warned - {"not_verified"}:
        return "soon"
    return "unverified" if warned else "right"
