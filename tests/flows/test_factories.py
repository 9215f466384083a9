"""Generated factories: what the product answers, held against what was truly built.

Every property of `tests.flows.properties` is looked at in each; `--factories N` says in how many. A failing factory is
shrunk, and printed as its blueprint.
"""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.flows.factory.blueprint import Blueprint, blueprints
from tests.flows.properties import ALL
from tests.flows.recorded import Laboratory, Recorded

SHARD = 20
"""Factories of one test; its seed is its number."""
_SHOWN = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = int(metafunc.config.getoption("--factories"))
    metafunc.parametrize("shard", range(-(-wanted // SHARD)))


def test_what_is_told_of_a_factory_is_true(shard: int, laboratory: Laboratory) -> None:
    @seed(shard)
    @settings(
        max_examples=SHARD,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(blueprints())
    def examine(blueprint: Blueprint) -> None:
        complaints = list(islice(_complaints(laboratory.recorded(blueprint)), _SHOWN))
        assert not complaints, "\n".join(complaints)

    examine()


def _complaints(recorded: Recorded) -> Iterator[str]:
    for holds in ALL:
        for complaint in holds(recorded):
            yield f"{holds.__name__}: {complaint}"
