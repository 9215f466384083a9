"""Messages CFX knows and this product does not model: recorded as events, their content kept."""

import msgspec

from app.cfx.messages.base import Name, TransactionMessage
from app.cfx.messages.structures import UnitPosition


class OtherMessage(TransactionMessage, frozen=True, kw_only=True):
    """A message of CFX without a class of its own, with whatever ties it to units.

    `raw` is the exact body; `other_name` the full CFX name.
    """

    other_name: str
    raw: msgspec.Raw
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    units: list[UnitPosition] | None = None

    @property
    def message_name(self) -> str:
        """The full CFX name of this message."""
        return self.other_name


class Carried(TransactionMessage, frozen=True, kw_only=True):
    """What of a message without a class of its own is read."""

    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    units: list[UnitPosition] | None = None
