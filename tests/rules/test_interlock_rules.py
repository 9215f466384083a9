"""Every rule about a unit: where it lets pass, where it stops, the boundary between, and what an override does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.interlock.facts import Active, Facts, OnHold, Station, Topic
from app.interlock.rights import RIGHTS, right_to
from app.interlock.rules import decide
from app.interlock.verdicts import Verdict, holding_back
from app.people.models import Role
from app.sentences import Sentence
from tests.rules.interlock_facts import GOOD, HERE, NOW, ROUTING, codes, judged, minutes, override, run, visits


def test_a_good_unit_passes_and_says_what_was_not_judged() -> None:
    verdict = judged()
    assert verdict.allowed
    assert verdict.sentence == "OK"
    assert any("No recipe is planned" in told for told in verdict.notes)
    assert any("No threshold is planned" in told for told in verdict.notes)


HELD = OnHold("NC-1", Sentence("SN-7 is on hold."))

# What stops a unit. Each line: what differs from the good unit at the AOI, and the codes against it.
TOUCHED_UP = tuple(replace(step, optional=step.operation == "aoi") for step in ROUTING)
UNIT_RULES: list[tuple[str, dict[str, Any], list[str]]] = [
    # route
    ("next", {}, []),
    ("skipped one", {"visits": visits("print")}, ["skipped"]),
    ("skipped two", {"visits": ()}, ["skipped", "skipped"]),
    ("done already", {"visits": visits("print place aoi"), "runs": (run("aoi", "passed"),)}, ["repeated"]),
    ("done already, no run on record", {"visits": visits("print place aoi")}, ["repeated"]),
    ("retest after a failure", {"visits": visits("print place aoi"), "runs": (run("aoi", "failed"),)}, []),
    (
        "last retest",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "failed", runs=2),), "retest_limit": 3},
        [],
    ),
    (
        "one retest too many",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "failed", runs=3),), "retest_limit": 3},
        ["retest_limit"],
    ),
    (
        "no limit is planned",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "failed", runs=30),)},
        [],
    ),
    (
        "decided to rework: may be tried again",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "failed", runs=0, decision="rework"),),
         "retest_limit": 1},
        [],
    ),
    ("the tester broke: to be tried again", {"visits": visits("print place aoi"), "runs": (run("aoi", "error"),)}, []),
    (
        "one method passed, another failed: that one is tried again",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "passed"), run("aoi", "failed"))},
        [],
    ),
    (
        "one method tried too often",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "passed", runs=1), run("aoi", "failed", runs=3)),
         "retest_limit": 3},
        ["retest_limit"],
    ),
    ("done before quality sent it to rework", {"visits": visits("print place aoi"), "free": frozenset({"aoi"})}, []),
    ("done since quality sent it to rework", {"visits": visits("print place aoi"), "free": frozenset({"place"})},
     ["repeated"]),
    ("left out, and what comes behind is done", {"routing": TOUCHED_UP, "visits": visits("print place test")},
     ["out_of_order"]),
    ("left out, and sent to rework since", {"routing": TOUCHED_UP, "visits": visits("print place test"),
                                            "free": frozenset({"place", "test"})}, []),
    ("left out, and gone on since it was sent to rework", {"routing": TOUCHED_UP, "visits": visits("print place test"),
                                                           "free": frozenset({"place"})}, ["out_of_order"]),
    ("not in the routing", {"routing": ROUTING[:2]}, []),
    ("no routing is planned", {"routing": (), "visits": ()}, []),
    ("the report of the step before is on its way", {"visits": visits("print"), "busy": ("place",)}, ["not_arrived"]),
    # status
    ("failed before, nobody decided", {"runs": (run("print", "failed"),)}, ["failed"]),
    ("failed before, used as it is", {"runs": (run("print", "failed", decision="use_as_is"),)}, []),
    ("failed before, sent to rework, not passed since", {"runs": (run("print", "failed", decision="rework"),)},
     ["not_retested"]),
    ("failed before, no routing is planned", {"runs": (run("print", "failed"),), "routing": ()}, []),
    ("the tester broke before", {"runs": (run("print", "error"),)}, ["no_verdict"]),
    ("scrapped", {"scrapped": "fell on the floor"}, ["scrapped"]),
    ("shipped", {"shipped": "SH-1"}, ["shipped"]),
    ("on hold", {"holds": (HELD,)}, ["on_hold"]),
    ("on hold twice", {"holds": (HELD, OnHold("NC-2", Sentence("Two.")))}, ["on_hold", "on_hold"]),
    ("on hold without a routing", {"holds": (HELD,), "routing": ()}, ["on_hold"]),
    ("in another station's hands", {"started_elsewhere": "It was started at X."}, ["already_started"]),
    ("provisional", {"provisional": ("Placer",)}, ["provisional"]),
    ("one of two methods failed before", {"runs": (run("print", "failed"), run("print", "passed"))}, ["failed"]),
    ("a position its panel does not have", {"positions": (1, 2)}, ["unknown_position"]),
    ("built into an assembly", {"built_into": "BOX-1"}, ["built_in"]),
    # what is built in
    ("a child on hold", {"holds": (replace(HELD, via="SN-3"),)}, ["sub_assembly_on_hold"]),
    ("a child scrapped", {"children_scrapped": ("SN-3",)}, ["sub_assembly_scrapped"]),
    ("a child failed", {"children_failed": ("SN-3",)}, ["sub_assembly_failed"]),
    ("two children failed", {"children_failed": ("SN-3", "SN-4")}, ["sub_assembly_failed", "sub_assembly_failed"]),
    ("a child that passed without the product", {"children_provisional": ("SN-3",)}, ["sub_assembly_provisional"]),
    # trace
    ("a report of the route is missing", {"busy": ("print",)}, ["not_arrived"]),
    ("this operation is under way: asked twice", {"busy": ("aoi",)}, []),
    ("something beside the route is under way", {"busy": ("visual check",)}, []),
    ("complete to the threshold", {"wanted": 0.98, "completeness": 0.98}, []),
    ("just short of the threshold", {"wanted": 0.98, "completeness": 0.9799}, ["incomplete"]),
    ("no bill of material", {"wanted": 0.98, "completeness": None}, []),
]  # fmt: skip


@pytest.mark.parametrize(("differs", "against"), [row[1:] for row in UNIT_RULES], ids=[row[0] for row in UNIT_RULES])
def test_a_rule_about_the_unit(differs: dict[str, Any], against: list[str]) -> None:
    verdict = judged(**differs)
    assert codes(verdict) == against
    assert verdict.allowed is (against == [])
    assert all(ground.sentence and ground.clears for ground in verdict.reasons)


def test_a_failure_stops_everywhere_but_where_it_is_to_pass() -> None:
    failed: dict[str, Any] = {"visits": visits("print place aoi"), "runs": (run("aoi", "failed"),)}
    assert codes(judged(**failed)) == []
    assert codes(judged(**failed, station={"operation": "test"})) == ["failed"]
    reworked: dict[str, Any] = {**failed, "runs": (run("aoi", "failed", decision="rework"),)}
    assert codes(judged(**reworked, station={"operation": "test"})) == ["not_retested"]
    assert codes(judged(**reworked, station={"operation": "rework bench"})) == []


def test_a_provisional_unit_goes_on_until_the_next_closed_gate() -> None:
    gone_on = judged(provisional=("Placer",), station={"policy": "fail_open_record"})
    assert gone_on.allowed
    assert "provisional" in gone_on.warnings[0]
    assert codes(judged(provisional=("Placer",), station={"policy": None})) == ["provisional"]
    with_child = judged(children_provisional=("SN-3",), station={"policy": "fail_cached"})
    assert with_child.allowed
    assert "SN-3" in with_child.warnings[0]


def test_the_line_runs_another_revision() -> None:
    def active(revision: int | None) -> dict[str, Any]:
        return {"active": Active("aoi-top", "B", revision, "node rev C")}

    assert codes(judged(station=active(1))) == []
    assert codes(judged(station=active(2))) == ["wrong_product_revision"]
    assert codes(judged(station=active(None))) == []


def test_an_unknown_unit_stops_where_a_gate_is_planned_and_it_is_not_the_first() -> None:
    def asked(**station: Any) -> list[str]:
        return codes(decide(Facts(NOW, "SN-9", 0, None, replace(HERE, **station))))

    assert asked() == ["unknown_unit"]
    assert asked(first_of_line=True) == []
    assert asked(policy=None) == []
    assert asked(policy=None, comes_later=True) == ["unknown_unit"]
    assert asked(policy=None, comes_later=True, first_of_line=True) == []
    verdict = decide(Facts(NOW, "SN-9", 0, None, NOBODY_KNOWS))
    assert verdict.allowed
    assert verdict.station == "New.Machine.1"


NOBODY_KNOWS = Station(0, "New.Machine.1")


def test_a_station_nobody_knows_lets_no_bad_unit_in() -> None:
    def asked(**unit: Any) -> list[str]:
        return codes(decide(Facts(NOW, "SN-7", 0, replace(GOOD, **unit), NOBODY_KNOWS)))

    assert asked() == []
    assert asked(holds=(HELD,)) == ["on_hold"]
    assert asked(scrapped="burnt") == ["scrapped"]
    assert asked(runs=(run("print", "failed"),)) == ["failed"]
    assert asked(provisional=("Placer",)) == ["provisional"]
    assert asked(visits=()) == [], "of the route nothing can be said"


def test_only_what_was_asked_about_is_judged_but_what_stops_a_unit_everywhere_always() -> None:
    bad: dict[str, Any] = {"visits": (), "runs": (run("print", "failed"),), "children_failed": ("SN-3",),
                           "busy": ("print",)}  # fmt: skip
    only = {topic: codes(judged(**bad, facts={"topics": frozenset({topic})})) for topic in Topic}
    assert only == {
        Topic.route: ["not_arrived", "skipped"],
        Topic.status: ["failed"],
        Topic.sub_assemblies: ["sub_assembly_failed"],
        Topic.trace: ["not_arrived"],
    }
    stopped: dict[str, Any] = {
        "scrapped": "burnt",
        "holds": (HELD, OnHold("NC-2", Sentence("On hold."), via="SN-3")),
        "children_scrapped": ("SN-4",),
        "started_elsewhere": "It was started at X.",
    }
    always = {"scrapped", "on_hold", "sub_assembly_on_hold", "sub_assembly_scrapped", "already_started"}
    for topic in Topic:
        assert always <= set(codes(judged(**stopped, facts={"topics": frozenset({topic})}))), topic


def test_a_position_that_machines_only_spoke_of_is_asked_about_again_until_a_board_is_linked_to_it() -> None:
    spoken: dict[str, Any] = {"serial": "P-1 position 3", "positions": (1, 2), "spoken_of": True}

    def verdict(station: dict[str, Any] | None = None, **unit: Any) -> Verdict:
        return judged(**spoken, **unit, station=station, facts={"asked_position": 3})

    assert (codes(verdict()), verdict().passing) == (["unknown_position"], True)
    assert "No board is linked to P-1 position 3; its panel has 1, 2." in verdict().sentence
    assert codes(verdict(scrapped="burnt")) == ["unknown_position", "scrapped"], "what is known of it counts as well"
    unplanned = verdict({"policy": None})
    assert unplanned.allowed
    assert any("No board is linked to P-1 position 3" in told for told in unplanned.notes)
    assert codes(verdict({"policy": None, "comes_later": True})) == ["unknown_position"]
    assert verdict({"first_of_line": True}).allowed


def test_just_after_an_outage_what_was_skipped_may_still_be_reported() -> None:
    verdict = judged(visits=(), facts={"settling": True})
    assert (codes(verdict), verdict.passing) == (["skipped", "skipped"], True)
    assert not judged(visits=()).passing
    assert not judged(visits=(), scrapped="burnt", facts={"settling": True}).passing
    mended: dict[str, Any] = {"again": {"print": minutes(-3)}, "visits": visits("place")}
    assert not judged(**mended, facts={"settling": True}).passing, "that was reported"


def test_what_lies_between_two_visits_of_an_operation_may_still_be_reported() -> None:
    """It comes twice in the routing: whoever asks for the second time knows what was done since the first."""
    twice: dict[str, Any] = {"routing": (*ROUTING, *ROUTING), "visits": visits("print place aoi")}
    assert (codes(judged(**twice)), judged(**twice).passing) == (["repeated"], False)
    assert judged(**twice, facts={"settling": True}).passing
    assert judged(**twice, busy=("test", "print", "place")).passing
    assert not judged(**twice, busy=("place",)).passing, "the second print is not on its way"
    assert judged(**twice, provisional=("Placer",), station={"policy": "fail_open_record"}).passing
    once = judged(visits=visits("print place aoi"), facts={"settling": True})
    assert (codes(once), once.passing) == (["repeated"], False)


def test_a_hold_that_the_next_report_may_lift_is_asked_about_again() -> None:
    late: dict[str, Any] = {"visits": visits("print"), "busy": ("place",)}
    suspected = OnHold("NC-1", Sentence("Suspected."), passing=True, clears=Sentence("Wait for the report."))
    verdict = judged(**late, holds=(suspected,))
    assert (codes(verdict), verdict.passing) == (["on_hold", "not_arrived"], True)
    assert "Suspected. Wait for the report." in verdict.sentence
    assert judged(**late, holds=(replace(suspected, via="SN-3"),)).passing
    assert not judged(**late, holds=(suspected, replace(HELD, number="NC-2"))).passing


def test_a_board_that_is_crossed_out_does_not_stop_its_panel_but_itself() -> None:
    def verdict(asked_position: int, position: int, **unit: Any) -> Verdict:
        return decide(Facts(NOW, "P-1", position, replace(GOOD, **unit), HERE, asked_position=asked_position))

    good, in_panel, alone = verdict(0, 1), verdict(0, 2, scrapped="burnt"), verdict(2, 2, scrapped="burnt")
    assert (in_panel.allowed, in_panel.crossed_out, alone.crossed_out) == (False, True, False)
    assert holding_back([good, in_panel]) == []
    assert holding_back([good, alone]) == [alone]
    held = verdict(0, 2, holds=(HELD,))
    assert holding_back([good, in_panel, held]) == [held]
    assert holding_back([in_panel]) == [in_panel], "nothing of its panel is left to work on"
    other = replace(good, identifier="P-2")
    assert holding_back([other, in_panel]) == [in_panel]
    assert not verdict(0, 0, scrapped="burnt").crossed_out


# --- overrides ---

OVERRIDABLE: list[tuple[str, str | None, dict[str, Any]]] = [
    ("skipped", "place", {"visits": visits("print")}),
    ("repeated", "aoi", {"visits": visits("print place aoi"), "runs": (run("aoi", "passed"),)}),
    (
        "retest_limit",
        "aoi",
        {"visits": visits("print place aoi"), "runs": (run("aoi", "failed", runs=3),), "retest_limit": 3},
    ),
    ("no_verdict", "print", {"runs": (run("print", "aborted"),)}),
    ("incomplete", None, {"wanted": 0.9, "completeness": 0.5}),
]
NOT_OVERRIDABLE: list[tuple[str, dict[str, Any]]] = [
    ("on_hold", {"holds": (HELD,)}),
    ("failed", {"runs": (run("print", "failed"),)}),
    ("scrapped", {"scrapped": "burnt"}),
    ("shipped", {"shipped": "SH-1"}),
    ("provisional", {"provisional": ("Placer",)}),
    ("sub_assembly_on_hold", {"holds": (OnHold("NC-1", Sentence("On hold."), via="SN-3"),)}),
    ("not_arrived", {"busy": ("print",)}),
    ("sub_assembly_failed", {"children_failed": ("SN-3",)}),
    ("sub_assembly_scrapped", {"children_scrapped": ("SN-3",)}),
    ("sub_assembly_provisional", {"children_provisional": ("SN-3",)}),
    ("already_started", {"started_elsewhere": "It was started at X."}),
    ("built_in", {"built_into": "BOX-1"}),
    ("unknown_position", {"positions": (1, 2)}),
]


@pytest.mark.parametrize(("code", "subject", "differs"), OVERRIDABLE, ids=[row[0] for row in OVERRIDABLE])
def test_an_override_in_force_lets_its_reason_pass(code: str, subject: str | None, differs: dict[str, Any]) -> None:
    verdict = judged(**differs, facts={"overrides": (override(code, subject),)})
    assert verdict.allowed
    assert [one.ground.code for one in verdict.overridden] == [code]
    assert verdict.overridden[0].override.given_by == "person:eve"


@pytest.mark.parametrize(("code", "differs"), NOT_OVERRIDABLE, ids=[row[0] for row in NOT_OVERRIDABLE])
def test_what_quality_decides_is_overridden_by_nobody(code: str, differs: dict[str, Any]) -> None:
    assert right_to(code) is None
    assert codes(judged(**differs, facts={"overrides": (override(code),)})) == [code]


@pytest.mark.parametrize(
    ("given", "until", "holds"),
    [(-5, 60, True), (-5, 0, False), (-5, 0.01, True), (0, 60, True), (0.01, 60, False)],
    ids=["in force", "ends now", "ends in a moment", "begins now", "begins in a moment"],
)
def test_an_override_holds_from_its_beginning_to_before_its_end(given: float, until: float, holds: bool) -> None:
    given_override = override("repeated", given=given, until=until)
    verdict = judged(visits=visits("print place aoi"), facts={"overrides": (given_override,)})
    assert verdict.allowed is holds


@pytest.mark.parametrize(("heard", "passes"), [(-6, True), (-5, True), (-4.9, False)])
@pytest.mark.parametrize("code", ["repeated", "retest_limit", "no_verdict"])
def test_what_came_after_an_override_was_given_is_another_occasion(code: str, heard: float, passes: bool) -> None:
    again: dict[str, dict[str, Any]] = {
        "repeated": {"visits": visits("print place aoi"), "done_at": minutes(heard)},
        "retest_limit": {
            "visits": visits("print place aoi"),
            "runs": (replace(run("aoi", "failed", runs=3), received_at=minutes(heard)),),
            "retest_limit": 3,
        },
        "no_verdict": {"runs": (replace(run("print", "aborted"), received_at=minutes(heard)),)},
    }
    verdict = judged(**again[code], facts={"overrides": (override(code, given=-5),)})
    assert codes(verdict) == ([] if passes else [code])


def test_an_override_of_one_subject_lets_no_other_pass() -> None:
    verdict = judged(visits=(), facts={"overrides": (override("skipped", "print"),)})
    assert [ground.subject for ground in verdict.reasons] == ["place"]


def test_a_step_whose_skipping_was_let_pass_stays_passed() -> None:
    """The override has ended, but the unit was worked on under it: the next station does not ask for the step again."""
    past = override("skipped", "place", given=-58.5, until=-50)
    went_on = visits("print spi aoi")  # the third of them 58 minutes ago
    assert went_on[2].started_at == minutes(-58)
    verdict = judged(visits=went_on, station={"operation": "test"}, facts={"overrides": (past,)})
    assert codes(verdict) == []
    never_used = override("skipped", "place", given=-40, until=-30)
    verdict = judged(visits=went_on, station={"operation": "test"}, facts={"overrides": (never_used,)})
    assert codes(verdict) == ["skipped"]


def test_leave_stays_though_the_work_that_went_on_with_it_was_undone_by_a_mending() -> None:
    past = override("skipped", "place", given=-58.5, until=-50)
    seen = visits("print spi aoi")
    undone: dict[str, Any] = {"visits": seen[:2], "undone": seen[2:], "again": {"aoi": minutes(-40)}}
    assert codes(judged(**undone, facts={"overrides": (past,)})) == []


# --- who may ---


def test_operators_override_nothing_and_a_line_lead_what_a_scan_validated() -> None:
    everyone = {role for right in RIGHTS.values() for role in right.roles}
    assert everyone == {Role.line_lead, Role.process_engineer, Role.quality_engineer}
    alone = {code for code, right in RIGHTS.items() if Role.line_lead in right.roles}
    assert alone == {"not_verified", "slot_empty", "side_unknown", "cleaning_due", "recipe_unknown", "no_operator"}
    validated = right_to("unapproved_alternate", verified=True)
    assert validated is not None
    assert Role.line_lead in validated.roles
    unseen = right_to("unapproved_alternate")
    assert unseen is not None
    assert Role.line_lead not in unseen.roles


def test_a_line_lead_needs_nobody_and_where_harm_is_possible_an_engineer_needs_a_second_person() -> None:
    assert not any(right.second_person for right in RIGHTS.values() if Role.line_lead in right.roles)
    assert {code for code, right in RIGHTS.items() if right.second_person} >= {
        "skipped", "wrong_part", "floor_life_over", "humidity_card_wet", "calibration_over", "not_qualified",
    }  # fmt: skip
    assert max(right.longest for right in RIGHTS.values()) <= timedelta(hours=24)


def test_all_that_clears_by_itself_is_worth_asking_again() -> None:
    assert judged(visits=visits("print"), busy=("place",)).passing
    assert judged(visits=visits("print")).passing
    assert not judged(visits=()).passing
    assert judged(visits=(), provisional=("Printer.1",), station={"policy": "fail_open_record"}).passing
    assert not judged(visits=visits("print"), scrapped="burnt").passing
    assert not judged().passing
