"""Ids a process has seen committed, so that a name is looked up in the database once."""

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Overlay(dict[Key, Value]):
    """What is known, and over it what one transaction learns; only the latter is iterated, counted and kept.

    A hundred keys of each message are looked up here, which a `ChainMap` does four times as slowly.
    """

    __slots__ = ("_committed",)

    def __init__(self, committed: dict[Key, Value]) -> None:
        super().__init__()
        self._committed = committed

    def __missing__(self, key: Key) -> Value:
        return self._committed[key]

    def __contains__(self, key: object) -> bool:
        return key in self._committed or super().__contains__(key)

    def get(self, key: Key, default: Any = None) -> Any:
        """As of a dictionary of both."""
        found = super().get(key)
        return self._committed.get(key, default) if found is None else found


class Known(Generic[Key, Value]):
    """A bounded memory of key -> id. Only what a COMMIT has confirmed is kept: an id of a transaction that was rolled
    back would point at nothing.

    Use `overlay` for the time of a transaction and `keep` it after the COMMIT.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._committed: dict[Key, Value] = {}

    def overlay(self) -> Overlay[Key, Value]:
        """A view of what is known; what a transaction learns stays in the view."""
        return Overlay(self._committed)

    def keep(self, overlay: Overlay[Key, Value]) -> None:
        """Keep what a committed transaction learned; the oldest entries give way."""
        self._committed.update(overlay)
        excess = len(self._committed) - self._size
        if excess > 0:
            for key in list(self._committed)[: excess + self._size // 10]:
                del self._committed[key]
