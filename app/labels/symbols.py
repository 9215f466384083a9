"""QR, Micro QR and Data Matrix symbols as modules. Pure."""

from enum import StrEnum
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from app.errors import Invalid
from app.sentences import Sentence

Modules = NDArray[np.bool_]
"""Rows and columns of a symbol without its quiet zone, True where it is dark."""


class Symbology(StrEnum):
    """What a code is printed as; the value is what people call it."""

    qr = "QR"
    data_matrix = "Data Matrix"
    micro_qr = "Micro QR"


QUIET_ZONE = {Symbology.qr: 4, Symbology.data_matrix: 2, Symbology.micro_qr: 2}
"""Modules that stay empty around a symbol: ISO/IEC 18004 clause 6.3.8 (4, Micro QR 2); ISO/IEC 16022 asks for 1."""

_FORMATS = {
    Symbology.qr: zxingcpp.BarcodeFormat.QRCode,
    Symbology.data_matrix: zxingcpp.BarcodeFormat.DataMatrix,
    Symbology.micro_qr: zxingcpp.BarcodeFormat.MicroQRCode,
}
# QR: a quarter (Q) can be lost of a label that gloves touch; Micro QR: what fits, from most to least.
_LEVELS: dict[Symbology, tuple[dict[str, Any], ...]] = {
    Symbology.qr: ({"ec_level": "Q"}, {"ec_level": "M"}, {"ec_level": "L"}),
    Symbology.data_matrix: ({"force_square": True},),  # ECC 200; few scanners read the long rectangles
    Symbology.micro_qr: ({"ec_level": "Q"}, {"ec_level": "M"}, {"ec_level": "L"}),
}


def modules(content: str, symbology: Symbology) -> Modules:
    """The symbol of a text. Raises `Invalid` where the text does not fit into one."""
    if not content:
        raise Invalid(Sentence("A code needs a content."))
    for options in _LEVELS[symbology]:
        try:
            made = zxingcpp.create_barcode(content, _FORMATS[symbology], **options)
        except ValueError:
            continue
        if bytes(made.bytes) == content.encode():
            return np.array(made.to_image(scale=1, add_quiet_zones=False)) < 128
    raise Invalid(
        Sentence(
            "%(count)s characters do not fit into one %(symbology)s code. Choose another kind of code.",
            count=len(content),
            symbology=symbology,
        )
    )
