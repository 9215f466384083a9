"""Boards as things: what sits on each, who put it there, and what is wrong with it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from stations.marks import Mark
from stations.program import Program, Side
from stations.reels import Part
from stations.serials import with_check

PANELS_IN_AN_ORDER: Final = 100


@dataclass(frozen=True, slots=True)
class Fit:
    """One attempt to put a part on a board, and where the part ended."""

    reference_designator: str
    part: Part
    station: str
    side: Side
    at: datetime
    outcome: Literal["placed", "rejected"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What went onto the board without a place of its own: paste, firmware."""

    kind: Literal["paste", "firmware"]
    part_number: str
    package: str
    lot: str
    station: str
    at: datetime


@dataclass(slots=True)
class Board:
    """One board. `fits` is everything that happened to its sites, in order; `flaws` is by designator."""

    serial: str
    position: int
    mark: Mark | None = None
    fits: list[Fit] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    flaws: dict[str, str] = field(default_factory=dict)
    poor_paste: set[str] = field(default_factory=set)
    failed_at: str | None = None

    def bad_parts(self) -> list[Fit]:
        """The parts on the board that do not work, for themselves or by how they sit."""
        last = {fit.reference_designator: fit for fit in self.fits if fit.outcome == "placed"}
        return [fit for name, fit in last.items() if not fit.part.sound or name in self.flaws]


@dataclass(slots=True)
class Panel:
    """Boards that travel together until they are cut apart. `number` counts from 1 within a run."""

    identifier: str
    number: int
    work_order: str
    batch: str
    boards: list[Board]
    mark: Mark | None = None


def bare_panel(run: str, number: int, batch: int, boards: int) -> Panel:
    """Take a bare panel from the stack, with the serials it and its boards are to get.

    `run` keeps the serials of two runs apart; 100 panels make a work order.
    """
    first = (number - 1) * boards
    return Panel(
        identifier=with_check(f"{run}-P{number:05d}"),
        number=number,
        work_order=f"WO-{run}-{(number - 1) // PANELS_IN_AN_ORDER + 1}",
        batch=f"{run}-B{batch}",
        boards=[Board(with_check(f"{run}-{first + position:06d}"), position) for position in range(1, boards + 1)],
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the boards sit on a panel: `columns` side by side, the rest behind them."""

    boards: int
    columns: int
    pitch_x: float
    pitch_y: float

    @classmethod
    def of(cls, program: Program, boards: int) -> "Layout":
        """Lay out a panel that is about as deep as it is wide."""
        width, height = program.size()
        columns = min(
            range(1, boards + 1),
            key=lambda number: (abs(number * width - -(-boards // number) * height), number),
        )
        return cls(boards, columns, width, height)

    def place(self, position: int) -> tuple[float, float]:
        """Give the corner of a position (from 1) in mm from the panel's."""
        row, column = divmod(position - 1, self.columns)
        return round(5 + column * self.pitch_x, 2), round(5 + row * self.pitch_y, 2)
