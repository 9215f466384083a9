"""A board from the two files KiCad writes: bill of material (BOM) and component placements.

`read_design` reads both and says what it could not reconcile: every designator that stands in one
file only, every quantity that disagrees, every part without a part number. Nothing is dropped in
silence; what is left out of the build is named in `BoardDesign.mismatches` with a sentence that
says what happened and what clears it.

* In both files: the part is placed, by machine, or by hand where its footprint is through-hole.
* In the BOM only: nobody told a machine where it goes, so it is fitted by hand.
* In the placements only: fiducials, test points and mounting holes are not parts; anything else is
  not fitted and reported as `not_in_bom`.

`dump_program` writes the design as the placement program the stations read, the way a machine gets
its recipe file; `stations/program.py` reads it by this format.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from app.products.board_files import (
    BomPart,
    Mismatch,
    MismatchKind,
    Placement,
    Side,
    read_bom,
    read_placements,
)
from app.products.csv_tables import BoardFileError
from app.sentences import Sentence

__all__ = [
    "BoardDesign",
    "BoardFileError",
    "Component",
    "Mismatch",
    "dump_program",
    "read_design",
]

Assembly = Literal["machine", "hand"]

PROGRAM_FORMAT: Final = "birthmark.placement_program"
PROGRAM_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Component:
    """One reference designator and the part that belongs there.

    `x` and `y` are millimetres from the file's origin seen from the top, `rotation` is degrees
    counter-clockwise as the file gives it; all three are None where the placement file does not
    name the designator.
    """

    reference_designator: str
    part_number: str
    manufacturer: str | None
    value: str | None
    footprint: str | None
    x: float | None
    y: float | None
    rotation: float | None
    side: Side
    assembly: Assembly


@dataclass(frozen=True, slots=True)
class BoardDesign:
    """What is built, in the order of the BOM, and what could not be reconciled."""

    name: str
    revision: str
    components: tuple[Component, ...]
    mismatches: tuple[Mismatch, ...]


_NOT_PARTS: Final[tuple[tuple[re.Pattern[str], MismatchKind, str], ...]] = (
    (re.compile(r"(FID|FD|FM)\d*", re.IGNORECASE), "fiducial", Sentence("a fiducial mark, copper for the cameras")),
    (re.compile(r"TP\d*", re.IGNORECASE), "test_point", Sentence("a test point, bare copper")),
    (re.compile(r"(H|MH|HOLE)\d*", re.IGNORECASE), "mounting_hole", Sentence("a mounting hole")),
)
_THROUGH_HOLE: Final = re.compile(
    r"_THT(:|_|$)|^Package_DIP:|^TerminalBlock|^Connector_Pin(Header|Socket)_(?!.*SMD)", re.IGNORECASE
)
# What a footprint's name may say more than the land pattern: longer pads for a soldering iron.
_FOOTPRINT_VARIANT: Final = re.compile(r"(_Pad[\d.x]+mm|_HandSolder(ing)?)", re.IGNORECASE)


def read_design(bom: Path, placements: Path, *, name: str | None = None, revision: str | None = None) -> BoardDesign:
    """Read a board from its BOM and placement file (CSV as KiCad writes it).

    `name` and `revision` default to what the BOM's file name says: ``pico-ice-rev1-bom.csv`` is
    revision ``1`` of ``pico-ice``. Raises BoardFileError where a file has no such table or the two
    leave nothing to build, OSError where one cannot be opened.
    """
    mismatches: list[Mismatch] = []
    parts = read_bom(bom, mismatches)
    placed = read_placements(placements, mismatches)
    components = tuple(_reconcile(parts, placed, mismatches))
    if not components:
        raise BoardFileError(
            Sentence(
                "%(file)s and %(file_next)s leave nothing to build; check that both files are of the same board.",
                file=bom.name,
                file_next=placements.name,
            )
        )
    mismatches += _part_number_conflicts(components)
    file_name, file_revision = _name_and_revision(bom.stem)
    return BoardDesign(name or file_name, revision or file_revision, components, tuple(mismatches))


def dump_program(design: BoardDesign) -> bytes:
    """Give the placement program of a design: UTF-8 JSON, members as in the classes above.

    ``{"format", "version", "name", "revision", "components": [...], "mismatches": [...]}``
    """
    program = {"format": PROGRAM_FORMAT, "version": PROGRAM_VERSION, **asdict(design)}
    return json.dumps(program, ensure_ascii=False, indent=1).encode() + b"\n"


def _name_and_revision(stem: str) -> tuple[str, str]:
    name = re.sub(r"[-_. ]*(bom|placements?|pos)$", "", stem, flags=re.IGNORECASE)
    found = re.search(r"[-_. ]+rev[-_. ]?(\w+)$", name, flags=re.IGNORECASE)
    if found is None:
        return name or stem, "1"
    return name[: found.start()], found.group(1)


def _reconcile(
    parts: Mapping[str, BomPart],
    placed: Mapping[str, Placement],
    mismatches: list[Mismatch],
) -> Iterator[Component]:
    for name, part in parts.items():
        place = placed.get(name)
        if not part.fitted:
            sentence = Sentence(
                "%(designator)s is marked DNP in BOM line %(line)s and is not fitted.", designator=name, line=part.line
            )
            mismatches.append(Mismatch("not_fitted", name, sentence))
            continue
        if part.part_number is None:
            sentence = Sentence(
                "%(designator)s has no part number in BOM line %(line)s; it is fitted and traced as '%(part)s'. "
                "Give the manufacturer's part number.",
                designator=name,
                line=part.line,
                part=_stand_in(part),
            )
            mismatches.append(Mismatch("no_part_number", name, sentence))
        if place is None:
            sentence = Sentence(
                "%(designator)s is in the BOM (line %(line)s) and not in the placements; it goes to hand assembly. "
                "Export its position if a machine is to place it.",
                designator=name,
                line=part.line,
            )
            mismatches.append(Mismatch("not_in_placements", name, sentence))
        else:
            mismatches += _differences(part, place)
        yield _component(part, place)
    for name, place in placed.items():
        if name not in parts:
            mismatches.append(_without_bom_line(name, place))


def _component(part: BomPart, place: Placement | None) -> Component:
    footprint = part.footprint or (place.footprint if place else None)
    by_hand = place is None or _THROUGH_HOLE.search(footprint or "") is not None
    return Component(
        reference_designator=part.reference_designator,
        part_number=part.part_number or _stand_in(part),
        manufacturer=part.manufacturer,
        value=part.value or (place.value if place else None),
        footprint=footprint,
        x=place.x if place else None,
        y=place.y if place else None,
        rotation=place.rotation if place else None,
        side=place.side if place else "top",
        assembly="hand" if by_hand else "machine",
    )


def _stand_in(part: BomPart) -> str:
    """Give a part without part number a name that is the same for the same part."""
    footprint = (part.footprint or "").rpartition(":")[2]
    return " ".join(word for word in (part.value, footprint) if word) or part.reference_designator


def _without_bom_line(name: str, place: Placement) -> Mismatch:
    for pattern, kind, what in _NOT_PARTS:
        if pattern.fullmatch(name):
            return Mismatch(
                kind,
                name,
                Sentence(
                    "%(designator)s is %(sentence)s; it is in the placements only and nothing is fitted.",
                    designator=name,
                    sentence=what,
                ),
            )
    return Mismatch(
        "not_in_bom",
        name,
        Sentence(
            "%(designator)s is in the placements (line %(line)s) and not in the BOM, so it is not fitted. "
            "Add it to the BOM if the board needs it.",
            designator=name,
            line=place.line,
        ),
    )


def _differences(part: BomPart, place: Placement) -> Iterator[Mismatch]:
    name = part.reference_designator
    if part.value and place.value and part.value != place.value:
        sentence = Sentence(
            "%(designator)s is %(value)s in the BOM and %(value_placed)s in the placements. "
            "The BOM is built; export both again.",
            designator=name,
            value=part.value,
            value_placed=place.value,
        )
        yield Mismatch("value_differs", name, sentence)
    ours, theirs = (text and _land(text) for text in (part.footprint, place.footprint))
    if ours and theirs and ours != theirs:
        sentence = Sentence(
            "%(designator)s is on %(footprint)s in the BOM and on %(footprint_placed)s in the placements. "
            "The BOM is built; export both again.",
            designator=name,
            footprint=ours,
            footprint_placed=theirs,
        )
        yield Mismatch("footprint_differs", name, sentence)


def _land(footprint: str) -> str:
    return _FOOTPRINT_VARIANT.sub("", footprint.rpartition(":")[2])


def _part_number_conflicts(components: Iterable[Component]) -> Iterator[Mismatch]:
    """One part number cannot be two values or fit two land patterns: one line is a slip."""
    by_part: dict[str, list[Component]] = {}
    for component in components:
        by_part.setdefault(component.part_number, []).append(component)
    for part_number, uses in by_part.items():
        first = uses[0]
        for use in uses[1:]:
            name, other = use.reference_designator, first.reference_designator
            if use.value and first.value and use.value != first.value:
                yield Mismatch(
                    "part_number_with_several_values",
                    name,
                    Sentence(
                        "%(part)s is %(value)s at %(designator)s and %(value_next)s at %(designator_next)s; it is "
                        "fitted at both. Check both part numbers in the BOM.",
                        part=part_number,
                        value=first.value,
                        designator=other,
                        value_next=use.value,
                        designator_next=name,
                    ),
                )
            if use.footprint and first.footprint and _land(use.footprint) != _land(first.footprint):
                yield Mismatch(
                    "part_number_with_several_footprints",
                    name,
                    Sentence(
                        "%(part)s is on %(footprint)s at %(designator)s and on %(footprint_next)s at "
                        "%(designator_next)s; it is fitted at both. Check both lines.",
                        part=part_number,
                        footprint=_land(first.footprint),
                        designator=other,
                        footprint_next=_land(use.footprint),
                        designator_next=name,
                    ),
                )
