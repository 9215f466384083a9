"""Where a unit is in its routing, and which operation it may do next. Pure: no database.

* A routing is a sequence of operations. One may stand in it several times: a board with two sides is printed twice.
* A step counts as done when its operation was completed; the second time it stands there, when it was completed once
  more after what comes behind the first. The clocks of two stations are never compared for less than that.
* An optional step may be left out; it cannot be done after a later one is done.
* What is not in the routing (a visual check in between, rework) neither helps nor hinders.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """One step of a routing."""

    operation: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """An operation that was completed; `started_at` by its station's clock."""

    operation: str
    started_at: datetime


class Place(Enum):
    """Where an operation stands for a unit."""

    next = "next"
    skips = "skips"
    done = "done"
    passed_over = "passed over"
    elsewhere = "elsewhere"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an operation stands for a unit; `missing` are the operations it would skip."""

    place: Place
    missing: tuple[str, ...] = ()


def steps_done(routing: Sequence[RoutingStep], visits: Sequence[Visit]) -> list[bool]:
    """For each step of the routing whether it is done."""
    free: dict[str, list[datetime]] = {}
    for visit in sorted(visits, key=lambda visit: visit.started_at):
        free.setdefault(visit.operation, []).append(visit.started_at)
    done: list[datetime | None] = []
    before: dict[str, int] = {}
    for index, step in enumerate(routing):
        fitting = free.get(step.operation, [])
        if step.operation in before:
            between = [at for at in done[before[step.operation] + 1 :] if at is not None]
            adjacent = before[step.operation] == index - 1
            fitting = [at for at in fitting if adjacent or (between and at > between[0])]
        done.append(fitting[0] if fitting else None)
        free[step.operation] = fitting[1:]
        before[step.operation] = index
    return [at is not None for at in done]


def next_operation(routing: Sequence[RoutingStep], visits: Sequence[Visit]) -> RoutingStep | None:
    """The first step that must be done next, or None where the routing is completed.

    An optional step is next only when every required one is done; `standing` allows it earlier.
    """
    done = steps_done(routing, visits)
    return next((step for step, is_done in zip(routing, done, strict=True) if not is_done and not step.optional), None)


def standing(
    routing: Sequence[RoutingStep], visits: Sequence[Visit], operation: str, waived: Collection[str] = ()
) -> Standing:
    """Where an operation stands for a unit with these visits; `waived` operations need not be done."""
    if all(step.operation != operation for step in routing):
        return Standing(Place.elsewhere)
    done = steps_done(routing, visits)
    coming = [at for at, step in enumerate(routing) if step.operation == operation and not done[at]]
    if not coming:
        return Standing(Place.done)
    at = coming[0]
    if routing[at].optional and any(done[at + 1 :]):
        return Standing(Place.passed_over)
    missing = tuple(
        dict.fromkeys(
            step.operation
            for step, is_done in zip(routing[:at], done, strict=False)
            if not is_done and not step.optional and step.operation not in waived
        )
    )
    if not missing:
        return Standing(Place.next)
    earlier = [index for index in range(at) if routing[index].operation == operation]
    if earlier and not any(done[earlier[-1] + 1 : at]):
        return Standing(Place.done)  # it comes once more, but the unit has not set out for it yet
    return Standing(Place.skips, missing)
