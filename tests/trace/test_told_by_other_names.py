"""Machines that leave out, or call otherwise, what others name: nothing that may carry a package is excluded for it."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from app.trace.excluded import excluded
from app.trace.made_from import made_from
from app.trace.question import Question
from tests.inbox.messages import at, completed, entry, initialized, installed, started, stored, uninstalled
from tests.trace.reels import PART, board, described, loaded
from tests.trace.test_missing_reports import built, others
from tests.trace.test_what_goes_in import carriers

SLOT_BY_NAME: dict[str, Any] = {"CarrierLocation": {"LocationName": "1"}}


def worked_without_package(engine: Engine, **members: Any) -> None:
    """SN-1 gets R1 from P-1, as the loadings have it; the report says where it is from, at most by `members`."""
    work = uuid4()
    stored(
        engine,
        described("P-1"),
        loaded("P-1", slot="M1.F.1", when=1),
        started("SN-1", transaction=work, when=9),
        installed(entry("SN-1", None, ["R1"], slot=None, **members), transaction=work, when=10),
        completed("SN-1", transaction=work, when=11),
    )


def evidence(connection: Connection, serial: str) -> set[tuple[str, str]]:
    return {(part.package, part.evidence.value) for part in made_from(connection, serial).installations}


@pytest.mark.parametrize(
    ("members", "sure"), [(SLOT_BY_NAME, "bounded"), ({}, "inferred"), ({"part_number": ""}, "inferred")]
)
def test_a_report_without_package_that_tells_the_slot_by_name_or_not_at_all(
    engine: Engine, members: dict[str, Any], sure: str
) -> None:
    worked_without_package(engine, **members)
    with engine.connect() as connection:
        assert carriers(connection, package="P-1") == {"SN-1": sure}
        assert evidence(connection, "SN-1") == {("P-1", sure)}
        assert others(connection, "P-1") == set()


@pytest.mark.parametrize(
    "members", [{"part_number": "C0402-1N"}, {"CarrierLocation": {"LocationIdentifier": "M1.F.2", "LocationName": "1"}}]
)
def test_it_is_none_of_another_part_or_slot(engine: Engine, members: dict[str, Any]) -> None:
    worked_without_package(engine, **members)
    with engine.connect() as connection:
        assert carriers(connection, package="P-1") == {}
        assert others(connection, "P-1") == {"SN-1"}


def test_a_package_may_be_in_a_slot_of_another_part(engine: Engine) -> None:
    stored(engine, described("P-0"), board("SN-0", "P-0", when=0))
    worked_without_package(engine, part_number=PART)
    stored(engine, described("P-2", InternalPartNumber="C0402-1N"), loaded("P-2", slot="M1.F.1", when=5))
    with engine.connect() as connection:
        assert "SN-1" in carriers(connection, package="P-2")


def test_a_unit_that_is_left_out_by_another_term_did_not_get_other_packages(engine: Engine) -> None:
    first, second = uuid4(), uuid4()
    stored(
        engine,
        loaded("P-1", when=1),
        started("SN-1", transaction=first, recipe="A", when=9),
        board("SN-1", "P-1", transaction=first, when=10),
        completed("SN-1", transaction=first, when=11),
        started("SN-2", transaction=second, recipe="B", when=19),
        board("SN-2", "P-1", transaction=second, when=20),
        completed("SN-2", transaction=second, when=21),
    )
    with engine.connect() as connection:
        asked: list[dict[str, Any]] = [{"recipe": "A"}, {"until": at(15)}]
        for terms in asked:
            (told,) = excluded(connection, Question(package="P-1", **terms))
            assert told.serial == "SN-2"
            assert told.reason == "It carries package P-1, or may, but not all that was asked for besides holds of it."


def test_a_board_that_is_built_in_by_the_name_of_its_panel(engine: Engine) -> None:
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), when=0),
        board("SN-1", "R-1", when=20),
        built("BX", "PNL", 100),
        installed(entry("BX2", "PNL", ["A1"], slot=None), when=200, source="Acme.Assembly.1"),
    )
    with engine.connect() as connection:
        found = carriers(connection, package="R-1")
        assert found == {"SN-1": "exact R1 R2", "BX": "exact in PNL", "BX2": "exact in PNL"}
        assert set(carriers(connection, serial="SN-1")) == {"BX", "BX2"}


def test_it_is_taken_out_by_either_name(engine: Engine) -> None:
    bench = "Acme.Bench.1"
    for nth, name in enumerate(("PNL", "SN")):
        panel, serial, box = f"PNL-{nth}", f"SN-{nth}", f"BX-{nth}"
        out = {"PNL": panel, "SN": serial}[name]
        stored(
            engine,
            initialized(panel, (serial, 1), when=0),
            built(box, panel, 100),
            uninstalled(box, children=[("A1", out)], when=200, source=bench),
            board(serial, "R-1", when=300),
        )
    with engine.connect() as connection:
        assert set(carriers(connection, package="R-1")) == {"SN-0", "SN-1"}


def test_a_carrier_that_is_built_in_stands_for_the_board_it_held_then(engine: Engine) -> None:
    stored(
        engine,
        *(initialized("CAR", (f"SN-{nth}", 1), when=100 * nth) for nth in range(3)),
        built("BX", "CAR", 150),
        *(board(f"SN-{nth}", f"R-{nth}", when=100 * nth + 10) for nth in range(3)),
    )
    with engine.connect() as connection:
        assert [set(carriers(connection, package=f"R-{nth}")) for nth in range(3)] == [
            {"SN-0"},
            {"SN-1", "BX"},
            {"SN-2"},
        ]


def test_two_boards_that_one_time_puts_in_one_place_are_both_possible(engine: Engine) -> None:
    """Corrected with the time of the first registration, or several units of one number: nobody knows which."""
    stored(
        engine,
        initialized("PNL", ("SN-1", 1), ("SN-2", 2), ("SN-3", 3), when=0),
        initialized("PNL", ("SN-2", 1), ("SN-1", 2), when=0),
        installed(entry("PNL", "R-1", ["R1"], position=1), when=20),
        installed(entry("PNL", "R-3", ["R1"], position=3), when=20),
    )
    with engine.connect() as connection:
        assert carriers(connection, package="R-1") == {"SN-1": "bounded R1", "SN-2": "bounded R1"}
        assert carriers(connection, package="R-3") == {"SN-3": "exact R1"}
        assert evidence(connection, "SN-1") == evidence(connection, "SN-2") == {("R-1", "bounded")}
        assert evidence(connection, "SN-3") == {("R-3", "exact")}
        then = connection.execute(text("SELECT received_at FROM installation LIMIT 1")).scalar_one()
    stored(engine, initialized("PNL", ("SN-2", 1), when=10))
    with engine.connect() as connection:
        assert carriers(connection, package="R-1") == {"SN-2": "exact R1"}
        assert set(carriers(connection, package="R-1", as_of=then)) == {"SN-1", "SN-2"}
