"""Words that come with the data, in the reader's language: operations, places, the machine's own results.

What comes from outside is looked up and shown as text. It is never a format nor markup, which `_()` would take it for.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.sentences import ENGLISH, Sentence, kind, spoken
from app.trace.question import WORDS, Question
from app.web.forms import forms, values
from app.web.refusals import refusal
from app.web.translations import Say

PLACES = (
    "on the line, last at %(station)s", "not on a line", "in stock", "scrapped", "perhaps scrapped",
    "shipped to %(customer)s with %(shipment)s", "packed for %(customer)s in %(shipment)s", "shipped", "packed",
)  # fmt: skip
"""The sentences of `app.units.whereabouts`."""
FACTS = (
    "%(station)s placed %(designators)s from a spliced chain with %(fact)s in it; it may be any of the chain",
    "%(station)s placed %(designators)s from %(fact)s on one of %(count)s boards of the panel",
    "%(station)s placed %(designators)s from %(fact)s on the panel in that place of a carrier, maybe on another board",
    "%(station)s put %(fact)s on the panel in that place of a carrier, maybe on another board",
    (
        "%(station)s placed %(designators)s from %(fact)s on this or another board, by clocks that leave open which "
        "the carrier held"
    ),
    "%(station)s put %(fact)s on this or another board, by clocks that leave open which the carrier held",
    "%(station)s placed %(designators)s from %(fact)s",
    "%(station)s put %(fact)s on it",
    "%(station)s used tool %(tool)s on it",
    "%(station)s ran recipe %(recipe)s on it",
    "%(station)s named %(fact)s for its work on %(count)s units, not for which of them",
    (
        "%(station)s worked on it while package %(package)s was loaded and has not reported yet what it installed; "
        "it was in slot %(slot)s then"
    ),
    (
        "%(station)s worked on it while package %(package)s was loaded and reported nothing of what it installed; "
        "it was in slot %(slot)s then"
    ),
    (
        "%(station)s worked on it while package %(package)s was loaded and names no package for %(designators)s; "
        "it was loaded then"
    ),
    (
        "%(station)s worked on it while package %(package)s was loaded and did not name the package at "
        "%(designators)s; it was in slot %(slot)s then"
    ),
    (
        "%(station)s worked on it while package %(package)s was loaded and named neither package nor slot for "
        "%(designators)s; it was loaded then"
    ),
    "%(station)s worked on it while %(tool)s was loaded there",
    "%(person)s was logged in at %(station)s while it was worked on there",
    "%(person)s inspected it at %(station)s",
    "%(person)s tested it at %(station)s",
    "%(person)s repaired it at %(station)s",
    "%(station)s inspected it",
    "%(station)s tested it",
    "%(station)s used the tool on it",
    "%(station)s used a tool on it",
    "%(station)s put the firmware into it",
    "%(station)s ran the recipe for it",
    "%(station)s installed material on it",
    "%(station)s built a unit into it",
    "%(station)s took a part out of it",
    "%(station)s told of it",
    "an operator of the factory worked on it",
    "It is on the list, by itself or with its panel",
    "%(station)s worked on it",
    "%(station)s built %(unit)s into it at %(designators)s",
    "%(station)s built %(unit)s into it",
    "package %(package)s",
)
"""Why a unit carries something, as trace and the rule of containments say it and holds keep it; see `fact`."""
DOUBTS = (
    "; the clock of %(station)s was seen off by up to %(seconds)s s",
    ", or another board that the carrier held near that time",
)
"""What may follow such a fact, around its time."""
NO_DESIGNATOR, FEW = "the unit", "%(all_names)s and %(count)s more"
RESOLUTIONS = (
    "replayed by %(who)s: stored", "replayed by %(who)s: duplicate", "dismissed by %(who)s: %(reason)s",
    "taken in: what it names was registered",
)  # fmt: skip
"""How a message in quarantine was resolved."""
DEEDS = (
    "Containing %(count)s serials", "Containing %(name)s", "Counting where %(name)s is used", "Counting %(name)s again",
    "Telling where %(name)s is used",
)  # fmt: skip
"""Long deeds, as those who watch them are told."""
PICTURES = (
    "No picture arrived. Take one and send it again.",
    "The picture has more than %(count)s MB. Send a smaller one.",
    "The picture could not be read in time. Take a closer, sharper one of the code.",
    "No code was found in the picture. Go closer, hold still, and let light fall from the side.",
    "This is not a picture (PNG, JPEG, BMP, TIFF, GIF or WebP).",
    "The picture is too large: at most %(pieces)s pixels are read. Send another.",
    "The picture cannot be opened: %(problem)s.",
    "The picture cannot be read (%(problem)s). Take another one.",
)
"""Why nothing was read from a picture, as `app.decoding` says it."""
SEARCHED = (
    "no work order", "no customer", "part unknown", "part number", "on hold", "released", "being packed", "shipped",
    "tool", "station",
)  # fmt: skip
"""Our own words in what a search says of what it found."""
_PLACES = forms(PLACES)
_FACTS = forms(FACTS)
_DEEDS = forms(DEEDS)
_RESOLUTIONS = forms(RESOLUTIONS)
_PICTURES = forms(PICTURES)
_PACKAGE_TEXT, _PACKAGE = _FACTS[-1]
_FEW = forms((FEW,))[0][1]
_DOUBTS = forms(DOUBTS)
_TOLD_AT = re.compile(r"(.+?)(?:, (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC))?", re.DOTALL)
_TERMS = re.compile("".join(rf"(?:(?:^| )({re.escape(term)}) (\S+))?" for term in WORDS.values()))


def operation(name: str, say: Say) -> str:
    """An operation as people say it: `laser_marking` is "Laser marking"; without a translation as it was named."""
    english = spoken(name)
    return say(english[:1].upper() + english[1:])  # AOI stays AOI


def place(words: str, say: Say) -> str:
    """Where something is, said in another language; other words stay as they are."""
    for text, form in _PLACES:
        if (told := values(form, words, str.rfind)) is not None:  # customers have any name, shipments a number
            return say(text) % told
    return words


def fact(words: str, say: Say, question: Question | None = None) -> str:
    """Why a unit carries something, said in another language; it was kept as text, which its form tells.

    `question` is what was asked for, where that is known.
    """
    body, after = _without_doubt(words.removesuffix("."), say)
    parts = _TOLD_AT.fullmatch(body)
    if parts is None:
        return words
    body, at = parts.groups()
    body, before = _without_doubt(body, say)
    for text, form in _FACTS:
        if (told := values(form, body)) is not None:
            inside = {name: _inside(name, value, say, question) for name, value in told.items()}
            moment = f", {_moment(at, say)}" if at else ""
            return f"{say(text) % inside}{before}{moment}{after}{'.' if words.endswith('.') else ''}"
    return words


def _without_doubt(words: str, say: Say) -> tuple[str, str]:
    """A fact without the doubts it ends with, and these in another language."""
    said = ""
    for text, form in reversed(_DOUBTS):
        start = words.rfind(form[0])
        if start > 0 and (told := values(form, words[start:])) is not None:
            words, said = words[:start], f"{say(text) % told}{said}"
    return words, said


def _inside(name: str, words: str, say: Say, question: Question | None) -> str:
    """A value of a fact: what was asked for, or designators. What a package is called may look like either."""
    if name == "designators":
        told = values(_FEW, words, str.rfind)
        return say(words) if words == NO_DESIGNATOR else words if told is None else say(FEW) % told
    if name != "fact":
        return words
    if question is not None and words == question.words:
        return asked(question, say)
    if (told := values(_PACKAGE, words)) is not None:
        return say(_PACKAGE_TEXT) % told
    terms = _TERMS.fullmatch(words)  # names with blanks in them cannot be told from further terms
    if terms is None:
        return words
    said = [text for text in terms.groups() if text is not None]
    return " ".join(f"{say(word)} {value}" for word, value in zip(said[::2], said[1::2], strict=True))


def _moment(at: str, say: Say) -> str:
    """A time that stands in a text; what a package is called may look like one and be none."""
    try:
        moment = datetime.strptime(at, TIMES["second"]).replace(tzinfo=UTC)
    except ValueError:
        return at
    return f"{moment:{say(TIMES['second'])}}"


def who(identity: str, say: Say) -> str:
    """Who did something, as the record names them (`person:ann`, `token:7 press`, `station:Acme.P1.7`), as people do.

    A station is not named: where it stands, its name stands already.
    """
    kind_of, _, name = identity.partition(":")
    if kind_of == "station":
        return say("the station itself")
    return {"person": name, "token": name.partition(" ")[2]}.get(kind_of) or identity


def asked(question: Question, say: Say) -> str:
    """A question as it was asked: `lot A17 part 0402-100n`."""
    return " ".join(f"{say(word)} {value}" for word, value in question.told)


def deed(words: str, say: Say) -> str:
    """A long deed that is going on, said in another language."""
    for text, form in _DEEDS:
        if (told := values(form, words)) is not None:
            return say(text) % told
    return words


def picture(words: str, say: Say) -> str:
    """Why nothing was read from a picture, said in another language."""
    for text, form in _PICTURES:
        if (told := values(form, words)) is not None:
            return say(text) % {
                name: decimal(value, say) if name == "pieces" else value for name, value in told.items()
            }
    return words


def resolution(words: str, say: Say) -> str:
    """How a message in quarantine was resolved, and by whom, said in another language."""
    for text, form in _RESOLUTIONS:
        if (told := values(form, words)) is not None:
            return say(text) % {name: who(value, say) if name == "who" else value for name, value in told.items()}
    return words


def searched(words: str, say: Say) -> str:
    """What a search says of what it found, `100-0042 · no work order`: names are not said."""
    return " · ".join(say(part) if part in SEARCHED else part for part in words.split(" · "))


def product(words: str, say: Say) -> str:
    """A revision of a product or a recipe, `100-0042 rev A`: the word between name and revision is said."""
    name, mark, revision = words.rpartition(" rev ")
    return f"{name} {say('rev %(revision)s') % {'revision': revision}}" if mark else words


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
    return _KINDS.get(name, _KINDS.get(kind(name), _as_it_is))(value, say)


def _as_it_is(value: object, _: Say) -> str:
    return str(value)


def decimal(number: str, say: Say) -> str:
    """A number as English writes it, `4,000.5`, with the language's own marks."""
    return number if say(".") == "." else number.translate(_MARKS)


def _number(name: str) -> Callable[[Any, Say], str]:
    return lambda value, say: decimal(ENGLISH[name](value), say)


def _time(form: str) -> Callable[[Any, Say], str]:
    return lambda at, say: f"{at:{say(form)}}"


def _either(things: Any, say: Say) -> str:
    return f" {say('or')} ".join(map(str, things))


_MARKS: Final = str.maketrans(",.", ".,")
TIMES: Final = {"time": "%Y-%m-%d %H:%M UTC", "second": "%Y-%m-%d %H:%M:%S UTC", "day": "%Y-%m-%d"}
"""How sentences write times; a catalogue says how its language does."""
_KINDS: Final[Mapping[str, Callable[[Any, Say], str]]] = {
    "operation": operation,
    "operations": lambda names, say: ", ".join(operation(name, say) for name in names),
    "word": word,
    **{name: _time(form) for name, form in TIMES.items()},
    "percent": lambda ratio, say: _number("percent")(ratio, say).replace("%", say("%")),
    "hours": _number("hours"),
    "pieces": _number("pieces"),
    "seconds": _number("seconds"),
    "either": _either,
    "asked": asked,
    "either_recipe": lambda names, say: _either([product(name, say) for name in names], say),
    "product": product,
    "recipe": product,
    "refusal": refusal,
    "resolution": resolution,
    "roles": lambda roles, say: _either([say(spoken(role)) for role in roles], say),
    "all": lambda things, say: ", ".join(
        told(thing, say) if isinstance(thing, str) else str(thing) for thing in things
    ),
    "place": place,
    "fact": fact,
    "who": who,
}
