"""What all translations share: who handles which message, positions, and what cannot be read."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from app.cfx.messages import Message
from app.cfx.messages.base import UnitScoped
from app.inbox.said import Said

HIGHEST_POSITION = 32767

Handler: TypeAlias = Callable[[Said, Any], None]
_H = TypeVar("_H", bound=Handler)


class UnreadableBody(ValueError):
    """The body is not what the message's name promises; the text says where."""


class Handlers(dict[type[Message], Handler]):
    """Which function understands which message."""

    def of(self, *kinds: type[Message]) -> Callable[[_H], _H]:
        """A decorator: the function understands messages of these kinds."""

        def register(handler: _H) -> _H:
            for kind in kinds:
                self[kind] = handler
            return handler

        return register


def position_number(number: int) -> int:
    """A position as the database holds it. Raises `UnreadableBody`."""
    if number > HIGHEST_POSITION:
        raise UnreadableBody(f"Position {number} is higher than any panel has ({HIGHEST_POSITION}).")
    return number


def about_parts(said: Said, parts: Sequence[UnitScoped] | None) -> None:
    """A statement about the units its parts name; where none is named, about the transaction's."""
    positions: dict[str, set[int]] = {}
    for part in parts or ():
        if part.unit_identifier:
            positions.setdefault(part.unit_identifier, set()).add(position_number(part.position))
    said.units = [(identifier, None if 0 in told else tuple(sorted(told))) for identifier, told in positions.items()]
    said.about = "unit" if said.units or said.transaction_id else "station"
