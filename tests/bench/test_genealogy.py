"""The genealogy benchmark on a few boards: both sides answer alike, and every board comes back."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.bench import genealogy, lookups
from app.bench.figures import Figure
from app.bench.running import Place
from app.bench.workload import Line
from app.db import create_engine

BOARDS = 40


@pytest.fixture
def empty_database(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[str]:
    name = f"{worker_name}_rows"
    admin = create_engine(postgres_addresses["server"], pool_size=1)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield admin.url.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def test_both_sides_answer_alike_and_every_board_is_rebuilt(
    database: str, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genealogy, "_BATCH", 10)
    place, line, truth = Place(Path(), lambda _: None), Line(), genealogy._Truth()
    costs = genealogy._fill(place, line, truth, BOARDS, database, empty_database)
    assert costs.boards == len(truth.serials) == len(truth.hashes) == BOARDS
    assert costs.log > 0 < costs.copied_log
    assert {figure.unit for figure in genealogy._sizes(database, empty_database, costs)} == {"B"}

    asked = lookups.lookups([one.identifier for one in line.packages], genealogy._lots(line), truth.serials)
    with closing(lookups.connect(database)) as own, closing(lookups.connect(empty_database)) as rows:
        for one in asked:
            lookups.warm(one, own, rows)
            assert all(one.own(own, name) for name in one.names)
            assert one.own(own, "nothing of this name") == one.rows(rows, "nothing of this name") == set()

    assert rebuilt(database, truth).reached is True
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE placement SET template = (SELECT min(template) FROM placement)"))
    engine.dispose()
    assert rebuilt(database, truth).value == BOARDS


def rebuilt(database: str, truth: genealogy._Truth) -> Figure:
    return genealogy._rebuilt(database, truth)
