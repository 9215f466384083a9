"""What is remembered of a million boards is compared with what the tables answer."""

from pathlib import Path

import pytest

from app.bench import beyond, genealogy
from app.bench.running import Place
from app.bench.workload import Line


def test_answers_further_on_are_what_the_line_built(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_BATCH", 10), ("_REEL_OF", 1), ("_BOARD_OF", 10)):
        monkeypatch.setattr(beyond, name, value)
    place, line = Place(Path(), lambda _: None), Line()
    remembered, speed = beyond.go_on(place, line, database, 60, genealogy.announce)
    assert speed > 0
    assert len(remembered.packages) == 6

    def figures() -> set[str]:
        names = genealogy._finished(line), genealogy._lots(line)
        return {one.name.partition(",")[0] for one in beyond.ask(line, remembered, 0, *names, database)}

    assert figures() == {"one reel to serials", "a lot of 20 reels to serials", "one serial to reels"}
    for units in remembered.units.values():
        units.add("never built")
    with pytest.raises(AssertionError, match="is not what the line built"):
        figures()
