"""The messages of CFX 2.1 (IPC-2591) that the main flow of a line needs, as typed structures."""

from typing import Final

from app.cfx.messages import (
    assembly,
    blocking,
    endpoint,
    identification,
    information_system,
    inspection,
    materials,
    production,
    resource,
    storage,
)
from app.cfx.messages.base import Message
from app.cfx.messages.other import OtherMessage

#: Every modelled message by its full CFX name.
MESSAGE_TYPES: Final[dict[str, type[Message]]] = {
    kind.cfx_name: kind
    for module in (
        assembly,
        blocking,
        endpoint,
        identification,
        information_system,
        inspection,
        materials,
        production,
        resource,
        storage,
    )
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Message) and kind.cfx_name
}


def message_type(name: str) -> type[Message] | None:
    """The class of a message by its full CFX name; None when it is not modelled."""
    return MESSAGE_TYPES.get(name)


__all__ = ["MESSAGE_TYPES", "Message", "OtherMessage", "message_type"]
