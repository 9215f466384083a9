"""Labels on sheets of paper, as PDF. Symbols are drawn as rectangles: sharp at any resolution."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from app.errors import Invalid
from app.labels.contents import Label
from app.labels.symbols import QUIET_ZONE, Modules, modules
from app.sentences import Sentence

if TYPE_CHECKING:  # the library is brought by the first sheet: no start waits for it
    from reportlab.pdfgen.canvas import Canvas

mm: Final = 72 / 25.4
"""Points in a millimetre."""
MOST = 2000
"""Labels of one document."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of labels: sizes and margins in millimetres, `left` and `top` to the first label."""

    title: Sentence
    width: float
    height: float
    columns: int
    rows: int
    label_width: float
    label_height: float
    left: float
    top: float
    across: float
    """From the left edge of one label to that of the next."""


def _of_a4(labels: int, width: float, height: float) -> Sentence:
    return Sentence(
        "A4, %(count)s labels %(pieces_wide)s x %(pieces_high)s mm",
        count=labels, pieces_wide=width, pieces_high=height,
    )  # fmt: skip


SHEETS = {
    "a4-24": Sheet(_of_a4(24, 70, 37), 210, 297, 3, 8, 70, 37, 0, 0.5, 70),
    "a4-65": Sheet(_of_a4(65, 38.1, 21.2), 210, 297, 5, 13, 38.1, 21.2, 4.75, 10.7, 40.6),
    "letter-30": Sheet(Sentence("Letter, 30 labels 2 5/8 x 1 in"), 215.9, 279.4, 3, 10, 66.7, 25.4, 4.8, 12.7, 69.85),
    "a4-8": Sheet(_of_a4(8, 99, 68), 210, 297, 2, 4, 99.1, 67.7, 4.65, 13.1, 101.6),
    "roll-60x40": Sheet(Sentence("Roll, 60 x 40 mm"), 60, 40, 1, 1, 60, 40, 0, 0, 60),
}
_SMALLEST_MODULE = 0.25  # mm: what a hand scanner reads from ordinary paper
_LARGEST_MODULE = 1.2
_INSET = 2.0  # mm between a label's edge and what is on it


def pdf(labels: Sequence[Label], sheet: Sheet) -> bytes:
    """The labels, one after the other, on as many pages as they need.

    Raises `Invalid` for none, for more than `MOST`, and where a code is too large for its label.
    """
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    if not labels:
        raise Invalid(Sentence("There is nothing to print."))
    if len(labels) > MOST:
        raise Invalid(
            Sentence(
                "At most %(count_most)s labels are printed at once, not %(count)s.",
                count_most=f"{MOST:,}",
                count=f"{len(labels):,}",
            )
        )
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(sheet.width * mm, sheet.height * mm), invariant=1)
    canvas.setTitle("Labels")
    on_a_page = sheet.columns * sheet.rows
    for number, label in enumerate(labels):
        place = number % on_a_page
        if number and not place:
            canvas.showPage()
        row, column = divmod(place, sheet.columns)
        left = sheet.left + column * sheet.across
        bottom = sheet.height - sheet.top - (row + 1) * sheet.label_height
        _draw(canvas, label, left, bottom, sheet)
    canvas.save()
    return written.getvalue()


def _draw(canvas: "Canvas", label: Label, left: float, bottom: float, sheet: Sheet) -> None:
    """Draw one label: the code left, what people read right of it. Lengths in millimetres."""
    dark = modules(label.content, label.symbology)
    quiet = QUIET_ZONE[label.symbology]
    rows = dark.shape[0] + 2 * quiet
    room = min(sheet.label_height - _INSET, sheet.label_width * 0.55)
    size = min(room / rows, _LARGEST_MODULE)
    if size < _SMALLEST_MODULE:
        raise Invalid(
            Sentence(
                "The code of %(label)s has %(count)s modules a side, too many for a label of "
                "%(pieces_wide)s x %(pieces_high)s mm. Choose a larger label.",
                label=label.title,
                count=dark.shape[0],
                pieces_wide=sheet.label_width,
                pieces_high=sheet.label_height,
            )
        )
    low = bottom + (sheet.label_height - rows * size) / 2
    _draw_modules(canvas, dark, left + _INSET / 2 + quiet * size, low + quiet * size, size)
    _write(canvas, label, left + _INSET / 2 + rows * size, bottom, sheet, left + sheet.label_width - _INSET)


def _draw_modules(canvas: "Canvas", dark: Modules, left: float, bottom: float, size: float) -> None:
    path = canvas.beginPath()
    height = dark.shape[0]
    for row, line in enumerate(dark):
        column = 0
        for is_dark, run in groupby(line):
            length = len(list(run))
            if is_dark:
                y = bottom + (height - row - 1) * size
                path.rect((left + column * size) * mm, y * mm, length * size * mm, size * mm)
            column += length
    canvas.setFillGray(0)
    canvas.drawPath(path, stroke=0, fill=1)


def _write(canvas: "Canvas", label: Label, left: float, bottom: float, sheet: Sheet, right: float) -> None:
    largest = 12 if sheet.label_height > 25 else 9
    lines = [("Helvetica-Bold", largest, label.title), *(("Helvetica", largest * 0.7, line) for line in label.lines)]
    wide = (right - left) * mm
    fitted = [(font, _fitting(font, size, _plain(text), wide), _plain(text)) for font, size, text in lines]
    total = sum(size * 1.3 for _, size, _ in fitted)
    y = (bottom + sheet.label_height / 2) * mm + total / 2
    for font, size, text in fitted:
        y -= size * 1.3
        canvas.setFont(font, size)
        canvas.drawString(left * mm, y + size * 0.3, text)


def _fitting(font: str, size: float, text: str, wide: float) -> float:
    """The largest size up to `size` at which the text is not wider than its place."""
    from reportlab.pdfbase.pdfmetrics import stringWidth  # noqa: PLC0415

    natural = stringWidth(text, font, size)
    return size if natural <= wide else max(size * wide / natural, 3.0)


def _plain(text: str) -> str:
    """The PDF's own fonts know Western European letters (WinAnsi); others become a question mark."""
    return text.encode("cp1252", "replace").decode("cp1252")
