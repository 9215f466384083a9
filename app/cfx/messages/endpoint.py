"""CFX, the root: endpoints come and go, ask who is there, and say what they do not support."""

from msgspec import field

from app.cfx.messages.base import Message, Name, Opaque, TimeSpan, Wire
from app.cfx.messages.enumerations import SupportedTopicQueryType
from app.cfx.messages.resource import Fault
from app.cfx.messages.structures import RequestResult


class _Address(Message, frozen=True, kw_only=True):
    """An endpoint and where requests reach it."""

    cfx_handle: Name | None = field(default=None, name="CFXHandle")
    request_network_uri: str | None = None
    request_target_address: str | None = None


class EndpointConnected(_Address, frozen=True, kw_only=True):
    """An endpoint joined the network."""

    cfx_name = "CFX.EndpointConnected"


class EndpointShuttingDown(Message, frozen=True, kw_only=True):
    """An endpoint leaves the network."""

    cfx_name = "CFX.EndpointShuttingDown"
    cfx_handle: Name | None = field(default=None, name="CFXHandle")


class Heartbeat(Message, frozen=True, kw_only=True):
    """An endpoint is alive; the next sign of life comes within `heartbeat_frequency`."""

    cfx_name = "CFX.Heartbeat"
    cfx_handle: Name | None = field(default=None, name="CFXHandle")
    heartbeat_frequency: TimeSpan | None = None
    active_faults: list[Fault] | None = None
    active_recipes: list[Opaque] | None = None


class AreYouThereRequest(Message, frozen=True, kw_only=True):
    """Asks one endpoint whether it is there."""

    cfx_name = "CFX.AreYouThereRequest"
    cfx_handle: Name | None = field(default=None, name="CFXHandle")


class AreYouThereResponse(_Address, frozen=True, kw_only=True):
    """The endpoint is there."""

    cfx_name = "CFX.AreYouThereResponse"
    result: RequestResult | None = None


class SupportedTopic(Wire, frozen=True, kw_only=True):
    """A group of messages an endpoint sends or takes (`SupportedTopic`)."""

    topic_name: Name | None = None
    topic_support_type: Name | None = None
    supported_messages: list[Name] | None = None


class WhoIsThereRequest(Message, frozen=True, kw_only=True):
    """Asks all endpoints that support the topics to answer."""

    cfx_name = "CFX.WhoIsThereRequest"
    supported_topic_query_type: SupportedTopicQueryType | None = None
    supported_topics: list[SupportedTopic] | None = None


class WhoIsThereResponse(_Address, frozen=True, kw_only=True):
    """An endpoint that supports the topics."""

    cfx_name = "CFX.WhoIsThereResponse"
    result: RequestResult | None = None


class NotSupportedResponse(Message, frozen=True, kw_only=True):
    """The request is not supported here."""

    cfx_name = "CFX.NotSupportedResponse"
    request_result: RequestResult | None = None
