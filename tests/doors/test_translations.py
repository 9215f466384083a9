"""Every text of the pages is there in every language, and speaks of the same values."""

import re

import pytest

from app.web.translations import LANGUAGES, SOURCE, catalogue, preferred, read_catalogue
from tests.doors.wording import texts

OTHERS = [language for language in LANGUAGES if language != SOURCE]
_VALUE = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalogue_is_complete(language: str) -> None:
    words = catalogue(language)
    known = words.texts.keys() | words.plurals.keys()
    missing = {text: where for where, text in texts() if text not in known}
    assert not missing, "add to the catalogue:\n" + "\n".join(
        f'#: {where}\nmsgid "{text}"\nmsgstr ""\n' for text, where in missing.items()
    )


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_no_page_says(language: str) -> None:
    words = catalogue(language)
    said = {text for _, text in texts()}
    unsaid = sorted((words.texts.keys() | words.plurals.keys()) - said)
    assert not unsaid


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_speaks_of_the_same_values(language: str) -> None:
    words = catalogue(language)
    pairs = [*words.texts.items(), *((one, form) for one, forms in words.plurals.items() for form in forms)]
    wrong = [one for one, other in pairs if set(_VALUE.findall(one)) != set(_VALUE.findall(other))]
    assert not wrong


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,de;q=0.3,en;q=0.7", "en"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=nonsense", "de"),
    ],
)
def test_a_browser_says_what_its_user_reads(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_a_catalogue_is_read_as_gettext_writes_it() -> None:
    source = '# said\nmsgid ""\nmsgstr "Language: de\\n"\n\nmsgid "a \\"b\\""\n"c"\nmsgstr "A "\n"B"\n'
    assert read_catalogue("de", source).texts == {'a "b"c': "A B"}
    with pytest.raises(ValueError, match="line 1"):
        read_catalogue("de", "nonsense")
