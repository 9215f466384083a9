"""How a story of something that is cleared is told: what is against it, the deed that is named, what is left of it.

A story is a generator. It brings a unit into the state and yields what the gate says; then it does what the reason says
clears it, through the function behind a person's or a machine's door, and yields what the gate says then.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import Engine

from app.interlock.gathering import Asked
from app.interlock.verdicts import Ground
from app.people import Actor, Role
from app.quality.shipping import reasons_to_keep
from app.reasons import Reason
from app.setup.state import setup_at
from app.units.locks import lock_families
from tests.containment.stories import unit_ids
from tests.inbox.messages import message, stored
from tests.interlock.story import MOUNTER, asked, clock
from tests.setup.plant import station_id

Against: TypeAlias = dict[str, str]
"""The code of each reason, and what it says clears it."""
Story: TypeAlias = Callable[[Engine], Iterator[Against]]
STORIES: list[tuple[str, str, Story]] = []

LENA, LEAD, ENGINEER, QUALITY = (
    Actor(f"person:{name}", name, role, person=name)
    for name, role in {
        "lena": Role.line_lead,
        "lea": Role.line_lead,
        "eve": Role.process_engineer,
        "quinn": Role.quality_engineer,
    }.items()
)


def clears(code: str, sentence: str) -> Callable[[Story], Story]:
    """The story does what the sentence says, to the letter; a sentence with two deeds has two stories."""

    def told(story: Story) -> Story:
        STORIES.append((code, sentence, story))
        return story

    return told


def said(reasons: Iterable[Reason | Ground]) -> Against:
    return {reason.code: reason.clears for reason in reasons}


def gate(engine: Engine, station: str, unit: str = "SN-1", position: int = 0, **more: Any) -> Against:
    """What the gate has against the unit at a station."""
    (verdict,) = asked(engine, station, Asked(unit, position), **more)
    return said(verdict.reasons)


def kept(engine: Engine, serial: str) -> Against:
    """What keeps the unit from leaving."""
    with engine.begin() as connection:
        (found,) = [reasons_to_keep(connection, lock_families(connection, unit_ids(connection, serial)))]
        return said(reason for reasons in found.values() for reason in reasons)


def warned(engine: Engine) -> Against:
    """What the mounter's setup is warned of."""
    with engine.connect() as connection:
        mounter = station_id(connection, MOUNTER)
        return said(setup_at(connection, mounter, product_revision_id=1, at=datetime.now(UTC)).warnings)


def says(engine: Engine, name: str, body: dict[str, Any], *, station: str, when: float | None = None) -> None:
    """A station says something; `when` None: a second after what was said last."""
    stored(engine, message(name, body, source=station, when=next(clock) if when is None else when))
