"""MQTT topics as small values: `{Vendor}/{Model}/{Serial}/CFX/[namespace/...]{Message}`.

A station's address is its CFX handle with the first two dots as slashes. Wildcards and NUL have no
place in a level (MQTT 3.1.1, clause 4.7), and a first level that begins with `$` is out of reach
of `+` (clause 4.7.2), so a handle that would need either is refused.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from app.cfx.names import canonical_name

#: Everything intake listens to. It also matches `.../CFX/responses` and `.../CFX/requests`, which the product itself
#: publishes: `parse_topic` tells them apart.
INTAKE_FILTER: Final = "+/+/+/CFX/#"

_ADDRESS_LEVELS: Final = 3
_FORBIDDEN: Final = frozenset("+#/\0")
#: MQTT 3.1.1, clause 1.5.3: a string is at most 65,535 bytes of UTF-8.
_MAX_TOPIC_BYTES: Final = 65_535
_MAX_LEVEL: Final = 256


class TopicError(ValueError):
    """A handle or topic that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class StationAddress:
    """Who speaks: vendor, model and serial of a CFX endpoint.

    The handle `Vendor.Model.Serial` is cut at its first two dots, so the serial may hold dots;
    vendor and model may not. Raises TopicError for parts that fit in no handle or topic.
    """

    vendor: str
    model: str
    serial: str

    def __post_init__(self) -> None:
        for what, level in (("vendor", self.vendor), ("model", self.model)):
            if "." in level:
                raise TopicError(f"The {what} {level!r} holds a dot; only the serial may.")
        for what, level in (
            ("vendor", self.vendor),
            ("model", self.model),
            ("serial", self.serial),
        ):
            _check_level(what, level)
        if self.vendor.startswith("$"):
            raise TopicError(f"The vendor {self.vendor!r} begins with $, which MQTT keeps apart.")

    @classmethod
    def from_handle(cls, handle: str) -> Self:
        """The address behind a CFX handle. Raises TopicError unless it is Vendor.Model.Serial."""
        parts = handle.split(".", 2)
        if len(parts) != _ADDRESS_LEVELS:
            raise TopicError(f"The CFX handle {handle!r} must read Vendor.Model.Serial.")
        return cls(*parts)

    @classmethod
    def from_topic(cls, topic: str) -> Self:
        """The address a topic begins with. Raises TopicError when it begins with none."""
        return cls(*_levels(topic)[:_ADDRESS_LEVELS])

    @property
    def handle(self) -> str:
        """The CFX handle, also the station's MQTT user name."""
        return f"{self.vendor}.{self.model}.{self.serial}"

    @property
    def root(self) -> str:
        """The levels all of the station's topics begin with."""
        return f"{self.vendor}/{self.model}/{self.serial}"

    def publish_topic(self, message_name: str) -> str:
        """Where the station publishes a message: `.../CFX/Production/WorkStarted`."""
        name = canonical_name(message_name)
        path = name.removeprefix("CFX.").replace(".", "/")
        for level in path.split("/"):
            _check_level("message name", level)
        return f"{self.root}/CFX/{path}"

    @property
    def receipts_topic(self) -> str:
        """Where the station hears what became of its events."""
        return f"{self.root}/receipts"

    @property
    def responses_topic(self) -> str:
        """Where the station hears the answers to its requests."""
        return f"{self.root}/CFX/responses"

    @property
    def requests_topic(self) -> str:
        """Where the station hears what it is asked to do."""
        return f"{self.root}/CFX/requests"

    @property
    def gate_topic(self) -> str:
        """Where the station finds, retained, what it may do while the product cannot be reached."""
        return f"{self.root}/gate"

    @property
    def intake_filter(self) -> str:
        """Everything the station publishes under CFX."""
        return f"{self.root}/CFX/#"


class TopicKind(Enum):
    """What a topic of the contract carries."""

    MESSAGES = "messages"
    RESPONSES = "responses"
    RECEIPTS = "receipts"
    REQUESTS = "requests"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the contract, taken apart. `message_name` is a hint; the envelope's counts."""

    station: StationAddress
    kind: TopicKind
    message_name: str | None = None


def parse_topic(topic: str) -> Topic:
    """A topic taken apart. Raises TopicError for one that is not of the contract."""
    station = StationAddress.from_topic(topic)
    match _levels(topic)[_ADDRESS_LEVELS:]:
        case ["receipts"]:
            return Topic(station, TopicKind.RECEIPTS)
        case ["gate"]:
            return Topic(station, TopicKind.GATE)
        case ["CFX", "requests"]:
            return Topic(station, TopicKind.REQUESTS)
        case ["CFX", "responses"]:
            return Topic(station, TopicKind.RESPONSES)
        case ["CFX", *path]:
            return Topic(station, TopicKind.MESSAGES, ".".join(["CFX", *path]) if path else None)
    raise TopicError(f"The topic {topic!r} is not Vendor/Model/Serial/CFX/... or .../receipts.")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter covers a topic (MQTT 3.1.1, clause 4.7)."""
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted, given = topic_filter.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(given) or level not in ("+", given[index]):
            return False
    return len(wanted) == len(given)


def overlap(one: str, other: str) -> bool:
    """Whether some topic is covered by both filters: two intake processes would both get it."""
    ones, others = one.split("/"), other.split("/")
    for mine, theirs in zip(ones, others, strict=False):
        if "#" in (mine, theirs):
            return True
        if mine != theirs and "+" not in (mine, theirs):
            return False
    longer = ones if len(ones) > len(others) else others
    shared = min(len(ones), len(others))
    # `a/#` covers `a` itself as well.
    return len(ones) == len(others) or longer[shared:] == ["#"]


def partition_filters(stations: Iterable[StationAddress], parts: int) -> tuple[list[str], ...]:
    """Disjoint topic filters for `parts` intake processes; each station is in exactly one.

    A station's part depends on its handle and on `parts` only, so that adding a station moves no
    other, and what one station publishes is always taken in order by one process. A part may be
    empty. Stations left out are heard by nobody: list all that hold a token.
    Raises ValueError when `parts` is not positive.
    """
    if parts < 1:
        raise ValueError("Intake needs at least one process.")
    filters: tuple[list[str], ...] = tuple([] for _ in range(parts))
    for station in sorted(set(stations)):
        filters[zlib.crc32(station.handle.encode()) % parts].append(station.intake_filter)
    return filters


def _levels(topic: str) -> list[str]:
    levels = topic.split("/")
    if len(levels) <= _ADDRESS_LEVELS:
        raise TopicError(f"The topic {topic!r} must begin with Vendor/Model/Serial.")
    for level in levels:
        _check_level("topic level", level)
    if len(topic.encode()) > _MAX_TOPIC_BYTES:
        raise TopicError(f"The topic is longer than {_MAX_TOPIC_BYTES} bytes.")
    return levels


def _check_level(what: str, level: str) -> None:
    if not level:
        raise TopicError(f"The {what} is empty.")
    if len(level) > _MAX_LEVEL:
        raise TopicError(f"The {what} has {len(level)} characters; {_MAX_LEVEL} are allowed.")
    if bad := _FORBIDDEN.intersection(level):
        shown = " ".join(sorted(repr(mark) for mark in bad))
        raise TopicError(f"The {what} {level!r} holds {shown}, which no MQTT level may.")
    if not level.isprintable():
        raise TopicError(f"The {what} {level!r} holds a control character.")
