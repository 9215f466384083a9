"""CFX.Production: slots that a station is asked not to take parts from, and to use again."""

from app.cfx.messages.base import Message
from app.cfx.messages.enumerations import BlockReason
from app.cfx.messages.structures import MaterialLocation, RequestResult


class BlockMaterialLocationsRequest(Message, frozen=True, kw_only=True):
    """Asks that nothing is taken from these slots."""

    cfx_name = "CFX.Production.BlockMaterialLocationsRequest"
    reason: BlockReason | None = None
    comments: str | None = None
    locations: list[MaterialLocation]


class BlockMaterialLocationsResponse(Message, frozen=True, kw_only=True):
    """Whether the slots are blocked."""

    cfx_name = "CFX.Production.BlockMaterialLocationsResponse"
    result: RequestResult | None = None


class UnblockMaterialLocationsRequest(Message, frozen=True, kw_only=True):
    """Asks that these slots are used again."""

    cfx_name = "CFX.Production.UnblockMaterialLocationsRequest"
    locations: list[MaterialLocation]


class UnblockMaterialLocationsResponse(Message, frozen=True, kw_only=True):
    """Whether the slots are used again."""

    cfx_name = "CFX.Production.UnblockMaterialLocationsResponse"
    result: RequestResult | None = None
