"""Reference designators as people read them."""

from collections.abc import Sequence
from functools import lru_cache

from app.sentences import Sentence

_SHOWN = 8


@lru_cache(100_000)  # an answer sorts the same few names for each of its boards
def natural_order(designator: str | None) -> str:
    """Sort key: C2 before C10, and what has no designator last. A text, for those are compared fastest."""
    if designator is None:
        return "\uffff"
    letters = designator.rstrip("0123456789")
    digits = designator[len(letters) :].lstrip("0")
    return f"{letters}\0{len(digits):03}{digits}\0{designator}"


def few(designators: Sequence[str]) -> str:
    """The first eight, and how many more."""
    shown, more = designators[:_SHOWN], len(designators) - _SHOWN
    return Sentence("%(all_names)s and %(count)s more", all_names=shown, count=more) if more > 0 else ", ".join(shown)
