"""Tools: registered as they are named, loaded, cleaned, calibrated; their limits, and the cycles they did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid, NotFound
from app.facts import Report
from app.lines.models import Tool, ToolLimit
from app.lines.tool_life import KINDS, Limits
from app.people import record_audit
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class ToolHappened:
    """A tool was loaded, unloaded, cleaned or calibrated."""

    report: Report
    tool: str
    kind: str


@dataclass(frozen=True, slots=True)
class ToolCycles:
    """What one message says a tool did, see `ToolCount`: `strokes` of the whole panel, `picks` one by one, `placed`."""

    report: Report
    tool: str
    strokes: int = 0
    picks: int = 0
    placed: int = 0


_FIND = text("SELECT identifier, tool_id, kind FROM tool WHERE identifier = ANY (CAST(:tools AS text[]))")
_ENTER = text(
    """
    INSERT INTO tool (identifier, kind, unplanned)
    SELECT identifier, kind, true
    FROM unnest(CAST(:tools AS text[]), CAST(:kinds AS text[])) AS given (identifier, kind) ORDER BY identifier
    ON CONFLICT (identifier) DO UPDATE SET kind = excluded.kind WHERE tool.kind IS NULL AND excluded.kind IS NOT NULL
    """
)


def register_tools(connection: Connection, tools: Mapping[str, str | None]) -> dict[str, int]:
    """Give every tool (identifier, kind where the machine says it) a row, `unplanned` until somebody plans it."""
    if not tools:
        return {}
    found = {row.identifier: row for row in connection.execute(_FIND, {"tools": list(tools)})}
    missing = {
        name: kind
        for name, kind in tools.items()
        if name not in found or (kind is not None and found[name].kind is None)
    }
    if missing:
        connection.execute(_ENTER, {"tools": list(missing), "kinds": list(missing.values())})
        found = {row.identifier: row for row in connection.execute(_FIND, {"tools": list(tools)})}
    return {name: found[name].tool_id for name in tools}


_HAPPENED = text(
    """
    INSERT INTO tool_event (tool_id, event_id, kind, station_id, recorded_at, received_at)
    SELECT * FROM unnest(
        CAST(:tools AS integer[]), CAST(:events AS bigint[]), CAST(:kinds AS text[]), CAST(:stations AS integer[]),
        CAST(:recorded_at AS timestamptz[]), CAST(:received_at AS timestamptz[])
    )
    ON CONFLICT DO NOTHING
    """
)
_COUNT = text(
    """
    INSERT INTO tool_count AS counted (tool_id, hour, station_id, strokes, picks, placed)
    SELECT tool_id, coalesce(hour, 'epoch'), CASE WHEN hour IS NULL THEN 0 ELSE station_id END, strokes, picks, placed
    FROM (
        SELECT tool_id, date_trunc('hour', recorded_at, 'UTC') AS hour, station_id,
            sum(strokes) AS strokes, sum(picks) AS picks, sum(placed) AS placed
        FROM unnest(
            CAST(:tools AS integer[]), CAST(:stations AS integer[]), CAST(:recorded_at AS timestamptz[]),
            CAST(:strokes AS bigint[]), CAST(:picks AS bigint[]), CAST(:placed AS bigint[])
        ) AS given (tool_id, station_id, recorded_at, strokes, picks, placed)
        GROUP BY GROUPING SETS ((1, 2, 3), (1))
    ) AS added
    ORDER BY tool_id, hour NULLS FIRST, station_id
    ON CONFLICT (tool_id, hour, station_id) DO UPDATE
        SET strokes = counted.strokes + excluded.strokes, picks = counted.picks + excluded.picks,
            placed = counted.placed + excluded.placed
    """
)


def record_tool_events(connection: Connection, happened: Sequence[ToolHappened], tools: Mapping[str, int]) -> None:
    """Keep what machines say happened to tools; a repetition changes nothing."""
    if happened:
        connection.execute(
            _HAPPENED,
            {
                "tools": [tools[one.tool] for one in happened],
                "events": [one.report.event_id for one in happened],
                "kinds": [one.kind for one in happened],
                "stations": [one.report.station_id for one in happened],
                "recorded_at": [one.report.recorded_at for one in happened],
                "received_at": [one.report.received_at for one in happened],
            },
        )


def count_cycles(connection: Connection, cycles: Sequence[ToolCycles], tools: Mapping[str, int]) -> None:
    """Add what tools did to their hours. Not idempotent: the caller gives each event once."""
    if cycles:
        connection.execute(
            _COUNT,
            {
                "tools": [tools[one.tool] for one in cycles],
                "stations": [one.report.station_id for one in cycles],
                "recorded_at": [one.report.recorded_at for one in cycles],
                "strokes": [one.strokes for one in cycles],
                "picks": [one.picks for one in cycles],
                "placed": [one.placed for one in cycles],
            },
        )


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """A tool as planning knows it; limits of its own come before its kind's."""

    identifier: str
    kind: str
    name: str | None = None
    cycles_limit: int | None = None
    cleaning_limit: int | None = None
    calibration_days: int | None = None


def plan_tools(connection: Connection, plans: Sequence[ToolPlan], *, actor: str) -> None:
    """Register tools, or change what is planned of them. Raises `Invalid`, storing nothing."""
    for plan in plans:
        if not plan.identifier.strip():
            raise Invalid(Sentence("A tool needs an identifier: what its label says."))
        _refuse_odd_kind(plan.kind)
        _refuse_odd_limits(Limits(plan.cycles_limit, plan.cleaning_limit, plan.calibration_days))
    if not plans:
        return
    rows = [
        {
            "identifier": plan.identifier.strip(), "kind": plan.kind, "name": plan.name,
            "cycles_limit": plan.cycles_limit, "cleaning_limit": plan.cleaning_limit,
            "calibration_days": plan.calibration_days, "unplanned": False,
        }
        for plan in plans
    ]  # fmt: skip
    twice = [name for name, times in Counter(row["identifier"] for row in rows).items() if times > 1]
    if twice:
        raise Invalid(Sentence("Tool %(tool)s is given twice. Name each tool once.", tool=twice[0]))
    statement = insert(Tool).values(rows)
    planned = {name: statement.excluded[name] for name in rows[0] if name != "identifier"}
    connection.execute(statement.on_conflict_do_update(index_elements=[Tool.identifier], set_=planned))
    record_audit(connection, actor=actor, deed="tools.planned", subject=f"tool:{rows[0]['identifier']}", tools=rows)


def planned_tool(connection: Connection, identifier: str) -> ToolPlan:
    """What is planned of one tool. Raises `NotFound`."""
    asked = select(Tool.kind, Tool.name, Tool.cycles_limit, Tool.cleaning_limit, Tool.calibration_days)
    found = connection.execute(asked.where(Tool.identifier == identifier)).one_or_none()
    if found is None:
        raise NotFound(Sentence("Nobody knows tool %(tool)s. Check the scan, or plan it first.", tool=identifier))
    kind, name, *limits = found
    return ToolPlan(identifier, kind or "", name, *limits)


def set_tool_limits(connection: Connection, limits: Mapping[str, Limits], *, actor: str) -> None:
    """Set what every tool of a kind may do, in place of what was set for that kind."""
    for kind, limit in limits.items():
        _refuse_odd_kind(kind)
        _refuse_odd_limits(limit)
        row = {
            "cycles_limit": limit.cycles, "cleaning_limit": limit.cleaning, "calibration_days": limit.calibration_days,
        }  # fmt: skip
        connection.execute(
            insert(ToolLimit).values(kind=kind, **row).on_conflict_do_update(index_elements=[ToolLimit.kind], set_=row)
        )
        record_audit(connection, actor=actor, deed="tool_limit.set", subject=f"tool_limit:{kind}", **row)


def tool_limits(connection: Connection) -> dict[str, Limits]:
    """What every tool of a kind may do."""
    rows = connection.execute(
        select(ToolLimit.kind, ToolLimit.cycles_limit, ToolLimit.cleaning_limit, ToolLimit.calibration_days)
    )
    return {kind: Limits(*limits) for kind, *limits in rows}


STATED = ("loaded", "unloaded", "cleaned", "calibrated", "retired")
_STATE = text(
    """
    INSERT INTO tool_event (tool_id, event_id, kind, station_id, due_at, recorded_at, received_at)
    VALUES (:tool, :event_id, :kind, :station, :due_at, :at, now())
    """
)


def state_tool(
    connection: Connection,
    tool: str,
    kind: str,
    *,
    at: datetime,
    station: str | None = None,
    due_at: datetime | None = None,
    actor: str,
) -> None:
    """Keep what a person says happened to a tool: a cleaning, a calibration with the day the next is due, its end.

    A station's own calibration is told of the tool that bears its handle. Raises `NotFound` for a tool or station
    nobody knows, `Invalid` for what cannot be stated.
    """
    if kind not in STATED:
        raise Invalid(
            Sentence("%(kind)s does not happen to tools. Known are %(all_kinds)s.", kind=repr(kind), all_kinds=STATED)
        )
    if kind in {"loaded", "unloaded"} and station is None:
        raise Invalid(Sentence("Say at which station."))
    if due_at is not None and (kind != "calibrated" or due_at <= at):
        raise Invalid(
            Sentence("due_at is when the next calibration is due: give it with a calibration, later than that.")
        )
    tool_id = connection.execute(select(Tool.tool_id).where(Tool.identifier == tool)).scalar_one_or_none()
    station_id = None
    if station is not None:
        station_id = station_id_of(connection, station)
    if tool_id is None:
        raise NotFound(Sentence("Nobody knows tool %(tool)s. Check the scan, or plan it first.", tool=tool))
    audit_id = record_audit(connection, actor=actor, deed=f"tool.{kind}", subject=f"tool:{tool}", at=at.isoformat(),
                            station=station, due_at=due_at.isoformat() if due_at else None)  # fmt: skip
    connection.execute(
        _STATE,
        {"tool": tool_id, "event_id": -audit_id, "kind": kind, "station": station_id, "due_at": due_at, "at": at},
    )


_STATION = text("SELECT station_id, handle FROM station WHERE handle = :said OR name = :said")


def station_id_of(connection: Connection, said: str) -> int:
    """The station of this CFX handle, or of this name. Raises `NotFound`, `Invalid` where several bear the name."""
    found = {row.handle: int(row.station_id) for row in connection.execute(_STATION, {"said": said})}
    if said in found:
        return found[said]
    if not found:
        raise NotFound(Sentence("There is no station %(station)s. GET /api/v1/stations lists them.", station=said))
    if len(found) > 1:
        raise Invalid(
            Sentence(
                "Several stations are called %(station)s: %(all_stations)s. Say which by its handle.",
                station=said,
                all_stations=sorted(found),
            )
        )
    return next(iter(found.values()))


def _refuse_odd_kind(kind: str) -> None:
    if kind not in KINDS:
        raise Invalid(
            Sentence(
                "%(kind)s is no kind of tool known here. Known are %(all_kinds)s.", kind=repr(kind), all_kinds=KINDS
            )
        )


def _refuse_odd_limits(limits: Limits) -> None:
    for what, value in (
        ("cycles_limit", limits.cycles),
        ("cleaning_limit", limits.cleaning),
        ("calibration_days", limits.calibration_days),
    ):
        if value is not None and not 1 <= value <= 2**31 - 1:
            raise Invalid(Sentence("%(what)s is a whole number above 0, not %(value)s.", what=what, value=value))
