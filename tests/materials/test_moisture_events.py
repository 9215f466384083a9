"""Moisture as CFX and people tell of it: in any order the same condition, also of what was split off."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.errors import Invalid, NotFound
from app.lines.clocks import measure_clocks
from app.materials.conditions import conditions
from app.materials.handling import handling_of, limits, set_handling, set_limits
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Condition, Handling
from tests.inbox.messages import START, STATION, at, count, message, record, statuses, stored
from tests.trace.reels import PART, described, loaded, split

HOUR = 3600.0


def msd(kind: str, package: str, *, level: str = "MSL3", when: float, left: str | None = None, **more: Any) -> bytes:
    """A message of CFX.Materials.Management.MSDManagement; `when` in hours."""
    data: dict[str, Any] = {"$type": "CFX.Structures.MaterialPackageMSDData, CFX", "MSDLevel": level}
    if left is not None:
        data["RemainingExposureTime"] = left
    one = {"UniqueIdentifier": package, "MaterialData": data | more}
    return message(f"Materials.Management.MSDManagement.Materials{kind}", {"Materials": [one]}, when=when * HOUR)


def condition(engine: Engine, package: str, *, when: float) -> Condition:
    """Its condition so many hours into the story."""
    with engine.connect() as connection:
        package_id = connection.execute(
            text("SELECT package_id FROM package WHERE identifier = :p"), {"p": package}
        ).scalar_one()
        return conditions(connection, [package_id], at=at(when * HOUR))[package_id]


def left(engine: Engine, package: str, *, when: float) -> float:
    """Hours of floor life left."""
    remains = condition(engine, package, when=when).floor_life_left
    assert remains is not None
    return remains / timedelta(hours=1)


AGO = -1000
"""Stories of many hours are over by now: of what a clock says is to come, nothing is believed."""
STORY = [
    msd("Opened", "P-1", when=AGO),
    msd("PlacedInDryStorage", "P-1", when=AGO + 100),
    msd("RemovedFromDryStorage", "P-1", when=AGO + 300),
    msd("Restored", "P-1", when=AGO + 400),
    msd("Expired", "P-1", when=AGO + 700),
]


@pytest.mark.parametrize("seed", range(4))
def test_events_in_any_order_make_one_clock(engine: Engine, seed: int) -> None:
    story = list(STORY)
    random.Random(seed).shuffle(story)
    stored(engine, *story)
    times = (50, 100, 300, 360, 400, 410)
    assert [left(engine, "P-1", when=AGO + when) for when in times] == [118, 68, 68, 8, 168, 158]
    assert [one.code for one in condition(engine, "P-1", when=AGO + 370).reasons] == ["floor_life_over"]
    assert condition(engine, "P-1", when=AGO + 401).usable
    assert [one.code for one in condition(engine, "P-1", when=AGO + 700).reasons] == ["floor_life_over"]


def test_a_message_that_comes_twice_changes_nothing(engine: Engine) -> None:
    from app.inbox.record import Recorder  # noqa: PLC0415

    stored(engine, STORY[0])
    assert statuses(record(Recorder(engine), STORY[0])) == ["duplicate"]
    assert count(engine, "package_event") == 1


def test_a_description_tells_the_level_and_that_it_is_open(engine: Engine) -> None:
    data = {"MSDLevel": "MSL5A", "MSDState": "NeverOpened"}
    stored(engine, described("P-1", initial=100, MaterialData=data, when=0))
    assert (condition(engine, "P-1", when=99).moisture_level, left(engine, "P-1", when=99)) == ("5a", 24)
    data = {"MSDLevel": "MSL3", "MSDState": "Exposed", "RemainingExposureTime": "1.00:00:00"}
    stored(engine, described("P-2", initial=100, MaterialData=data, when=0))
    assert left(engine, "P-2", when=4) == 20


def test_loading_a_package_opens_it(engine: Engine) -> None:
    data = {"MSDLevel": "MSL3", "MSDState": "NeverOpened"}
    stored(engine, described("P-1", initial=100, MaterialData=data, when=0), loaded("P-1", when=HOUR))
    assert left(engine, "P-1", when=11) == 158


def test_what_a_clock_ahead_says_has_happened_when_it_was_heard(engine: Engine) -> None:
    now = (datetime.now(UTC) - START) / timedelta(hours=1)
    stored(engine, msd("Opened", "P-1", when=now + 2), loaded("P-2", when=(now + 2) * HOUR, quantity=70))
    stored(engine, described("P-2", initial=100, MaterialData={"MSDLevel": "MSL3"}, when=0))
    assert left(engine, "P-1", when=now + 1) == pytest.approx(167, abs=0.01)
    assert left(engine, "P-2", when=now + 1) == pytest.approx(167, abs=0.01)
    assert condition(engine, "P-2", when=now + 1).remaining == 70
    assert condition(engine, "P-1", when=now + 168.01).reasons, "not two hours later"


def test_what_came_late_from_a_clock_that_is_ahead_happened_that_much_earlier(engine: Engine) -> None:
    stored(engine, msd("Opened", "P-1", when=0), described("P-2", MaterialData={"MSDLevel": "MSL3"}, when=0))
    stored(engine, loaded("P-2", when=0), loaded("P-3", when=0, source="Acme.Mounter.2"))
    assert left(engine, "P-1", when=10) == 158
    with engine.begin() as connection:
        measure_clocks(connection, {STATION: timedelta(hours=3), "Acme.Mounter.2": timedelta(hours=-3)})
    assert (left(engine, "P-1", when=10), left(engine, "P-2", when=10)) == (155, 155)


@pytest.mark.parametrize(("off", "ends"), [(3, 158), (-3, 155)])
def test_a_wrong_clock_makes_no_dry_storage_longer(engine: Engine, off: float, ends: float) -> None:
    stored(engine, described("P-1", MaterialData={"MSDLevel": "MSL3"}, when=0))
    with engine.begin() as connection:
        state_packages(connection, ["P-1"], Happened.opened, at=at(0), actor="person:ann")
    stored(engine, msd("PlacedInDryStorage", "P-1", when=10))
    with engine.begin() as connection:
        measure_clocks(connection, {STATION: timedelta(hours=off)})
    assert left(engine, "P-1", when=40) == ends, "a clock that is ahead told no later than it was"
    stored(engine, msd("RemovedFromDryStorage", "P-1", when=11))
    assert left(engine, "P-1", when=40) == 128, "the storage may have been no longer than the clocks are wrong"


def test_what_is_split_off_was_exposed_with_the_rest_and_what_came_later_was_not(engine: Engine) -> None:
    stored(
        engine,
        split("P-1", "P-1A", 100, when=(AGO + 50) * HOUR),
        msd("Opened", "P-1", when=AGO),
        msd("PlacedInDryStorage", "P-1", when=AGO + 60),
        msd("Restored", "P-1", when=AGO + 90),
    )
    assert (left(engine, "P-1", when=AGO + 100), left(engine, "P-1A", when=AGO + 100)) == (158, 68)


def test_retired_is_not_used_again_and_its_split_is(engine: Engine) -> None:
    stored(engine, split("P-1", "P-1A", 100, when=0),
           message("Materials.Management.MaterialsRetired", {"Materials": [{"UniqueIdentifier": "P-1"}]}, when=1),
           )  # fmt: skip
    assert [one.code for one in condition(engine, "P-1", when=1).reasons] == ["retired"]
    assert condition(engine, "P-1A", when=1).usable


def test_an_unreadable_time_left_is_refused_with_its_place(engine: Engine) -> None:
    from app.inbox.record import Recorder  # noqa: PLC0415

    (receipt,) = record(Recorder(engine), msd("Opened", "P-1", when=0, left="soon"))
    assert receipt.status == "rejected"
    assert "RemainingExposureTime of P-1" in (receipt.reason or "")


def test_people_state_what_happened_and_are_remembered(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100, when=0))
    with engine.begin() as connection:
        state_packages(connection, ["P-1"], Happened.opened, at=at(0), moisture_level="MSL 3", actor="person:ann")
        state_packages(connection, ["P-1"], Happened.humidity_card_wet, at=at(0), actor="person:ann")
    assert [one.code for one in condition(engine, "P-1", when=1).reasons] == ["humidity_card_wet"]
    assert count(engine, "audit", "deed = 'package.humidity_card_wet' AND actor = 'person:ann'") == 1
    assert count(engine, "package_event JOIN audit ON audit_id = -event_id") == 2


def test_what_nobody_can_state_is_refused(engine: Engine) -> None:
    stored(engine, described("P-1", initial=100, when=0))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with engine.begin() as connection:
        with pytest.raises(NotFound, match="P-2"):
            state_packages(connection, ["P-1", "P-2"], Happened.opened, actor="test")
        with pytest.raises(Invalid, match="still to come"):
            state_packages(connection, ["P-1"], Happened.opened, at=tomorrow, actor="test")
        with pytest.raises(Invalid, match="not stated like this"):
            state_packages(connection, ["P-1"], Happened.loaded, actor="test")
        with pytest.raises(Invalid, match="no moisture level"):
            state_packages(connection, ["P-1"], Happened.opened, moisture_level="9", actor="test")
        with pytest.raises(Invalid, match="Say which"):
            state_packages(connection, ["P-1"], Happened.rated, actor="test")
    assert count(engine, "package_event") == 0


def test_the_factory_sets_its_floor_life_and_takes_it_back(engine: Engine) -> None:
    stored(engine, msd("Opened", "P-1", when=0))
    with engine.begin() as connection:
        assert set_limits(connection, {"MSL3": 100, "OSP": None}, actor="test")["3"] == 100
    assert left(engine, "P-1", when=40) == 60
    with engine.begin() as connection:
        set_limits(connection, {}, actor="test")
        assert (limits(connection)["3"], limits(connection)["osp"]) == (168, 24)
        with pytest.raises(Invalid, match="neither"):
            set_limits(connection, {"MSL9": 1}, actor="test")
        with pytest.raises(Invalid, match="above 0"):
            set_limits(connection, {"3": -1}, actor="test")


def test_handling_of_parts_is_set_and_said_again(engine: Engine) -> None:
    with engine.begin() as connection:
        set_handling(connection, [Handling("SAC305", kind="paste", thaw_hours=4)], actor="test")
        again = [Handling("SAC305", kind="paste", thaw_hours=8), Handling("IC-7", moisture_level="msl3")]
        set_handling(connection, again, actor="test")
        assert [(one.part_number, one.thaw_hours, one.moisture_level) for one in handling_of(connection)] == [
            ("IC-7", None, "3"), ("SAC305", 8, None),
        ]  # fmt: skip
        for wrong in (Handling("X", kind="soup"), Handling("X", moisture_level="7"), Handling("X", thaw_hours=0),
                      Handling("X", surface_finish="gold leaf"), Handling(" ")):  # fmt: skip
            with pytest.raises(Invalid):
                set_handling(connection, [wrong], actor="test")


def test_a_machine_that_says_more_time_is_left_than_we_counted_is_not_believed(engine: Engine) -> None:
    stored(engine, msd("Opened", "P-1", when=0), msd("PlacedInDryStorage", "P-1", when=100, left="7.00:00:00"))
    assert left(engine, "P-1", when=100) == 68
    assert STATION == "Acme.Mounter.1"


@pytest.mark.parametrize(("of_part", "of_label", "counts"), [("3", "5a", "5a"), ("5a", "3", "5a"), ("3", None, "3")])
def test_of_two_levels_the_stricter_counts(engine: Engine, of_part: str, of_label: str | None, counts: str) -> None:
    stored(engine, described("P-1"))
    with engine.begin() as connection:
        set_handling(connection, [Handling(PART, moisture_level=of_part)], actor="test")
        state_packages(connection, ["P-1"], Happened.opened, at=at(0), moisture_level=of_label, actor="person:ann")
    assert condition(engine, "P-1", when=1).moisture_level == counts
