"""Plan a line: which stations stand in it, in which order, doing what."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import Conflict, Invalid, NotFound
from app.lines.models import Line, Station
from app.people import record_audit
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class StationPlan:
    """A station by its CFX handle, what people call it, and the operation of routings it does.

    Of name and operation None leaves what was planned, an empty one takes it away.
    """

    handle: str
    name: str | None = None
    operation: str | None = None


def plan_line(connection: Connection, *, name: str, stations: Sequence[StationPlan], actor: str) -> int:
    """Put stations into a line, in the order given, and return the line's id.

    Line and stations are made where they are new; a station that spoke before anyone planned it
    becomes planned. Stations that were in the line and are not given any more leave it. Raises
    `Invalid` for a name or handle that is empty, or a station given twice.
    """
    name = _named(name)
    handles = [_handle(plan) for plan in stations]
    if len(set(handles)) != len(handles):
        raise Invalid(Sentence("A station stands in a line once; one of these handles is given twice."))
    connection.execute(insert(Line).values(name=name).on_conflict_do_nothing())
    line_id = connection.execute(select(Line.line_id).where(Line.name == name)).scalar_one()
    connection.execute(
        update(Station)
        .where(Station.line_id == line_id, Station.handle.not_in(handles))
        .values(line_id=None, line_order=None)
    )
    for order, plan in enumerate(stations, start=1):
        _enter(connection, plan, line_id, order)
    record_audit(connection, actor=actor, deed="line.planned", subject=f"line:{name}",
                 stations=handles)  # fmt: skip
    return line_id


def plan_station(
    connection: Connection, plan: StationPlan, *, line: str | None, place: int | None = None, actor: str
) -> None:
    """Plan one station: its name, what it does, the line it stands in and its place there, 1 being the first.

    Without a place it stays where it stands in that line, or comes last. `line` None: it stands in none. Raises
    `Invalid` for an empty handle, `NotFound` for a line nobody planned.
    """
    handle = _handle(plan)
    if line is None:
        _enter(connection, plan, None, None)
    else:
        stations = _stations_of(connection, line)
        at = stations.index(handle) if handle in stations else len(stations)
        others = [one for one in stations if one != handle]
        others.insert(at if place is None else max(place - 1, 0), handle)
        plan_line(
            connection, name=line, stations=[plan if one == handle else StationPlan(one) for one in others], actor=actor
        )
    record_audit(connection, actor=actor, deed="station.planned", subject=f"station:{handle}", name=plan.name,
                 operation=plan.operation, line=line)  # fmt: skip


def add_line(connection: Connection, name: str, *, actor: str) -> int:
    """Plan a line without stations and return its id. Raises `Invalid` without a name, `Conflict` where it is taken."""
    _refuse_taken(connection, _named(name))
    return plan_line(connection, name=name, stations=(), actor=actor)


def rename_line(connection: Connection, line_id: int, name: str, *, actor: str) -> None:
    """Give a line another name. Raises `NotFound`, `Invalid` without a name, `Conflict` where it is taken."""
    former, name = _line(connection, line_id), _named(name)
    if name != former:
        _refuse_taken(connection, name)
        connection.execute(update(Line).where(Line.line_id == line_id).values(name=name))
        record_audit(connection, actor=actor, deed="line.renamed", subject=f"line:{name}", former=former)


def remove_line(connection: Connection, line_id: int, *, actor: str) -> None:
    """Forget a line in which no station stands. Raises `NotFound`, `Conflict` where one does."""
    name = _line(connection, line_id)
    if _stations_of(connection, name):
        raise Conflict(Sentence("Stations stand in line %(line)s. Take them out of it first.", line=name))
    connection.execute(delete(Line).where(Line.line_id == line_id))
    record_audit(connection, actor=actor, deed="line.removed", subject=f"line:{name}")


def _enter(connection: Connection, plan: StationPlan, line_id: int | None, order: int | None) -> None:
    place = {"line_id": line_id, "line_order": order, "unplanned": False}
    planned = {
        "name": func.nullif(func.coalesce(plan.name, Station.name), ""),
        "operation": func.nullif(func.coalesce(plan.operation, Station.operation), ""),
        **place,
    }
    connection.execute(
        insert(Station)
        .values(handle=_handle(plan), name=plan.name or None, operation=plan.operation or None, **place)
        .on_conflict_do_update(index_elements=[Station.handle], set_=planned)
    )


def _line(connection: Connection, line_id: int) -> str:
    """The name of a line, which nobody else changes meanwhile."""
    name = connection.execute(select(Line.name).where(Line.line_id == line_id).with_for_update()).scalar_one_or_none()
    if name is None:
        raise NotFound(Sentence("That line is not known here any more. Look at the lines there are."))
    return name


def _stations_of(connection: Connection, line: str) -> list[str]:
    """The handles of a line's stations in their order; those who plan it at once come one after the other."""
    asked = select(Line.line_id).where(Line.name == line).with_for_update()
    line_id = connection.execute(asked).scalar_one_or_none()
    if line_id is None:
        raise NotFound(Sentence("No line is called %(line)s. Add it first.", line=line))
    standing = select(Station.handle).where(Station.line_id == line_id).order_by(Station.line_order, Station.handle)
    return list(connection.execute(standing).scalars())


def _refuse_taken(connection: Connection, name: str) -> None:
    if connection.execute(select(Line.line_id).where(Line.name == name)).first() is not None:
        raise Conflict(Sentence("There is a line %(line)s already. Give this one another name.", line=name))


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid(Sentence("A line needs a name."))
    return name.strip()


def _handle(plan: StationPlan) -> str:
    if not plan.handle.strip():
        raise Invalid(Sentence("A station needs its CFX handle, such as Vendor.Model.Serial."))
    return plan.handle.strip()
