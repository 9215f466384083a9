"""Where a unit is in its routing: what comes next, what is skipped, done, or passed over."""

from datetime import UTC, datetime, timedelta

import pytest

from app.products.routing import Check, Place, RoutingStep, Visit, next_operation, reentry, standing, steps_done

ONE_SIDE = [
    RoutingStep("print"),
    RoutingStep("spi", optional=True),
    RoutingStep("place"),
    RoutingStep("reflow"),
    RoutingStep("aoi"),
]
TWO_SIDES = [RoutingStep(name) for name in ("print", "place", "aoi", "print", "place", "aoi", "test")]
BEGAN = datetime(2026, 11, 22, 6, tzinfo=UTC)


def visits(done: str) -> list[Visit]:
    """One a minute, in the order given."""
    return [Visit(operation, BEGAN + timedelta(minutes=at)) for at, operation in enumerate(done.split())]


@pytest.mark.parametrize(
    ("done", "then"),
    [
        ("", "print"),
        ("print", "place"),
        ("print spi", "place"),
        ("print place visual_check", "reflow"),
        ("place", "print"),
        ("print place reflow aoi", None),
    ],
)
def test_next_operation(done: str, then: str | None) -> None:
    step = next_operation(ONE_SIDE, visits(done))
    assert (step.operation if step else None) == then


@pytest.mark.parametrize(
    ("done", "operation", "place", "missing"),
    [
        ("", "print", Place.next, ""),
        ("print", "spi", Place.next, ""),
        ("print", "place", Place.next, ""),
        ("print", "aoi", Place.skips, "place reflow"),
        ("", "spi", Place.skips, "print"),
        ("print", "print", Place.done, ""),
        ("print place", "spi", Place.passed_over, ""),
        ("", "box_build", Place.elsewhere, ""),
        ("print place reflow aoi", "aoi", Place.done, ""),
    ],
)
def test_standing(done: str, operation: str, place: Place, missing: str) -> None:
    found = standing(ONE_SIDE, visits(done), operation)
    assert (found.place, " ".join(found.missing)) == (place, missing)


@pytest.mark.parametrize(
    ("done", "operation", "place", "missing"),
    [
        ("print place aoi", "print", Place.next, ""),
        ("print place aoi", "aoi", Place.done, "print place"),  # once more, before it set out for the second side
        ("print place aoi aoi", "print", Place.next, ""),
        ("print place aoi aoi print place", "aoi", Place.next, ""),  # the retest is not the second side's inspection
        ("print place aoi aoi print place", "test", Place.skips, "aoi"),
        ("print place aoi print", "aoi", Place.skips, "place"),
        ("print place aoi print place aoi", "test", Place.next, ""),
        ("print place aoi print place aoi", "print", Place.done, ""),
    ],
)
def test_standing_on_two_sides(done: str, operation: str, place: Place, missing: str) -> None:
    found = standing(TWO_SIDES, visits(done), operation)
    assert (found.place, " ".join(found.missing)) == (place, missing)


def test_a_waived_operation_is_not_missing() -> None:
    assert standing(ONE_SIDE, visits("print place"), "aoi", waived={"reflow"}).place is Place.next


def test_clocks_that_differ_a_little_lose_no_step() -> None:
    swapped = [Visit("place", BEGAN), Visit("print", BEGAN + timedelta(seconds=2))]
    assert steps_done(ONE_SIDE, swapped) == [True, False, True, False, False]


MENDING = [RoutingStep(name) for name in ("print", "spi", "place", "reflow", "aoi", "ict", "coat", "fct")]


@pytest.mark.parametrize(
    ("routing", "story", "again"),
    [
        (MENDING, "print spi place reflow aoi- mend", "aoi"),
        (MENDING, "print spi place reflow aoi- mend aoi", ""),
        (MENDING, "print spi place reflow aoi ict- mend", "ict"),
        (MENDING, "print spi place reflow aoi ict coat fct- mend", "fct"),
        (MENDING, "print spi place reflow aoi- ict mend", "aoi ict"),  # let past AOI, and tested before the repair
        (MENDING, "print spi place reflow aoi ict coat fct mend", "ict fct"),  # nothing had failed: what was exchanged
        (MENDING, "print spi place reflow aoi ict mend", "aoi ict"),
        (MENDING, "print spi place reflow aoi ict mend aoi", "ict"),
        (MENDING, "print spi place reflow aoi ict mend aoi ict mend", "aoi ict"),
        (MENDING, "print spi place reflow mend", "spi"),
        (MENDING, "print mend", ""),  # no check had seen it
        (MENDING, "print spi place reflow aoi ict coat fct", ""),
        (TWO_SIDES, "print place aoi print place aoi mend", "aoi"),
        (ONE_SIDE, "print spi- mend", "spi"),  # an optional check that found something is to be passed
        (ONE_SIDE, "mend print spi place reflow aoi", ""),
    ],
)
def test_a_mended_unit_passes_checks_again(routing: list[RoutingStep], story: str, again: str) -> None:
    found = reentry(routing, *told(story))
    assert " ".join(found.again) == again
    step = next_operation(found.routing, found.visits)
    assert (step.operation if step else None) == next(
        (one.operation for one in routing if one.operation in again.split() or one.operation not in story), None
    )


def test_of_two_sides_the_last_inspection_is_repeated_once() -> None:
    found = reentry(TWO_SIDES, *told("print place aoi print place aoi test mend"))
    assert standing(found.routing, found.visits, "test").missing == ("aoi",)
    found = reentry(TWO_SIDES, *told("print place aoi print place aoi test mend aoi"))
    assert standing(found.routing, found.visits, "test").place is Place.next


def told(story: str) -> tuple[list[Visit], list[Check], list[datetime]]:
    """A step a minute, `-` failed, `mend` where parts were exchanged: visits, checks, mendings."""
    done, checks, mended = [], [], []
    for number, word in enumerate(story.split()):
        at, name = BEGAN + timedelta(minutes=number), word.rstrip("-")
        if name == "mend":
            mended.append(at)
            continue
        done.append(Visit(name, at))
        if name in {"spi", "aoi", "ict", "fct", "test"}:
            checks.append(
                Check(name, at + timedelta(seconds=9), passed=name == word, is_test=name in {"ict", "fct", "test"})
            )
    return done, checks, mended
