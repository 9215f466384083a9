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
        coming = [unit_id << _POSITIONS | position for unit_id, position in places]
        coming.sort()  # mostly they are, then it takes no time
        if not coming:
            return
        if not self._runs or coming[0] < self._runs[-1][-1]:
            self._runs.append(array("q"))
        self._runs[-1].extend(coming)

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
