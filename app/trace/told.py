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
        for place in places:
            number = _number(place)
            if not self._runs or self._runs[-1][-1] > number:
                self._runs.append(array("q"))
            self._runs[-1].append(number)

    def __contains__(self, place: object) -> bool:
        assert isinstance(place, tuple)
        number = _number(place)
        for run in self._runs:
            at = bisect_left(run, number)
            if at < len(run) and run[at] == number:
                return True
        return False


def _number(place: Place) -> int:
    unit_id, position = place
    return unit_id << _POSITIONS | position
