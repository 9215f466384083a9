"""How a station speaks: CFX messages in its own spelling, under its own clock."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any
from uuid import UUID

from app.cfx.envelope import encode
from app.cfx.messages import Message
from tests.flows.factory.clock import Clock


class Dialect(Enum):
    """What differs between machines that all speak CFX."""

    compact = "compact"
    spaced = "spaced"
    indented = "indented"
    misspelt = "misspelt"
    """The other spelling of `TransactionId` and of `UnitPositionNumber`, which CFX itself mixes."""


_MISSPELT = {
    "TransactionId": "TransactionID",
    "TransactionID": "TransactionId",
    "UnitPositionNumber": "PositionNumber",
    "PositionNumber": "UnitPositionNumber",
}
_WRITTEN: dict[Dialect, dict[str, Any]] = {
    Dialect.compact: {"separators": (",", ":")},
    Dialect.misspelt: {"separators": (",", ":")},
    Dialect.spaced: {},
    Dialect.indented: {"indent": 2},
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message as it left its station. `at` is the true time, in seconds."""

    payload: bytes
    body: bytes
    name: str
    source: str
    unique_id: UUID
    at: float


@dataclass(slots=True)
class Voice:
    """A station's voice: what it says is heard by `hear`."""

    handle: str
    clock: Clock
    dialect: Dialect
    rng: Random
    hear: Callable[[Spoken], None] = field(repr=False)

    def say(self, message: Message, at: float) -> None:
        """Send a message at a moment of the true time; the envelope tells it by the station's clock."""
        unique_id = new_uuid(self.rng)
        said = json.loads(encode(message, source=self.handle, unique_id=unique_id, time_stamp=self.clock.reads(at)))
        if self.dialect is Dialect.misspelt:
            said["MessageBody"] = _respelt(said["MessageBody"])
        body = json.dumps(said.pop("MessageBody"), **_WRITTEN[self.dialect]).encode()
        head = json.dumps(said, separators=(",", ":")).encode()
        payload = head[:-1] + b',"MessageBody":' + body + b"}"
        self.hear(Spoken(payload, body, message.message_name, self.handle, unique_id, at))


def _respelt(value: Any) -> Any:
    if isinstance(value, dict):
        return {_MISSPELT.get(name, name): _respelt(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_respelt(element) for element in value]
    return value


def new_uuid(rng: Random) -> UUID:
    """A version 4 UUID of the model's own chance, so that a factory is the same whenever it is built."""
    return UUID(int=rng.getrandbits(128), version=4)
