"""Ids a process has seen committed, so that a name is looked up in the database once."""

from collections import ChainMap
from collections.abc import Hashable, MutableMapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Known(Generic[Key, Value]):
    """A bounded memory of key -> id. Only what a COMMIT has confirmed is kept: an id of a transaction that was rolled
    back would point at nothing.

    Use `overlay` for the time of a transaction and `keep` it after the COMMIT.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._committed: dict[Key, Value] = {}

    def overlay(self) -> "ChainMap[Key, Value]":
        """A view of what is known; what a transaction learns stays in the view."""
        return ChainMap({}, self._committed)

    def keep(self, overlay: "ChainMap[Key, Value]") -> None:
        """Keep what a committed transaction learned; the oldest entries give way."""
        learned: MutableMapping[Key, Value] = overlay.maps[0]
        self._committed.update(learned)
        excess = len(self._committed) - self._size
        if excess > 0:
            for key in list(self._committed)[: excess + self._size // 10]:
                del self._committed[key]
