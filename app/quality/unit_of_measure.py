"""Units of measure as machines write them, as far as a limit in one can be compared with a value in another.

Only what multiplies exactly is known: SI prefixes on the units that electronics uses, inch and mil. Anything else
(degrees Fahrenheit against Celsius, decibels, a unit of the machine's own) compares with the very same text only.
"""

import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import Final

_PREFIXES: Final = {
    "p": -12, "n": -9, "u": -6, "\N{GREEK SMALL LETTER MU}": -6, "m": -3, "c": -2, "d": -1,
    "k": 3, "K": 3, "M": 6, "G": 9, "T": 12,
}  # fmt: skip

# Unit: its dimension and how often a prefix counts (mm2 is 10**-6 m2). Symbols are case-sensitive, as SI has them.
# Not here: C, which is coulomb to SI and Celsius to machines.
_SYMBOLS: Final = {
    "\N{GREEK CAPITAL LETTER OMEGA}": ("ohm", 1), "R": ("ohm", 1),
    "V": ("volt", 1), "A": ("ampere", 1), "F": ("farad", 1), "H": ("henry", 1), "W": ("watt", 1),
    "Hz": ("hertz", 1), "s": ("second", 1), "Pa": ("pascal", 1), "N": ("newton", 1),
    "Nm": ("newton metre", 1), "J": ("joule", 1), "S": ("siemens", 1), "g": ("gram", 1),
    "l": ("litre", 1), "L": ("litre", 1), "bps": ("bit/s", 1),
    "m": ("metre", 1), "m2": ("metre2", 2), "m^2": ("metre2", 2), "m3": ("litre", 3), "m^3": ("litre", 3),
}  # fmt: skip
_LITRES_IN_A_CUBIC_METRE: Final = 1000

_OHM: Final = "\N{GREEK CAPITAL LETTER OMEGA}"
_WORDS: Final = {
    "ohm": _OHM, "ohms": _OHM, "volt": "V", "volts": "V", "amp": "A", "amps": "A", "ampere": "A",
    "amperes": "A", "farad": "F", "henry": "H", "watt": "W", "watts": "W", "hertz": "Hz", "hz": "Hz",
    "sec": "s", "second": "s", "seconds": "s", "metre": "m", "meter": "m", "meters": "m",
    "litre": "l", "liter": "l",
}  # fmt: skip

# Whole texts: no prefix is looked for in them (min is no milli-inch).
_INCH: Final = Fraction(254, 10_000)
_WHOLE: Final = {
    "min": ("second", Fraction(60)),
    "h": ("second", Fraction(3600)),
    "in": ("metre", _INCH),
    "inch": ("metre", _INCH),
    "mil": ("metre", _INCH / 1000),
    "mils": ("metre", _INCH / 1000),
    "micron": ("metre", Fraction(1, 10**6)),
    "microns": ("metre", Fraction(1, 10**6)),
    "bar": ("pascal", Fraction(10**5)),
    "mbar": ("pascal", Fraction(100)),
    "%": ("one", Fraction(1, 100)),
    "ppm": ("one", Fraction(1, 10**6)),
}


def factor(from_unit: str | None, to_unit: str | None) -> Fraction | None:
    """Give what a number in `from_unit` is multiplied by to be one in `to_unit`; None where that is not known.

    - The same text is the same unit, whatever it means; so are two that were not said.
    - A unit that was said never compares with one that was not.
    - All in capitals, a prefix M may be mega or milli (`MOHM`, `MV`): such a text compares only with itself.
    """
    # NFKC makes one sign of the two micros, of the two omegas, and plain digits of raised ones.
    source, target = (unicodedata.normalize("NFKC", unit or "").strip() for unit in (from_unit, to_unit))
    if source == target:
        return Fraction(1)
    known_source, known_target = _read(source), _read(target)
    if known_source is None or known_target is None or known_source[0] != known_target[0]:
        return None
    return known_source[1] / known_target[1]


@lru_cache(maxsize=1024)
def _read(unit: str) -> tuple[str, Fraction] | None:
    """Read a unit as its dimension and its size in that dimension's own unit."""
    if whole := _WHOLE.get(unit):
        return whole
    if plain := _symbol(unit):
        return plain[0], _size(plain, 0)
    prefix, rest = unit[:1], unit[1:].strip()
    scaled = _symbol(rest)
    if prefix not in _PREFIXES or scaled is None:
        return None
    if prefix == "M" and rest.isascii() and rest.isupper():
        return None
    return scaled[0], _size(scaled, _PREFIXES[prefix])


def _symbol(text: str) -> tuple[str, int] | None:
    return _SYMBOLS.get(text) or _SYMBOLS.get(_WORDS.get(text.casefold(), ""))


def _size(unit: tuple[str, int], power: int) -> Fraction:
    dimension, times = unit
    litres = _LITRES_IN_A_CUBIC_METRE if dimension == "litre" and times == 3 else 1
    return Fraction(10) ** (power * times) * litres


def legible(unit: str | None, largest: float) -> tuple[str | None, Fraction]:
    """The unit in which numbers up to `largest` of this unit are read best, and what they are multiplied by.

    It is another prefix of the same unit where `largest` is below 0.1 or from 10,000 on; seconds, metres and litres
    get none above themselves. A unit of the machine's own, a square, a cube or a whole word of its own stays.
    """
    text = unicodedata.normalize("NFKC", unit or "").strip()
    found = _read(text)
    if found is None or text in _WHOLE or 0.1 <= largest < 10_000 or not 0 < largest < float("inf"):
        return unit, Fraction(1)
    named = text if _symbol(text) else text[1:].strip()
    dimension, times = _symbol(named) or ("", 0)
    if times != 1:
        return unit, Fraction(1)
    symbol = named if named in _SYMBOLS else _WORDS[named.casefold()]
    highest = 0 if dimension in _WITHOUT_KILO else 9
    size = found[1] * Fraction(largest)
    power = next((power for power in range(highest, -12, -3) if size >= Fraction(10) ** power), -12)
    return f"{_SHOWN[power]}{symbol}", found[1] / Fraction(10) ** power


_WITHOUT_KILO: Final = frozenset({"second", "metre", "litre"})
_SHOWN: Final = {-12: "p", -9: "n", -6: "\N{MICRO SIGN}", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
