"""The pages' words in other languages: English is the source, a catalogue holds each other one.

A catalogue is a GNU gettext file (`de.po`, and `de.AREA.po` for an area's own), which translators'
tools open. English texts are the keys, in templates as `_("...")`; `%(name)s` in a text is filled in
after translation. What a machine or a person says in words of their own is shown as it was said.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = "en"
LANGUAGES = {SOURCE: "English", "de": "Deutsch"}
"""Language tag (BCP 47) -> what its speakers call it."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Translations of one language; what is not in it stays English."""

    language: str
    texts: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def gettext(self, text: str) -> str:
        """The text in this language."""
        return self.texts.get(text, text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form for one, or for any other number (English and German agree on that)."""
        pair = self.plurals.get(one, (one, many))
        return pair[0] if count == 1 else pair[1]


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of `LANGUAGES`."""
    if language == SOURCE:
        return Catalogue(SOURCE)
    files = [HERE / f"{language}.po", *sorted(HERE.glob(f"{language}.*.po"))]
    return read_catalogue(language, "\n".join(file.read_text(encoding="utf-8") for file in files))


_ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr|msgstr\[\d\])?\s*("(?:[^"\\]|\\.)*")$')


def read_catalogue(language: str, source: str) -> Catalogue:
    """Read a catalogue. Raises `ValueError` naming the line that is none (GNU gettext manual, 10.1)."""
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for number, entry in _entries(source):
        original = entry.get("msgid", "")
        if not original:
            continue  # the head of the file
        if "msgid_plural" in entry:
            plurals[original] = (entry.get("msgstr[0]", ""), entry.get("msgstr[1]", ""))
        elif original in texts:
            raise ValueError(f"line {number}: {original!r} is translated twice")
        else:
            texts[original] = entry.get("msgstr", "")
    return Catalogue(
        language,
        {original: text for original, text in texts.items() if text},
        {original: pair for original, pair in plurals.items() if all(pair)},
    )


def _entries(source: str) -> list[tuple[int, dict[str, str]]]:
    found: list[tuple[int, dict[str, str]]] = []
    keyword = ""
    for number, line in enumerate(source.splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _ENTRY.match(text)
        if match is None:
            raise ValueError(f"line {number} is no line of a catalogue: {text}")
        keyword = match[1] or keyword
        if match[1] == "msgid":
            found.append((number, {}))
        entry = found[-1][1]
        entry[keyword] = entry.get(keyword, "") + ast.literal_eval(match[2])
    return found


def preferred(accepted: str) -> str:
    """The best of `LANGUAGES` for a field `Accept-Language` (RFC 9110, 12.5.4)."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, weight = part.partition(";q=")
        language = tag.strip().partition("-")[0].lower()
        if language in LANGUAGES:
            weighed.append((-_weight(weight), place, language))
    return min(weighed)[2] if weighed else SOURCE


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


Say = Callable[[str], str]
