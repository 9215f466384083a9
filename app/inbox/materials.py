"""What messages say of packages and tools becomes facts, for a whole batch at once."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from app.facts import Report
from app.inbox.memory import Ids
from app.inbox.said import Said
from app.lines.stations import handles_of
from app.lines.tools import ToolCycles, ToolHappened, count_cycles, record_tool_events, register_tools
from app.materials.loadings import LoadingChange, record_loadings
from app.materials.package_events import PackageHappened, record_package_events
from app.materials.packages import PackageRelation, describe_packages, find_packages, relate_packages

Told = tuple[Said, Report]


def record_materials(connection: Connection, told: Sequence[Told], ids: Ids) -> None:
    """Packages described, split, spliced, put into slots, opened and dried."""
    describe_packages(connection, [one for said, _ in told for one in said.described])
    relate_packages(
        connection,
        [
            PackageRelation(report, one.kind, one.parent, one.child, one.quantity)
            for said, report in told
            for one in said.relations
        ],
        ids.packages,
    )
    record_loadings(
        connection,
        [
            LoadingChange(report, one.kind, one.package, one.slot, one.slot_name, one.lane, one.feeder, one.quantity)
            for said, report in told
            for one in said.loadings
        ],
        ids.packages,
    )

    exposures = [(one, report) for said, report in told for one in said.exposures]
    find_packages(connection, {one.package for one, _ in exposures}, ids.packages)  # those described just now
    record_package_events(
        connection,
        [
            PackageHappened(report, one.kind, one.package, one.moisture_level, one.floor_life_left)
            for one, report in exposures
        ],
        ids.packages,
    )


def record_tool_life(connection: Connection, ready: Sequence[Told]) -> None:
    """What happened to tools, and the cycles they did: each event comes by here once."""
    kinds: dict[str, str | None] = {}
    happened, cycles = [], []
    handles = handles_of(connection, {report.station_id for said, report in ready for one in said.tool_changes
                                      if one.tool is None})  # fmt: skip
    for said, report in ready:
        for change in said.tool_changes:
            tool = change.tool or handles[report.station_id]
            kinds[tool] = change.tool_kind or kinds.get(tool)
            happened.append(ToolHappened(report, tool, change.kind))
        done: dict[str, list[int]] = {}
        for used in said.tools:
            kinds[used.tool] = used.kind or kinds.get(used.tool)
            done.setdefault(used.tool, []).append(1 if used.cycles is None else used.cycles)
        cycles += [ToolCycles(report, tool, max(each), sum(each)) for tool, each in done.items()]
        placed: Counter[str] = Counter()
        for material_set in said.material_sets:
            placed.update(dict(material_set.picks))
        kinds.update(dict.fromkeys(placed, "nozzle"))
        cycles += [ToolCycles(report, nozzle, placed=picks) for nozzle, picks in placed.items()]
    if kinds:
        tools = register_tools(connection, kinds)
        record_tool_events(connection, happened, tools)
        count_cycles(connection, cycles, tools)
