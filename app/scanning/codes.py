"""Codes this product prints for people to scan: badges, stations, slots, control sheets. Pure.

A code is `BIRTH`, one letter for its kind, the payload's length in two digits, the payload, and a CRC-16 in four
hexadecimal digits. Length and check together make that a scan that lost a character, whichever, is refused.

`BIRTH` is at the same keys of QWERTY, QWERTZ and AZERTY keyboards: a scanner set to another layout than the computer
still shows that a code of ours was meant, and the layout test then says what comes out wrong.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Invalid
from app.sentences import Sentence

HEAD = "BIRTH"
LONGEST_PAYLOAD = 99

LAYOUT_TEST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+:;,#*()[]{}<>@!?%&=$~^|"
"""What the layout test holds: every character that serials, handles and labels are made of."""


class CodeKind(StrEnum):
    """What a code of ours is about; the value is its letter."""

    badge = "B"
    control = "C"
    slot = "L"
    station = "S"
    layout_test = "T"


_LETTERS = frozenset(kind.value for kind in CodeKind)


class Control(StrEnum):
    """What the control sheet says in place of a button."""

    passed = "PASS"
    failed = "FAIL"
    repeat = "REPEAT"
    undo = "UNDO"


class DamagedCodeError(ValueError):
    """It begins as a code of ours and is not whole; the message says what to do."""

    def __init__(self, code: str, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Code:
    """A code that arrived whole. A slot's payload is `handle|slot`, a station's its CFX handle."""

    kind: CodeKind
    payload: str


def make_code(kind: CodeKind, payload: str) -> str:
    """The text to print. Raises `Invalid` for a payload that is empty, too long or not plain ASCII."""
    if not 1 <= len(payload) <= LONGEST_PAYLOAD or not payload.isascii() or not payload.isprintable():
        raise Invalid(
            Sentence(
                "A code holds 1 to %(count_most)s plain characters, not %(typed)s.",
                count_most=LONGEST_PAYLOAD, typed=repr(payload),
            )
        )  # fmt: skip
    text = f"{HEAD}{kind.value}{len(payload):02d}{payload}"
    return text + f"{crc16(text):04X}"


def slot_code(station: str, slot: str) -> str:
    """What is printed beside a slot."""
    return make_code(CodeKind.slot, f"{station}|{slot}")


def is_ours(text: str) -> bool:
    """Whether a code of ours was meant, whole or not."""
    return text[: len(HEAD)].upper() == HEAD


def read_code(text: str) -> Code:
    """Read a code of ours. Raises `DamagedCodeError` where it is not whole."""
    letter, length = text[5:6], text[6:8]
    if letter.upper() == CodeKind.layout_test.value and text != layout_test():
        raise _layout_problem(text)
    if text[:5] != HEAD or letter not in _LETTERS or not length.isdecimal():
        raise DamagedCodeError(
            "code_garbled",
            Sentence("A code of Birthmark came out garbled. Scan the layout test of the control sheet."),
        )
    whole = 8 + int(length) + 4
    if len(text) != whole:
        raise DamagedCodeError(
            "code_cut",
            Sentence(
                "Only a part of the code arrived, %(count)s of %(count_whole)s characters. Scan it again.",
                count=len(text),
                count_whole=whole,
            ),
        )
    if f"{crc16(text[:-4]):04X}" != text[-4:]:
        raise DamagedCodeError(
            "code_wrong",
            Sentence("A character of the code came out wrong. Scan it again, or scan the layout test."),
        )
    return Code(CodeKind(letter), text[8:-4])


def layout_test() -> str:
    """The code that shows whether scanner and computer agree on the keyboard."""
    return make_code(CodeKind.layout_test, LAYOUT_TEST)


def _layout_problem(text: str) -> DamagedCodeError:
    came, meant = text[8:-4], LAYOUT_TEST
    if came == meant.swapcase():
        return DamagedCodeError(
            "layout_caps",
            Sentence(
                "Capitals and small letters are exchanged: switch Caps Lock off, then scan the layout test again."
            ),
        )
    if len(came) != len(meant):
        return DamagedCodeError(
            "layout_lost",
            Sentence(
                "Of %(count_whole)s characters %(count)s arrived. Set the scanner to send slower, then scan again.",
                count_whole=len(meant),
                count=len(came),
            ),
        )
    wrong = [
        Sentence("%(typed)s as %(typed_here)s", typed=there, typed_here=here)
        for there, here in zip(meant, came, strict=True)
        if there != here
    ]
    return DamagedCodeError(
        "layout_other",
        Sentence(
            "The scanner types for another keyboard: %(all_wrong)s came out. Set the scanner to this computer's "
            "keyboard, then scan the layout test again.",
            all_wrong=wrong[:4],
        ),
    )


def crc16(text: str) -> int:
    """CRC-16/IBM-3740 (polynomial 0x1021, start 0xFFFF) of ASCII text; other characters count as `?`."""
    crc = 0xFFFF
    for byte in text.encode("ascii", "replace"):
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
