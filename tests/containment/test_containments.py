"""A lot is found bad: what is stopped, what is listed, what stays on record, what ends it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.errors import Conflict, Invalid, NotFound
from app.quality.containments import count_again, open_containment, record_of, release_containment
from app.quality.held_units import held_in_store, held_units, shipped_of
from app.quality.nonconformances import nonconformances
from app.quality.recounting import Recounting
from app.quality.shipping import unpack
from app.quality.terms import terms_of
from tests.containment.stories import ACTOR, build, contain, held, send, unit_id, unit_ids
from tests.containment.test_shipping import put
from tests.inbox.messages import STATION, at, count, entry, initialized, installed, received, stored
from tests.trace.reels import loaded


def test_every_unit_and_package_of_a_lot_gets_one_hold(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2", package="REEL-1")
    build(engine, "SN-3", package="REEL-2")
    build(engine, "SN-9", package="REEL-9", lot="B2")
    stored(engine, received(("REEL-3", "R0603-10K", "A17")))
    done = contain(engine, lot="A17", part_number="R0603-10K")
    assert (done.units, done.packages, done.by_evidence["exact"]) == (3, 3, 3)
    assert count(engine, "unit_hold") == 3
    assert held(engine, "SN-1", "SN-2", "SN-3", "SN-9") == {"SN-1": [False], "SN-2": [False], "SN-3": [False]}
    with engine.connect() as connection:
        assert [one.package for one in held_in_store(connection, done.nonconformance)] == ["REEL-1", "REEL-2", "REEL-3"]
    assert count(engine, "audit", "deed = 'containment.opened'") == 1


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"package": "REEL-1"}, {"SN-1"}),
        ({"serials": ["SN-2", "SN-1"]}, {"SN-1", "SN-2"}),
        ({"station": STATION, "since": at(0), "until": at(50)}, {"SN-1"}),
        ({"lot": "A17", "station": STATION, "until": at(50)}, {"SN-1"}),
        ({"slot": "M1.F.1"}, {"SN-1", "SN-2"}),
        ({"serial": "SN-1"}, None),
    ],
)
def test_it_takes_every_kind_of_terms(engine: Engine, terms: dict[str, Any], expected: set[str] | None) -> None:
    build(engine, "SN-1", package="REEL-1", when=0)
    build(engine, "SN-2", package="REEL-2", when=100)
    if expected is None:  # nothing was built around SN-1
        with pytest.raises(NotFound):
            contain(engine, **terms)
        return
    contain(engine, **terms)
    assert set(held(engine, "SN-1", "SN-2")) == expected


def test_what_is_not_known_or_has_no_reason_contains_nothing(engine: Engine) -> None:
    build(engine, "SN-1")
    with pytest.raises(NotFound, match="lot A-17"):
        contain(engine, lot="A-17")
    with pytest.raises(NotFound, match="SN-7"):
        contain(engine, serials=["SN-1", "SN-7"])
    with pytest.raises(Invalid, match="reason"):
        contain(engine, reason="  ", lot="A17")
    with pytest.raises(Invalid):
        terms_of({"serials": ["SN-1"], "lot": "A17"})
    assert count(engine, "nonconformance") == 0


def test_the_identifier_is_retyped() -> None:
    terms = terms_of({"lot": "A17", "part_number": "R0603-10K"})
    terms.confirm(" A17 ")
    with pytest.raises(Invalid, match="Retype A17"):
        terms.confirm("A18")


def test_the_same_terms_are_contained_once_at_a_time(engine: Engine) -> None:
    build(engine, "SN-1")
    first = contain(engine, lot="A17")
    with pytest.raises(Conflict, match=first.number):
        contain(engine, lot="A17")
    with engine.begin() as connection:
        release_containment(connection, first.number, reason="Wrong lot.", actor=ACTOR)
    assert contain(engine, lot="A17").number != first.number


def test_a_release_happens_once_and_ends_what_is_left(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    done = contain(engine, lot="A17")
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="Sorted, all good.", actor=ACTOR)
    assert held(engine, "SN-1", "SN-2") == {}
    with engine.begin() as connection, pytest.raises(Conflict, match="released by"):
        release_containment(connection, done.number, reason="Again.", actor=ACTOR)
    with engine.connect() as connection:
        (told,) = nonconformances(connection, number=done.number)
    assert (told.release_reason, told.released_by) == ("Sorted, all good.", ACTOR)


def test_what_was_shipped_is_listed_by_customer_and_shipment(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2", "SN-3")
    build(engine, "SN-4", order="WO-2")
    send(engine, "SN-1", "SN-2")
    send(engine, "SN-4", shipment="SH-2", customer="Brill", order="WO-2")
    done = contain(engine, lot="A17")
    assert done.shipped == [
        {"customer": "Acme", "shipment": "SH-1", "units": 2},
        {"customer": "Brill", "shipment": "SH-2", "units": 1},
    ]
    assert done.by_place["shipped to Acme with SH-1"] == 2
    with engine.connect() as connection:
        told = {one.shipment: list(one.serials) for one in shipped_of(connection, done.nonconformance)}
    assert told == {"SH-1": ["SN-1", "SN-2"], "SH-2": ["SN-4"]}


def test_what_left_inside_an_assembly_is_listed_by_what_the_customer_has(engine: Engine) -> None:
    build(engine, "CHILD", "BOX")
    stored(engine, installed(entry("BOX", None, children=[("A1", "CHILD")]), when=20))
    send(engine, "BOX")
    done = contain(engine, serials=["CHILD"])
    assert [one["shipment"] for one in done.shipped] == ["SH-1"]
    with engine.connect() as connection:
        assert [list(one.serials) for one in shipped_of(connection, done.nonconformance)] == [["BOX"]]


def test_a_customer_sees_only_containments_of_their_units_and_only_those(engine: Engine) -> None:
    build(engine, "SN-1", order="WO-1")
    build(engine, "SN-2", order="WO-2")
    build(engine, "SN-3", order="WO-3", lot="B2", package="REEL-2")
    send(engine, "SN-1", order="WO-1", customer="Acme")
    send(engine, "SN-2", order="WO-2", customer="Brill", shipment="SH-2")
    done = contain(engine, lot="A17")
    contain(engine, lot="B2")
    with engine.connect() as connection:
        acme = connection.execute(text("SELECT customer_id FROM customer WHERE name = 'Acme'")).scalar_one()
        seen = nonconformances(connection, customer_id=acme)
        assert [(one.containment, one.units) for one in seen] == [(done.number, 1)]
        page = held_units(connection, done.nonconformance, customer_id=acme)
        assert [one.serial for one in page.units] == ["SN-1"]
        assert [one.shipment for one in shipped_of(connection, done.nonconformance, customer_id=acme)] == ["SH-1"]


def test_units_come_page_by_page(engine: Engine) -> None:
    build(engine, *(f"SN-{n}" for n in range(5)))
    done = contain(engine, lot="A17")
    with engine.connect() as connection:
        seen, cursor = [], None
        while True:
            page = held_units(connection, done.nonconformance, cursor=cursor, limit=2)
            seen += [one.serial for one in page.units]
            if page.next is None:
                break
            cursor = page.next
        assert seen == [f"SN-{n}" for n in range(5)]
        with pytest.raises(Invalid):
            held_units(connection, done.nonconformance, cursor="x")


def test_the_record_is_frozen_and_proves_itself(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    before = datetime.now(UTC)
    done = contain(engine, lot="A17")
    with engine.connect() as connection:
        record, intact = record_of(connection, done.number)
    assert intact
    assert (record["actor"], record["reason"], record["units"]) == (ACTOR, "Cracked bodies, 8D 4711.", 2)
    assert before <= datetime.fromisoformat(record["as_known_at"]) <= datetime.fromisoformat(record["opened_at"])
    for change in (
        "UPDATE containment SET record = '{}'",
        "DELETE FROM containment",
        "UPDATE unit_hold SET reason = 'x'",
        "DELETE FROM unit_hold",
        "DELETE FROM nonconformance",
        "UPDATE nonconformance SET reason = 'x'",
        "TRUNCATE package_hold",
    ):
        with engine.begin() as connection, pytest.raises(DBAPIError, match="is evidence"):
            connection.execute(text(change))


def test_a_record_that_was_tampered_with_is_told(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    done = contain(engine, lot="A17")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE unit_hold DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM unit_hold WHERE unit_id = (SELECT min(unit_id) FROM unit_hold)"))
        assert record_of(connection, done.number)[1] is False


def test_counting_again_holds_what_became_known_and_is_harmless_twice(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    stored(engine, installed(entry("SN-2", "REEL-2", ["R1"]), when=50))
    stored(engine, received(("REEL-2", "R0603-10K", "A17")))  # of which lot it is, comes late
    for new in (1, 0):
        with engine.begin() as connection:
            assert count_again(connection, done.number, actor=ACTOR) == new
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False], "SN-2": [False]}
    with engine.connect() as connection:
        assert [one.later for one in held_units(connection, done.nonconformance).units] == [False, True]
        assert record_of(connection, done.number)[1], "what came later is not part of the frozen scope"


def test_a_loaded_package_is_held_where_it_is(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "R0603-10K", "A17")), loaded("REEL-1", slot="M1.F.7", when=5))
    done = contain(engine, lot="A17")
    with engine.connect() as connection:
        assert [one.place for one in held_in_store(connection, done.nonconformance)] == [f"{STATION} slot M1.F.7"]


def test_a_panel_named_by_its_serial_holds_its_boards(engine: Engine) -> None:
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2)))
    contain(engine, serials=["PNL-1"])
    assert set(held(engine, "PNL-1", "SN-1", "SN-2")) == {"PNL-1", "SN-1", "SN-2"}
    with engine.connect() as connection:
        assert unit_id(connection, "PNL-1")


def test_what_the_rule_caught_is_held_and_told_without_anybody_asking(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    stored(engine, installed(entry("SN-2", "REEL-2", ["R1"]), when=50))
    with Recounting(engine, every=0.05):
        stored(engine, received(("REEL-2", "R0603-10K", "A17")))  # of which lot it is, comes late
        until = time.monotonic() + 20
        while count(engine, "unit_hold") < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert held(engine, "SN-1", "SN-2") == {"SN-1": [False], "SN-2": [False]}
        with engine.begin() as connection:
            release_containment(connection, done.number, reason="Good.", actor=ACTOR)
    assert count(engine, "audit", "deed = 'containment.counted_again' AND actor = 'birthmark'") == 1


def test_counting_stops_nobody_and_writing_stops_only_what_is_contained(engine: Engine) -> None:
    build(engine, "SN-1")
    build(engine, "SN-2", package="REEL-2", lot="B2", when=50)
    free: dict[str, set[str]] = {}

    def progress(stage: str, _done: int, _expected: int | None = None) -> None:
        with engine.begin() as connection:
            ids = unit_ids(connection, "SN-1", "SN-2")
            open_now = connection.execute(
                text("SELECT unit_id FROM unit WHERE unit_id = ANY (:units) FOR NO KEY UPDATE SKIP LOCKED"),
                {"units": list(ids)},
            ).scalars()
            free[stage] = {ids[one] for one in open_now}

    with engine.begin() as connection:
        terms = terms_of({"lot": "A17"})
        open_containment(connection, terms, reason="Cracked.", actor=ACTOR, progress=progress)
    assert free == {"finding units": {"SN-1", "SN-2"}, "locking units": {"SN-1", "SN-2"}, "writing holds": {"SN-2"}}


def test_the_place_is_that_of_the_moment_it_was_held(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    put(engine, "SN-1")

    def progress(stage: str, done: int, _expected: int | None = None) -> None:
        if (stage, done) == ("locking units", 0):  # after the scope was counted, before anything is locked
            with engine.begin() as connection:
                unpack(connection, ["SN-1"], reason="Wrong box.", actor=ACTOR)
            send(engine, "SN-2", shipment="SH-2")

    with engine.begin() as connection:
        terms = terms_of({"lot": "A17"})
        done = open_containment(connection, terms, reason="Cracked.", actor=ACTOR, progress=progress)
    assert done.by_place == {"in stock": 1, "shipped to Acme with SH-2": 1}
    assert done.shipped == [{"customer": "Acme", "shipment": "SH-2", "units": 1}]
    with engine.connect() as connection:
        assert record_of(connection, done.number)[1]
