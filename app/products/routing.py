"""Which operation comes next for a unit. Pure: no database.

* A routing is a sequence of operations; each is done once, in order.
* An optional operation may be left out; it cannot be done after a later one is done.
* An operation counts as done when it was completed; how often it was tried does not matter.
* What is not in the routing (a visual check in between, rework) neither helps nor hinders.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """One operation of a routing."""

    operation: str
    optional: bool = False


def next_operation(routing: Sequence[RoutingStep], done: Collection[str]) -> RoutingStep | None:
    """The first operation that must be done next, or None where the routing is completed.

    An optional step is next only when every required one is done; `may_start` allows it earlier.
    """
    for step in routing:
        if step.operation not in done and not step.optional:
            return step
    return None


def skipped(routing: Sequence[RoutingStep], done: Collection[str], operation: str) -> Sequence[RoutingStep]:
    """The required operations before `operation` that are not done: why it may not start yet.

    Empty where it may start, or where the routing does not know it.
    """
    names = [step.operation for step in routing]
    if operation not in names:
        return ()
    before = routing[: names.index(operation)]
    return [step for step in before if step.operation not in done and not step.optional]
