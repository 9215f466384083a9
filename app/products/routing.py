"""Where a unit is in its routing, and which operation it may do next. Pure: no database.

* A routing is a sequence of operations. One may stand in it several times: a board with two sides is printed twice.
* A step counts as done when its operation was completed; the second time it stands there, when it was completed once
  more after what comes behind the first. The clocks of two stations are never compared for less than that.
* An optional step may be left out; it cannot be done after a later one is done.
* What is not in the routing (a visual check in between, rework) neither helps nor hinders.
* A unit that was mended re-enters the routing: see `reentry`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict of an inspection or a test (`is_test`) on a unit; `recorded_at` by its station's clock."""

    operation: str
    recorded_at: datetime
    passed: bool
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Reentry:
    """How a unit that was mended stands in its routing: what counts as its visits, and which steps are required.

    `again`: the checks it must pass again, each with the time of the mending after which.
    """

    routing: Sequence[RoutingStep]
    visits: Sequence[Visit]
    again: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody let an operation be skipped, from `given_at` until `expires_at`."""

    operation: str
    given_at: datetime
    expires_at: datetime


class Place(Enum):
    """Where an operation stands for a unit."""

    next = "next"
    skips = "skips"
    done = "done"
    passed_over = "passed over"
    elsewhere = "elsewhere"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an operation stands for a unit; `missing` are the operations before it that are not done.

    Of one that is done, those before it comes once more: none where it does not.
    """

    place: Place
    missing: tuple[str, ...] = ()


def steps_done(routing: Sequence[RoutingStep], visits: Sequence[Visit]) -> list[bool]:
    """For each step of the routing whether it is done."""
    return [at is not None for at in _times_done(routing, visits)]


def _times_done(routing: Sequence[RoutingStep], visits: Sequence[Visit]) -> list[datetime | None]:
    """When the visit began that did each step; None where it is not done."""
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
    return done


def skipped_with_leave(
    leaves: Iterable[Leave], visits: Collection[Visit], again: Mapping[str, datetime] | None = None
) -> frozenset[str]:
    """Operations whose skipping somebody let pass and that were passed while that held: they stay passed.

    `visits` are all of the unit's, those that a mending undid too. A check that is to be passed `again` was skipped
    where the unit went on after that mending.
    """
    mended = again or {}
    return frozenset(
        leave.operation
        for leave in leaves
        if any(
            leave.given_at <= visit.started_at < leave.expires_at
            and (leave.operation not in mended or visit.started_at > mended[leave.operation])
            for visit in visits
        )
    )


def next_operation(
    routing: Sequence[RoutingStep], visits: Sequence[Visit], waived: Collection[str] = ()
) -> RoutingStep | None:
    """The first step that must be done next, or None where the routing is completed; `waived` need not be done.

    An optional step is next only when every required one is done; `standing` allows it earlier.
    """
    done = steps_done(routing, visits)
    required = (
        step
        for step, is_done in zip(routing, done, strict=True)
        if not is_done and not step.optional and step.operation not in waived
    )
    return next(required, None)


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
        return Standing(Place.done, missing)  # it comes once more, but the unit has not set out for it yet
    return Standing(Place.skips, missing)


def reentry(
    routing: Sequence[RoutingStep], visits: Sequence[Visit], checks: Sequence[Check], mended: Collection[datetime]
) -> Reentry:
    """How a unit stands that hands were on at the times `mended` (parts taken out, a repair).

    * A failed check led to it: that check, and each behind it in the routing that the unit had been through, must be
      passed again.
    * None had failed (parts were exchanged after a recall): each test it had been through, for a test sees the board as
      it is; and the inspections since its last step without a verdict, for what such a step did hides what stood before
      it from inspection (paste is not inspected again after reflow). At least the last check.
    * A check that passed since counts. An optional one that was passed is not optional any more.
    """
    again: dict[str, datetime] = {}
    for at in sorted(mended):
        for operation in _touched(routing, visits, [one for one in checks if one.recorded_at <= at], at):
            again[operation] = at
    for one in checks:
        if one.passed and one.operation in again and one.recorded_at > again[one.operation]:
            del again[one.operation]
    if not again:
        return Reentry(routing, visits)
    steps = [replace(step, optional=False) if step.operation in again else step for step in routing]
    return Reentry(steps, list(_still_counting(routing, visits, again)), again)


def _touched(
    routing: Sequence[RoutingStep], visits: Sequence[Visit], checks: Sequence[Check], at: datetime
) -> list[str]:
    """The checks among those before a mending of which it may have changed what they found."""
    latest = {one.operation: one for one in sorted(checks, key=lambda one: one.recorded_at)}
    steps = [(index, latest.get(step.operation)) for index, step in enumerate(routing)]
    failed = [index for index, check in steps if check is not None and not check.passed]
    if failed:
        return [check.operation for index, check in steps if check is not None and index >= failed[0]]
    begun = {visit.operation for visit in visits if visit.started_at <= at}
    last = max((index for index, check in steps if check is None and routing[index].operation in begun), default=-1)
    seen = [(index, check) for index, check in steps if check is not None]
    return [check.operation for index, check in seen if check.is_test or index > last] or [
        check.operation for _, check in seen[-1:]
    ]


def _still_counting(
    routing: Sequence[RoutingStep], visits: Sequence[Visit], again: Mapping[str, datetime]
) -> Iterator[Visit]:
    """Visits but for those that a mending undid: of an operation that comes several times, the last."""
    kept = set()
    for operation, at in again.items():
        before = [visit for visit in visits if visit.started_at <= at]
        done = zip(routing, _times_done(routing, before), strict=True)
        times = [time for step, time in done if step.operation == operation and time is not None]
        kept |= {(operation, time) for time in times[:-1]}
    for visit in visits:
        undone = visit.operation in again and visit.started_at <= again[visit.operation]
        if not undone or (visit.operation, visit.started_at) in kept:
            yield visit
