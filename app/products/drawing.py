"""A board as a picture: where each part sits and about how large it is. Pure: no database.

Coordinates are millimetres in the picture's own frame, x to the right and y down, as SVG has them. The bottom is drawn
as seen from the bottom. A board that is taller than wide is turned by 90 degrees clockwise, because screens are wider
than tall. Bodies are read from footprints' names (KiCad library convention, IPC-7351 metric codes); a name that says
nothing gives a small square: the place is right, the size a guess.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Literal

Side = Literal["top", "bottom"]

MARGIN = 1.5  # mm of board around the outermost bodies, where no outline is known

_KNOWN_BODIES = {
    "SOD-123": (2.7, 1.6), "SOD-323": (1.8, 1.3), "SOD-523": (1.2, 0.8), "SOD-923": (0.8, 0.6),
    "SMA": (4.3, 2.6), "SMB": (4.6, 3.6), "SMC": (6.9, 5.9),
    "SOT-23": (1.4, 2.9), "SOT-223": (3.5, 6.5), "SOT-323": (1.3, 2.0), "SOT-363": (1.3, 2.0), "SC-70": (1.3, 2.0),
    "TO-252": (6.1, 6.6), "TO-263": (9.2, 10.2), "USB_C": (7.4, 9.0), "QFN-56": (7.0, 7.0),
}  # fmt: skip
_SAID = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)mm")
_CHIP = re.compile(r"_(\d{2})(\d{2})Metric")
_INCH = {"0201": (0.6, 0.3), "0402": (1.0, 0.5), "0603": (1.6, 0.8), "0805": (2.0, 1.25), "1206": (3.2, 1.6)}
_ARRAY = re.compile(r"_(\d)x(\d{4})\b")
_HEADER = re.compile(r"_(\d{1,2})x(\d{1,2})\D*_P(\d+(?:\.\d+)?)mm")
_UNKNOWN = (1.5, 1.5)


@dataclass(frozen=True, slots=True)
class Part:
    """A part as the placement file has it: millimetres and degrees counter-clockwise, seen from the top."""

    reference_designator: str
    part_number: str
    value: str | None
    footprint: str | None
    side: str | None
    x: float | None
    y: float | None
    rotation: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A part in the picture: its middle, its body before turning, degrees clockwise."""

    reference_designator: str
    part_number: str
    value: str | None
    x: float
    y: float
    width: float
    height: float
    rotation: float

    @property
    def label_size(self) -> float:
        """Height of a text that fits the body, mm; the name is written along the longer edge."""
        length = max(self.width, self.height)
        return round(min(min(self.width, self.height) * 0.8, 1.5 * length / max(len(self.reference_designator), 2)), 2)

    @property
    def label_turn(self) -> float:
        """Degrees clockwise at which the name reads best: level, or up."""
        along = self.rotation + (90 if self.height > self.width else 0)
        return -90.0 if round(along / 90) % 2 else 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """One side of a board. `elsewhere` are the designators without a place on it (no placement, or other side)."""

    side: Side
    width: float
    height: float
    turned: bool
    shapes: tuple[Shape, ...]
    elsewhere: tuple[str, ...]


def draw(parts: Sequence[Part], side: Side) -> Drawing:
    """The picture of one side; both sides of a board have the same frame."""
    placed = [part for part in parts if part.x is not None and part.y is not None]
    here = [part for part in placed if (part.side or "top") == side]
    names = {part.reference_designator for part in here}
    elsewhere = tuple(part.reference_designator for part in parts if part.reference_designator not in names)
    if not placed:
        return Drawing(side, 0.0, 0.0, False, (), elsewhere)
    left, right = _range((part.x, _reach(part)[0]) for part in placed)
    below, above = _range((part.y, _reach(part)[1]) for part in placed)
    width, height = right - left, above - below
    turned = height > width
    shapes = []
    for part in here:
        assert part.x is not None
        assert part.y is not None
        x = part.x - left if side == "top" else right - part.x
        y = above - part.y
        angle = -(part.rotation or 0.0) if side == "top" else (part.rotation or 0.0)
        if turned:
            x, y, angle = height - y, x, angle + 90
        body = body_of(part.footprint)
        shapes.append(
            Shape(part.reference_designator, part.part_number, part.value,
                  round(x, 3), round(y, 3), body[0], body[1], angle % 360)
        )  # fmt: skip
    largest_first = sorted(shapes, key=lambda shape: -shape.width * shape.height)
    size = (height, width) if turned else (width, height)
    return Drawing(side, round(size[0], 3), round(size[1], 3), turned, tuple(largest_first), elsewhere)


def _range(along: Iterable[tuple[float | None, float]]) -> tuple[float, float]:
    """From the lowest to the highest edge of bodies, of which middle and extent are given."""
    known = [(middle - extent / 2, middle + extent / 2) for middle, extent in along if middle is not None]
    return min(low for low, _ in known) - MARGIN, max(high for _, high in known) + MARGIN


def _reach(part: Part) -> tuple[float, float]:
    return _upright(*body_of(part.footprint), part.rotation or 0.0)


def body_of(footprint: str | None) -> tuple[float, float]:
    """Width and height of a part's body, mm, at rotation 0."""
    name = (footprint or "").rpartition(":")[2]
    if said := _SAID.search(name):
        return float(said[1]), float(said[2])
    if chip := _CHIP.search(name):
        return int(chip[1]) / 10, int(chip[2]) / 10
    if array := _ARRAY.search(name):
        width, height = _INCH.get(array[2], (1.0, 0.5))
        return width, round(height * int(array[1]) * 1.1, 2)
    if header := _HEADER.search(name):
        pitch = float(header[3])
        return int(header[1]) * pitch, int(header[2]) * pitch
    for known, body in sorted(_KNOWN_BODIES.items(), key=lambda item: -len(item[0])):
        if known in name:
            return body
    return next((body for code, body in _INCH.items() if f"_{code}" in name), _UNKNOWN)


def reach(shape: Shape) -> tuple[float, float]:
    """Width and height of the upright rectangle around a turned body, mm."""
    return _upright(shape.width, shape.height, shape.rotation)


def _upright(width: float, height: float, rotation: float) -> tuple[float, float]:
    turn = radians(rotation)
    across, along = abs(cos(turn)), abs(sin(turn))
    return width * across + height * along, width * along + height * across
