"""Sentences that were kept as text, told by their form: the template they were made from, and its values."""

import re
from collections.abc import Callable, Sequence
from typing import Final

Form = Sequence[str]
"""A text's parts: what stands before, between and after its values, and their names in between."""
_VALUE: Final = re.compile(r"%\((\w+)\)s")


def forms(texts: Sequence[str]) -> Sequence[tuple[str, Form]]:
    """Each text with its parts."""
    # No translator sees these characters: a text is split at its values, and the rest stands for itself.
    return [(text, _VALUE.split(text)) for text in texts]


def values(form: Form, words: str, ends: Callable[[str, str, int], int] = str.find) -> dict[str, str] | None:
    """The values with which a text reads like this, whatever they are, none empty; None where there are none.

    Each ends where what follows it comes first, or last by `str.rfind`: texts are others', and no text takes longer
    than it is long.
    """
    before, *rest = form
    if not words.startswith(before):
        return None
    words, found = words[len(before) :], {}
    for name, after in zip(rest[::2], rest[1:-1:2], strict=False):
        end = ends(words, after, 1)
        if end < 0:
            return None
        found[name], words = words[:end], words[end + len(after) :]
    if not rest:
        return None if words else found
    last = words.removesuffix(rest[-1])
    return {**found, rest[-2]: last} if last and words.endswith(rest[-1]) else None
