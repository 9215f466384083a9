"""Plan a line: which stations stand in it, in which order, doing what."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid
from app.lines.models import Line, Station
from app.people import record_audit


@dataclass(frozen=True, slots=True)
class StationPlan:
    """A station by its CFX handle, what people call it, and the operation of routings it does."""

    handle: str
    name: str | None = None
    operation: str | None = None


def plan_line(connection: Connection, *, name: str, stations: Sequence[StationPlan], actor: str) -> int:
    """Put stations into a line, in the order given, and return the line's id.

    Line and stations are made where they are new; a station that spoke before anyone planned it
    becomes planned. Stations that were in the line and are not given any more leave it. Raises
    `Invalid` for a name that is empty or a station given twice.
    """
    name = name.strip()
    handles = [plan.handle for plan in stations]
    if not name:
        raise Invalid("A line needs a name.")
    if len(set(handles)) != len(handles):
        raise Invalid("A station stands in a line once; one of these handles is given twice.")
    connection.execute(insert(Line).values(name=name).on_conflict_do_nothing())
    line_id = connection.execute(select(Line.line_id).where(Line.name == name)).scalar_one()
    connection.execute(
        update(Station)
        .where(Station.line_id == line_id, Station.handle.not_in(handles))
        .values(line_id=None, line_order=None)
    )
    for order, plan in enumerate(stations, start=1):
        planned = {
            "name": func.coalesce(plan.name, Station.name),
            "operation": func.coalesce(plan.operation, Station.operation),
            "line_id": line_id,
            "line_order": order,
            "unplanned": False,
        }
        connection.execute(
            insert(Station)
            .values(handle=plan.handle, name=plan.name, operation=plan.operation, line_id=line_id,
                    line_order=order, unplanned=False)
            .on_conflict_do_update(index_elements=[Station.handle], set_=planned)
        )  # fmt: skip
    record_audit(connection, actor=actor, deed="line.planned", subject=f"line:{name}",
                 stations=handles)  # fmt: skip
    return line_id
