"""What the rooms of setup and tools say of a station, as the rules see it."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from app.interlock.answers import StationAnswer
from app.interlock.facts import Judged
from app.setup.state import setup_at
from app.units.tool_states import tools_at

SIDES: Final = {"PrimarySurface": "top", "SecondarySurface": "bottom"}
"""CFX `RelevantSurface` of the active recipe, as setups name the sides."""


def judged_setup(
    connection: Connection, row: StationAnswer, product_revision_id: int | None, at: datetime
) -> tuple[bool, tuple[Judged, ...]]:
    """Whether a setup is planned for this product at this station, and each slot with what is against it."""
    if not row.has_setup:
        return False, ()
    side = SIDES.get((row.active or {}).get("RelevantSurface") or "")
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
