"""Whoever is stopped reads what clears it: each story does that to the letter, asks again, and is stopped no more."""

import ast
import re

import pytest
from sqlalchemy import Engine

from tests.architecture.sources import ROOT
from tests.interlock import stories_of_setups, stories_of_shipping, stories_of_stations, stories_of_units  # noqa: F401
from tests.interlock.clearing import STORIES, Story
from tests.interlock.sentences_of_clearing import sentences_of_clearing

_SETUP = "doors/test_what_clears_a_setup.py::test_the_deed_that_is_named_clears_it"
_TOOL = "doors/test_what_clears_a_tool.py::test_the_deed_that_is_named_clears_it"
_PERHAPS = "interlock/test_reused_carriers.py::test_shipping_says_what_clears_a_board_that_is_only_perhaps_scrapped"
ELSEWHERE = {
    ("", "Or exchange %(unit_inside)s."): "containment/test_shipping.py::test_what_is_wrong_inside_keeps_the_assembly",
    ("bake_before_use", "Bake it and record that; then its label's time counts."): _SETUP,
    ("built_in", "It leaves with %(unit_around)s, or is taken out of it."):
        "containment/test_shipping.py::test_what_is_built_in_leaves_with_its_assembly_alone",
    ("calibration_due", "Calibrate it and record that."): _TOOL,
    ("counted_empty", "Load another; if this one is not empty, count it and return it with its count first."): _SETUP,
    ("humidity_card_wet", "Bake it and record that, or load another."): _SETUP,
    ("package_held", "Load another package."): _SETUP,
    ("perhaps_scrapped", "Quality finds out which, and accepts it as it is or scraps it."): _PERHAPS,
    ("scrapped", "Quality finds out which, and accepts %(unit)s as it is or scraps it."):
        "interlock/test_reused_carriers.py::test_a_scrap_that_a_clock_told_in_the_next_round_stops_the_board_that_was_"
        "scrapped",
    ("tool_retired", "Take it out and load another, and record both."): _TOOL,
}  # fmt: skip
"""Sentences that another test does to the letter, and which."""

CLEARS_NOTHING = {
    ("", "Ask the factory."),  # a customer is told
    ("scrapped", "Take it out of the line."),
    ("scrapped", "Nothing: a scrapped unit does not leave."),
    ("calibration_due", "Calibrate it before."),  # what only warns is no reason yet
    ("cleaning_due", "Clean it soon."),
    ("expires_soon", "Use it before, or have another ready."),
    ("tool_worn_out", "Have another ready."),
}


@pytest.mark.parametrize(
    ("code", "sentence", "story"), [pytest.param(*one, id=f"{one[0]}-{one[2].__name__}") for one in STORIES]
)
def test_what_is_named_clears_it(line: Engine, code: str, sentence: str, story: Story) -> None:
    stopped, after = story(line)
    assert stopped.get(code) == sentence
    assert code not in after


def test_every_sentence_that_says_what_clears_a_reason_has_its_story() -> None:
    told = {pair for pair in sentences_of_clearing() if any(_tells(story, pair) for story in STORIES)}
    assert sentences_of_clearing() - told == ELSEWHERE.keys() | CLEARS_NOTHING


def _tells(story: tuple[str, str, Story], pair: tuple[str, str]) -> bool:
    code, template = pair
    pattern = ".+".join(re.escape(part) for part in re.split(r"%\(\w+\)s", template))
    return code in {"", story[0]} and (not template or re.fullmatch(pattern, story[1]) is not None)


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_what_is_told_elsewhere_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
