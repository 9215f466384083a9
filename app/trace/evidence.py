"""How sure a link between a unit and a package is."""

from enum import StrEnum


class Evidence(StrEnum):
    """`exact`: the machine named package, unit and designator. `bounded`: the report leaves a choice, and every
    candidate is recorded. `inferred`: nobody reported it; loadings or the order's issue say so.
    """

    exact = "exact"
    bounded = "bounded"
    inferred = "inferred"

    __hash__ = str.__hash__  # an Enum's own is five times slower, and each unit of an answer is counted by it


def evidence_of(
    *, applied: bool, chained: bool, position_number: int, positions: int, candidates: int, in_doubt: bool = False
) -> Evidence:
    """Evidence of one report on one unit.

    * The machine named the package, and the unit, or the panel and the position: exact.
    * It named a spliced chain (`chained`), whose pieces may be from each of its packages: bounded.
    * It named only the transaction, and that has several units (`candidates`): bounded.
    * Material applied (paste, flux, coating) to a panel as a whole is on each of its boards: exact.
    * Components on a panel of several `positions` without a position could be on any of its boards: bounded.
    * Clocks leave open which round of a carrier it was (`in_doubt`): bounded.
    """
    if chained or candidates > 1 or in_doubt:
        return Evidence.bounded
    if position_number == 0 and positions > 1 and not applied:
        return Evidence.bounded
    return Evidence.exact


_STRENGTH = (Evidence.exact, Evidence.bounded, Evidence.inferred)


def weaker(one: Evidence, other: Evidence) -> Evidence:
    """The less sure of two: a chain of links is as sure as its weakest."""
    return max(one, other, key=_STRENGTH.index)


def stronger(one: Evidence, other: Evidence) -> Evidence:
    """The surer of two: one sure link is enough."""
    return min(one, other, key=_STRENGTH.index)
