"""A unit told into a second assembly, which nobody took out of the first: it is in one of them."""

from datetime import datetime

import pytest
from sqlalchemy import Engine

from app.trace.evidence import Evidence
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.flows.story import ASSEMBLY, built_into
from tests.inbox.messages import at, entry, initialized, installed, stored, uninstalled

EXACT, BOUNDED = Evidence.exact, Evidence.bounded


def around(engine: Engine, package: str) -> dict[str, Evidence]:
    with engine.connect() as connection:
        return {
            unit.serial: unit.evidence for unit in stream_where_used(connection, Question(package=package)) if unit.via
        }


def elsewhere(engine: Engine, serial: str) -> dict[str, datetime | None]:
    with engine.connect() as connection:
        return {unit.serial: unit.elsewhere_at for unit in made_from(connection, serial).components}


@pytest.mark.parametrize("as_material", [False, True])
def test_from_its_next_assembly_on_a_unit_is_only_possibly_in_the_former(engine: Engine, *, as_material: bool) -> None:
    def into(parent: str, child: str, when: float) -> bytes:
        if as_material:
            return installed(entry(parent, child, ["A1"], slot=None), when=when, source=ASSEMBLY)
        return built_into(parent, child, when=when)

    stored(
        engine,
        initialized("CH-1", when=1),
        installed(entry("CH-1", "R-1", ["R1"]), when=50),
        into("BX", "CH-1", 100),
        into("BX2", "CH-1", 200),
        installed(entry("CH-1", "R-2", ["R2"]), when=300),
    )
    assert around(engine, package="R-1") == {"BX": EXACT, "BX2": EXACT}
    assert around(engine, package="R-2") == {"BX": BOUNDED, "BX2": EXACT}
    assert elsewhere(engine, "BX") == {"CH-1": at(200)}
    assert elsewhere(engine, "BX2") == {"CH-1": None}


def test_what_surrounds_the_former_assembly_is_no_surer(engine: Engine) -> None:
    stored(
        engine,
        built_into("BX", "CH-1", when=100),
        built_into("RACK", "BX", when=150),
        built_into("BX2", "CH-1", when=200),
        built_into("RACK-2", "BX2", when=250),
        installed(entry("CH-1", "R-2", ["R2"]), when=300),
    )
    assert around(engine, package="R-2") == {"BX": BOUNDED, "RACK": BOUNDED, "BX2": EXACT, "RACK-2": EXACT}


def test_a_unit_that_was_taken_out_and_built_in_again_is_surely_there(engine: Engine) -> None:
    stored(
        engine,
        built_into("BX", "CH-1", when=100),
        uninstalled("BX", ["A1"], when=150, source=ASSEMBLY),
        built_into("BX2", "CH-1", when=200),
        built_into("BX", "CH-1", when=300),
        installed(entry("CH-1", "R-2", ["R2"]), when=400),
    )
    assert around(engine, package="R-2") == {"BX": EXACT, "BX2": BOUNDED}
    assert elsewhere(engine, "BX2") == {"CH-1": at(300)}


def test_two_stations_within_their_clocks_error_do_not_tell_which_assembly_was_the_last(engine: Engine) -> None:
    stored(
        engine,
        built_into("BX", "CH-1", when=103),
        installed(entry("BX2", None, children=[("A1", "CH-1")], slot=None), when=100, source="Acme.Assembly.2"),
        installed(entry("CH-1", "R-1", ["R1"]), when=50),
        installed(entry("CH-1", "R-2", ["R2"]), when=300),
    )
    assert around(engine, package="R-1") == {"BX": EXACT, "BX2": EXACT}
    assert around(engine, package="R-2") == {"BX": BOUNDED, "BX2": BOUNDED}


def test_as_it_was_known_before_the_second_report(engine: Engine) -> None:
    stored(engine, built_into("BX", "CH-1", when=100), installed(entry("CH-1", "R-2", ["R2"]), when=300))
    with engine.connect() as connection:
        then = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    stored(engine, built_into("BX2", "CH-1", when=200))
    with engine.connect() as connection:
        told = stream_where_used(connection, Question(package="R-2", as_of=then))
        known = {unit.serial: unit.evidence for unit in told}
        assert known == {"CH-1": EXACT, "BX": EXACT}
        assert made_from(connection, "BX", as_of=then).components[0].elsewhere_at is None
    assert around(engine, package="R-2") == {"BX": BOUNDED, "BX2": EXACT}
