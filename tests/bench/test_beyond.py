"""Ten lines in the tables: each is answered as the first one was, in its own names."""

from itertools import islice
from pathlib import Path

import pytest

from app.bench import beyond, genealogy, lookups
from app.bench.running import Place
from app.bench.workload import Line
from app.db import create_engine
from app.inbox.record import Delivery, Recorder


def test_other_lines_are_answered_in_their_own_names(database: str) -> None:
    line, place = Line(), Place(Path(), lambda _: None)
    engine = create_engine(database, pool_size=1)
    recorder = Recorder(engine)
    batch = list(islice(line.boards(60), 60))
    genealogy.announce(recorder, line, batch)
    recorder.record([Delivery(message.payload) for board in batch for message in board.messages])
    engine.dispose()

    reels = [one.identifier for one in line.packages]
    asked = lookups.lookups(reels, genealogy._lots(line), [board.serial for board in batch])
    told = beyond.answers(database, asked)
    assert all(told.values())
    beyond.multiply(place, database, 3)
    assert len(beyond.ask(database, asked, told, 3)) == len(asked) == 3
    assert beyond.answers(database, asked) == told, "the first line's answers stay"
    told[asked[0].names[0]] = {"never built"}
    with pytest.raises(AssertionError, match=asked[0].what):
        beyond.ask(database, asked, told, 3)
