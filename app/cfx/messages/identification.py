"""CFX.Sensor.Identification: what a scanner read on the units in front of it."""

from app.cfx.messages.base import Int32, Message, Name
from app.cfx.messages.structures import RequestResult, UnitPosition


class IdentifiersRead(Message, frozen=True, kw_only=True):
    """Identifiers were read."""

    cfx_name = "CFX.Sensor.Identification.IdentifiersRead"
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    units: list[UnitPosition] | None = None


class IdentifiersNotRead(Message, frozen=True, kw_only=True):
    """Some or, when no position is named, all identifiers could not be read."""

    cfx_name = "CFX.Sensor.Identification.IdentifiersNotRead"
    positions_not_read: list[Int32] | None = None


class IdentifyUnitsRequest(Message, frozen=True, kw_only=True):
    """Asks a scanner to read."""

    cfx_name = "CFX.Sensor.Identification.IdentifyUnitsRequest"


class IdentifyUnitsResponse(Message, frozen=True, kw_only=True):
    """What the scanner read."""

    cfx_name = "CFX.Sensor.Identification.IdentifyUnitsResponse"
    result: RequestResult | None = None
    primary_identifier: Name | None = None
    hermes_identifier: Name | None = None
    units: list[UnitPosition] | None = None
