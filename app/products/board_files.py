"""The lines of a BOM and of a placement file as parts and places, and what is wrong with them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from app.products.csv_tables import Row, degrees, millimetres, read_rows, read_text, whole_number
from app.sentences import Sentence

Side = Literal["top", "bottom"]
MismatchKind = Literal[
    "encoding",
    "unreadable_row",
    "quantity_differs",
    "duplicate_designator",
    "not_fitted",
    "not_in_placements",
    "not_in_bom",
    "fiducial",
    "test_point",
    "mounting_hole",
    "no_part_number",
    "value_differs",
    "footprint_differs",
    "part_number_with_several_values",
    "part_number_with_several_footprints",
]

_SIDES: Final[Mapping[str, Side]] = {
    "top": "top", "t": "top", "f": "top", "front": "top", "fcu": "top", "toplayer": "top",
    "bottom": "bottom", "bot": "bottom", "b": "bottom", "back": "bottom", "bcu": "bottom",
    "bottomlayer": "bottom",
}  # fmt: skip
_NO: Final = frozenset({"", "0", "no", "n", "false", "~"})
_RANGE: Final = re.compile(r"([A-Za-z_]+)(\d+)-([A-Za-z_]*)(\d+)")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something the two files disagree about; `reference_designator` is "" for a whole file."""

    kind: MismatchKind
    reference_designator: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BomPart:
    """One designator of a BOM line; `fitted` is False where the line says DNP."""

    line: int
    reference_designator: str
    part_number: str | None
    manufacturer: str | None
    value: str | None
    footprint: str | None
    fitted: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """One line of a placement file, in millimetres and degrees, seen from the top."""

    line: int
    reference_designator: str
    x: float
    y: float
    rotation: float
    side: Side
    value: str | None
    footprint: str | None


def read_bom(path: Path, mismatches: list[Mismatch]) -> dict[str, BomPart]:
    """Give the parts of a BOM by designator; what is odd about it is added to `mismatches`."""
    return _bom_parts(_read(path, mismatches, "designator"), mismatches)


def read_placements(path: Path, mismatches: list[Mismatch]) -> dict[str, Placement]:
    """Give the places of a placement file by designator; what is odd goes to `mismatches`."""
    rows = _read(path, mismatches, "designator", "x", "y", "rotation", "side")
    return _placements(rows, mismatches)


def _read(path: Path, mismatches: list[Mismatch], *wanted: str) -> list[Row]:
    text, line = read_text(path)
    if line is not None:
        mismatches.append(
            Mismatch(
                "encoding",
                "",
                Sentence(
                    "%(file)s is not UTF-8 throughout (first in line %(line)s); those bytes were read as Windows-1252. "
                    "Save the file as UTF-8 to be sure of its texts.",
                    file=path.name,
                    line=line,
                ),
            )
        )
    return read_rows(path.name, text, wanted)


def _bom_parts(rows: Iterable[Row], mismatches: list[Mismatch]) -> dict[str, BomPart]:
    parts: dict[str, BomPart] = {}
    for row in rows:
        quantity = whole_number(row["quantity"])
        names = _designators(row["designator"], quantity)
        if not names:
            sentence = Sentence(
                "BOM line %(line)s (%(part)s) names no designator, so nothing is fitted from it. "
                "Name its designators if it belongs on the board.",
                line=row.line,
                part=row.said("part_number") or row.said("value") or Sentence("no part"),
            )
            mismatches.append(Mismatch("unreadable_row", "", sentence))
            continue
        if row["quantity"] and quantity != len(names):
            sentence = Sentence(
                "BOM line %(line)s says quantity %(quantity)s and names %(count)s: %(all_names)s. "
                "The designators are built; correct the one or the other.",
                line=row.line,
                quantity=row["quantity"],
                count=len(names),
                all_names=names,
            )
            mismatches.append(Mismatch("quantity_differs", names[0], sentence))
        for name in names:
            part = BomPart(
                row.line,
                name,
                row.said("part_number"),
                row.said("manufacturer"),
                row.said("value"),
                row.said("footprint"),
                fitted=row["dnp"].lower() in _NO,
            )
            first = parts.setdefault(name, part)
            if first is not part:
                sentence = Sentence(
                    "%(designator)s stands in BOM lines %(line)s and %(line_next)s; the first is fitted (%(part)s). "
                    "Remove one.",
                    designator=name,
                    line=first.line,
                    line_next=row.line,
                    part=first.part_number or first.value or Sentence("no part number"),
                )
                mismatches.append(Mismatch("duplicate_designator", name, sentence))
    return parts


def _designators(cell: str, quantity: int | None) -> list[str]:
    """Split ``C1, C2`` and ``C1 C2``; a range ``R1-R4`` only where the quantity confirms it."""
    tokens = [token for token in re.split(r"[,;\s]+", cell) if token not in {"", "~"}]
    spread = [name for token in tokens for name in _spread(token)]
    return spread if quantity == len(spread) else tokens


def _spread(token: str) -> Iterator[str]:
    found = _RANGE.fullmatch(token)
    if found is None or found[3] not in {"", found[1]}:
        yield token
        return
    first, last = int(found[2]), int(found[4])
    if not first < last < first + 10_000:
        yield token
        return
    yield from (f"{found[1]}{number}" for number in range(first, last + 1))


def _placements(rows: Iterable[Row], mismatches: list[Mismatch]) -> dict[str, Placement]:
    placed: dict[str, Placement] = {}
    for row in rows:
        name = row["designator"]
        x, y, rotation = millimetres(row["x"]), millimetres(row["y"]), degrees(row["rotation"])
        side = _SIDES.get(re.sub(r"[^a-z]", "", row["side"].lower()))
        if not name or x is None or y is None or rotation is None or side is None:
            sentence = Sentence(
                "Placement line %(line)s (%(designator)s) cannot be read: x, y and rotation must be numbers and the "
                "layer top or bottom. Correct the line.",
                line=row.line,
                designator=name or Sentence("no designator"),
            )
            mismatches.append(Mismatch("unreadable_row", name, sentence))
            continue
        part = Placement(row.line, name, x, y, rotation, side, row.said("value"), row.said("footprint"))
        first = placed.setdefault(name, part)
        if first is not part:
            sentence = Sentence(
                "%(designator)s stands in placement lines %(line)s and %(line_next)s; the first is used. Remove one.",
                designator=name,
                line=first.line,
                line_next=row.line,
            )
            mismatches.append(Mismatch("duplicate_designator", name, sentence))
    return _seen_from_top(placed)


def _seen_from_top(placed: dict[str, Placement]) -> dict[str, Placement]:
    """Undo KiCad's "use negative X coordinates for footprints on bottom layer".

    The option is recognised by its effect: everything on the bottom lies left of the origin and
    nothing on the top does.
    """
    bottom = [part.x for part in placed.values() if part.side == "bottom"]
    top = [part.x for part in placed.values() if part.side == "top"]
    if not (bottom and top and max(bottom) <= 0 <= min(top)):
        return placed
    return {name: replace(part, x=-part.x) if part.side == "bottom" else part for name, part in placed.items()}
