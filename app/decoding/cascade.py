"""Read 2D codes from pictures: a plain decoder first, then what laser marks were measured to need.

The cascade comes from measurement (tests/decoding: 1,040 laser-etched pictures of each symbology in 26
conditions): blur, closing the gaps between dots, double size, sharpening, local normalisation,
inversion, local contrast, and pyzbar as second opinion at the end. It stops at the first reading,
so a good mark costs half a millisecond. A decoder is native code: strangers' pictures are read in a process
of their own (`app.decoding.bounded`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from app.decoding import picture

log = structlog.get_logger()

Grey = NDArray[np.uint8]

MAX_PIXELS: Final = 50_000_000
_FILES: Final = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")  # others start programs, or are no pictures of a camera
_WORKING_SIZE: Final = 1600  # longest edge the slow variants work on
_FORMAT = zxingcpp.BarcodeFormat
_MARKS: Final = zxingcpp.BarcodeFormats([_FORMAT.QRCode, _FORMAT.DataMatrix])
_GUARDED_FORMATS: Final = (
    _FORMAT.QRCode, _FORMAT.DataMatrix, _FORMAT.MicroQRCode, _FORMAT.Code128, _FORMAT.PDF417
)  # fmt: skip
_GUARDED: Final = zxingcpp.BarcodeFormats(_GUARDED_FORMATS)
# Code 39 has no check character of its own: in a picture that was worked on, noise can spell one.
_ALL: Final = zxingcpp.BarcodeFormats([*_GUARDED_FORMATS, _FORMAT.Code39])
_ZBAR_SYMBOLS: Final = {"QRCODE": "QRCode", "CODE128": "Code128", "PDF417": "PDF417"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One code in a picture: its exact content, and which engine read it from which variant."""

    content: bytes
    symbology: str
    engine: str
    variant: str

    @property
    def text(self) -> str:
        """The content as text. Decoders' own text shows GS, RS and EOT as pictures of themselves."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return self.content.decode("latin-1")


# In the order of readings gained for a millisecond spent.
_VARIANTS: Final[tuple[tuple[str, Callable[[Grey], Grey]], ...]] = (
    ("blur", lambda grey: picture.blur(grey, 1.2)),
    ("close 3", lambda grey: picture.blur(picture.erode(grey, 3), 1.0)),
    ("open 3", lambda grey: picture.blur(picture.dilate(grey, 3), 1.0)),
    ("close 4", lambda grey: picture.blur(picture.erode(grey, 4), 1.0)),
    ("open 4", lambda grey: picture.blur(picture.dilate(grey, 4), 1.0)),
    ("close 5", lambda grey: picture.blur(picture.erode(grey, 5), 1.0)),
    ("double", picture.double),
    ("sharpened", lambda grey: picture.sharpen(picture.double(grey), 5, 300)),
    ("normalised", lambda grey: picture.blur(picture.normalise(grey), 1.2)),
    ("inverted", lambda grey: picture.blur(255 - grey, 1.2)),
    ("contrast", lambda grey: picture.blur(picture.double(picture.equalise(grey)), 1.2)),
)


def read(grey: Grey, *, marks_only: bool = False) -> list[Reading]:
    """Read every code in a grey picture; an empty list where the whole cascade found none.

    `marks_only` looks for QR and Data Matrix alone, what a laser leaves, and is faster.
    """
    found = _zxing(grey, "raw", _MARKS if marks_only else _ALL)
    if found:
        return found
    small = picture.no_larger_than(grey, _WORKING_SIZE)
    for name, variant in _VARIANTS:
        found = _zxing(variant(small), name, _MARKS if marks_only else _GUARDED)
        if found:
            return found
    for name, prepared in (("raw", small), ("double", picture.blur(picture.double(small), 1.2))):
        found = _zbar(prepared, name)
        if found:
            return found
    return []


def _zxing(grey: Grey, variant: str, formats: zxingcpp.BarcodeFormats) -> list[Reading]:
    return [
        Reading(bytes(code.bytes), code.format.name, "zxing-cpp", variant)
        for code in zxingcpp.read_barcodes(np.ascontiguousarray(grey), formats=formats)
        if code.valid and code.bytes
    ]


def _zbar(grey: Grey, variant: str) -> list[Reading]:
    decode = _pyzbar()
    if decode is None:
        return []
    height, width = grey.shape
    try:
        codes = decode((grey.tobytes(), width, height))
    except Exception as error:  # noqa: BLE001 - pyzbar lets ValueErrors out of its C structures
        log.warning("reader.pyzbar_failed", reason=str(error))
        return []
    return [Reading(bytes(code.data), _ZBAR_SYMBOLS[code.type], "pyzbar", variant) for code in codes if code.data]


@cache
def _pyzbar() -> Callable[[tuple[bytes, int, int]], list[Any]] | None:
    """Give pyzbar's decoder, or None, said once, where the system has no libzbar."""
    try:
        from pyzbar.pyzbar import ZBarSymbol, decode  # noqa: PLC0415 - the import is what may fail
    except (ImportError, OSError):
        log.warning(
            "reader.no_second_opinion",
            reason="libzbar is not installed (apt install libzbar0); zxing-cpp reads alone, "
            "and about one damaged mark in a hundred more stays unread.",
        )
        return None
    return partial(decode, symbols=[ZBarSymbol[name] for name in _ZBAR_SYMBOLS])


def load(path: Path) -> Grey:
    """Load a picture as grey, upright as its camera meant it.

    Raises ValueError with a sentence where it is no picture or larger than MAX_PIXELS.
    """
    try:
        with Image.open(path, formats=_FILES) as image:
            _check_size(image)
            image.draft("L", image.size)
            return np.asarray(ImageOps.exif_transpose(image).convert("L"), dtype=np.uint8)
    except UnidentifiedImageError as error:
        raise ValueError("This is not a picture (PNG, JPEG, BMP, TIFF, GIF or WebP).") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"The picture is too large: at most {MAX_PIXELS:,} pixels are read. Send another.") from error
    except (OSError, SyntaxError) as error:
        raise ValueError(f"The picture cannot be opened: {error}.") from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError
