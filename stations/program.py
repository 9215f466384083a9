"""The placement program: what a line builds, read from the file the board importer writes.

The file is the contract between the importer and the stations, as a recipe file is between an
engineering office and a machine: UTF-8 JSON, ``{"format": "birthmark.placement_program",
"version": 1, "name", "revision", "components": [...], "mismatches": [...]}``.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

FORMAT: Final = "birthmark.placement_program"
VERSION: Final = 1
OUR_BOARD: Final = Path(__file__).parent / "boards" / "field-node-revB.json"

Side = Literal["top", "bottom"]

_COUNTED: Final = re.compile(r"(?:QFN|QFP|DFN|SON|SOP|SOIC|BGA|SOT-23|SOT-89|SOT-223)-(\d+)", re.IGNORECASE)
_PINS: Final = re.compile(r"[-_](\d+)P(?:in)?(?:_|$)", re.IGNORECASE)
_ARRAY: Final = re.compile(r"_(\d)x0\d{3}$")
_BOTTOM_TERMINATED: Final = re.compile(r"QFN|DFN|SON-|BGA|LGA", re.IGNORECASE)


@cache
def _pads(footprint: str, kind: str) -> int:
    exposed = 1 if "EP" in footprint or re.search(r"[QD]FN", footprint) else 0
    if found := _COUNTED.search(footprint):
        return int(found[1]) + exposed
    if found := _PINS.search(footprint):
        return int(found[1])
    if found := _ARRAY.search(footprint):
        return 2 * int(found[1])
    if "SOT-23" in footprint:
        return 3
    return 4 if kind in {"SW", "Y", "J"} else 2


class ProgramError(ValueError):
    """The file is not a placement program; the message says why and what clears it."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One reference designator; millimetres and degrees, None where no machine places it."""

    reference_designator: str
    part_number: str
    manufacturer: str | None = None
    value: str | None = None
    footprint: str | None = None
    x: float | None = None
    y: float | None = None
    rotation: float | None = None
    side: Side = "top"
    assembly: Literal["machine", "hand"] = "machine"

    @property
    def kind(self) -> str:
        """The designator's letters: R, C, U, ..."""
        return self.reference_designator.rstrip("0123456789") or self.reference_designator

    @property
    def pads(self) -> int:
        """Solder pads, as far as the footprint's name tells: pins and an exposed pad."""
        return _pads(self.footprint or "", self.kind)

    @property
    def bottom_terminated(self) -> bool:
        """Whether its joints are hidden under the body, so that only X-ray sees them."""
        return _BOTTOM_TERMINATED.search(self.footprint or "") is not None


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A board as the line builds it."""

    format: str
    version: int
    name: str
    revision: str
    components: tuple[Component, ...]

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides with parts for the machines, in the order they are run: bottom first."""
        used = {component.side for component in self.components if component.assembly == "machine"}
        return tuple(side for side in ("bottom", "top") if side in used) or ("top",)

    def placed_on(self, side: Side) -> list[Component]:
        """The components the machines place on a side."""
        return [one for one in self.components if one.side == side and one.assembly == "machine"]

    def by_hand(self) -> list[Component]:
        """The components people fit."""
        return [one for one in self.components if one.assembly == "hand"]

    def size(self) -> tuple[float, float]:
        """Give the board's width and height in mm: the parts' extent and a margin of 3 mm."""
        xs = [one.x for one in self.components if one.x is not None]
        ys = [one.y for one in self.components if one.y is not None]
        if not xs or not ys:
            return 10.0, 10.0
        return round(max(xs) - min(xs) + 6, 1), round(max(ys) - min(ys) + 6, 1)


_decoder = msgspec.json.Decoder(Program)


def read_program(path: Path = OUR_BOARD) -> Program:
    """Read a placement program. Raises ProgramError; OSError where it cannot be opened."""
    try:
        program = _decoder.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ProgramError(f"{path.name} is no placement program ({error}). Import the board again.") from error
    if program.format != FORMAT or program.version != VERSION:
        raise ProgramError(
            f"{path.name} is {program.format!r} version {program.version}; the stations read {FORMAT!r} version "
            f"{VERSION}. Import the board again."
        )
    if not program.components:
        raise ProgramError(f"{path.name} has no components: there is nothing to build.")
    return program
