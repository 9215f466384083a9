"""How many pieces one stored `InstalledMaterial` took from its package: put on the board, and picked and thrown away.

Source: IPC-2591 (CFX) structure `InstalledMaterial`: `QuantityInstalled`, `QuantityNonInstalled`,
`InstalledComponents`, `NonInstalledComponents`.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import msgspec

# The holes of `app.cfx.installed`: unit, position, package, value. What is in them is no matter here.
_HOLES = re.compile(rb"[\xf8-\xfb]")


class Pieces(NamedTuple):
    """Pieces that one report of one location used up."""

    placed: float
    rejected: float


class _Counted(msgspec.Struct):
    QuantityInstalled: Any = None
    QuantityNonInstalled: Any = None
    InstalledComponents: list[msgspec.Raw] | None = None
    NonInstalledComponents: list[msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Counted).decode


def pieces_of(template: bytes) -> Pieces:
    """The pieces of a template.

    * Components that are listed are counted, each time they are listed: a panel spoken of as a whole may list R1 once
      for each of its boards.
    * Where the quantity is higher, it counts: many machines give nothing else, or list a place once that they missed
      twice.
    """
    told = _decode(_HOLES.sub(b"null", template))
    return Pieces(
        _counted(told.InstalledComponents, told.QuantityInstalled),
        _counted(told.NonInstalledComponents, told.QuantityNonInstalled),
    )


def _counted(components: list[msgspec.Raw] | None, quantity: Any) -> float:
    listed = float(len(components or ()))
    try:
        number = float(quantity)
    except (TypeError, ValueError):
        return listed
    return max(listed, number) if math.isfinite(number) else listed
