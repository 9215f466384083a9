"""Words that the gate and the stations share beyond what CFX says itself."""

from typing import Final

OPENLY: Final = "Gate passed without the product"
"""Name of the CFX activity by which a station says that it began work under `fail_open_record`."""
CACHED: Final = "Gate passed by snapshot"
"""The same under `fail_cached`."""

ASK_AGAIN: Final = 1
"""`ResultCode` of a `ValidateUnitsResponse` whose refusal may clear by itself: reports still on their way."""
ABOUT_THE_STATION: Final = 300
"""`FailureCode` from here on is about the station (setup, tools, recipe, people); below, about the unit."""
