"""What is this scan? Pure; `app/web/static/station/scan.js` decides alike, held to one table of cases by tests.

* A code of ours counts only whole: length and check value must hold.
* A reel's label is one by its header; read it with `app.materials.labels`. One without its end counts only where what
  was cut off cannot be the package's identifier.
* A serial counts only where a product's pattern holds in full length and its check character is right. Patterns have
  one length, so a scan that lost characters is never another serial.
* What is a part of a serial (its beginning or its end) is refused as cut.
* Anything else is `other`: whoever asked may look up whether it is known. When it came plays no part anywhere: a
  scanner's gaps between two characters are as long as the computer is busy.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.scanning.codes import CodeKind, DamagedCodeError, is_ours, read_code
from app.sentences import Sentence

LONGEST_SCAN = 2048


class ScanKind(StrEnum):
    """What a scan is."""

    serial = "serial"
    label = "label"
    badge = "badge"
    station = "station"
    slot = "slot"
    control = "control"
    layout_test = "layout_test"
    other = "other"
    refused = "refused"


@dataclass(frozen=True, slots=True)
class Scan:
    """`value` is the serial, the label's text or the code's payload; `code` and `sentence` are why it is refused."""

    kind: ScanKind
    value: str
    code: str | None = None
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class SerialFormat:
    r"""How a product's serials look.

    In `pattern`, `#` is a digit, `@` a capital, `*` either, `!` the check character, anything else itself (`\` before
    it where it is one of these). `check` names one of `CHECKS`, computed of the other digits and capitals.
    """

    pattern: str
    check: str | None = None

    def problem(self) -> Sentence | None:
        """Why no serial can be told by it; None where it is sound."""
        signs = [sign for literal, sign in _signs(self.pattern) if not literal]
        if not signs:
            return Sentence("A pattern of serials needs at least one # (digit), @ (capital) or * (either).")
        if (signs.count("!") == 1) != (self.check is not None) or signs.count("!") > 1:
            return Sentence("A pattern has exactly one ! where a check character is planned, else none.")
        if self.check is not None and self.check not in CHECKS:
            return Sentence(
                "The check character %(name)s is not known; there are %(all_names)s.", name=self.check, all_names=CHECKS
            )
        return None

    def length(self) -> int:
        """How many characters a serial has."""
        return len(_signs(self.pattern))

    def fits(self, text: str) -> bool:
        """Whether the pattern holds, in full length; the check character is another question."""
        signs = _signs(self.pattern)
        return len(text) == len(signs) and all(map(_is, signs, text))

    def is_part(self, text: str) -> bool:
        """Whether the text is how a serial begins or ends, and more than half of it."""
        signs = _signs(self.pattern)
        if not len(signs) / 2 < len(text) < len(signs):
            return False
        return all(map(_is, signs, text)) or all(map(_is, signs[-len(text) :], text))

    def check_holds(self, text: str) -> bool:
        """Whether the check character of a text that fits is right."""
        if self.check is None:
            return True
        place = _signs(self.pattern).index((False, "!"))
        counted = re.sub(r"[^0-9A-Z]", "", text[:place] + text[place + 1 :])
        return CHECKS[self.check](counted) == text[place]


_CLASSES = {"#": "0123456789", "@": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_ALPHABET = _CLASSES["#"] + _CLASSES["@"]
_CLASSES |= {"*": _ALPHABET, "!": _ALPHABET}


def _signs(pattern: str) -> list[tuple[bool, str]]:
    """(is itself, sign) of each place."""
    found = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    return [(True, escaped) if escaped else (sign not in _CLASSES, sign) for escaped, sign in found]


def _is(sign: tuple[bool, str], character: str) -> bool:
    literal, meant = sign
    return character == meant if literal else character in _CLASSES[meant]


def _mod_37_36(text: str) -> str:
    """ISO 7064, MOD 37,36: finds every wrong character and nearly every swap of neighbours."""
    product = 36
    for sign in text:
        total = (product + _ALPHABET.index(sign)) % 36 or 36
        product = total * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def _luhn(text: str) -> str:
    """ISO/IEC 7812-1 annex B, of the digits."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[::-2]]
    return str(-(sum(doubled) + sum(digits[-2::-2])) % 10)


CHECKS: dict[str, Callable[[str], str]] = {"mod37_36": _mod_37_36, "luhn": _luhn}

_LABEL = re.compile(r"^>?\[\)>|^\{[a-z]{2,4}:|^QTY:\d")
_CODES = {
    CodeKind.badge: ScanKind.badge,
    CodeKind.station: ScanKind.station,
    CodeKind.slot: ScanKind.slot,
    CodeKind.control: ScanKind.control,
    CodeKind.layout_test: ScanKind.layout_test,
}


def read_scan(text: str, formats: Sequence[SerialFormat]) -> Scan:
    """What is this scan, among products with these formats of serials?"""
    if len(text) > LONGEST_SCAN:
        return _refused(text[:40], "too_long", Sentence("That is longer than any code. Scan one code at a time."))
    text = re.sub(r"^\][A-Za-z][0-9A-Za-z](?=.)", "", text.strip(" \t\r\n"))  # AIM, ISO/IEC 15424: ]d1, ]Q1, ]C0
    if not text:
        return _refused("", "empty", Sentence("Nothing arrived. Scan again."))
    if is_ours(text):
        try:
            code = read_code(text)
        except DamagedCodeError as damaged:
            return _refused(text, damaged.code, damaged.sentence)
        return Scan(_CODES[code.kind], code.payload)
    if _LABEL.match(text):
        return _label(text)
    return _serial(text, formats)


def _label(text: str) -> Scan:
    braces = text.startswith("{") and not text.endswith("}")
    iso = "[)>" in text[:4] and not re.search(r"[\x04\u2404]$|\^[dD]$", text)
    last = re.split(r"[\x1d\u241d\]]", re.sub(r"[\x1e\u241e]$", "", text))[-1]
    if braces or (iso and re.match(r"3?[Ss]", last)):
        return _refused(text, "label_cut", Sentence("The end of the label did not arrive. Scan it again."))
    return Scan(ScanKind.label, text)


def _serial(text: str, formats: Sequence[SerialFormat]) -> Scan:
    fitting = [one for one in formats if one.fits(text)]
    if any(one.check_holds(text) for one in fitting):
        return Scan(ScanKind.serial, text)
    if fitting:
        return _refused(
            text,
            "serial_wrong",
            Sentence("A character of the serial came out wrong: its check character is another. Scan again."),
        )
    cut = next((one for one in formats if one.is_part(text)), None)
    if cut is not None:
        return _refused(
            text,
            "serial_cut",
            Sentence(
                "Only %(count)s of the serial's %(count_whole)s characters arrived. Scan again.",
                count=len(text),
                count_whole=cut.length(),
            ),
        )
    return Scan(ScanKind.other, text)


def _refused(text: str, code: str, sentence: Sentence) -> Scan:
    return Scan(ScanKind.refused, text, code, sentence)
