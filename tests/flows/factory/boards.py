"""Boards, panels and assemblies: what is physically on them, from when to when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from tests.flows.factory.blueprint import PanelKind
from tests.flows.factory.material import Package

FOREVER = float("inf")


class Certainty(IntEnum):
    """What the reports that were not lost say of a piece on a board."""

    open = 0
    """They leave a choice, or there is none."""
    arguable = 1
    """By the letter of the standard they name it; a careful reader may still leave a choice."""
    certain = 2
    """They name board, package and designator."""


@dataclass(slots=True, eq=False)
class Fitted:
    """A piece of a package on a board, or material applied to it (no designator). Times are true, in seconds."""

    package: Package
    designator: str | None
    station: str
    since: float
    certainty: Certainty
    until: float = FOREVER
    whole: bool = False
    """Told of the panel, not of the board."""
    named: Package | None = None
    """The reel whose name it goes by, where a machine may be wrong about that."""
    by_place: bool = False
    """Told of a carrier that is used again, in a work that names no board: which round it was is told by clocks."""


@dataclass(slots=True, eq=False)
class Stay:
    """A unit that is, or was, built into another."""

    child: "Board"
    designator: str
    since: float
    until: float = FOREVER
    untold: bool = False
    """Nobody said that it was taken out; what tells is that it was built into another."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a unit is known by: its serial, or its panel and position."""

    serial: str
    position: int = 0

    def __str__(self) -> str:
        return f"{self.serial}/{self.position}" if self.position else self.serial


@dataclass(slots=True, eq=False)
class Board:
    """A board or an assembly. `position` is its place on the panel it was built on."""

    serial: str | None
    panel: str
    position: int
    x_out: bool = False
    fitted: list[Fitted] = field(default_factory=list)
    children: list[Stay] = field(default_factory=list)
    alone: bool = False
    """The only position there is: panel and board are one."""
    disputed: bool = False
    """Clocks leave open which of the rounds of its carrier it was in."""

    @property
    def key(self) -> Key:
        """Its identity in an answer."""
        if self.serial is not None:
            return Key(self.serial)
        return Key(self.panel) if self.alone else Key(self.panel, self.position)

    @property
    def speakable(self) -> tuple[str, int | None]:
        """Identifier and position that tell it from all others, once its serial is known."""
        if self.serial is not None:
            return self.serial, None
        return self.panel, (None if self.alone else self.position)

    def fitted_now(self, designator: str) -> Fitted | None:
        """What sits at a designator."""
        return next((one for one in self.fitted if one.designator == designator and one.until == FOREVER), None)

    def bears(self, package: Package) -> Iterator[Fitted]:
        """Its own pieces of a package, removed ones too."""
        return (one for one in self.fitted if one.package.is_of(package))


@dataclass(slots=True, eq=False)
class Panel:
    """Boards that travel together, under an identifier that may be used again (a carrier's)."""

    identifier: str
    kind: PanelKind
    boards: list[Board]

    @property
    def good(self) -> list[Board]:
        """Boards that are no X-outs."""
        return [board for board in self.boards if not board.x_out]


@dataclass(frozen=True, slots=True)
class Work:
    """A work at a station, with the boards it was done on. True times, in seconds.

    `meant` are those that what is said of it may mean, X-outs too where a panel is spoken of as a whole; `apart` those
    that something of what is heard of it names by itself.
    """

    station: str
    boards: tuple[Board, ...]
    since: float
    until: float
    meant: tuple[Board, ...]
    apart: tuple[Board, ...]
