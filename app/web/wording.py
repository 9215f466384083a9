"""Words that come with the data, in the reader's language: operations, places, the machine's own results.

What comes from outside is looked up and shown as text. It is never a format nor markup, which `_()` would take it for.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.sentences import ENGLISH, Sentence, kind, spoken
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
    return say(spoken(name).capitalize())


def place(words: str, say: Say) -> str:
    """Where something is, said in another language; other words stay as they are."""
    for text, pattern in _PLACES:
        if told := pattern.fullmatch(words):
            return say(text) % told.groupdict()
    return words


def word(name: str, say: Say) -> str:
    """One of our own words within a sentence: an outcome, a kind of tool."""
    english = spoken(name)
    said = say(english)
    return operation(name, say) if said == english else said


def told(sentence: str, say: Say) -> str:
    """A sentence in another language: its template is looked up, then its values are put in, each as its kind is said.

    Text that is no `Sentence` (of a row from before there were any, or of a machine) stays as it was said.
    """
    if not isinstance(sentence, Sentence):
        return sentence
    return say(sentence.template) % {name: _value(name, value, say) for name, value in sentence.values.items()}


def _value(name: str, value: Any, say: Say) -> str:
    if isinstance(value, Sentence):
        return told(value, say)
    return _KINDS.get(kind(name), _as_it_is)(value, say)


def _as_it_is(value: object, _: Say) -> str:
    return str(value)


def _number(name: str) -> Callable[[Any, Say], str]:
    return lambda value, say: ENGLISH[name](value).replace(".", say("."))


def _time(form: str) -> Callable[[Any, Say], str]:
    return lambda at, say: f"{at:{say(form)}}"


def _either(things: Any, say: Say) -> str:
    return f" {say('or')} ".join(map(str, things))


TIMES: Final = {"time": "%Y-%m-%d %H:%M UTC", "second": "%Y-%m-%d %H:%M:%S UTC", "day": "%Y-%m-%d"}
"""How sentences write times; a catalogue says how its language does."""
_KINDS: Final[Mapping[str, Callable[[Any, Say], str]]] = {
    "operation": operation,
    "operations": lambda names, say: ", ".join(operation(name, say) for name in names),
    "word": word,
    **{name: _time(form) for name, form in TIMES.items()},
    "percent": lambda ratio, say: _number("percent")(ratio, say).replace("%", say("%")),
    "hours": _number("hours"),
    "seconds": _number("seconds"),
    "either": _either,
    "roles": lambda roles, say: _either([say(spoken(role)) for role in roles], say),
    "all": lambda things, _: ENGLISH["all"](things),
    "place": place,
}


def asked(question: Question, say: Say) -> str:
    """A question as it was asked: `lot A17 part 0402-100n`."""
    return " ".join(f"{say(word)} {value}" for word, value in question.told)
