"""Read the tables of board files: whatever encoding, delimiter, headings and units a CSV came with."""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import Invalid
from app.sentences import Sentence


class BoardFileError(Invalid):
    """A file is not a BOM or placement file at all; the message says what was looked for."""

    code = "board_file"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: cells by column name, spaces tidied, empty where the line is short."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def said(self, column: str) -> str | None:
        """Give the cell, or None where it is empty or KiCad's ``~`` for "nothing"."""
        cell = self[column]
        return None if cell in {"", "~"} else cell


# Headings as KiCad's exporters and the assembly houses' templates spell them, in lower case and
# with everything but letters and digits removed.
_HEADINGS: Final[Mapping[str, frozenset[str]]] = {
    "designator": frozenset(
        {"designator", "designators", "reference", "references", "referencedesignator",
         "referencedesignators", "ref", "refs", "refdes"}
    ),
    "quantity": frozenset({"qty", "quantity", "qnty", "quantityperpcb", "qtyperboard"}),
    "value": frozenset({"value", "val"}),
    "part_number": frozenset(
        {"mpn", "manufacturerpartnumber", "manufacturerpart", "manufacturerpn", "mfrpn", "mfgpn",
         "mfrpart", "mfgpart", "partnumber", "partno", "pn"}
    ),
    "manufacturer": frozenset({"manufacturer", "mfr", "mfg", "manufacturername"}),
    "footprint": frozenset({"footprint", "package", "pattern"}),
    "dnp": frozenset({"dnp", "dnf", "dni", "donotplace", "donotfit", "donotpopulate"}),
    "x": frozenset({"midx", "posx", "x", "centerx", "centrex", "xmm", "posxmm", "midxmm"}),
    "y": frozenset({"midy", "posy", "y", "centery", "centrey", "ymm", "posymm", "midymm"}),
    "rotation": frozenset({"rotation", "rot", "angle"}),
    "side": frozenset({"layer", "side", "tb"}),
}  # fmt: skip
_MILLIMETRES: Final[Mapping[str, float]] = {
    "": 1.0, "mm": 1.0, "mil": 0.0254, "mils": 0.0254, "in": 25.4, "inch": 25.4, '"': 25.4,
}  # fmt: skip
_NUMBER: Final = re.compile(r'^\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*([A-Za-z"]*)\s*$')
_UNASSIGNED_IN_CP1252: Final = b"\x81\x8d\x8f\x90\x9d"


def _single_bytes(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are not UTF-8 as Windows-1252, or Latin-1 where that has no letter.

    A BOM is put together from distributors' descriptions, so one file may hold both encodings.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    text = "".join(
        bytes([byte]).decode("latin-1" if byte in _UNASSIGNED_IN_CP1252 else "cp1252")
        for byte in error.object[error.start : error.end]
    )
    return text, error.end


codecs.register_error("birthmark.single_bytes", _single_bytes)


def read_text(path: Path) -> tuple[str, int | None]:
    """Give the file's text, and the first line that is not UTF-8 where there is one."""
    raw = path.read_bytes()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16"), None
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
    return raw.decode("utf-8-sig", errors="birthmark.single_bytes"), line


def read_rows(name: str, text: str, wanted: Sequence[str]) -> list[Row]:
    """Give the rows under the heading line that names all of `wanted` (our column names).

    Raises BoardFileError where no line does.
    """
    first = text[:4096]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    headings: list[str | None] | None = None
    rows: list[Row] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if headings is None:
                names = [_column(cell) for cell in cells]
                headings = names if all(column in names for column in wanted) else None
                continue
            row: dict[str, str] = {}
            for column, cell in zip(headings, cells, strict=False):
                if column is not None and not row.get(column):
                    row[column] = " ".join(cell.split())
            rows.append(Row(reader.line_num, row))
    except csv.Error as error:
        raise BoardFileError(
            Sentence("%(file)s is not CSV (%(said)s in line %(line)s); export it again.", file=name, said=str(error),
                     line=reader.line_num)
        ) from error  # fmt: skip
    if headings is None:
        raise BoardFileError(
            Sentence(
                "%(file)s has no line of headings with %(all_columns)s; export it from KiCad as CSV, with headings "
                "such as Designator, Mid X, Mid Y, Layer, Rotation.",
                file=name,
                all_columns=wanted,
            )
        )
    return rows


def _column(heading: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", heading.lower())
    return next((name for name, spellings in _HEADINGS.items() if plain in spellings), None)


def whole_number(cell: str) -> int | None:
    """Give a quantity, ``2``, ``2.0`` or ``2 pcs``; None where it is not a whole number."""
    found = _NUMBER.match(cell)
    number = None if found is None else _number(found[1])
    return int(number) if number is not None and number.is_integer() else None


def millimetres(cell: str) -> float | None:
    """Give a length in millimetres: ``12.5``, ``12,5``, ``12.5mm``, ``500mil``; else None."""
    found = _NUMBER.match(cell)
    if found is None or found[2].lower() not in _MILLIMETRES:
        return None
    number = _number(found[1])
    return None if number is None else round(number * _MILLIMETRES[found[2].lower()], 6)


def degrees(cell: str) -> float | None:
    """Give an angle in degrees; None where it is not a number."""
    found = _NUMBER.match(cell.removesuffix("\N{DEGREE SIGN}"))
    return _number(found[1]) if found is not None and found[2].lower() in {"", "deg"} else None


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
