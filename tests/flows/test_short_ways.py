"""Trace asks less of most boards than there is to ask: what its screens leave out must change no answer.

On generated factories every question is asked twice: as the REST door asks it (plans made once, screens, in pages),
and thoroughly (plans for the values asked with, every question of every unit). The answers are equal.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from msgspec import structs
from sqlalchemy import Connection, Engine, text

from app.db import create_engine
from app.trace import answer, boards, hits, made_from, shown
from app.trace import where_used as used
from app.trace.boards import Board
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, stream_where_used, where_used
from app.units.whereabouts import places_of
from tests.flows.factory.blueprint import Blueprint, blueprints
from tests.flows.recorded import Laboratory

_FACTORIES, _MORE = 5, 60
"""Without and with `--slow`: each is asked some forty questions twice."""
_ASKED = 10
_PAGE = 3


def _everything_shown(connection: Connection, units: Collection[int], *, placed: bool = True) -> shown.Shown:
    known = shown.shown_of(connection, units, placed=False).particulars
    places = places_of(connection, units) if placed else {}
    told = {unit_id: structs.replace(one, place=shown.words(places.get(unit_id))) for unit_id, one in known.items()}
    return shown.Shown(told, set(units), set(units))


def _every_board(
    connection: Connection, sets: list[int] | None, question: Question, *, after: int = 0
) -> Iterator[Board]:
    return iter(()) if sets == [] else boards.resolved(connection, sets, question, after)


def _thoroughly(patch: pytest.MonkeyPatch) -> None:
    """Nothing is screened out."""
    patch.setattr(answer, "shown_of", _everything_shown)
    patch.setattr(answer, "boards_carrying", _every_board)
    patch.setattr(used, "find_hits", lambda *asked: replace(hits.find_hits(*asked), ever_loaded=True))
    subject = made_from._SUBJECT.text
    for table in ("removal", "installed_unit", "unit_event"):
        subject = subject.replace(made_from._SAID_OF.format(table), "true")
    patch.setattr(made_from, "_SUBJECT", text(subject))


def _in_pages(connection: Connection, question: Question) -> list[CarryingUnit]:
    page = where_used(connection, question, limit=_PAGE)
    units = page.units
    while page.next:
        page = where_used(connection, question, limit=_PAGE, cursor=page.next)
        units += page.units
    return units


def _answers(connection: Connection, questions: list[Question], serials: list[str], *, in_pages: bool) -> list[Any]:
    asked = _in_pages if in_pages else stream_where_used
    used = [list(asked(connection, question)) for question in questions]
    return used + [made_from.made_from(connection, serial) for serial in serials]


def _questions(connection: Connection, rng: Random) -> tuple[list[Question], list[str]]:
    packages = sorted(connection.execute(text("SELECT identifier FROM package")).scalars())
    lots = sorted(connection.execute(text("SELECT DISTINCT lot_code FROM lot")).scalars())
    parts = sorted(connection.execute(text("SELECT DISTINCT part_number FROM package_description")).scalars(), key=str)
    serials = sorted(connection.execute(text("SELECT serial FROM serial")).scalars())
    some = [
        *(Question(package=one) for one in rng.sample(packages, min(_ASKED, len(packages)))),
        *(Question(lot=one) for one in lots[:3]),
        *(Question(part_number=one) for one in parts[:2] if one),
        *(Question(serial=one) for one in rng.sample(serials, min(3, len(serials)))),
    ]
    return some, rng.sample(serials, min(_ASKED, len(serials)))


@pytest.fixture(scope="module")
def keyed(laboratory: Laboratory) -> Iterator[Engine]:
    engine = create_engine(laboratory.engine.url.render_as_string(hide_password=False), pool_size=1, keyed=True)
    yield engine
    engine.dispose()


def test_what_is_not_asked_changes_no_answer(
    laboratory: Laboratory, keyed: Engine, pytestconfig: pytest.Config
) -> None:
    @seed(7)
    @settings(
        max_examples=_MORE if pytestconfig.getoption("--slow") else _FACTORIES,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(blueprints())
    def compare(blueprint: Blueprint) -> None:
        laboratory.recorded(blueprint)
        with keyed.connect() as connection:
            questions, serials = _questions(connection, Random(blueprint.seed))
            short = _answers(connection, questions, serials, in_pages=True)
        with laboratory.engine.connect() as connection, pytest.MonkeyPatch.context() as patch:
            _thoroughly(patch)
            thorough = _answers(connection, questions, serials, in_pages=False)
        for asked, one, other in zip([*questions, *serials], short, thorough, strict=True):
            assert one == other, asked

    compare()
