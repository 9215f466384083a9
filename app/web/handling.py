"""Part handling: moisture levels, thawing, open times; and how long each level may be out of its bag."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.db import retrying
from app.errors import BirthmarkError
from app.materials.handling import DEFAULT_LIMITS, handling_of, limits, set_handling, set_limits
from app.materials.moisture import HOURS
from app.materials.rules import KINDS, Handling
from app.materials.shelf_life import FINISH_HOURS
from app.people import Permission
from app.web.filled import NOTHING, Filled, amount
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, Visiting

router = APIRouter(prefix="/handling", include_in_schema=False)

LineReader = Annotated[Visitor, Depends(Visiting(Permission.read_line))]
LimitSetter = Annotated[Visitor, Depends(Visiting(Permission.set_limits))]
Word = Annotated[str, Form(max_length=256)]


@router.get("")
def handling_page(request: Request, visitor: LineReader, part_number: str = "") -> Response:
    """How parts are treated, and one of them to be changed."""
    return _page(request, visitor, part_number)


def _page(request: Request, visitor: Visitor, part_number: str = "", filled: Filled = NOTHING) -> Response:
    with request.app.state.engine.connect() as connection:
        parts, hours = handling_of(connection), limits(connection)
    lives = [
        {"level": level, "hours": hours[level], "default": default, "own": hours[level] != default}
        for level, default in DEFAULT_LIMITS.items()
    ]
    chosen = next((one for one in parts if one.part_number == part_number), Handling(part_number or None))
    return answer(
        request, "handling.html", visitor, {"parts": parts, "floor_lives": lives}, filled.status, chosen=chosen,
        kinds=KINDS, levels=list(HOURS), finishes=list(FINISH_HOURS), filled=filled,
    )  # fmt: skip


@router.post("", dependencies=[PostedByUs])
def change_handling(
    *,
    request: Request,
    visitor: LimitSetter,
    part_number: Word = "",
    kind: Word = "component",
    moisture_level: Word = "",
    surface_finish: Word = "",
    floor_life_hours: Word = "",
    thaw_hours: Word = "",
    thawed_hours: Word = "",
    open_hours: Word = "",
) -> Response:
    """Say how a part is treated."""
    hours = {
        "floor_life_hours": floor_life_hours, "thaw_hours": thaw_hours, "thawed_hours": thawed_hours,
        "open_hours": open_hours,
    }  # fmt: skip
    words = {"moisture_level": moisture_level, "surface_finish": surface_finish}
    try:
        given = Handling(
            part_number.strip(),
            kind,
            moisture_level=moisture_level or None,
            surface_finish=surface_finish or None,
            **{name: amount(typed, name) for name, typed in hours.items()},
        )

        def deed(connection: Connection) -> None:
            set_handling(connection, [given], actor=visitor.actor.identity)

        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        said = {"part_number": part_number, "kind": kind, **words, **hours}
        return _page(request, visitor, filled=Filled("part", said, refused, "part_number"))
    return RedirectResponse("/handling", 303)


@router.post("/floor-lives", dependencies=[PostedByUs])
def change_floor_lives(
    request: Request,
    visitor: LimitSetter,
    level: Annotated[list[str], Form(max_length=100)],
    hours: Annotated[list[str], Form(max_length=100)],
    unlimited: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006  (FastAPI copies it)
) -> Response:
    """Say how long the levels and finishes may lie open here; where nothing is said, the standard's hours hold."""
    said = {f"hours-{one}": typed for one, typed in zip(level, hours, strict=False)}
    try:
        own: dict[str, float | None] = {
            one: amount(said[f"hours-{one}"], f"hours-{one}") for one in level if said.get(f"hours-{one}", "").strip()
        }
        own |= dict.fromkeys(unlimited)

        def deed(connection: Connection) -> None:
            set_limits(connection, own, actor=visitor.actor.identity)

        retrying(request.app.state.engine, deed)
    except BirthmarkError as refused:
        return _page(request, visitor, filled=Filled("lives", said, refused, f"hours-{level[0] if level else ''}"))
    return RedirectResponse("/handling#floor-lives", 303)
