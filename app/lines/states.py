"""What a station says it is doing, in SEMI E10's six words. Pure: no database.

CFX `ResourceState` is E10's states, sent as a name (`SBY_NoProduct`), as a number (`2200`) or as
the number in quotes; the thousands are the state, the rest is the reason.
"""

import re
from enum import StrEnum


class StationState(StrEnum):
    """SEMI E10's states; the value is what a screen says."""

    producing = "producing"
    standby = "standby"
    engineering = "engineering"
    scheduled_down = "scheduled down"
    unscheduled_down = "down"
    nonscheduled = "not scheduled"
    unknown = "unknown"


_BY_NAME = {
    "PRD": StationState.producing,
    "SBY": StationState.standby,
    "ENG": StationState.engineering,
    "SDT": StationState.scheduled_down,
    "USD": StationState.unscheduled_down,
    "NST": StationState.nonscheduled,
}
_BY_THOUSANDS = dict(enumerate(_BY_NAME.values(), start=1))


def station_state(said: object) -> StationState:
    """The E10 state behind a CFX `ResourceState`, however the machine wrote it."""
    text = str(said).strip()
    if text.isdigit():
        return _BY_THOUSANDS.get(int(text) // 1000, StationState.unknown)
    return _BY_NAME.get(text[:3].upper(), StationState.unknown)


def state_reason(said: object) -> str | None:
    """The reason within a state, in words: `SBY_NoProductStarved` is "no product starved"."""
    _, underscore, reason = str(said).partition("_")
    if not underscore:
        return None
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", reason).lower()
