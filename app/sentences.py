"""English sentences that another language can say: a template and named values, of which English is one reading.

A `Sentence` is the English text, a `str` like any other: in a log, on the wire, in an error. A page says the template
in its reader's language and puts the values in afterwards, so that what came from outside is never looked up nor taken
for a format.

* A template is a literal in the source, with `%(name)s` for each value and `%%` for a percent sign; what is not known
  before it is said is a value. A test reads them all from the source and wants each translated.
* A value is named for what it is: its kind, then `_` and which one it is (`operation`, `operation_next`). The kinds in
  `ENGLISH` are written as they say; any other value as it is, a sentence in the reader's language.
* One sentence, one template: a sentence that is put together from halves cannot be said in another language.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, Self


def spoken(name: str) -> str:
    """A name from a routing as people say it: `optical_inspection` is "optical inspection"."""
    return name.replace("_", " ")


ENGLISH: Final[Mapping[str, Callable[[Any], str]]] = {
    "operation": spoken,
    "operations": lambda names: ", ".join(map(spoken, names)),
    "word": spoken,  # one of our own words: an outcome, a kind of tool
    "time": lambda at: f"{at:%Y-%m-%d %H:%M} UTC",
    "second": lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC",
    "day": lambda at: f"{at:%Y-%m-%d}",
    "percent": lambda ratio: f"{ratio:.1%}",
    "hours": lambda hours: f"{hours:g}",
    "pieces": lambda count: f"{count:.15g}",
    "seconds": lambda seconds: f"{seconds:.1f}",
    "within": lambda sentence: f"{sentence[0].lower()}{sentence[1:]}",  # one that another goes on with
    "either": " or ".join,  # things of which any one will do
    "roles": lambda roles: " or ".join(map(spoken, roles)),
    "all": lambda things: ", ".join(map(str, things)),
    "asked": lambda question: question.words,
}
"""Kind of a value -> how English writes it."""
_TIMES: Final = frozenset({"time", "second", "day"})


class Sentence(str):
    """An English sentence that knows its template and values."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        """The sentence that a template makes with these values."""
        written = values
        if formats := _formats(tuple(values)):
            written = {**values, **{name: write(values[name]) for name, write in formats}}
        made = str.__new__(cls, template % written)
        made.template = template
        made.values = values
        return made

    @classmethod
    def again(cls, template: str, values: Mapping[str, Any]) -> Self:
        """A sentence from what JSON kept of it: times are texts there."""
        times = {name: datetime.fromisoformat(values[name]) for name in values if kind(name) in _TIMES}
        return cls(template, **{**values, **times})

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """What a copy is made with."""
        return (self.template,), dict(self.values)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: Callable[[object], Any]) -> Any:
        """In a documented answer it is a text."""
        return handler(str)


def kind(name: str) -> str:
    """The kind of a value, by its name."""
    return name.partition("_")[0]


@cache
def _formats(names: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], str]], ...]:
    """Which of the values are written in a way of their kind."""
    return tuple((name, ENGLISH[kind(name)]) for name in names if kind(name) in ENGLISH)


def both(first: str, second: str) -> Sentence:
    """Two sentences, one after the other."""
    return Sentence("%(sentence)s %(sentence_next)s", sentence=first, sentence_next=second)


def plain(value: object) -> str:
    """A sentence as JSON holds it: its English text (an `enc_hook` of msgspec, which takes no kinds of text).

    Raises `NotImplementedError` for what is no text.
    """
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is nothing that JSON holds")
