"""The rules of the gate. Pure: facts in, verdict out; nothing is remembered, so nothing can drift.

* A rule with no plan behind it passes and says so in a note: whoever only plugged machines in is not stopped by plans
  that nobody made. Facts that need no plan (a hold, a scrapped unit, a floor life that is over) always count.
* Each rule yields reasons against; an override in force for a reason's code, and its subject where it names one, lets
  that reason pass, and the verdict tells both.
* Rules about the unit are asked for by topic; what stops it everywhere, and what is true of the station itself, always
  count. Of a station that nobody knows nothing is true: the unit is judged all the same.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from app.interlock.facts import CALIBRATION_WARNING, Facts, Override, Station, Topic, Unit
from app.interlock.findings import Finding, against, note, warn
from app.interlock.rights import right_to
from app.interlock.unit_rules import RULES as UNIT_RULES
from app.interlock.verdicts import Ground, Overridden, Verdict
from app.lines.clocks import clock_warning
from app.sentences import Sentence, both

_HERE: Final = Sentence("this station")
_NO_SETUP: Final = Sentence(
    "No setup is planned for this station: only what is loaded was judged, not whether it belongs."
)

Rule: TypeAlias = Callable[[Facts, Station], Iterator[Finding]]


def decide(facts: Facts) -> Verdict:
    """The verdict that follows from these facts."""
    found = list(_findings(facts))
    reasons: list[Ground] = []
    overridden: list[Overridden] = []
    told: set[tuple[str, str | None]] = set()
    for finding in found:
        if finding.ground is None or (finding.ground.code, finding.ground.subject) in told:
            continue  # two rules may find the same
        told.add((finding.ground.code, finding.ground.subject))
        override = _override_of(finding.ground, facts)
        if override is None:
            reasons.append(finding.ground)
        else:
            overridden.append(Overridden(finding.ground, override))
    unit = facts.unit
    return Verdict(
        identifier=facts.identifier,
        position_number=facts.position_number,
        serial=unit.serial if unit else None,
        unit_id=unit.unit_id if unit else 0,
        station=facts.station.handle,
        decided_at=facts.at,
        asked_position=facts.asked_position,
        reasons=tuple(reasons),
        overridden=tuple(overridden),
        warnings=tuple(finding.warning for finding in found if finding.warning),
        notes=tuple(finding.note for finding in found if finding.note),
    )


def _findings(facts: Facts) -> Iterator[Finding]:
    station = facts.station
    if not station.station_id:
        yield note(Sentence("This station is not known yet: nothing is planned for it, and no start of it is kept."))
    if facts.unit is None:
        yield from _unknown(facts, station)
    elif facts.unit.positions and not facts.unit.spoken_of:
        yield from _no_such_position(facts, facts.unit)
    else:
        if facts.unit.positions:
            yield from _no_board(facts.unit, station)
        for topic, rule in UNIT_RULES:
            if topic is None or topic in facts.topics:
                yield from rule(facts, facts.unit, station)
        yield from _recipe(facts, facts.unit, station)
    for station_rule in (_lock, _setup, _tools, _operator, _calibration, _clock):
        yield from station_rule(facts, station)


def _override_of(ground: Ground, facts: Facts) -> Override | None:
    """The override that lets a reason pass: of its code, for its subject or any, given and not expired.

    Of what may happen again (another run, another visit) it is for the occasion that was the latest when it was given.
    """
    if ground.right is None:
        return None
    for override in facts.overrides:
        fits = override.code == ground.code and override.subject in (None, ground.subject) and not override.elsewhere
        fits = fits and (ground.since is None or ground.since <= override.given_at)
        if fits and override.given_at <= facts.at < override.expires_at:
            return override
    return None


def _unknown(facts: Facts, station: Station) -> Iterator[Finding]:
    """An identifier nobody knows.

    * At the first station of a line units begin their life.
    * Where a gate is planned, or an operation that comes after others, an unknown unit is a misread mark or one that
      came in sideways.
    """
    if not _must_be_known(station):
        yield note(Sentence("Nobody knows %(unit)s yet: nothing is planned for it.", unit=facts.identifier))
        return
    yield against(
        "unknown_unit",
        Sentence("Nobody knows %(unit)s.", unit=facts.identifier),
        Sentence("Read its mark again; if it is right, its first station has not reported it yet."),
        passing=True,
    )


def _must_be_known(station: Station) -> bool:
    return not station.first_of_line and (station.policy is not None or station.comes_later)


def _no_board(unit: Unit, station: Station) -> Iterator[Finding]:
    """A position that machines spoke of, and that has no board while others of its panel have: like an unknown unit.

    What is known of the position counts besides.
    """
    sentence = Sentence(
        "No board is linked to %(unit)s; its panel has %(all_positions)s.",
        unit=unit.serial,
        all_positions=unit.positions,
    )
    if _must_be_known(station):
        clears = Sentence("Read its mark again; if it is right, whoever marked it has not reported it yet.")
        yield against("unknown_position", sentence, clears, passing=True)
    else:
        yield note(sentence)


def _no_such_position(facts: Facts, panel: Unit) -> Iterator[Finding]:
    """Where a panel's boards are known, a position that it does not have is a misread mark."""
    yield against(
        "unknown_position",
        Sentence(
            "%(unit)s has no position %(position)s: it has %(all_positions)s.",
            unit=panel.serial,
            position=facts.asked_position,
            all_positions=panel.positions,
        ),
        Sentence("Ask with the position the panel was marked with."),
    )


def _lock(_: Facts, station: Station) -> Iterator[Finding]:
    """A station that a person locked starts nothing."""
    if station.locked is not None:
        yield against(
            "station_locked",
            Sentence("This station is locked: %(reason)s.", reason=station.locked),
            Sentence("Whoever locked it unlocks it, or a process or quality engineer does."),
        )


def _setup(_: Facts, station: Station) -> Iterator[Finding]:
    """Every slot's reasons count: wrong, unverified, held, expired, wet."""
    if not station.setup_planned:
        yield note(_NO_SETUP)
    for slot in station.setup:
        for reason in slot.reasons:
            right = right_to(reason.code, verified=slot.verified)
            yield Finding(ground=Ground(reason.code, reason.sentence, reason.clears, right, slot.subject))
        for warning in slot.warnings:
            yield warn(both(warning.sentence, warning.clears))


def _tools(_: Facts, station: Station) -> Iterator[Finding]:
    """Every tool's reasons count: worn out, to be cleaned, out of calibration. Limits warn, then block."""
    for tool in station.tools:
        for reason in tool.reasons:
            yield against(reason.code, reason.sentence, reason.clears, subject=tool.name)
        for warning in tool.warnings:
            yield warn(both(warning.sentence, warning.clears))


def _recipe(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """The recipe that runs is one planned for the unit's revision at this operation, in the planned revision."""
    if not unit.recipes:
        if station.operation and unit.product:
            yield note(
                Sentence(
                    "No recipe is planned for %(product)s at %(operation)s: the recipe was not judged.",
                    product=unit.product,
                    operation=station.operation,
                )
            )
        return
    planned = tuple(f"{name} rev {revision}" for name, revision in unit.recipes)
    active = station.active
    if active is None or active.recipe is None:
        yield against(
            "recipe_unknown",
            Sentence(
                "The station has not said which recipe runs; %(product)s needs %(either_recipe)s.",
                product=unit.product,
                either_recipe=planned,
            ),
            Sentence("Activate the recipe at the station."),
        )
    elif (active.recipe, active.revision or "") not in unit.recipes:
        runs = f"{active.recipe} rev {active.revision or '?'}"
        yield against(
            "wrong_recipe",
            Sentence(
                "The station runs %(recipe)s; %(product)s needs %(either_recipe)s.",
                recipe=runs,
                product=unit.product,
                either_recipe=planned,
            ),
            Sentence("Activate %(either_recipe)s.", either_recipe=planned),
            subject=runs,
        )


def _operator(facts: Facts, station: Station) -> Iterator[Finding]:
    """Where an operation needs qualified people, everybody active at the station is qualified, and somebody is."""
    if not station.qualification_needed:
        return
    if not station.operators:
        yield against(
            "no_operator",
            Sentence(
                "%(operation)s needs a qualified operator, and nobody has logged in at the station.",
                operation=station.operation,
            ),
            Sentence("Log in at the station."),
        )
    qualified = dict(station.qualified)
    for operator in station.operators:
        until = qualified.get(operator)
        if operator not in qualified:
            yield against(
                "not_qualified",
                Sentence("%(who)s is not qualified for %(operation)s.", who=operator, operation=station.operation),
                Sentence("Let a qualified operator log in."),
                subject=operator,
            )
        elif until is not None and until <= facts.at:
            yield against(
                "qualification_over",
                Sentence(
                    "%(who)s's qualification for %(operation)s ended on %(day)s.",
                    who=operator,
                    operation=station.operation,
                    day=until,
                ),
                Sentence("Renew it, or let a qualified operator log in."),
                subject=operator,
            )


def _calibration(facts: Facts, station: Station) -> Iterator[Finding]:
    """A station whose calibration is over starts nothing; it says so a week before."""
    due = station.calibration_due
    if due is None:
        return
    if due <= facts.at:
        yield against(
            "calibration_over",
            Sentence("The station's calibration ended on %(time)s.", time=due),
            Sentence("Calibrate the station and record until when that holds."),
        )
    elif due <= facts.at + CALIBRATION_WARNING:
        yield warn(
            Sentence("The station's calibration ends on %(time)s. Calibrate it before and record that.", time=due)
        )


def _clock(_: Facts, station: Station) -> Iterator[Finding]:
    """A clock that is wrong makes the times suspect by which the station's reports are ordered: it is warned of."""
    warning = clock_warning(_HERE, station.clock_error)
    if warning is not None:
        yield warn(warning)


__all__ = ["Topic", "decide"]
