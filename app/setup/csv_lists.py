"""Setup lists as placement machines' software writes them: CSV with a line of headings."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from app.errors import Invalid
from app.sentences import Sentence
from app.setup.lists import ListedSlot
from app.setup.requirements import SlotPlan

_HEADINGS = {
    "station": {"station", "machine", "module", "handle"},
    "slot": {"slot", "position", "location", "feederposition", "track"},
    "lane": {"lane", "lanenumber"},
    "part_number": {"partnumber", "partno", "part", "pn", "component", "internalpartnumber"},
    "part_revision": {"partrevision", "revision", "rev"},
    "alternates": {"alternates", "alternate", "approvedalternates", "alternativeparts"},
    "manufacturer_parts": {"manufacturerparts", "manufacturerpart", "mpn", "approvedmanufacturerparts"},
    "pieces_per_unit": {"piecesperunit", "qtyperboard", "quantityperboard", "quantityperunit", "qty", "quantity"},
}
_MOST_LINES = 20_000


def read_setup_list(text: str) -> dict[str | None, list[SlotPlan]]:
    """The slots of each station a list names; None where the list has no column of stations.

    Several alternates in a cell are separated by `;` or `|`: a part number may have blanks. Raises `Invalid` naming the
    line at fault.
    """
    delimiter = max(",;\t", key=text[:4096].count)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    columns: list[str | None] = []
    found: dict[str | None, list[SlotPlan]] = defaultdict(list)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = [_column(cell) for cell in cells]
                if not {"slot", "part_number"} <= set(columns):
                    raise Invalid(
                        Sentence(
                            "The list needs a line of headings with slot and part_number, and station if it has "
                            "several."
                        )
                    )
                continue
            if reader.line_num > _MOST_LINES:
                raise Invalid(Sentence("A setup list has at most %(count_most)s lines.", count_most=_MOST_LINES))
            row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
            found[row.get("station") or None].append(_slot(row, reader.line_num))
    except csv.Error as error:
        raise Invalid(
            Sentence(
                "This is not CSV (%(problem)s in line %(line)s). Export it again.",
                problem=str(error),
                line=reader.line_num,
            )
        ) from None
    if not found:
        raise Invalid(Sentence("The list names no slot."))
    return dict(found)


def _column(heading: str) -> str | None:
    plain = re.sub(r"[^a-z]", "", heading.lower())
    return next((name for name, spellings in _HEADINGS.items() if plain in spellings), None)


def _slot(row: Mapping[str, str], line: int) -> SlotPlan:
    slot, part_number = row.get("slot", ""), row.get("part_number", "")
    if not slot or not part_number:
        raise Invalid(
            Sentence("Line %(line)s lacks its slot or part_number. Correct it; nothing was stored.", line=line)
        )
    pieces = row.get("pieces_per_unit") or None
    try:
        each = None if pieces is None else float(pieces.replace(",", "."))
    except ValueError:
        raise Invalid(
            Sentence("Line %(line)s: %(said)s is not a number of pieces per unit.", line=line, said=repr(pieces))
        ) from None
    return SlotPlan(
        slot=slot,
        part_number=part_number,
        lane=row.get("lane", ""),
        part_revision=row.get("part_revision") or None,
        alternates=_several(row.get("alternates")),
        manufacturer_parts=_several(row.get("manufacturer_parts")),
        pieces_per_unit=each,
    )


def _several(cell: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[;|\n]", cell or "") if part.strip())


def written_setup_list(slots: Iterable[ListedSlot]) -> str:
    """Slots as a list that is read again by `read_setup_list`; only the columns that any of them fills."""
    rows = [
        {
            "slot": one.slot, "lane": one.lane, "part_number": one.part_number,
            "part_revision": one.part_revision or "", "alternates": "|".join(one.alternates),
            "manufacturer_parts": "|".join(one.manufacturer_parts),
            "pieces_per_unit": "" if one.pieces_per_unit is None else repr(one.pieces_per_unit).removesuffix(".0"),
        }
        for one in slots
    ]  # fmt: skip
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else ["slot", "part_number"]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, columns, delimiter=";", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
