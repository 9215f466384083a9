"""What the rooms of setup and tools say of a station, as the rules see it."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from app.interlock.answers import StationAnswer
from app.interlock.facts import Judged
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.current import building_at
from app.setup.requirements import has_sides
from app.setup.state import setup_at
from app.units.tool_states import tools_at

SIDES: Final = {"PrimarySurface": "top", "SecondarySurface": "bottom"}
"""CFX `RelevantSurface` of the active recipe, as setups name the sides."""

_SIDE_UNKNOWN: Final = Reason(
    "side_unknown",
    Sentence("A setup is planned for each side here, and the station does not say which side it builds."),
    Sentence("Have it say so when it begins work or activates its recipe (RelevantSurface), or plan one for both."),
)


def judged_setup(
    connection: Connection, row: StationAnswer, product_revision_id: int | None, at: datetime
) -> tuple[bool, tuple[Judged, ...]]:
    """Whether a setup is planned for this product at this station, and each slot with what is against it.

    The side is that of the active recipe; where it says none, of the work that the station began since.
    """
    if not row.has_setup:
        return False, ()
    side = SIDES.get((row.active or {}).get("RelevantSurface") or "")
    if side is None and product_revision_id is not None and has_sides(connection, row.station_id, product_revision_id):
        building = building_at(connection, row.station_id, at=at)
        side = building.side if building is not None else None
        if side is None:
            return True, (Judged(row.handle, (_SIDE_UNKNOWN,)),)
    setup = setup_at(connection, row.station_id, product_revision_id=product_revision_id, side=side, at=at)
    slots = (
        Judged(
            name=f"{slot.slot} lane {slot.lane}" if slot.lane else slot.slot,
            reasons=slot.reasons,
            warnings=slot.warnings,
            verified=slot.verified_at is not None,
            package=slot.package,
        )
        for slot in setup.slots
    )
    return setup.setup_id is not None, tuple(slot for slot in slots if slot.reasons or slot.warnings)


def judged_tools(connection: Connection, row: StationAnswer, at: datetime) -> tuple[Judged, ...]:
    """Each tool in the station with what is against it."""
    if not row.has_tools:
        return ()
    states = tools_at(connection, row.station_id, at=at, limited_only=True)
    judged = (Judged(tool.tool, tuple(tool.reasons), tuple(tool.warnings)) for tool in states)
    return tuple(tool for tool in judged if tool.reasons or tool.warnings)
