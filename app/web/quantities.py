"""Numbers as people read them: with the language's marks, in a unit that suits their size, never as `4e-05`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, TypeGuard

from jinja2 import pass_context
from jinja2.runtime import Context

from app.quality.unit_of_measure import legible
from app.web.translations import Say
from app.web.wording import decimal

DASH = "\u2013"
_DIGITS = 6
_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


@dataclass(frozen=True, slots=True)
class Quantities:
    """Numbers that are read side by side, in one unit."""

    texts: tuple[str, ...]
    unit: str


def number(value: float | None, say: Say) -> str:
    """`4000.0` is 4,000; nothing is a dash."""
    return DASH if value is None else figure(value, say, 10)


def figure(value: float, say: Say, digits: int = _DIGITS) -> str:
    """A number to so many digits: `0.0000409`, `12,345.7`, and `4 · 10⁻⁹` where it is of no size people count in."""
    if not isfinite(value):
        return str(value)
    rounded = float(f"{value:.{digits}g}") + 0.0  # no -0
    if rounded and not 1e-6 <= abs(rounded) < 1e15:
        factor, _, power = f"{rounded:.{digits - 1}e}".partition("e")
        shown = factor.rstrip("0").rstrip(".") if "." in factor else factor
        return f"{decimal(shown, say)} \u00b7 10{str(int(power)).translate(_RAISED)}"
    # A number of more digits than a double tells apart would show what nobody measured.
    shown = f"{rounded:,.{max(digits - 1 - _power(rounded), 0)}f}"
    return decimal(shown.rstrip("0").rstrip(".") if "." in shown else shown, say)


def _power(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def value(said: object, say: Say, digits: int = _DIGITS) -> str:
    """A measured value: numbers to so many digits, texts as they are, nothing is a dash."""
    if said is None:
        return DASH
    return figure(said, say, digits) if _is_number(said) else str(said)


def quantities(values: Sequence[object], unit: str | None, say: Say, digits: int = _DIGITS) -> Quantities:
    """Values of one unit, all in the unit in which the largest is read best; what is no number stays as it is."""
    numbers = [abs(one) for one in values if _is_number(one)]
    shown, multiplier = legible(unit, float(max(numbers, default=0)))
    texts = (figure(_times(one, multiplier), say, digits) if _is_number(one) else value(one, say) for one in values)
    return Quantities(tuple(texts), shown or "")


def _times(value: float, multiplier: Fraction) -> float:
    return float(Fraction(value) * multiplier) if isfinite(value) else value


def _is_number(said: object) -> TypeGuard[float]:
    return isinstance(said, int | float) and not isinstance(said, bool)


def counting(ngettext: Any, say: Say) -> Callable[..., Any]:
    """`ngettext` of templates, whose `%(num)s` is written with the language's marks."""

    @pass_context
    def counted(context: Context, one: str, many: str, num: int, **values: object) -> Any:
        return ngettext(context, one, many, num, **{"num": number(num, say), **values})

    return counted
