"""May this package be used? Rule by rule: what passes, what is refused, and the moment between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.materials.happenings import Happened, Happening
from app.materials.moisture import HOURS
from app.materials.rules import Condition, Handling, KnownPackage, condition_of
from app.materials.shelf_life import FINISH_HOURS

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LIMITS = {**HOURS, **FINISH_HOURS}
REEL = KnownPackage(1, "P-1182", part_number="IC-7")
PASTE = Handling("SAC305", kind="paste", thaw_hours=4, thawed_hours=72, open_hours=24)
BOARD = Handling("PCB-1", kind="bare_board", surface_finish="osp")


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def condition(
    *happened: tuple[str, float],
    at: float,
    handling: Handling | None = None,
    limits: dict[str, float | None] | None = None,
    **known: object,
) -> Condition:
    happenings = [Happening(Happened(kind), START + hours(when)) for kind, when in happened]
    package = replace(REEL, handling=handling or Handling(), happenings=happenings, **known)  # type: ignore[arg-type]
    return condition_of(package, limits=limits or LIMITS, at=START + hours(at))


def codes(found: Condition) -> list[str]:
    return [reason.code for reason in found.reasons]


@pytest.mark.parametrize(
    ("happened", "at", "handling", "expected"),
    [
        # what nobody ever treated as sensitive is not
        ([("loaded", 0)], 9999, None, []),
        # floor life by level; at the limit it is over
        ([("opened", 0)], 167.9, Handling(moisture_level="3"), []),
        ([("opened", 0)], 168, Handling(moisture_level="3"), ["floor_life_over"]),
        ([("opened", 0)], 99999, Handling(moisture_level="1"), []),
        # the label's time comes before the level's
        ([("opened", 0)], 50, Handling(moisture_level="3", floor_life_hours=50), ["floor_life_over"]),
        # opened and of no known level: as 5a
        ([("opened", 0)], 23, None, []),
        ([("opened", 0)], 24, None, ["floor_life_over"]),
        # level 6: baked first, then the label's time, and without one never
        ([], 0, Handling(moisture_level="6", floor_life_hours=6), ["bake_before_use"]),
        ([("restored", 0)], 5.9, Handling(moisture_level="6", floor_life_hours=6), []),
        ([("restored", 0)], 6, Handling(moisture_level="6", floor_life_hours=6), ["floor_life_over"]),
        ([("restored", 0)], 1, Handling(moisture_level="6"), ["floor_life_over"]),
        # a wet card
        ([("opened", 0), ("humidity_card_wet", 0)], 0, Handling(moisture_level="2"), ["humidity_card_wet"]),
        ([("humidity_card_wet", 0), ("restored", 9)], 10, Handling(moisture_level="2"), []),
        # retired stays retired
        ([("retired", 1)], 0.9, None, []),
        ([("retired", 1)], 1, None, ["retired"]),
        # paste: thawed through, within its time outside, within its time open
        ([], 0, PASTE, ["not_thawed"]),
        ([("thawed", 0)], 3.9, PASTE, ["not_thawed"]),
        ([("thawed", 0)], 4, PASTE, []),
        ([("thawed", 0), ("refrigerated", 10)], 11, PASTE, ["not_thawed"]),
        ([("thawed", 0), ("refrigerated", 10), ("thawed", 100)], 103, PASTE, ["not_thawed"]),
        ([("thawed", 0), ("refrigerated", 10), ("thawed", 100)], 161.9, PASTE, []),
        ([("thawed", 0), ("refrigerated", 10), ("thawed", 100)], 162, PASTE, ["thawed_too_long"]),
        ([("thawed", 0)], 72, PASTE, ["thawed_too_long"]),
        ([("thawed", 0), ("refrigerated", 80)], 100, PASTE, ["thawed_too_long"]),
        ([("thawed", 0), ("opened", 10)], 33.9, PASTE, []),
        ([("thawed", 0), ("opened", 10)], 34, PASTE, ["open_too_long"]),
        ([("thawed", 0), ("loaded", 10)], 34, PASTE, ["open_too_long"]),
        ([("thawed", 0), ("opened", 10), ("dry_stored", 11)], 34, PASTE, ["open_too_long"]),
        # bare boards: open time of the finish, pausing in dry storage, and baking does not help
        ([("opened", 0)], 23.9, BOARD, []),
        ([("opened", 0)], 24, BOARD, ["open_too_long"]),
        ([("opened", 0), ("dry_stored", 10), ("dry_removed", 500)], 513.9, BOARD, []),
        ([("opened", 0), ("dry_stored", 10), ("dry_removed", 500)], 514, BOARD, ["open_too_long"]),
        ([("opened", 0), ("restored", 25)], 26, BOARD, ["open_too_long"]),
        ([("opened", 0)], 24, replace(BOARD, open_hours=48), []),
        ([("opened", 0)], 24, replace(BOARD, surface_finish=None), ["open_too_long"]),
    ],
)
def test_rules(happened: list[tuple[str, float]], at: float, handling: Handling | None, expected: list[str]) -> None:
    assert codes(condition(*happened, at=at, handling=handling)) == expected


def test_expiry_date() -> None:
    assert condition(at=0.9, expires_at=START + hours(1)).usable
    assert codes(condition(at=1, expires_at=START + hours(1))) == ["shelf_life_over"]


def test_the_factory_sets_its_own_floor_life() -> None:
    shorter = {**LIMITS, "3": 100.0, "osp": 8.0}
    level3 = Handling(moisture_level="3")
    assert codes(condition(("opened", 0), at=100, handling=level3, limits=shorter)) == ["floor_life_over"]
    assert codes(condition(("opened", 0), at=8, handling=BOARD, limits=shorter)) == ["open_too_long"]


def test_the_sentence_says_when_and_what_clears_it() -> None:
    (reason,) = condition(("opened", 0), at=400, handling=Handling(moisture_level="3")).reasons
    assert reason.sentence == "Package P-1182 passed its floor life (MSL 3, 168 h) at 2026-11-27 06:00 UTC."
    assert reason.clears == "Bake it and record that, or load another."


def test_the_first_end_that_comes_is_told_and_warned_of_half_a_shift_before() -> None:
    def opened_at_start(*, at: float) -> Condition:
        return condition(("opened", 0), at=at, handling=Handling(moisture_level="3"), expires_at=START + hours(100))

    early = opened_at_start(at=95.9)
    assert (early.usable_until, early.warnings) == (START + hours(100), ())
    late = opened_at_start(at=96)
    assert [warning.code for warning in late.warnings] == ["expires_soon"]
    assert "expiry date" in late.warnings[0].sentence
    assert opened_at_start(at=100).usable_until is None


def test_what_counts_as_5a_because_nobody_said_its_level_is_warned_of() -> None:
    assert [warning.code for warning in condition(("opened", 0), at=1).warnings] == ["moisture_level_unknown"]
    assert not condition(("opened", 0), at=1, moisture_level="3").warnings
