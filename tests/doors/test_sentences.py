"""Reasons in the reader's language: every one the rules give, whatever its values are, and those that rows keep."""

import ast
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import app
from app.cfx.body import BodyError, decode_body
from app.cfx.envelope import Malformed, decode
from app.interlock.verdicts import Verdict
from app.quality.terms import Terms
from app.reasons import Reason, kept, said_again
from app.sentences import Sentence, both
from app.trace.question import Question
from app.web import wording
from app.web.forms import forms, values
from app.web.refusals import REFUSALS, refusal
from app.web.translations import catalogue
from tests.cfx.malformed import payloads
from tests.rules.interlock_facts import judged
from tests.rules.test_interlock_rules import UNIT_RULES
from tests.rules.test_interlock_station_rules import STATION_RULES

GERMAN = catalogue("de").gettext
AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
# What other rooms say of a unit, a slot or a tool is theirs; these cases bring it along as they like.
OTHERS = {"on_hold", "sub_assembly_on_hold", "already_started"}


def said(verdict: Verdict) -> Iterator[Sentence]:
    for ground in verdict.reasons:
        if ground.code not in OTHERS:
            yield from (ground.sentence, ground.clears, *([ground.right.sentence] if ground.right else []))
    yield from (*verdict.warnings, *verdict.notes)


CASES = [row for row in (*UNIT_RULES, *STATION_RULES) if not {"setup", "tools"} & row[1].get("station", {}).keys()]


@pytest.mark.parametrize("differs", [row[1] for row in CASES], ids=[row[0] for row in CASES])
def test_whatever_the_gate_says_is_said_in_german(differs: dict[str, Any]) -> None:
    for sentence in said(judged(**differs)):
        assert GERMAN(sentence.template) != sentence.template, sentence.template
        german = wording.told(sentence, GERMAN)
        assert all(str(value) in german for name, value in sentence.values.items() if name in {"unit", "package"})


@pytest.mark.parametrize(
    ("sentence", "english", "german"),
    [
        (
            Sentence("%(unit)s was mended at %(time)s and has not passed %(operation)s since.",
                     unit="SN-1", time=AT, operation="optical_inspection"),
            "SN-1 was mended at 2026-11-20 06:00 UTC and has not passed optical inspection since.",
            "SN-1 wurde am 20.11.2026, 06:00 UTC nachgearbeitet und hat Optische Inspektion seither nicht bestanden.",
        ),
        (
            Sentence("Activate %(either_recipe)s.", either_recipe=("top rev A", "bottom rev A")),
            "Activate top rev A or bottom rev A.",
            "top Rev. A oder bottom Rev. A aktivieren.",
        ),
        (
            both(Sentence("Load another package."), Sentence("Clean it soon.")),
            "Load another package. Clean it soon.",
            "Ein anderes Gebinde rüsten. Bald reinigen.",
        ),
        (
            Sentence("%(unit)s is scrapped: %(reason)s.", unit="100 % <b>", reason="%(unit)s"),
            "100 % <b> is scrapped: %(unit)s.",
            "100 % <b> ist verschrottet: %(unit)s.",
        ),
        (
            Sentence("%(who)s locked %(station)s. They unlock it, or a process or quality engineer does.",
                     who="person:ann", station="Acme.M.1"),
            "person:ann locked Acme.M.1. They unlock it, or a process or quality engineer does.",
            "ann hat Acme.M.1 gesperrt. Entsperren kann dieselbe Person, oder ein Prozess- oder Qualitätsingenieur.",
        ),
        (
            Sentence("A package holds more than zero pieces, not %(pieces)s.", pieces=-2.5),
            "A package holds more than zero pieces, not -2.5.",
            "Ein Gebinde enthält mehr als null Stück, nicht -2,5.",
        ),
    ],
    ids=["operation and time", "any of several", "two sentences", "what came from outside is neither format nor key",
         "who", "pieces"],
)  # fmt: skip
def test_a_value_is_said_as_what_it_is(sentence: Sentence, english: str, german: str) -> None:
    assert sentence == english
    assert wording.told(sentence, GERMAN) == german


def test_a_row_keeps_a_reason_that_any_language_can_say_again() -> None:
    sentence = Sentence("Package %(package)s thaws until %(time)s.", package="P-1", time=AT)
    row = json.loads(json.dumps(kept(Reason("not_thawed", sentence, Sentence("Load another.")))))
    assert (row["code"], row["sentence"], row["clears"]) == ("not_thawed", str(sentence), "Load another.")
    assert wording.told(said_again(row), GERMAN) == "Gebinde P-1 taut auf bis 20.11.2026, 06:00 UTC."
    older = {"code": "not_thawed", "sentence": "Package P-1 thaws until noon.", "clears": "Wait."}
    assert wording.told(said_again(older), GERMAN) == "Package P-1 thaws until noon."


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Acme.M.1 put package R-1 on it, 2026-11-20 06:00:00 UTC.",
         "Acme.M.1 hat Gebinde R-1 darauf verarbeitet, 20.11.2026, 06:00:00 UTC."),
        ("Acme.M.1 placed R1, R2 from package R-1", "Acme.M.1 hat R1, R2 aus Gebinde R-1 bestückt"),
        ("Acme.M.1 placed R1, R2 and 3 more from lot A17 part R-10K, 2026-11-20 06:00:00 UTC.",
         "Acme.M.1 hat R1, R2 und 3 weitere aus Los A17 Teil R-10K bestückt, 20.11.2026, 06:00:00 UTC."),
        (("Acme.M.1 placed R1 from date code 2231; the clock of Acme.M.1 was seen off by up to 90 s, "
         "2026-11-20 06:00:00 UTC."),
         ("Acme.M.1 hat R1 aus Datumscode 2231 bestückt; die Uhr von Acme.M.1 ging um bis zu 90 s falsch, "
         "20.11.2026, 06:00:00 UTC.")),
        (("ann tested it at Acme.M.1, 2026-11-20 06:00:00 UTC; the clock of Acme.M.1 was seen off by up to 90 s, or "
         "another board that the carrier held near that time."),
         ("ann hat sie an Acme.M.1 getestet, 20.11.2026, 06:00:00 UTC; die Uhr von Acme.M.1 ging um bis zu 90 s "
         "falsch, oder an einer anderen Leiterplatte, die der Träger um diese Zeit hielt.")),
        (("Acme.M.1 placed R1 from package R-1 on this or another board, by clocks that leave open which the carrier "
         "held"),
         ("Acme.M.1 hat R1 aus Gebinde R-1 auf dieser oder einer anderen Leiterplatte bestückt; die Uhren lassen "
         "offen, welche der Träger hielt")),
        (("Acme.M.1 worked on it while package R-1 was loaded and named neither package nor slot for the unit; it was "
         "loaded then"),
         ("Acme.M.1 arbeitete daran, als Gebinde R-1 gerüstet war, und nannte für die Einheit weder Gebinde noch "
         "Feederplatz")),
        ("Acme.M.1 put package lot A on it", "Acme.M.1 hat Gebinde lot A darauf verarbeitet"),
        ("Acme.M.1 put lot A B part C on it", "Acme.M.1 hat lot A B part C darauf verarbeitet"),
        ("It fell on the floor.", "It fell on the floor."),
    ],
)  # fmt: skip
def test_why_something_is_held_is_said_in_the_readers_language(english: str, german: str) -> None:
    assert wording.fact(english, GERMAN) == german
    assert wording.fact(english, str) == english


def test_what_was_asked_for_is_said_whatever_it_is_called() -> None:
    asked = Question(lot="A part B", part_number="C")
    german = wording.fact(f"Acme.M.1 put {asked.words} on it", GERMAN, asked)
    assert german == "Acme.M.1 hat Los A part B Teil C darauf verarbeitet"


def test_every_work_by_which_units_are_found_is_said_in_the_readers_language() -> None:
    source = (Path(app.__file__).parent / "trace/works.py").read_text(encoding="utf-8")
    deeds = set(re.findall(r"'([a-z ]+)' AS deed|SELECT .*, '([a-z ]+)', received_at|^ {12}\"\w+\": \"([a-z ]+)\",$",
                           source, re.MULTILINE))  # fmt: skip
    said = [(f"Acme.M.1 {deed} it", f"ann {deed} it at Acme.M.1") for found in deeds for deed in found if deed]
    assert len(said) > 11
    assert not [ways for ways in said if all(wording.fact(english, GERMAN) == english for english in ways)]


def why_not(payload: bytes) -> Iterator[str]:
    for part in decode(payload):
        if isinstance(part, Malformed):
            yield part.reason
            continue
        try:
            decode_body(part)
        except BodyError as refused:
            yield refused.reason


def form_of(english: str) -> str | None:
    return next((text for text, form in forms(REFUSALS) if values(form, english) is not None), None)


def test_why_a_message_was_refused_is_said_in_the_readers_language() -> None:
    seen = set()
    for english in (one for payload in payloads(seed=3, n=2000) for one in why_not(payload)):
        assert refusal(english, str) == english
        assert refusal(english, GERMAN) != english
        seen.add(form_of(english))
    assert len(seen) > 20
    assert refusal("%(subject)s fell over.", GERMAN) == "%(subject)s fell over."
    assert refusal("WorkStarted: The body must be a number, but is %(x)s.", GERMAN) == (
        "WorkStarted: Der Inhalt muss eine Zahl sein, ist aber %(x)s."
    )


REFUSING = {"_Refused", "Malformed", "PayloadError", "UnreadableBody", "InstalledError", "BodyError", "refuse"}


def test_every_reason_that_the_source_refuses_with_has_a_form() -> None:
    folder = Path(app.__file__).parent
    nodes = (
        argument
        for room in ("cfx", "inbox")
        for file in (folder / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {*REFUSING, "turn_away"}
        for argument in node.args
    )
    said = [text for text in map(sample, nodes) if " " in text]
    assert len(said) > 40
    assert not [text for text in said if form_of(text) is None]


def sample(node: ast.expr) -> str:
    """A text of the source, with an x for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("replayed by person:ann: stored", "erneut übernommen von ann: gespeichert"),
        ("dismissed by person:ann: a test's", "verworfen von ann: a test's"),
    ],
)
def test_how_a_message_was_resolved_is_said_in_the_readers_language(english: str, german: str) -> None:
    assert wording.resolution(english, GERMAN) == german


@pytest.mark.parametrize(
    ("terms", "german"),
    [
        (Terms(Question(lot="A17", part_number="R-10K")), ("Los A17 Teil R-10K", "A17 wird gesperrt")),
        (Terms(serials=("A", "B")), ("2 Seriennummern", "2 Seriennummern werden gesperrt")),
        (Terms(serials=("part 7",)), ("part 7", "part 7 wird gesperrt")),
    ],
)
def test_what_is_contained_is_said_in_the_readers_language(terms: Terms, german: tuple[str, str]) -> None:
    assert (wording.told(terms.words, GERMAN), wording.deed(f"Containing {terms.name}", GERMAN)) == german


def test_a_revision_is_said_and_names_are_not() -> None:
    assert wording.product("100-0042 rev A", GERMAN) == "100-0042 Rev. A"
    assert wording.product("rev 100-0042", GERMAN) == "rev 100-0042"


HOSTILE = (
    " placed a from a spliced chain with" * 400,
    " worked on it while package a was loaded and names no package for " * 200,
    ", 2024-01-01 06:00:00 UTC" * 500,
    " put a" * 2000 + " on it" * 2000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=["placed", "worked", "told", "put"])
def test_no_text_takes_long_to_be_recognised(text: str) -> None:
    begun = time.process_time()
    assert wording.fact(f"a{text}", str) == f"a{text}"
    assert time.process_time() - begun < 0.2


@pytest.mark.parametrize("moment", ["2024-99-99 99:99:99", "2024-02-30 00:00:00", "2024-01-01 00:00:60"])
def test_what_looks_like_a_time_and_is_none_is_shown_as_it_is(moment: str) -> None:
    package = f"P7, {moment} UTC"
    told = f"Acme.M.1 put package {package} on it, 2024-01-01 06:00:00 UTC."
    assert wording.fact(told, str) == told
    assert package in wording.fact(told, GERMAN)


@pytest.mark.parametrize(
    ("identity", "german"),
    [("person:ann", "ann"), ("token:7 press", "press"), ("station:Acme.M.1", "der Station selbst"), ("test", "test")],
)
def test_who_did_something_is_named_as_people_do(identity: str, german: str) -> None:
    assert wording.who(identity, GERMAN) == german
