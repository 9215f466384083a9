"""How parts must be treated, as the factory sets it: moisture level, floor life, thawing, open time, finish."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid
from app.materials.models import FloorLife, PartHandling
from app.materials.moisture import HOURS, level_from
from app.materials.rules import KINDS, Handling
from app.materials.shelf_life import FINISH_HOURS
from app.people import record_audit
from app.sentences import Sentence

LONGEST = 100_000.0
"""Hours: eleven years, past any floor life."""


DEFAULT_LIMITS: Final[Mapping[str, float | None]] = {**HOURS, **FINISH_HOURS}


def limits(connection: Connection) -> dict[str, float | None]:
    """Hours by moisture level and surface finish: the defaults, and what the factory sets in their place."""
    own = connection.execute(select(FloorLife.level, FloorLife.hours))
    return {**DEFAULT_LIMITS, **{row.level: row.hours for row in own}}


def set_limits(connection: Connection, hours: Mapping[str, float | None], *, actor: str) -> dict[str, float | None]:
    """Set the factory's own hours in place of all it set before; None is unlimited. Returns those that hold now.

    Raises `Invalid` for a level or finish nobody knows, and for hours that are none.
    """
    known = [*DEFAULT_LIMITS]
    own = {level_from(name) or name.strip().lower(): value for name, value in hours.items()}
    for name, value in own.items():
        if name not in known:
            raise Invalid(
                Sentence(
                    "%(name)s is neither a moisture level nor a surface finish. Known are %(all_names)s.",
                    name=repr(name),
                    all_names=known,
                )
            )
        _refuse_odd(Sentence("floor life"), value)
    connection.execute(delete(FloorLife))
    if own:
        connection.execute(insert(FloorLife), [{"level": name, "hours": value} for name, value in own.items()])
    record_audit(connection, actor=actor, deed="floor_life.set", subject="floor_life", hours=own)
    return limits(connection)


def set_handling(connection: Connection, handling: Sequence[Handling], *, actor: str) -> None:
    """Say how parts must be treated, in place of what was said of them before. Raises `Invalid`, storing nothing."""
    rows = [_checked(one) for one in handling]
    if not rows:
        return
    twice = [name for name, times in Counter(row["part_number"] for row in rows).items() if times > 1]
    if twice:
        raise Invalid(Sentence("Part %(part)s is given twice. Say once how it is treated.", part=twice[0]))
    statement = insert(PartHandling).values(rows)
    columns = {field.name: statement.excluded[field.name] for field in fields(Handling) if field.name != "part_number"}
    connection.execute(statement.on_conflict_do_update(index_elements=[PartHandling.part_number], set_=columns))
    record_audit(connection, actor=actor, deed="handling.set", subject="part_handling", parts=rows)


def handling_of(connection: Connection, part_numbers: Collection[str] | None = None) -> list[Handling]:
    """What was said of these part numbers, or of all; parts nobody spoke of are left out."""
    columns = [getattr(PartHandling, field.name) for field in fields(Handling)]
    question = select(*columns).order_by(PartHandling.part_number)
    if part_numbers is not None:
        question = question.where(PartHandling.part_number.in_(part_numbers))
    return [Handling(*row) for row in connection.execute(question)]


def _checked(handling: Handling) -> dict[str, object]:
    name = (handling.part_number or "").strip()
    if not name:
        raise Invalid(Sentence("Say which part_number is to be treated so."))
    if handling.kind not in KINDS:
        raise Invalid(
            Sentence(
                "%(part)s: kind is one of %(all_kinds)s, not %(kind)s.",
                part=name,
                all_kinds=KINDS,
                kind=repr(handling.kind),
            )
        )
    level = level_from(handling.moisture_level)
    if handling.moisture_level and level is None:
        raise Invalid(
            Sentence(
                "%(part)s: %(level)s is no moisture level. Known are %(all_levels)s.",
                part=name,
                level=repr(handling.moisture_level),
                all_levels=HOURS,
            )
        )
    finish = handling.surface_finish.strip().lower().replace(" ", "_") if handling.surface_finish else None
    if finish is not None and finish not in FINISH_HOURS:
        raise Invalid(
            Sentence(
                "%(part)s: %(finish)s is no surface finish known here. Known are %(all_finishes)s.",
                part=name,
                finish=repr(finish),
                all_finishes=FINISH_HOURS,
            )
        )
    for what in ("floor_life_hours", "thaw_hours", "thawed_hours", "open_hours"):
        _refuse_odd(f"{name}: {what}", getattr(handling, what))
    return {**asdict(handling), "part_number": name, "moisture_level": level, "surface_finish": finish}


def _refuse_odd(what: str, hours: float | None) -> None:
    if hours is not None and not 0 < hours <= LONGEST:
        raise Invalid(
            Sentence(
                "%(what)s is a number of hours above 0 and at most %(hours_most)s, not %(hours)s.",
                what=what,
                hours_most=LONGEST,
                hours=hours,
            )
        )
