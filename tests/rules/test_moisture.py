"""Floor life, told in hours from the opening of the bag: what happened, the level's limit, and where it stands."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.materials.happenings import Happened, Happening
from app.materials.moisture import HOURS, FloorLife, floor_life, level_from, stricter

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
MSL3 = timedelta(hours=168)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def told(*happened: tuple[str, float]) -> list[Happening]:
    return [Happening(Happened(kind), START + hours(when)) for kind, when in happened]


def standing(happenings: list[Happening], at: float, limit: timedelta | None = MSL3) -> FloorLife:
    return floor_life(happenings, limit=limit, at=START + hours(at))


LEFT = [
    # a closed bag does not age
    ((), 1000, 168),
    ((("rated", 0),), 1000, 168),
    # the clock runs from the opening and is cumulative
    ((("opened", 0),), 0, 168),
    ((("opened", 0),), 167.75, 0.25),
    ((("opened", 0),), 168, 0),
    ((("opened", 0), ("opened", 50)), 100, 68),
    # what sits in a machine is open
    ((("loaded", 0),), 10, 158),
    ((("opened", 0), ("loaded", 5)), 10, 158),
    # dry storage pauses, and does not set back
    ((("opened", 0), ("dry_stored", 100)), 5000, 68),
    ((("opened", 0), ("dry_stored", 100), ("dry_removed", 500)), 510, 58),
    ((("opened", 0), ("dry_stored", 100), ("loaded", 500)), 510, 58),
    ((("opened", 0), ("dry_stored", 168), ("dry_removed", 500)), 501, 0),
    # a bag that was never opened stays closed in the cabinet; one taken out of it was open
    ((("dry_stored", 0),), 5000, 168),
    ((("dry_stored", 0), ("dry_removed", 10)), 20, 158),
    # baking begins anew, also after the end
    ((("opened", 0), ("restored", 100)), 110, 158),
    ((("opened", 0), ("restored", 500)), 510, 158),
    ((("opened", 0), ("restored", 500), ("dry_stored", 501)), 9000, 167),
    # wet is over, until it is baked
    ((("opened", 0), ("humidity_card_wet", 0)), 1, 0),
    ((("expired", 5),), 6, 0),
    ((("opened", 0), ("humidity_card_wet", 0), ("dry_stored", 1)), 5000, 0),
    ((("opened", 0), ("humidity_card_wet", 0), ("restored", 10)), 12, 166),
    # what is still to come does not count
    ((("opened", 0), ("restored", 100)), 99, 69),
]


@pytest.mark.parametrize(("happened", "at", "left"), LEFT)
def test_what_is_left(happened: tuple[tuple[str, float], ...], at: float, left: float) -> None:
    assert standing(told(*happened), at).left == hours(left)


@pytest.mark.parametrize(("happened", "at", "left"), LEFT)
def test_the_order_in_which_it_is_told_does_not_matter(
    happened: tuple[tuple[str, float], ...], at: float, left: float
) -> None:
    stands = {standing(list(order), at) for order in permutations(told(*happened))}
    assert len(stands) == 1


def test_it_is_over_at_the_limit_and_not_before() -> None:
    opened = told(("opened", 0))
    assert standing(opened, 167.999).over_since is None
    assert standing(opened, 167.999).runs_out_at == START + MSL3
    over = standing(opened, 168)
    assert (over.over_since, over.runs_out_at) == (START + MSL3, None)


def test_it_was_over_when_it_was_and_not_when_somebody_looked() -> None:
    interrupted = told(("opened", 0), ("dry_stored", 100), ("dry_removed", 200))
    assert standing(interrupted, 999).over_since == START + hours(268)
    assert standing([*interrupted, *told(("dry_stored", 300))], 999).over_since == START + hours(268)


def test_in_dry_storage_nothing_runs_out() -> None:
    stands = standing(told(("opened", 0), ("dry_stored", 100)), 150)
    assert (stands.exposed, stands.runs_out_at, stands.used) == (False, None, hours(100))


def test_stored_and_taken_out_at_one_moment_is_out() -> None:
    stands = standing(told(("opened", 0), ("dry_removed", 10), ("dry_stored", 10)), 20)
    assert (stands.exposed, stands.used) == (True, hours(20))


def test_a_machine_that_says_less_is_left_is_believed_and_one_that_says_more_is_not() -> None:
    less = [Happening(Happened.opened, START, floor_life_left=hours(48))]
    assert standing(less, 8).left == hours(40)
    more = [*told(("opened", 0)), Happening(Happened.dry_stored, START + hours(100), floor_life_left=hours(144))]
    assert standing(more, 100).left == hours(68)
    none = [Happening(Happened.opened, START, floor_life_left=timedelta(0))]
    assert standing(none, 0).over_since == START


def test_level_1_never_ends_unless_somebody_says_so() -> None:
    assert standing(told(("opened", 0)), 99_999, None).over_since is None
    assert standing(told(("opened", 0), ("expired", 5)), 6, None).over_since == START + hours(5)


def test_floor_lives_are_those_of_the_standard() -> None:
    assert HOURS == {"1": None, "2": 8760, "2a": 672, "3": 168, "4": 72, "5": 48, "5a": 24, "6": 0}


@pytest.mark.parametrize(
    ("text", "level"),
    [("MSL2A", "2a"), ("MSL5A", "5a"), ("3", "3"), ("Level 4", "4"), ("msl-6", "6"), ("Unspecified", None),
     ("MSL7", None), ("", None), (None, None)],
)  # fmt: skip
def test_levels_however_they_are_written(text: str | None, level: str | None) -> None:
    assert level_from(text) == level


def test_the_strictest_level_counts() -> None:
    assert stricter(["3", "5a", "5"]) == "5a"
    assert stricter([]) is None


@pytest.mark.parametrize(
    ("happened", "because"),
    [
        ((("opened", 0),), "clock"),
        ((("opened", 0), ("humidity_card_wet", 1)), "card"),
        ((("expired", 1),), "machine"),
        ((("opened", 0), ("expired", 169)), "clock"),
        ((("opened", 0), ("humidity_card_wet", 1), ("restored", 2)), "clock"),
    ],
)
def test_what_said_first_that_it_is_over(happened: tuple[tuple[str, float], ...], because: str) -> None:
    assert standing(told(*happened), 500).over_because == because


@pytest.mark.parametrize(
    ("exposed", "at", "left"),
    [(None, 102, 66), (None, 110, 65), (100, 110, 58), (103, 110, 58), (104, 110, 59)],
)
def test_what_was_stored_at_the_latest_then_protects_since(exposed: float | None, at: float, left: float) -> None:
    stored = Happening(Happened.dry_stored, START + hours(100), latest=START + hours(103))
    happened = [*told(("opened", 0)), stored, *(told(("dry_removed", exposed)) if exposed is not None else ())]
    assert standing(happened, at).left == hours(left)
