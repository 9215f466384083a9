"""Labels in ZPL II, for printers that are fed labels from a roll (Zebra and many others).

Symbols go as graphics, so that the printer prints the very modules of the PDF, whatever its
firmware makes of control characters, and Micro QR, which ZPL does not know, works too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.errors import Invalid
from app.labels.contents import Label
from app.labels.symbols import QUIET_ZONE, Modules, modules
from app.sentences import Sentence

_SMALLEST_MODULE = 0.25  # mm
_LARGEST_MODULE = 1.2


@dataclass(frozen=True, slots=True)
class Media:
    """A printer's label in millimetres, and its resolution: 8 dots a millimetre (203 dpi), 12 (300) or 24 (600)."""

    width: float = 60.0
    height: float = 40.0
    dots_per_mm: int = 8


def zpl(labels: Sequence[Label], media: Media) -> bytes:
    """The labels as one job. Raises `Invalid` where a code is too large for its label."""
    if not labels:
        raise Invalid(Sentence("There is nothing to print."))
    return "".join(_format(label, media) for label in labels).encode()


def _format(label: Label, media: Media) -> str:
    dots = media.dots_per_mm
    dark = modules(label.content, label.symbology)
    quiet = QUIET_ZONE[label.symbology]
    across = dark.shape[0] + 2 * quiet
    room = min(media.height, media.width * 0.55) * dots
    size = min(int(room // across), int(_LARGEST_MODULE * dots))
    if size < _SMALLEST_MODULE * dots:
        raise Invalid(
            Sentence(
                "The code of %(label)s has %(count)s modules a side, too many for a label of "
                "%(pieces_wide)s x %(pieces_high)s mm at %(count_dots)s dots/mm. Choose a larger label.",
                label=label.title,
                count=dark.shape[0],
                pieces_wide=media.width,
                pieces_high=media.height,
                count_dots=dots,
            )
        )
    top = int((media.height * dots - across * size) / 2)
    left = across * size
    said = [f"^XA^CI28^PW{int(media.width * dots)}^LL{int(media.height * dots)}^LH0,0"]
    said.append(f"^FO{quiet * size},{top + quiet * size}{_graphic(dark, size)}^FS")
    wide = int(media.width * dots) - left - 2 * dots
    y = int(media.height * dots * 0.25)
    for text, high in ((label.title, 4 * dots), *((line, 3 * dots) for line in label.lines)):
        # A letter of font 0 is about half as wide as it is high.
        fitting = min(high, int(wide / max(len(text), 1) / 0.55))
        said.append(f"^FO{left},{y}^A0N,{fitting},{fitting}^FH\\^FD{_field(text)}^FS")
        y += int(high * 1.3)
    said.append("^XZ\n")
    return "".join(said)


def _graphic(dark: Modules, size: int) -> str:
    """`^GFA`: the symbol as hexadecimal digits, a row of dots after the other (ZPL II Programming Guide, ^GF)."""
    bits = np.packbits(np.kron(dark, np.ones((size, size), bool)), axis=1)
    return f"^GFA,{bits.size},{bits.size},{bits.shape[1]},{bits.tobytes().hex().upper()}"


def _field(text: str) -> str:
    r"""Field data under `^FH\`: what could be a command, and what is not ASCII, goes as hexadecimal of its UTF-8."""
    return re.sub(r"[^0-9A-Za-z ./:#+-]", lambda sign: "".join(f"\\{byte:02X}" for byte in sign[0].encode()), text)
