"""What comes out of the printer, as pixels: PDF pages rendered, ZPL drawn as a printer draws it."""

import re

import numpy as np
import pypdfium2
from numpy.typing import NDArray

from app.decoding.cascade import read
from app.labels.sheets import Sheet

Grey = NDArray[np.uint8]


def pages(document: bytes, dpi: int = 300) -> list[Grey]:
    """Every page of a PDF as a printer of `dpi` prints it."""
    opened = pypdfium2.PdfDocument(document)
    try:
        return [np.asarray(page.render(scale=dpi / 72).to_pil().convert("L"), dtype=np.uint8) for page in opened]
    finally:
        opened.close()


def labels_of(page: Grey, sheet: Sheet) -> list[Grey]:
    """A page cut into its labels, row by row."""
    scale = page.shape[1] / sheet.width
    found = []
    for row in range(sheet.rows):
        for column in range(sheet.columns):
            top, left = sheet.top + row * sheet.label_height, sheet.left + column * sheet.across
            edges = (top, top + sheet.label_height, left, left + sheet.label_width)
            above, below, before, after = (round(edge * scale) for edge in edges)
            found.append(page[above:below, before:after])
    return found


def read_texts(grey: Grey) -> set[str]:
    return {reading.text for reading in read(grey)}


_COMMAND = re.compile(r"\^([A-Z][A-Z0-9])([^^]*)")


def drawn(job: str) -> list[Grey]:
    """The labels of a ZPL job: ^PW, ^LL, ^FO, ^GF and the text of ^FD (as nothing: letters are the printer's)."""
    found = []
    for label in re.findall(r"\^XA(.*?)\^XZ", job, re.DOTALL):
        width = height = x = y = 0
        canvas = np.full((1, 1), 255, np.uint8)
        for command, value in _COMMAND.findall(label):
            if command == "PW":
                width = int(value)
            elif command == "LL":
                height = int(value)
                canvas = np.full((height, width), 255, np.uint8)
            elif command == "FO":
                x, y = (int(part) for part in value.split(","))
            elif command == "GF":
                kind, total, field, across, digits = value.split(",")
                assert (kind, total) == ("A", field)
                bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(-1, int(across)), axis=1)
                assert y + bits.shape[0] <= height, "the symbol leaves the label"
                place = canvas[y : y + bits.shape[0], x : x + bits.shape[1]]
                place[bits[:, : place.shape[1]] == 1] = 0
        found.append(canvas)
    return found
