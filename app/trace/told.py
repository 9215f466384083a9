"""Which boards an answer has told of: eight bytes each, for there may be millions."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from app.trace.boards import Place

_POSITIONS = 15
"""Bits of a position number (a smallint)."""


class Told:
    """Boards as they come, in few ascending runs."""

    def __init__(self) -> None:
        self._runs: list[array[int]] = []

    def add(self, places: Iterable[Place]) -> None:
        """Remember boards."""
        run, last = (self._runs[-1], self._runs[-1][-1]) if self._runs else (None, 0)
        for unit_id, position in places:
            number = unit_id << _POSITIONS | position
            if run is None or number < last:
                run = array("q")
                self._runs.append(run)
            run.append(number)
            last = number

    def __contains__(self, place: object) -> bool:
        assert isinstance(place, tuple)
        unit_id, position = place
        number = unit_id << _POSITIONS | position
        return self._has_between(number, number)

    def has_any(self, unit_id: int) -> bool:
        """Whether it has the unit, or any position of it."""
        first = unit_id << _POSITIONS
        return self._has_between(first, first + (1 << _POSITIONS) - 1)

    def _has_between(self, first: int, last: int) -> bool:
        for run in self._runs:
            at = bisect_left(run, first)
            if at < len(run) and run[at] <= last:
                return True
        return False
