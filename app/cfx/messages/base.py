"""What all CFX messages and structures share: names, tolerance, the transaction they belong to.

Attributes are the snake_case of CFX's member names. Members nobody set are None and are left out
when encoding; unknown members are passed over here and kept in the envelope's raw body. `$type`
is kept as text (`type_`) and never resolved.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import field

#: A text that identifies something and ends up in an index: at most 256 characters.
Name = Annotated[str, msgspec.Meta(max_length=256)]
#: A count or a sequence number, 32 bits as in CFX.
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
#: A position on a panel or carrier; 0 means that none was said.
Position = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
#: A point in time, always aware. A machine's time without a zone is taken as UTC.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
#: A .NET TimeSpan as text, `[-][days.]hh:mm:ss[.fffffff]`; see `app.cfx.scalars.parse_timespan`.
TimeSpan = Annotated[str, msgspec.Meta(max_length=32)]
#: A polymorphic structure of which nothing but its members is known; kept as it came.
Opaque = dict[str, Any]


class Wire(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    repr_omit_defaults=True,
    gc=False,  # a decoded message is a tree: nothing in it can form a cycle
    rename="pascal",
):
    """A CFX structure."""


class Message(Wire, frozen=True, kw_only=True):
    """A CFX message body."""

    #: The full CFX name, such as `CFX.Production.WorkStarted`; empty for classes that are none.
    cfx_name: ClassVar[str] = ""

    @property
    def message_name(self) -> str:
        """The full CFX name of this message."""
        return self.cfx_name


class TransactionMessage(Message, frozen=True, kw_only=True):
    """A message that belongs to a work transaction and spells it `TransactionId`.

    CFX spells the member `TransactionId` in half of its messages and `TransactionID` in the other
    half, and machines mix them up: either spelling is read into `transaction_id`. An all-zero
    Guid is .NET's "not set" and reads as None.
    """

    transaction_id: UUID | None = field(default=None, name="TransactionId")
    transaction_id_misspelt: UUID | None = field(default=None, name="TransactionID")

    def __post_init__(self) -> None:
        settle_transaction(self)


class TransactionIDMessage(TransactionMessage, frozen=True, kw_only=True):
    """A message that belongs to a work transaction and spells it `TransactionID`."""

    transaction_id: UUID | None = field(default=None, name="TransactionID")
    transaction_id_misspelt: UUID | None = field(default=None, name="TransactionId")


def settle_transaction(struct: Any) -> None:
    """Moves the transaction to `transaction_id`, whichever way the machine spelt it."""
    spelt, misspelt = struct.transaction_id, struct.transaction_id_misspelt
    if misspelt is None and (spelt is None or spelt.int):
        return
    real = next((given for given in (spelt, misspelt) if given is not None and given.int), None)
    msgspec.structs.force_setattr(struct, "transaction_id", real)
    msgspec.structs.force_setattr(struct, "transaction_id_misspelt", None)


class UnitScoped(Wire, frozen=True, kw_only=True):
    """A structure about one unit: its identifier, or a panel's identifier and a position on it."""

    unit_identifier: Name | None = None
    unit_position_number: Position | None = None
    unit_position_number_misspelt: Position | None = field(default=None, name="PositionNumber")

    @property
    def position(self) -> int:
        """The position on the panel or carrier, however the machine spelt it; 0 when not said."""
        return self.unit_position_number or self.unit_position_number_misspelt or 0
