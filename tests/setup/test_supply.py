"""What an order needs, what stops it, and what comes back: on the records of a line that built some of it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Invalid, NotFound
from app.materials.handling import set_handling
from app.materials.happenings import Happened
from app.materials.package_events import state_packages
from app.materials.rules import Handling
from app.setup.forecast import Forecast, forecast
from app.setup.kitting import Kit, kit
from app.setup.left import pieces_left
from app.setup.requirements import SlotPlan
from app.setup.returns import Return, return_package
from app.trace.balance import mass_balance
from tests.inbox.messages import STATION, at, completed, entry, initialized, installed, started, stored
from tests.setup.plant import C100N, R10K, R22K, now, order, plan, product, reel, scan, setup, slot_of, station
from tests.trace.reels import described, empty, joined, loaded, split

F1, F2 = "M1.F.1", "M1.F.2"
EACH = 36.0  # seconds between boards: a hundred an hour


@pytest.fixture
def revision(engine: Engine) -> int:
    """CTRL rev A, two R10K from F1 and one C100N from F2 on a board; P-1 and P-2 are in the slots."""
    station(engine)
    made = product(engine)
    plan(engine, made, SlotPlan(F1, R10K), SlotPlan(F2, C100N))
    order(engine, "WO-1", made, 1000)
    reel(engine, "P-1", R10K, quantity=1500)
    reel(engine, "P-2", C100N, quantity=5000)
    scan(engine, F1, "P-1", product_revision_id=made)
    scan(engine, F2, "P-2", product_revision_id=made)
    return made


def build(engine: Engine, number: int, *, first: int = 0, wo: str = "WO-1", package: str = "P-1") -> float:
    """Boards built one after the other; when the last one was done, in seconds of the story."""
    done = 0.0
    for n in range(first, first + number):
        serial, work, begun = f"{wo}-B{n}", uuid4(), 10 + n * EACH
        done = begun + 30
        stored(
            engine,
            initialized(None, serial, order=wo, when=begun - 1, source="Acme.Marker.1"),
            started(serial, transaction=work, order=wo, when=begun),
            installed(
                entry(serial, package, ["R1", "R2"], slot=F1, part_number=R10K),
                entry(serial, "P-2", ["C1"], slot=F2, part_number=C100N),
                transaction=work, when=done - 1,
            ),
            completed(serial, transaction=work, when=done),
        )  # fmt: skip
    return done


def looked(engine: Engine, when: float, **asked: str) -> Forecast:
    with engine.connect() as connection:
        return forecast(connection, station=STATION, at=at(when), **asked)


def kitted(engine: Engine, wo: str, when: float) -> Kit:
    with engine.connect() as connection:
        return kit(connection, work_order=wo, at=at(when))


def test_a_forecast_follows_what_was_built(engine: Engine, revision: int) -> None:
    done = build(engine, 11)
    found = looked(engine, done)
    assert (found.work_order, found.done, found.remaining, found.units_per_hour) == ("WO-1", 11, 989, 100)
    assert found.ends_at == at(done) + timedelta(seconds=989 * EACH)
    resistors, capacitors = found.slots
    assert (resistors.left, resistors.units_left, resistors.runs_short_by) == (1478, 739, 250)
    assert (capacitors.left, capacitors.runs_short_by) == (4989, None)
    empty = at(done) + timedelta(seconds=739 * EACH)
    told = f"Package P-1 in slot {F1} runs out at {empty:%Y-%m-%d %H:%M} UTC, 250 units before this order ends."
    assert found.sentences == [told]


def test_what_was_spliced_on_behind_counts(engine: Engine, revision: int) -> None:
    done = build(engine, 3)
    reel(engine, "P-3", R10K, quantity=400)
    stored(engine, joined("P-1", "P-3", when=done))
    resistors = looked(engine, done + 1).slots[0]
    assert (resistors.units_left, resistors.runs_short_by) == ((1494 + 400) // 2, 50)


def test_a_reel_that_outlives_its_floor_life_in_the_order_is_warned_of_before_and_refused_after(
    engine: Engine, revision: int
) -> None:
    with engine.begin() as connection:
        set_handling(connection, [Handling(C100N, moisture_level="5a")], actor="test")
        state_packages(connection, ["P-2"], Happened.opened, at=at(-16 * 3600), actor="test")
    done = build(engine, 3)
    found = looked(engine, done)
    assert any("Package P-2" in told and "before this order ends" in told for told in found.sentences)
    assert slot_of(setup(engine, revision, when=done), F2).reasons == ()
    assert [one.code for one in slot_of(setup(engine, revision, when=5 * 3600), F2).warnings] == ["expires_soon"]
    assert [one.code for one in slot_of(setup(engine, revision, when=8 * 3600), F2).reasons] == ["floor_life_over"]


def test_without_an_order_or_a_pace_nothing_is_guessed(engine: Engine, revision: int) -> None:
    assert looked(engine, 5).work_order is None
    named = looked(engine, 5, work_order="WO-1")
    assert (named.remaining, named.ends_at, named.slots[0].runs_short_by) == (1000, None, 250)
    with pytest.raises(NotFound, match="WO-9"):
        looked(engine, 5, work_order="WO-9")


def test_a_kit_tells_what_stays_what_is_missing_and_what_to_fetch(engine: Engine, revision: int) -> None:
    done = build(engine, 2)
    next_one = product(engine, "SENSOR", bill={"R1": R22K, "C1": C100N})
    plan(engine, next_one, SlotPlan(F1, R22K), SlotPlan(F2, C100N), SlotPlan("M1.F.3", R10K, pieces_per_unit=1))
    order(engine, "WO-2", next_one, 6000)
    for identifier, part, quantity, expires in (
        ("P-22A", R22K, 4000, None), ("P-22B", R22K, 4000, at(86_400)), ("P-22X", R22K, 4000, at(-1)),
        ("P-4", C100N, 5000, None),
    ):  # fmt: skip
        reel(engine, identifier, part, quantity=quantity, expires_at=expires)
    found = kitted(engine, "WO-2", done)
    lines = {line.slot: line for line in found.lines}
    assert {slot: line.action for slot, line in lines.items()} == {F1: "exchange", F2: "add", "M1.F.3": "load"}
    assert [one.package for one in lines[F1].proposals] == ["P-22B", "P-22A"]  # first expired first out; expired never
    assert (lines[F2].needed, lines[F2].left, lines[F2].missing) == (6000, 4998, 1002)
    assert [one.package for one in lines[F2].proposals] == ["P-4"]
    assert lines["M1.F.3"].proposals == ()  # P-1 is still in a slot
    assert (found.shared, found.to_load) == (1, 3)


def test_what_the_next_order_does_not_need_goes(engine: Engine, revision: int) -> None:
    small = product(engine, "SMALL", bill={"C1": C100N})
    plan(engine, small, SlotPlan(F2, C100N))
    order(engine, "WO-3", small, 10)
    lines = {line.slot: line for line in kitted(engine, "WO-3", 50).lines}
    assert (lines[F1].action, lines[F1].package, lines[F2].action) == ("remove", "P-1", "keep")


def test_an_order_without_product_or_setup_says_so(engine: Engine) -> None:
    bare = product(engine, "BARE")
    order(engine, "WO-9", bare, 5)
    assert "Nobody planned" in kitted(engine, "WO-9", 0).sentence
    with pytest.raises(NotFound, match="WO-404"):
        kitted(engine, "WO-404", 0)


def test_a_partial_reel_comes_back_with_the_count_of_the_mass_balance(engine: Engine, revision: int) -> None:
    done = build(engine, 5)
    with engine.begin() as connection:
        back = return_package(connection, package="P-1", at=at(done + 10), actor="person:ann")
    assert (back.quantity, back.counted, back.station, back.slot) == (1490, False, STATION, F1)
    assert slot_of(setup(engine, revision, when=done + 20), F1).package is None
    with engine.connect() as connection:
        balance = mass_balance(connection, package="P-1")
        assert balance.remaining is not None
        assert (balance.remaining.quantity, balance.gap) == (1490, balance.gap)
        assert balance.findings == []


def test_a_count_comes_before_the_sum_and_both_are_told(engine: Engine, revision: int) -> None:
    done = build(engine, 5)
    with engine.begin() as connection:
        back = return_package(connection, package="P-1", quantity=1480, at=at(done + 10), actor="person:ann")
        assert (back.quantity, back.counted, back.expected_at_least) == (1480, True, 1490)
    reel(engine, "P-NEW", R10K)
    with engine.begin() as connection:
        with pytest.raises(Conflict, match="in no slot"):
            return_package(connection, package="P-NEW", quantity=5, actor="person:ann")
        with pytest.raises(NotFound, match="P-404"):
            return_package(connection, package="P-404", actor="person:ann")


def test_more_than_a_reel_ever_held_does_not_come_back(engine: Engine, revision: int) -> None:
    with engine.begin() as connection:
        for wrong in (1e11, 1651, -1):
            with pytest.raises(Invalid, match="holds 0 to 1500 pieces"):
                return_package(connection, package="P-1", quantity=wrong, at=at(10), actor="person:ann")
        back = return_package(connection, package="P-1", quantity=1510, at=at(10), actor="person:ann")
        assert back.quantity == 1510, "makers put some pieces more into it"


def test_a_count_above_all_that_was_known_comes_back_once_it_is_confirmed(engine: Engine, revision: int) -> None:
    def back(pieces: float, *, confirmed: bool = False) -> Return:
        with engine.begin() as connection:
            return return_package(connection, package="P-1", quantity=pieces, confirmed=confirmed, actor="person:lena")

    with pytest.raises(Invalid, match="confirms it"):
        back(4000)
    assert back(4000, confirmed=True).quantity == 4000
    assert back(3500).quantity == 3500, "what was confirmed once is known"
    with pytest.raises(Invalid, match="holds 0 to 4000"):
        back(4100)
    with pytest.raises(Invalid):
        back(1e11, confirmed=True)
    with engine.connect() as connection:
        asked = "SELECT details -> 'confirmed' FROM audit WHERE deed = 'package.returned' ORDER BY audit_id"
        assert connection.execute(text(asked)).scalars().all() == [True, False]


@pytest.mark.parametrize("told", [0, 5000])
def test_a_quantity_of_zero_that_a_machine_told_says_nothing(engine: Engine, told: float) -> None:
    stored(engine, described("P-0", initial=0), loaded("P-0", quantity=told))
    for pieces in (4000, 0, 4000):
        with engine.begin() as connection:
            return_package(connection, package="P-0", quantity=pieces, actor="person:ann")


def test_what_a_machine_says_after_somebody_counted_nothing_changes_nothing(engine: Engine, revision: int) -> None:
    with engine.begin() as connection:
        return_package(connection, package="P-1", quantity=0, actor="person:ann")
    stored(engine, empty("P-1", when=(datetime.now(UTC) - at(0)).total_seconds()))
    assert [one.code for one in scan(engine, F1, "P-1", product_revision_id=revision).reasons] == ["counted_empty"]


def test_a_reel_that_was_counted_empty_is_not_loaded_until_it_is_counted_again(engine: Engine, revision: int) -> None:
    def counted(pieces: float) -> None:
        with engine.begin() as connection:
            return_package(connection, package="P-1", quantity=pieces, actor="person:ann")

    counted(0)
    refused = scan(engine, F1, "P-1", product_revision_id=revision, when=20)
    assert [one.code for one in refused.reasons] == ["counted_empty"]
    counted(300)
    assert scan(engine, F1, "P-1", product_revision_id=revision, when=40).accepted


def test_what_comes_back_is_in_no_slot_whoever_claims_it(engine: Engine, revision: int) -> None:
    stored(engine, loaded("P-1", source="Acme.Mounter.2", slot="M2.F.1", when=20))
    assert "two_machines" in [one.code for one in slot_of(setup(engine, revision, when=30), F1).reasons]
    with engine.begin() as connection:
        return_package(connection, package="P-1", quantity=1500, at=at(40), actor="person:ann")
    assert slot_of(setup(engine, revision, when=50), F1).package is None
    assert scan(engine, F1, "P-1", product_revision_id=revision, when=60).accepted


def test_where_nobody_can_say_how_many_are_left_somebody_counts(engine: Engine, revision: int) -> None:
    reel(engine, "P-5", R10K)
    scan(engine, F1, "P-5", product_revision_id=revision, when=5)
    with engine.begin() as connection, pytest.raises(Invalid, match="Count them"):
        return_package(connection, package="P-5", at=at(10), actor="person:ann")


def test_what_was_split_off_since_the_count_is_not_left(engine: Engine, revision: int) -> None:
    done = build(engine, 1)
    stored(engine, split("P-1", "P-1A", 500, when=done))
    with engine.connect() as connection:
        package_id = slot_of(setup(engine, revision, when=done), F1).package_id or 0
        assert pieces_left(connection, [package_id])[package_id].at_least == 998


def test_what_a_clock_ahead_loaded_comes_back_all_the_same(engine: Engine) -> None:
    station(engine)
    reel(engine, "P-1")
    soon = (datetime.now(UTC) - now()).total_seconds() + 7200
    stored(engine, loaded("P-1", slot="F.9", when=soon))
    with engine.begin() as connection:
        back = return_package(connection, package="P-1", quantity=40, actor="test")
    assert (back.slot, back.quantity) == ("F.9", 40)
