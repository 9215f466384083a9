"""A long answer shows how far it is while it is told, and no longer."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from app.http import streams
from app.http.streams import watched
from app.live import going_on


def running(engine: Engine) -> Sequence[tuple[str, str, int]]:
    with engine.connect() as connection:
        return [(step.deed, step.actor, step.done) for step in going_on(connection)]


def test_a_long_answer_is_seen_while_it_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_LONG", 10)
    monkeypatch.setattr(streams, "_TOLD_EVERY", 5)
    told = []
    for number in watched(range(18), engine, deed="Telling", actor="Ada"):
        told.append(number)
        if number < 10:
            assert not running(engine), "what is short is nobody's concern"
        elif number >= 15:
            assert running(engine) == [("Telling", "Ada", 10)] or running(engine) == [("Telling", "Ada", 15)]

    assert told == list(range(18))
    assert not running(engine)


def test_an_answer_that_nobody_waits_for_is_not_going_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_LONG", 2)
    telling = watched(iter(range(9)), engine, deed="Telling", actor="Ada")
    assert [next(telling) for _ in range(4)] == [0, 1, 2, 3]
    assert running(engine)

    del telling

    assert not running(engine)
