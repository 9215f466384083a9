"""How a machine writes its numbers: the style in which a column of floats gives its very text again."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

_encode = msgspec.json.Encoder().encode


def _shortest(values: Sequence[float]) -> bytes:
    return _encode(values)[1:-1]


def _python(values: Sequence[float]) -> bytes:
    return ",".join(map(repr, values)).encode()


def _dotnet(values: Sequence[float]) -> bytes:
    return _python(values).upper()


def _trimmed(write: Callable[[Sequence[float]], bytes]) -> Callable[[Sequence[float]], bytes]:
    """Without the `.0` of whole numbers."""
    return lambda values: (write(values) + b",").replace(b".0,", b",")[:-1]


_STYLES: Final[dict[str, Callable[[Sequence[float]], bytes]]] = {
    "shortest": _shortest,
    "shortest, trimmed": _trimmed(_shortest),
    "python": _python,
    "python, trimmed": _trimmed(_python),
    "dotnet": _dotnet,
    "dotnet, trimmed": _trimmed(_dotnet),
}
_MOST_DECIMALS: Final = 20


def style_of(text: bytes, values: Sequence[float]) -> str | None:
    """The style for which `write_numbers` gives `text`; None where it is none of those known here."""
    exponents = {b"E" in text: ("dotnet",), b"e" in text: ("python", "shortest")}.get(True, ("shortest",))
    for name in exponents:
        for style in (name, f"{name}, trimmed"):
            if _STYLES[style](values) == text:
                return style
    decimals = len(text.partition(b",")[0].partition(b".")[2])
    fixed = f"{decimals} decimals"
    return fixed if decimals <= _MOST_DECIMALS and write_numbers(values, fixed) == text else None


def write_numbers(values: Sequence[float], style: str) -> bytes:
    """The text of numbers in a style, with commas between them."""
    if style in _STYLES:
        return _STYLES[style](values)
    form = f"%.{int(style.partition(' ')[0])}f"
    return ",".join([form % value for value in values]).encode()
