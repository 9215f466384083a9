"""Serials with a check character, so that one typed by hand is right or refused."""

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS: Final = 36


def check_character(text: str) -> str:
    """Give the check character of letters and digits; separators do not count.

    ISO 7064, MOD 37,36: finds every wrong character and nearly every swap of neighbours.
    Raises ValueError for a character that is neither.
    """
    product = _MODULUS
    for sign in text.replace("-", ""):
        total = (product + _ALPHABET.index(sign)) % _MODULUS or _MODULUS
        product = total * 2 % (_MODULUS + 1)
    return _ALPHABET[(_MODULUS + 1 - product) % _MODULUS]


def with_check(text: str) -> str:
    """Append the check character: ``K3F9A2-00017`` becomes ``K3F9A2-00017-X``."""
    return f"{text}-{check_character(text)}"


def is_valid(serial: str) -> bool:
    """Whether a serial ends in its check character."""
    body, separator, check = serial.rpartition("-")
    try:
        return bool(separator and body) and check == check_character(body)
    except ValueError:
        return False


def base36(number: int, width: int) -> str:
    """Write a number in letters and digits, `width` characters wide."""
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _ALPHABET[digit] + digits
    return digits
