"""Which operation comes next, and what was left out."""

import pytest

from app.products.routing import RoutingStep, next_operation, skipped

ROUTING = [
    RoutingStep("print"),
    RoutingStep("spi", optional=True),
    RoutingStep("place"),
    RoutingStep("reflow"),
    RoutingStep("aoi"),
]


@pytest.mark.parametrize(
    ("done", "then"),
    [
        ([], "print"),
        (["print"], "place"),
        (["print", "spi"], "place"),
        (["print", "place", "visual check"], "reflow"),
        (["place"], "print"),
        (["print", "place", "reflow", "aoi"], None),
    ],
)
def test_next_operation(done: list[str], then: str | None) -> None:
    step = next_operation(ROUTING, done)
    assert (step.operation if step else None) == then


@pytest.mark.parametrize(
    ("done", "operation", "missing"),
    [
        ([], "print", []),
        (["print"], "place", []),
        (["print"], "aoi", ["place", "reflow"]),
        ([], "spi", ["print"]),
        ([], "box build", []),
    ],
)
def test_what_was_skipped(done: list[str], operation: str, missing: list[str]) -> None:
    assert [step.operation for step in skipped(ROUTING, done, operation)] == missing
