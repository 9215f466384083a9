"""Whoever is stopped reads what clears it: each story does that to the letter, asks again, and is stopped no more."""

import pytest
from sqlalchemy import Engine

from tests.interlock import stories_of_setups, stories_of_shipping, stories_of_stations, stories_of_units  # noqa: F401
from tests.interlock.clearing import STORIES, Story


@pytest.mark.parametrize(
    ("code", "sentence", "story"), [pytest.param(*one, id=f"{one[0]}-{one[2].__name__}") for one in STORIES]
)
def test_what_is_named_clears_it(line: Engine, code: str, sentence: str, story: Story) -> None:
    stopped, after = story(line)
    assert stopped.get(code) == sentence
    assert code not in after
