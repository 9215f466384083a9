"""Tables as PDF, for a file that is printed, signed or sent: A4 across, the question on every page.

Text is set in Bitstream Vera, which knows the Latin scripts; another character shows as a box. CSV and Parquet keep
every one.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from app.errors import Invalid
from app.sentences import Sentence

MEDIA_TYPE = "application/pdf"
_WIDTH, _HEIGHT = landscape(A4)
_MARGIN: Final = 12 * mm
_SIZE: Final = 8
_LEADING: Final = 10
_AT_ONCE = 64 * 1024
LONGEST: Final = 1000
"""Pages. A PDF is laid out whole before it is sent; what is longer, nobody prints."""


def paper_answer(
    title: str, subtitle: str, columns: Sequence[tuple[str, float]], rows: Iterable[Sequence[object]], name: str
) -> StreamingResponse:
    """Rows as a PDF called `name`. `columns` are (heading, share of the width).

    Raises `Invalid` where that is more than `LONGEST` pages.
    """
    paper = Paper(title, subtitle)
    paper.table(columns)
    for row in rows:
        paper.add(row)
    return paper.answer(name)


@cache
def _fonts() -> tuple[str, str]:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("VeraBd", "VeraBd.ttf"))
    return "Vera", "VeraBd"


class Paper:
    """Tables that grow downwards, page by page."""

    def __init__(self, title: str, subtitle: str) -> None:
        self._plain, self._bold = _fonts()
        self._title, self._subtitle = title, subtitle
        self._headings: list[str] = []
        self._widths: list[float] = []
        self._file = io.BytesIO()
        self._canvas = Canvas(self._file, pagesize=(_WIDTH, _HEIGHT), pageCompression=1)
        self._canvas.setTitle(title)
        self._page = 0
        self._y = 0.0
        self._begin_page()

    def table(self, columns: Sequence[tuple[str, float]], caption: str = "") -> None:
        """What is added from here on is a table of these columns: (heading, share of the width)."""
        if self._y < _MARGIN + 6 * _LEADING:
            self._end_page()
            self._headings = []
            self._begin_page()
        whole = sum(share for _, share in columns)
        self._headings = [heading for heading, _ in columns]
        self._widths = [(_WIDTH - 2 * _MARGIN) * share / whole for _, share in columns]
        if caption:
            self._y -= _LEADING
            self._canvas.setFont(self._bold, 10)
            self._canvas.drawString(_MARGIN, self._y, caption)
            self._y -= 1.5 * _LEADING
        self._lines([[heading] for heading in self._headings], self._bold)

    def add(self, row: Sequence[object]) -> None:
        """One row; texts too long for their column run on below."""
        cells = [self._wrapped(value, width) for value, width in zip(row, self._widths, strict=True)]
        # A cell higher than a page goes on on the next one.
        while any(cells):
            if self._y < _MARGIN + 2 * _LEADING:
                self._end_page()
                self._begin_page()
            fits = max(1, int((self._y - _MARGIN - _LEADING) / _LEADING))
            self._lines([cell[:fits] for cell in cells], self._plain)
            cells = [cell[fits:] for cell in cells]
        self._canvas.setLineWidth(0.25)
        self._canvas.line(_MARGIN, self._y + _LEADING - 3, _WIDTH - _MARGIN, self._y + _LEADING - 3)

    def answer(self, name: str) -> StreamingResponse:
        """The finished file, called `name`."""
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return StreamingResponse(self._chunks(), media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})

    def _chunks(self) -> Iterator[bytes]:
        self._end_page()
        self._canvas.save()
        self._file.seek(0)
        while chunk := self._file.read(_AT_ONCE):
            yield chunk

    def _wrapped(self, value: object, width: float) -> list[str]:
        lines: list[str] = []
        for line in simpleSplit(_words(value), self._plain, _SIZE, width - 4):
            lines += self._broken(line, width - 4)
        return lines

    def _broken(self, line: str, width: float) -> Iterator[str]:
        """A word longer than the column is broken: no character of a serial is lost."""
        while pdfmetrics.stringWidth(line, self._plain, _SIZE) > width:
            cut = next(
                end for end in range(len(line) - 1, 0, -1)
                if end == 1 or pdfmetrics.stringWidth(line[:end], self._plain, _SIZE) <= width
            )  # fmt: skip
            yield line[:cut]
            line = line[cut:]
        yield line

    def _lines(self, cells: Sequence[Sequence[str]], font: str) -> None:
        self._canvas.setFont(font, _SIZE)
        x = _MARGIN
        for lines, width in zip(cells, self._widths, strict=True):
            for number, line in enumerate(lines):
                self._canvas.drawString(x, self._y - number * _LEADING, line)
            x += width
        self._y -= max(map(len, cells), default=1) * _LEADING + 2

    def _begin_page(self) -> None:
        if self._page == LONGEST:
            raise Invalid(
                Sentence(
                    "This is longer than %(count_most)s pages of PDF. Ask for it as CSV or Parquet, which have no end, "
                    "or narrow the question.",
                    count_most=LONGEST,
                )
            )
        self._page += 1
        self._y = _HEIGHT - _MARGIN - 12
        for line in simpleSplit(self._title, self._bold, 12, _WIDTH - 2 * _MARGIN):
            self._canvas.setFont(self._bold, 12)
            self._canvas.drawString(_MARGIN, self._y, line)
            self._y -= 14
        self._canvas.setFont(self._plain, _SIZE)
        self._canvas.drawString(_MARGIN, self._y, self._subtitle)
        self._y -= 18
        if self._headings:
            self._lines([[heading] for heading in self._headings], self._bold)

    def _end_page(self) -> None:
        self._canvas.setFont(self._plain, _SIZE)
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        self._canvas.drawString(_MARGIN, _MARGIN - 8, f"Birthmark · {made}")
        self._canvas.drawRightString(_WIDTH - _MARGIN, _MARGIN - 8, f"page {self._page}")
        self._canvas.showPage()


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
