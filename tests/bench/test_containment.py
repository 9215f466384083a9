"""The benchmark holds what it says it holds, at a size that takes a second."""

from sqlalchemy import Engine

from app.bench.containment import REELS, contain
from app.bench.figures import missed


def test_every_unit_is_held_at_the_commit_and_none_before(engine: Engine) -> None:
    said: list[str] = []
    figures = {one.name: one for one in contain(engine, 10 * REELS, said.append)}
    # So few units are held between two looks: how many steps are seen is a matter of luck.
    assert {one.name for one in missed(list(figures.values()))} <= {"steps of progress seen meanwhile"}
    assert figures["units held"].value == 10 * REELS
    assert figures["verdicts asked"].value > 0
