"""A station's setup as CFX asks for it: what it must hold, and what is against what it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.cfx.messages.storage import MaterialSetupRequirement, StationSetupRequirements, ToolSetupRequirement
from app.interlock.at_station import SIDES
from app.interlock.gathering import Asked, gather
from app.interlock.rules import decide
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.current import ACTIVE_RECIPE, ORDER_OF_RECIPE, building_at
from app.setup.requirements import required_setup
from app.setup.rules import Required
from app.setup.state import judge_requirements, setup_at
from app.units.tool_states import tools_at

# The latest recipe a station said it runs, and the product of its work order where that is planned.
_RUNS = text(
    f"""
    SELECT station.station_id, active.body ->> 'RecipeName' AS recipe, active.body ->> 'Revision' AS revision,
        active.body ->> 'RelevantSurface' AS surface, work_order.product_revision_id
    FROM station
    LEFT JOIN LATERAL (
        {ACTIVE_RECIPE}
    ) AS active ON true
    LEFT JOIN work_order ON work_order.number = {ORDER_OF_RECIPE}
    WHERE station.handle = :station
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a station must hold for the product it runs, and the recipe it runs."""

    recipe: str | None
    recipe_revision: str | None
    requirements: StationSetupRequirements


def setup_reasons(
    connection: Connection, station: str, listed: StationSetupRequirements, *, at: datetime
) -> list[Reason]:
    """What is against the setup: by what the station lists, and by what is planned for it.

    Planned for the product of the recipe it runs. A station that neither said which nor lists anything is judged, as
    scans are, by what it builds.
    """
    against: dict[Reason, None] = {}
    for facts in gather(connection, station=station, asked=[Asked("")], at=at):
        if facts.station.station_id:
            required = list(_required(listed))
            against |= dict.fromkeys(judge_requirements(connection, facts.station.station_id, required, at=at))
            runs = facts.station.active.product_revision_id if facts.station.active else None
            if runs is None and not listed.material_setup_requirements:
                against |= dict.fromkeys(_planned(connection, facts.station.station_id, at))
            against |= dict.fromkeys(_missing_tools(connection, facts.station.station_id, listed, at=at))
            judged = {one.subject for one in (*facts.station.setup, *facts.station.tools)}
            planned = (ground for ground in decide(facts).reasons if ground.subject in judged)
            against |= {Reason(ground.code, ground.sentence, ground.clears): None for ground in planned}
    return list(against)


def _planned(connection: Connection, station_id: int, at: datetime) -> Sequence[Reason]:
    """What is against what is loaded, as to what the station began last."""
    now = building_at(connection, station_id, at=at)
    if now is None or now.product_revision_id is None:
        return ()
    return setup_at(connection, station_id, product_revision_id=now.product_revision_id, side=now.side, at=at).reasons


def _missing_tools(
    connection: Connection, station_id: int, listed: StationSetupRequirements, *, at: datetime
) -> Iterator[Reason]:
    """Tools that are named and not at the station; what is against those that are is judged in any case."""
    named = {tool.tool_identifier: tool.position for tool in listed.tool_setup_requirements or ()}
    here = {tool.tool for tool in tools_at(connection, station_id, at=at)} if named else set()
    for tool, position in named.items():
        if tool and tool not in here:
            sentence = (
                Sentence("Tool %(tool)s belongs in %(place)s, and is not here.", tool=tool, place=position)
                if position
                else Sentence("Tool %(tool)s belongs at the station, and is not here.", tool=tool)
            )
            yield Reason("tool_missing", sentence, Sentence("Load %(tool)s and record that.", tool=tool))


def _required(listed: StationSetupRequirements) -> Iterator[Required]:
    for one in listed.material_setup_requirements or ():
        if one.position and one.part_number:
            yield Required(
                slot=one.position,
                part_number=one.part_number,
                alternates=frozenset(one.approved_alternate_parts or ()),
                manufacturer_parts=frozenset(one.approved_manufacturer_parts or ()),
            )


def wanted_setup(connection: Connection, station: str, *, at: datetime) -> Wanted | None:
    """What the station must hold for the product it runs; None where nothing is planned.

    Of tools nothing is planned for a product: those are told that the station works with.
    """
    runs = connection.execute(_RUNS, {"station": station}).one_or_none()
    if runs is None or runs.product_revision_id is None:
        return None
    slots = required_setup(connection, runs.station_id, runs.product_revision_id, SIDES.get(runs.surface))
    if not slots:
        return None
    requirements = [
        MaterialSetupRequirement(
            position=slot.slot,
            part_number=slot.part_number,
            approved_alternate_parts=sorted(slot.alternates) or None,
            approved_manufacturer_parts=sorted(slot.manufacturer_parts) or None,
        )
        for slot in slots
    ]
    tools = [
        ToolSetupRequirement(part_number=tool.kind, tool_identifier=tool.tool)
        for tool in tools_at(connection, runs.station_id, at=at)
        if tool.tool != station
    ]
    return Wanted(
        runs.recipe,
        runs.revision,
        StationSetupRequirements(material_setup_requirements=requirements, tool_setup_requirements=tools or None),
    )
