"""A panel that sits in a carrier: what is told of its place there may be of any of its boards, and excludes none."""

from uuid import uuid4

from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.excluded import excluded
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.inbox.messages import completed, entry, initialized, installed, started, stored, uninstalled
from tests.trace.reels import loaded
from tests.trace.test_what_goes_in import carriers


def test_boards_of_a_panel_in_a_carrier_are_possible(engine: Engine) -> None:
    work = uuid4()
    stored(
        engine,
        loaded("R-1", when=1),
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=2, order="WO-1"),
        initialized("CAR", ("PNL", 1), when=10, source="Acme.Pallet.1"),
        started("CAR", transaction=work, when=15),
        installed(entry("CAR", "R-1", ["R1"], position=1), transaction=work, when=20),
        completed("CAR", transaction=work, when=25),
    )
    with engine.connect() as connection:
        found = carriers(connection, package="R-1")
        reasons = {unit.serial: unit.reason for unit in stream_where_used(connection, Question(package="R-1"))}
        assert not list(excluded(connection, Question(package="R-1")))
    assert (found["SN-1"], found["SN-2"]) == ("bounded R1", "bounded R1")
    assert "on the panel in that place of a carrier, maybe on another board" in reasons["SN-1"]


def test_a_board_of_a_panel_in_a_carrier_is_possibly_made_from_it(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=0),
        initialized("CAR", ("PNL", 1), when=10, source="Acme.Pallet.1"),
        installed(entry("CAR", "R-1", ["R1"], position=1), when=20),
        installed(entry("CAR", "R-2", ["R2"], position=2), when=21),
    )
    with engine.connect() as connection:
        (part,) = made_from(connection, "SN-1").installations
        whole = {(one.serial, one.package, one.evidence) for one in made_from(connection, "PNL").installations}
    assert (part.reference_designator, part.package, part.evidence) == ("R1", "R-1", Evidence.bounded)
    assert whole == {
        ("PNL", "R-1", Evidence.exact),
        ("SN-1", "R-1", Evidence.bounded),
        ("SN-2", "R-1", Evidence.bounded),
    }


def test_what_came_out_of_the_panel_is_perhaps_still_in_one_of_its_boards(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=0),
        initialized("CAR", ("PNL", 1), when=10, source="Acme.Pallet.1"),
        installed(entry("CAR", "R-1", ["R1"], position=1), when=20),
        uninstalled("CAR", ["R1"], package="R-1", position=1, when=50),
    )
    with engine.connect() as connection:
        ends = {(one.serial, one.removed_at is not None) for one in made_from(connection, "PNL").installations}
    assert ends == {("PNL", True), ("SN-1", False), ("SN-2", False)}


def test_a_child_built_into_the_panel_of_a_carrier_is_possibly_in_each_of_its_boards(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), when=0),
        initialized("CAR", ("PNL", 1), when=10, source="Acme.Pallet.1"),
        installed(entry("MOD", "R-1", ["R1"]), when=20),
        installed(entry("CAR", None, children=[("X1", "MOD")], position=1), when=100, source="Acme.Assembly.1"),
    )
    with engine.connect() as connection:
        found = carriers(connection, package="R-1")
        (child,) = made_from(connection, "SN-2").components
    assert found.keys() == {"MOD", "PNL", "SN-1", "SN-2"}
    assert found["SN-1"].startswith("bounded")
    assert (child.serial, child.evidence) == ("MOD", Evidence.bounded)


def test_the_panel_in_the_other_place_is_not_meant(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL-1", ("SN-1", 1), when=0),
        initialized("PNL-2", ("SN-2", 1), when=0),
        initialized("CAR", ("PNL-1", 1), ("PNL-2", 2), when=10, source="Acme.Pallet.1"),
        installed(entry("CAR", "R-1", ["R1"], position=1), when=20),
    )
    with engine.connect() as connection:
        assert set(carriers(connection, package="R-1")) == {"PNL-1", "SN-1"}


def test_carriers_in_each_other_end(engine: Engine) -> None:
    stored(
        engine,
        initialized("A", ("B", 1), when=0),
        initialized("B", ("C", 1), when=0),
        initialized("C", ("B", 1), when=0),
        installed(entry("A", "R-1", ["R1"], position=1), when=20),
    )
    with engine.connect() as connection:
        assert set(carriers(connection, package="R-1")) == {"B", "C"}
