"""What a station will want soon: reels that run out, packages whose floor life ends, tools at their limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.materials.conditions import conditions
from app.materials.loaded import loaded_at
from app.reasons import Reason
from app.setup.forecast import forecast
from app.units.tool_states import tools_at

SOON: timedelta = timedelta(minutes=15)
"""A reel that runs out within this time is told of."""


@dataclass(frozen=True, slots=True)
class RunsOut:
    """A package that runs out before the order ends; `at` by the station's pace, `units_left` that it still serves."""

    slot: str
    package: str
    units_left: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FloorLife:
    """The package in a station's slots whose time out of dry storage ends first, and when it ends if it stays there."""

    package: str
    moisture_level: str | None
    left: timedelta
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Supplies:
    """What becomes of a station's packages and tools. `stopped` forbid work now, `warned` will."""

    runs_out: Sequence[RunsOut]
    floor_life: FloorLife | None
    stopped: Sequence[Reason]
    warned: Sequence[Reason]


def supplies(connection: Connection, *, station_id: int, handle: str, at: datetime) -> Supplies:
    """What a station will want soon."""
    tools = tools_at(connection, station_id, at=at, limited_only=True)
    stopped = [reason for tool in tools for reason in tool.reasons]
    warned = [reason for tool in tools for reason in tool.warnings]
    loaded = [one.package_id for one in loaded_at(connection, station_id, at=at)]
    if not loaded:
        return Supplies((), None, stopped, warned)
    known = conditions(connection, loaded, at=at)
    stopped += [reason for one in known.values() for reason in one.reasons]
    lives = [
        FloorLife(one.identifier, one.moisture_level, one.floor_life_left, one.usable_until)
        for one in known.values()
        if one.floor_life_left is not None
    ]
    outlook = forecast(connection, station=handle, at=at).slots
    ending = [
        RunsOut(one.slot, one.package, one.units_left, one.runs_out_at)
        for one in outlook
        if one.runs_out_at is not None and one.runs_short_by is not None and one.runs_out_at < at + SOON
    ]
    return Supplies(
        runs_out=sorted(ending, key=lambda one: one.at),
        floor_life=min(lives, key=lambda one: one.left, default=None),
        stopped=stopped,
        warned=warned,
    )
