"""Is a history of overlapping operations one that could have happened one operation at a time?

Source: J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with the memory of states already
tried by G. Lowe, "Testing for linearizability" (2017). An operation takes effect at one moment between its call and its
return; operations that did not overlap keep their order.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Op = TypeVar("Op")


@dataclass(frozen=True)
class Done(Generic[Op]):
    """An operation that was called at `called`, and had returned `result` by `returned` (one clock, nanoseconds)."""

    called: int
    returned: int
    op: Op
    result: object


def linearization(
    history: Sequence[Done[Op]], initial: State, apply: Callable[[State, Op, object], State | None]
) -> list[Done[Op]] | None:
    """An order in which the operations could have happened one by one, or None where there is none.

    `apply` gives the state after an operation with that result, or None where it cannot have that result.
    """
    ordered = sorted(history, key=lambda done: done.called)
    everything = (1 << len(ordered)) - 1
    tried: set[tuple[int, State]] = set()
    order: list[int] = []

    def search(taken: int, state: State) -> bool:
        if taken == everything:
            return True
        if (taken, state) in tried:
            return False
        tried.add((taken, state))
        waiting = [index for index in range(len(ordered)) if not taken >> index & 1]
        first_return = min(ordered[index].returned for index in waiting)
        for index in waiting:
            done = ordered[index]
            if done.called > first_return:
                break  # it began after another had returned, and cannot come before that one
            after = apply(state, done.op, done.result)
            if after is not None:
                order.append(index)
                if search(taken | 1 << index, after):
                    return True
                order.pop()
        return False

    return [ordered[index] for index in order] if search(0, initial) else None
