"""Every rule about a station: setup, material, tools, recipe, people, calibration, lock."""

from datetime import timedelta
from typing import Any

import pytest

from app.interlock.facts import Active, Judged
from app.people.models import Role
from app.reasons import Reason
from app.sentences import Sentence
from tests.rules.interlock_facts import codes, judged, minutes, override

DAY = 24 * 60


def slot(code: str, *, verified: bool = False, package: str = "P-1182") -> Judged:
    """A slot with one thing against the reel in it."""
    reason = Reason(code, Sentence("Slot S12 is wrong."), Sentence("Load another reel."))
    return Judged("S12", (reason,), verified=verified, package=package)


def tool(code: str) -> Judged:
    """A tool with one thing against it."""
    return Judged("STENCIL-1", (Reason(code, Sentence("STENCIL-1 is worn."), Sentence("Clean it.")),))


PLANNED = {"recipes": (("aoi-top", "B"), ("aoi-bottom", "B"))}

# What stops a station. Each line: what differs from the good station and unit, and the codes against it.
STATION_RULES: list[tuple[str, dict[str, Any], list[str]]] = [
    # lock
    ("locked", {"station": {"locked": "investigation"}}, ["station_locked"]),
    # setup and material
    ("a slot with nothing against it", {"station": {"setup": (Judged("S12"),), "setup_planned": True}}, []),
    ("wrong part", {"station": {"setup": (slot("wrong_part"),)}}, ["wrong_part"]),
    ("not verified", {"station": {"setup": (slot("not_verified"),)}}, ["not_verified"]),
    ("held reel", {"station": {"setup": (slot("package_held"),)}}, ["package_held"]),
    ("floor life over", {"station": {"setup": (slot("floor_life_over"),)}}, ["floor_life_over"]),
    ("expired", {"station": {"setup": (slot("shelf_life_over"),)}}, ["shelf_life_over"]),
    ("two slots", {"station": {"setup": (slot("slot_empty"), Judged("S13", slot("slot_empty").reasons))}},
     ["slot_empty", "slot_empty"]),
    # tools
    ("a tool with life left", {"station": {"tools": (Judged("STENCIL-1"),)}}, []),
    ("a stencil worn out", {"station": {"tools": (tool("tool_worn_out"),)}}, ["tool_worn_out"]),
    ("a stencil to be cleaned", {"station": {"tools": (tool("cleaning_due"),)}}, ["cleaning_due"]),
    # recipe
    ("the planned recipe", {**PLANNED, "station": {"active": Active("aoi-top", "B")}}, []),
    ("the other side's", {**PLANNED, "station": {"active": Active("aoi-bottom", "B")}}, []),
    ("another recipe", {**PLANNED, "station": {"active": Active("aoi-side", "B")}}, ["wrong_recipe"]),
    ("another revision of it", {**PLANNED, "station": {"active": Active("aoi-top", "A")}}, ["wrong_recipe"]),
    ("no revision said", {**PLANNED, "station": {"active": Active("aoi-top", None)}}, ["wrong_recipe"]),
    ("no recipe said", {**PLANNED, "station": {"active": None}}, ["recipe_unknown"]),
    ("no recipe planned", {"station": {"active": Active("anything", None)}}, []),
    # people
    ("nobody needs to be qualified", {"station": {"operators": ("ANN",)}}, []),
    ("qualified", {"station": {"qualification_needed": True, "operators": ("ANN",), "qualified": (("ANN", None),)}},
     []),
    ("qualified to the last moment", {"station": {"qualification_needed": True, "operators": ("ANN",),
     "qualified": (("ANN", minutes(0.01)),)}}, []),
    ("qualified until now", {"station": {"qualification_needed": True, "operators": ("ANN",),
     "qualified": (("ANN", minutes(0)),)}}, ["qualification_over"]),
    ("not qualified", {"station": {"qualification_needed": True, "operators": ("ANN", "BEN"),
     "qualified": (("ANN", None),)}}, ["not_qualified"]),
    ("nobody is there", {"station": {"qualification_needed": True}}, ["no_operator"]),
    # calibration
    ("no calibration planned", {"station": {"calibration_due": None}}, []),
    ("calibrated a moment longer", {"station": {"calibration_due": minutes(0.01)}}, []),
    ("calibrated until now", {"station": {"calibration_due": minutes(0)}}, ["calibration_over"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("differs", "against"), [row[1:] for row in STATION_RULES], ids=[row[0] for row in STATION_RULES]
)
def test_a_rule_about_the_station(differs: dict[str, Any], against: list[str]) -> None:
    verdict = judged(**differs)
    assert codes(verdict) == against
    assert all(ground.sentence and ground.clears for ground in verdict.reasons)
    assert not verdict.passing


@pytest.mark.parametrize(
    ("code", "subject", "differs"),
    [
        ("wrong_part", "S12 with P-1182", {"station": {"setup": (slot("wrong_part"),)}}),
        ("floor_life_over", "S12 with P-1182", {"station": {"setup": (slot("floor_life_over"),)}}),
        ("tool_worn_out", "STENCIL-1", {"station": {"tools": (tool("tool_worn_out"),)}}),
        ("wrong_recipe", "aoi-side rev B", {**PLANNED, "station": {"active": Active("aoi-side", "B")}}),
        ("recipe_unknown", None, {**PLANNED, "station": {"active": None}}),
        ("not_qualified", "ANN", {"station": {"qualification_needed": True, "operators": ("ANN",)}}),
        ("no_operator", None, {"station": {"qualification_needed": True}}),
        ("calibration_over", None, {"station": {"calibration_due": minutes(-1)}}),
    ],
)
def test_an_override_lets_it_pass_for_its_subject_alone(
    code: str, subject: str | None, differs: dict[str, Any]
) -> None:
    assert judged(**differs, facts={"overrides": (override(code, subject),)}).allowed
    assert judged(**differs, facts={"overrides": (override(code),)}).allowed
    assert codes(judged(**differs, facts={"overrides": (override(code, "something else"),)})) == [code]


def test_an_override_for_a_reel_in_a_slot_ends_with_the_reel() -> None:
    given = {"overrides": (override("wrong_part", "S12 with P-1182"),)}
    assert judged(station={"setup": (slot("wrong_part"),)}, facts=given).allowed
    next_reel = {"setup": (slot("wrong_part", package="P-1183"),)}
    assert codes(judged(station=next_reel, facts=given)) == ["wrong_part"]
    assert judged(station=next_reel).reasons[0].subject == "S12 with P-1183"
    other_recipe = {"overrides": (override("wrong_recipe", "aoi-side rev B"),)}
    assert codes(judged(**PLANNED, station={"active": Active("aoi-side", "C")}, facts=other_recipe)) == ["wrong_recipe"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0.5, ""), (-0.5, ""), (0.6, "suspect"), (-2.0, "suspect"), (2.1, "prove nothing")],
)
def test_a_clock_that_is_wrong_is_warned_of_and_stops_nothing(seconds: float | None, said: str) -> None:
    error = None if seconds is None else timedelta(seconds=seconds)
    verdict = judged(station={"clock_error": error})
    assert verdict.allowed
    assert said in " ".join(verdict.warnings)
    assert bool(said) is bool(verdict.warnings)


@pytest.mark.parametrize("code", ["package_held", "two_machines", "location_blocked", "retired"])
def test_what_is_cleared_at_the_slot_is_overridden_by_nobody(code: str) -> None:
    verdict = judged(station={"setup": (slot(code),)}, facts={"overrides": (override(code),)})
    assert codes(verdict) == [code]
    assert verdict.reasons[0].right is None


def test_a_mismatch_that_a_scan_validated_is_a_line_leads() -> None:
    seen = judged(station={"setup": (slot("unapproved_alternate", verified=True),)}).reasons[0]
    unseen = judged(station={"setup": (slot("unapproved_alternate"),)}).reasons[0]
    assert seen.right is not None
    assert unseen.right is not None
    assert Role.line_lead in seen.right.roles
    assert not seen.right.second_person
    assert Role.line_lead not in unseen.right.roles
    assert unseen.right.second_person


def test_the_gate_warns_before_it_stops() -> None:
    soon = Reason(
        "expires_soon", Sentence("Reel P-1 passes its floor life in 20 min."), Sentence("Have another ready.")
    )
    assert "P-1" in judged(station={"setup": (Judged("S12", warnings=(soon,)),)}).warnings[0]
    worn = Reason("tool_worn_out", Sentence("STENCIL-1 has 100 cycles left."), Sentence("Order another."))
    assert "STENCIL-1" in judged(station={"tools": (Judged("STENCIL-1", warnings=(worn,)),)}).warnings[0]
    assert "calibration" in judged(station={"calibration_due": minutes(7 * DAY)}).warnings[0]
    assert judged(station={"calibration_due": minutes(7 * DAY + 1)}).warnings == ()


def test_two_rules_that_find_the_same_say_it_once() -> None:
    twice = Judged("S12", (slot("wrong_part").reasons[0], slot("wrong_part").reasons[0]))
    assert codes(judged(station={"setup": (twice,)})) == ["wrong_part"]
