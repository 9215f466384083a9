"""How sure a link between a unit and a package is."""

from enum import StrEnum


class Evidence(StrEnum):
    """`exact`: the machine named package, unit and designator. `bounded`: the report leaves a choice, and every
    candidate is recorded. `inferred`: nobody reported it; loadings or the order's issue say so.
    """

    exact = "exact"
    bounded = "bounded"
    inferred = "inferred"


def evidence_of(kind: str, position_number: int, positions_on_panel: int) -> Evidence:
    """Evidence of an installation the machine reported.

    * The machine named the unit, or the panel and the position: exact.
    * Material applied (paste, flux, coating) to a panel as a whole is on each of its boards: exact.
    * Components installed on a panel without a position could be on any of its boards: bounded.
    """
    if position_number == 0 and positions_on_panel > 1 and kind == "installed":
        return Evidence.bounded
    return Evidence.exact
