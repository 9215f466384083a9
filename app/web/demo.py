"""The demo's own pages: where to begin, three stories, one click to be somebody else, a sheet of codes.

There only where the demo runs. Whoever holds its key (the address that the terminal printed) is let in by it, as at the
terminal itself; everybody else logs in.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, Engine

from app.errors import Forbidden
from app.http.proofs import address_of
from app.interlock.recent import last_skipped
from app.labels.demo_sheet import DemoBadge, Noted, demo_sheet
from app.labels.sheets import SHEETS, pdf
from app.labels.symbols import Symbology, modules
from app.lines.queries import StationStatus, stations
from app.materials.conditions import conditions
from app.materials.loaded import loaded_at
from app.materials.queries import packages
from app.people import Permission, Role, log_in
from app.quality.latest import latest_passed
from app.quality.nonconformances import nonconformances
from app.quality.suspect_lots import SuspectLot, suspect_lots
from app.sentences import Sentence
from app.web.login import open_here
from app.web.pages import Visitor, render
from app.web.session import LoginRequired, Visiting, here, same_origin, visitor_or_none

router = APIRouter(prefix="/demo", include_in_schema=False)

_COOKIE = "birthmark-demo"
_ROLES = (Role.line_lead, Role.quality_engineer, Role.process_engineer, Role.operator, Role.customer)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo tells its pages. `network` is its address for other machines; None: it listens on this one only.

    `logins`: password by role; `badges` and `spares` (reels that nobody loaded, each with a note) are on the sheet of
    codes.
    """

    key: str
    logins: Mapping[str, str]
    badges: Sequence[DemoBadge]
    spares: Mapping[str, str]
    network: str | None


@router.get("")
def start_page(request: Request, key: str = "", fragment: bool = False) -> Response:
    """Where to begin."""
    demo: Demo = request.app.state.demo()
    if key:
        if not secrets.compare_digest(key.encode(), demo.key.encode()):
            raise Forbidden(Sentence("This is not the key of this demo. The terminal where it runs shows the address."))
        answered = RedirectResponse("/demo", 303)  # the key shall not stay in the address bar
        answered.set_cookie(_COOKIE, key, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return answered
    visitor, holds_key = visitor_or_none(request), _holds_key(request)
    if visitor is None and not holds_key:
        raise LoginRequired(Sentence("Open the address that the terminal printed, or log in."))
    customer_id = visitor.actor.customer_id if visitor else None
    whole_line = holds_key or customer_id is None
    with request.app.state.engine.connect() as connection:
        stories = _stories(connection) if whole_line else _story_of(connection, customer_id)
    reached = f"{demo.network}/demo?key={demo.key}" if holds_key and demo.network else None
    return render(
        request,
        "demo_now.html" if fragment else "demo.html",
        visitor,
        roles=_ROLES if holds_key else (),
        phone=modules(reached, Symbology.qr).tolist() if reached else None,
        demo_address=demo.network,
        whole_line=whole_line,
        **stories,
    )


def _holds_key(request: Request) -> bool:
    demo: Demo = request.app.state.demo()
    return secrets.compare_digest(request.cookies.get(_COOKIE, "").encode(), demo.key.encode())


def _stories(connection: Connection) -> dict[str, Any]:
    """How far each story is: what its steps lead to, or None while the line still builds it."""
    contained = nonconformances(connection, is_open=True, containments=True, limit=1)
    return {
        "stopped": last_skipped(connection),
        "suspect": _suspect(connection),
        "contained": contained[0] if contained else None,
        "passed": latest_passed(connection),
    }


def _story_of(connection: Connection, customer_id: int | None) -> dict[str, Any]:
    """The one story of a customer who looks in by their own login: of their boards, and nobody else's."""
    return {"passed": latest_passed(connection, customer_id=customer_id)}


def _suspect(connection: Connection) -> SuspectLot | None:
    until = datetime.now(UTC)
    found = suspect_lots(connection, until - timedelta(hours=8), until, most=1)
    return found[0] if found else None


@router.post("/as")
def become(request: Request, role: Annotated[Role, Form()], to: Annotated[str, Form()] = "/demo") -> Response:
    """Log this browser in as somebody else, for whoever holds the key."""
    same_origin(request)
    demo: Demo = request.app.state.demo()
    if not _holds_key(request) or role not in _ROLES:
        raise Forbidden(
            Sentence("Only the address that the terminal printed lets you be somebody else. Log in instead.")
        )
    engine: Engine = request.app.state.engine
    opened = log_in(engine, name=role.value, password=demo.logins[role.value], address=address_of(request))
    return open_here(request, opened, here(to))


@router.get("/sheet.pdf")
def sheet(
    request: Request,
    visitor: Annotated[Visitor, Depends(Visiting(Permission.read_line))],  # noqa: ARG001
) -> Response:
    """The sheet of codes; badges are on it for whoever holds the key."""
    demo: Demo = request.app.state.demo()
    with request.app.state.engine.connect() as connection:
        placers = [one for one in stations(connection) if (one.operation or "").startswith("placement")]
        labels = demo_sheet(
            connection,
            badges=demo.badges if _holds_key(request) else (),
            station=placers[0].handle if placers else "",
            slots=[slot for slot, _ in _slots(connection, placers)],
            reels=list(_reels(connection, placers, demo.spares)),
            serials=list(_serials(connection)),
        )
    return Response(
        pdf(labels, SHEETS["a4-24"]),
        media_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="birthmark-demo.pdf"'},
    )


def _slots(connection: Connection, placers: Sequence[StationStatus]) -> list[tuple[str, str]]:
    """The first few slots of the first placement machine, each with the reel in it."""
    if not placers:
        return []
    at = datetime.now(UTC)
    held = loaded_at(connection, placers[0].station_id, at=at)
    known = conditions(connection, [one.package_id for one in held], at=at)
    return list({one.slot: (one.slot, known[one.package_id].identifier) for one in held if one.slot}.values())[:3]


def _reels(connection: Connection, placers: Sequence[StationStatus], spares: Mapping[str, str]) -> Iterator[Noted]:
    for slot, reel in _slots(connection, placers):
        yield Noted(reel, f"good: sits in {slot}")
    suspect = _suspect(connection)
    if suspect is not None:
        for one in packages(connection, lot=suspect.lot, part_number=suspect.part_number, limit=2):
            yield Noted(one.identifier, "bad: of the suspect lot")
    for identifier, note in spares.items():
        yield Noted(identifier, note)


def _serials(connection: Connection) -> Iterator[Noted]:
    passed, stopped = latest_passed(connection), last_skipped(connection)
    if passed is not None:
        yield Noted(passed.serial, "passed its test")
    if stopped is not None and stopped.serial is not None:
        yield Noted(stopped.serial, "skipped the AOI")
