"""The gate on recorded facts: what machines reported decides, overrides are facts, and every verdict is on record."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from app.db import retrying
from app.errors import Conflict, Forbidden, Invalid
from app.interlock.gathering import Asked, Told
from app.interlock.locks import lock_station, unlock_station
from app.interlock.overrides import grant_override, revoke_override
from app.interlock.plans import (
    need_qualification,
    plan_policy,
    plan_recipes,
    plan_retest_limit,
    plan_threshold,
    qualify,
)
from app.interlock.starts import start_units
from app.interlock.verdicts import Verdict
from app.lines.planning import StationPlan, plan_line
from app.people import Actor, Role
from app.quality.containments import open_containment
from app.quality.shipping import reasons_to_keep
from app.quality.terms import Terms
from app.trace.question import Question
from app.units.families import family
from tests.containment.stories import contain, decide, unit_id
from tests.inbox.messages import (
    START,
    completed,
    count,
    initialized,
    message,
    received,
    started,
    stored,
    uninstalled,
)
from tests.interlock.story import (
    AOI,
    MARKER,
    MOUNTER,
    PRINTER,
    TESTER,
    asked,
    clock,
    codes,
    done,
    inspected,
    passed,
    placed,
)
from tests.trace.reels import loaded

LEAD, ENGINEER, SECOND, OPERATOR = (
    Actor(f"person:{role.value}", role.value, role, person=role.value)
    for role in (Role.line_lead, Role.process_engineer, Role.quality_engineer, Role.operator)
)


def kept(engine: Engine, *serials: str) -> dict[str, str]:
    """What keeps units from leaving."""
    with engine.begin() as connection:
        units = {unit_id(connection, serial): serial for serial in serials}
        found = reasons_to_keep(connection, family(connection, units))
        return {units[one]: whys[0].sentence for one, whys in found.items()}


def test_the_route_follows_from_what_was_reported(line: Engine) -> None:
    assert codes(line, PRINTER) == [[], []]
    assert codes(line, MOUNTER, Asked("SN-1")) == [["skipped"]]
    done(line, PRINTER, end=False)
    assert codes(line, MOUNTER, Asked("P-1", 2)) == [["not_arrived"]]
    assert asked(line, MOUNTER)[0].passing
    done(line, PRINTER)
    assert codes(line, PRINTER) == [["not_arrived"], ["not_arrived"]] or codes(line, PRINTER)[0][0] == "repeated"


def test_a_panel_is_its_boards_however_it_is_named(line: Engine) -> None:
    done(line, PRINTER)
    whole = asked(line, MOUNTER, Asked("P-1"))
    assert [(verdict.serial, verdict.position_number) for verdict in whole] == [("SN-1", 1), ("SN-2", 2)]
    single = asked(line, MOUNTER, Asked("P-1", 2), Asked("SN-2"), Asked("P-9", 1))
    assert [verdict.serial for verdict in single] == ["SN-2", "SN-2", None]
    assert all(verdict.allowed for verdict in [*whole, *single[:2]])


def test_a_failed_board_stops_and_its_neighbour_goes_on(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Failed", "Passed"))
    assert codes(line, TESTER) == [["failed"], []]
    assert codes(line, AOI) == [[], ["repeated"]]
    with line.begin() as connection:
        plan_retest_limit(connection, product_revision_id=1, operation="inspect", runs=1, actor="test")
    assert codes(line, AOI, Asked("SN-1")) == [["retest_limit"]]
    done(line, AOI, inspected("Passed", "Passed"))
    assert codes(line, TESTER) == [[], []]


def test_each_side_is_tried_and_passed_by_itself(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Passed", "Passed", recipe="bottom"))
    done(line, AOI, inspected("Failed", "Passed", recipe="top"))
    with line.begin() as connection:
        plan_retest_limit(connection, product_revision_id=1, operation="inspect", runs=2, actor="test")
    assert codes(line, AOI, Asked("SN-1")) == [[]], "its other side was no try of this one"
    done(line, AOI, inspected("Passed", "Passed", recipe="bottom"))
    assert codes(line, TESTER) == [["failed"], []]
    assert "failed AOI" in kept(line, "SN-1")["SN-1"]
    done(line, AOI, inspected("Passed", "Passed", recipe="top"))
    assert codes(line, TESTER) == [[], []]


def test_a_mended_board_goes_through_its_checks_again(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Passed", "Passed"))
    assert codes(line, TESTER) == [[], []]
    stored(line, uninstalled("P-1", ["R1"], position=1, when=next(clock), source="Acme.Bench.1"))
    assert codes(line, TESTER) == [["skipped"], []]
    assert "SN-1 was mended at 2026-11-20" in asked(line, TESTER, Asked("SN-1"))[0].reasons[0].sentence
    assert codes(line, AOI) == [[], ["repeated"]], "the inspection that passed before says nothing of what it is now"
    done(line, AOI, inspected("Passed", "Passed"))
    assert codes(line, TESTER) == [[], []]
    done(line, TESTER)
    repaired = {"RepairedUnits": [{"UnitIdentifier": "SN-1", "OverallResult": "RepairSuccessful"}]}
    name = "Production.ReworkAndRepair.UnitsRepaired"
    stored(line, message(name, repaired, when=next(clock), source="Acme.Bench.1"))
    assert codes(line, AOI) == [[], ["repeated"]]


def test_what_was_mended_does_not_leave_before_its_checks_passed_or_quality_takes_it(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Passed", "Passed"))
    done(line, TESTER, passed("SN-1", "SN-2"))
    assert kept(line, "SN-1", "SN-2") == {}
    stored(line, uninstalled("SN-1", ["R1"], when=next(clock), source="Acme.Bench.1"))
    stored(line, uninstalled("SN-2", ["R1"], when=next(clock), source="Acme.Bench.1"))
    assert {serial: "has not passed inspect since" in why for serial, why in kept(line, "SN-1", "SN-2").items()} == {
        "SN-1": True,
        "SN-2": True,
    }
    done(line, AOI, inspected("Passed", "Passed"))
    assert "has not passed test since" in kept(line, "SN-1")["SN-1"]
    done(line, TESTER, passed("SN-1"))
    assert kept(line, "SN-1") == {}
    decide(line, contain(line, serials=["SN-2"]).nonconformance, ["SN-2"], "use_as_is", customer_approval="CA-7")
    assert codes(line, TESTER, Asked("SN-2")) == [["repeated"]]
    assert kept(line, "SN-2") == {}


def test_a_contained_lot_stops_every_unit_that_carries_it_at_once(line: Engine) -> None:
    done(line, PRINTER)
    stored(line, received(("REEL-1", "RES-10K", "LOT-7"), source=MOUNTER))
    done(line, MOUNTER, placed("REEL-1"))
    assert codes(line, AOI) == [[], []]
    with line.begin() as connection:
        open_containment(
            connection, Terms(Question(lot="LOT-7", part_number="RES-10K")), reason="cracked", actor="person:quinn"
        )
    assert codes(line, AOI) == [["on_hold"], ["on_hold"]]


def test_a_panel_whose_report_is_late_waits_for_it_where_a_contained_lot_was_near(line: Engine) -> None:
    now = int((datetime.now(UTC) - START).total_seconds())
    work = uuid4()
    done(line, PRINTER)
    stored(
        line,
        received(("REEL-1", "RES-10K", "LOT-7"), source=MOUNTER),
        loaded("REEL-1", source=MOUNTER, when=next(clock)),
        started(("P-1", 1), ("P-1", 2), transaction=work, panel="P-1", source=MOUNTER, when=now),
    )
    contain(line, lot="LOT-7")
    with line.begin() as connection:  # the panel was in the machine when the lot was contained: somebody looked at it
        connection.execute(text("ALTER TABLE unit_hold DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM unit_hold"))
    verdict = asked(line, AOI)[0]
    assert ([ground.code for ground in verdict.reasons], verdict.passing) == (["on_hold", "not_arrived"], True)
    ended = completed(("P-1", 1), ("P-1", 2), transaction=work, source=MOUNTER, when=now + 1)
    stored(line, placed("REEL-2")(work), ended)
    assert codes(line, AOI) == [[], []]


def test_genealogy_must_be_as_complete_as_the_customer_asks(line: Engine) -> None:
    with line.begin() as connection:
        plan_threshold(connection, customer="Northwind", operation="inspect", completeness=1.0, actor="test")
    done(line, PRINTER)
    work = done(line, MOUNTER)
    assert codes(line, AOI, Asked("SN-1")) == [["incomplete"]]
    stored(line, placed("REEL-1")(work))
    assert codes(line, AOI, Asked("SN-1")) == [[]]


def test_recipe_and_operator_are_those_the_station_said_or_says(line: Engine) -> None:
    with line.begin() as connection:
        plan_recipes(connection, product_revision_id=1, operation="print", recipes=[("TOP", "2")], actor="test")
        need_qualification(connection, operation="print", actor="test")
        qualify(connection, operator="ANN", operation="print", valid_until=None, actor="test")
    assert codes(line, PRINTER, Asked("SN-1")) == [["recipe_unknown", "no_operator"]]
    stored(
        line,
        message("Production.RecipeActivated", {"RecipeName": "TOP", "Revision": "1"}, source=PRINTER, when=1),
        message("Production.OperatorActivated", {"Operator": {"OperatorIdentifier": "BEN"}}, source=PRINTER, when=1),
    )
    assert codes(line, PRINTER, Asked("SN-1")) == [["wrong_recipe", "no_operator"]], "BEN logged in days ago"
    assert codes(line, PRINTER, Asked("SN-1"), told=Told("TOP", "2", "BEN")) == [["not_qualified"]]
    assert codes(line, PRINTER, Asked("SN-1"), told=Told("TOP", "2", "ANN")) == [[]]


def test_a_locked_station_starts_nothing(line: Engine) -> None:
    with line.begin() as connection:
        lock_station(connection, station=PRINTER, reason="smoke", actor="person:lena")
    assert codes(line, PRINTER, Asked("SN-1")) == [["station_locked"]]
    with line.begin() as connection, pytest.raises(Conflict):
        lock_station(connection, station=PRINTER, reason="again", actor="person:lena")
    with line.begin() as connection:
        unlock_station(connection, station=PRINTER, reason="it was steam", actor="person:lena")
    assert codes(line, PRINTER, Asked("SN-1")) == [[]]


def test_a_factory_that_only_plugged_in_is_stopped_by_no_plan(engine: Engine) -> None:
    stored(engine, received(("REEL-1", "RES-10K", "LOT-7"), source=MOUNTER))
    stored(engine, initialized("P-1", ("SN-1", 1), ("SN-2", 2), source=MARKER))
    done(engine, AOI, inspected("Failed", "Passed"))
    verdicts = asked(engine, AOI)
    assert [verdict.allowed for verdict in verdicts] == [True, True]
    assert any("route was not judged" in told for told in verdicts[0].notes)
    assert asked(engine, "Never.Heard.Of", Asked("SN-1"))[0].allowed
    assert asked(engine, TESTER, Asked("NOBODY"))[0].allowed


# --- overrides ---


def override(connection: Connection, *, actor: Actor, second: Actor | None = None, hours: float = 1) -> int:
    until = datetime.now(UTC) + timedelta(hours=hours)
    return grant_override(
        connection, code="skipped", station=MOUNTER, serial="SN-1", until=until, reason="printed by hand",
        actor=actor, second=second,
    )  # fmt: skip


def test_an_override_is_for_one_unit_expires_and_is_on_record(line: Engine) -> None:
    with line.begin() as connection:
        number = override(connection, actor=ENGINEER, second=SECOND)
    one, other = asked(line, MOUNTER)
    assert one.allowed
    assert not other.allowed
    assert one.overridden[0].override.given_by == "person:process_engineer"
    later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
    assert codes(line, MOUNTER, Asked("SN-1"), at=later) == [["skipped"]]
    assert count(line, "audit", "deed = 'gate.overridden' AND details ->> 'second' = 'person:quality_engineer'") == 1
    assert count(line, "verdict", "overridden = '{skipped}' AND allowed") == 1
    with line.begin() as connection:
        revoke_override(connection, number, actor=ENGINEER)
    assert codes(line, MOUNTER, Asked("SN-1")) == [["skipped"]]


@pytest.mark.parametrize(
    ("actor", "second", "hours", "error"),
    [
        (OPERATOR, SECOND, 1, Forbidden),
        (LEAD, SECOND, 1, Forbidden),
        (ENGINEER, None, 1, Forbidden),
        (ENGINEER, ENGINEER, 1, Forbidden),
        (ENGINEER, OPERATOR, 1, Forbidden),
        (ENGINEER, replace(SECOND, identity="token:7", person=ENGINEER.person), 1, Forbidden),
        (ENGINEER, replace(SECOND, person=None), 1, Forbidden),
        (replace(ENGINEER, identity="token:7", person=None), SECOND, 1, Forbidden),
        (ENGINEER, SECOND, 8.1, Invalid),
        (ENGINEER, SECOND, -0.1, Invalid),
    ],
)
def test_who_may_not_or_not_so_long(
    line: Engine, actor: Actor, second: Actor | None, hours: float, error: type[Exception]
) -> None:
    with line.begin() as connection, pytest.raises(error):
        override(connection, actor=actor, second=second, hours=hours)
    assert codes(line, MOUNTER, Asked("SN-1")) == [["skipped"]]


def test_an_override_is_for_the_run_that_was_the_latest_when_it_was_given(line: Engine) -> None:
    def let_pass(code: str, station: str) -> None:
        with line.begin() as connection:
            grant_override(
                connection, code=code, station=station, serial="SN-1", reason="once more", actor=ENGINEER,
                until=datetime.now(UTC) + timedelta(hours=1),
            )  # fmt: skip

    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Failed", "Passed"))
    with line.begin() as connection:
        plan_retest_limit(connection, product_revision_id=1, operation="inspect", runs=1, actor="test")
    for _ in range(2):
        assert codes(line, AOI, Asked("SN-1")) == [["retest_limit"]]
        let_pass("retest_limit", AOI)
        assert codes(line, AOI, Asked("SN-1")) == [[]]
        done(line, AOI, inspected("Failed", "Passed"))
    assert codes(line, MOUNTER, Asked("SN-2")) == [["repeated"]]
    for _ in range(2):
        assert "repeated" in codes(line, PRINTER, Asked("SN-1"))[0]
        let_pass("repeated", PRINTER)
        assert "repeated" not in codes(line, PRINTER, Asked("SN-1"))[0]
        done(line, PRINTER)


def test_an_override_is_for_what_was_heard_before_whatever_time_it_gave(line: Engine) -> None:
    soon = (datetime.now(UTC) - START).total_seconds() + 3600
    work, units = uuid4(), (("P-1", 1), ("P-1", 2))
    stored(line, started(*units, transaction=work, panel="P-1", order="WO-1", source=PRINTER, when=soon))
    stored(line, completed(*units, transaction=work, source=PRINTER, when=soon + 1))
    with line.begin() as connection:
        grant_override(
            connection, code="repeated", station=PRINTER, serial="SN-1", reason="once more", actor=ENGINEER,
            until=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip
    assert "repeated" not in codes(line, PRINTER, Asked("SN-1"))[0]


def test_what_does_not_stand_is_not_overridden(line: Engine) -> None:
    with line.begin() as connection, pytest.raises(Invalid, match="nothing to override"):
        grant_override(
            connection, code="skipped", station=PRINTER, serial="SN-1", reason="why not", actor=ENGINEER,
            until=datetime.now(UTC) + timedelta(hours=1), second=SECOND,
        )  # fmt: skip


# --- the log, starts, CFX ---


def test_every_verdict_is_logged_with_what_it_saw(line: Engine) -> None:
    verdict = asked(line, MOUNTER, Asked("SN-1"))[0]
    with line.connect() as connection:
        row = connection.execute(text("SELECT * FROM verdict WHERE verdict_id = :id"), {"id": verdict.verdict_id}).one()
    assert (row.unit_id, row.allowed, row.codes, row.actor) == (verdict.unit_id, False, ["skipped"], "test")
    assert row.facts["unit"]["routing"] == ["mark", "print", "place", "inspect", "test"]
    assert row.facts["unit"]["visits"][0].startswith("mark 2026-")
    assert row.facts["station"]["operation"] == "place"
    asked(line, MOUNTER, Asked("NOBODY"))
    assert count(line, "verdict", "unit_id = 0 AND identifier = 'NOBODY'") == 1


def test_of_many_stations_that_ask_at_once_one_starts_the_unit(line: Engine) -> None:
    twins = [f"Acme.Printer.{number}" for number in range(10, 18)]
    with line.begin() as connection:
        plan_line(
            connection, name="SMT 2", stations=[StationPlan(twin, operation="print") for twin in twins], actor="t"
        )

    def start(station: str) -> list[Verdict]:
        return retrying(line, lambda c: start_units(c, station=station, serials=["SN-1", "SN-2"], actor="test"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, twins))
    for position in (0, 1):
        assert sum(verdicts[position].allowed for verdicts in answers) == 1
    refused = next(verdict for verdicts in answers for verdict in verdicts if not verdict.allowed)
    assert refused.reasons[0].code == "already_started"
    assert count(line, "unit_start") == 2


def test_an_unknown_unit_stops_where_a_gate_is_planned(line: Engine) -> None:
    with line.begin() as connection:
        plan_policy(connection, station=AOI, policy="fail_closed", actor="test")
        plan_policy(connection, station=MARKER, policy="fail_closed", actor="test")
    assert codes(line, AOI, Asked("MISREAD")) == [["unknown_unit"]]
    assert codes(line, MARKER, Asked("NEW")) == [[]]
