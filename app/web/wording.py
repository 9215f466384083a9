"""Words that come with the data, in the reader's language: operations, places, the machine's own results.

What comes from outside is looked up and shown as text. It is never a format nor markup, which `_()` would take it for.
"""

import re

from app.trace.question import Question
from app.web.translations import Say

PLACES = (
    "on the line, last at %(station)s", "not on a line", "in stock", "scrapped",
    "shipped to %(customer)s with %(shipment)s", "packed for %(customer)s in %(shipment)s", "shipped", "packed",
)  # fmt: skip
"""The sentences of `app.units.whereabouts`."""
_PLACES = tuple((text, re.compile(re.sub(r"%\((\w+)\)s", r"(?P<\1>.+)", text), re.DOTALL)) for text in PLACES)


def operation(name: str, say: Say) -> str:
    """An operation as people say it: `laser_marking` is "Laser marking"; without a translation as it was named."""
    return say(name.replace("_", " ").capitalize())


def asked(question: Question, say: Say) -> str:
    """A question as it was asked: `lot A17 part 0402-100n`."""
    return " ".join(f"{say(word)} {value}" for word, value in question.told)


def place(words: str, say: Say) -> str:
    """Where something is, said in another language; other words stay as they are."""
    for text, pattern in _PLACES:
        if told := pattern.fullmatch(words):
            return say(text) % told.groupdict()
    return words
