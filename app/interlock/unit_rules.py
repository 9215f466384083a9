"""The rules about a unit: route, status, what is built into it, and its trace. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from app.interlock.facts import Facts, Run, Station, Topic, Unit
from app.interlock.rights import right_to
from app.interlock.verdicts import Ground
from app.products.routing import Place, standing

_REDO: Final = frozenset({"rework", "repair"})
"""Decisions after which the failed operation is to be passed again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: a reason against, a warning, or a note that it had nothing to judge by."""

    ground: Ground | None = None
    warning: str | None = None
    note: str | None = None


UnitRule: TypeAlias = Callable[[Facts, Unit, Station], Iterator[Finding]]


def against(
    code: str,
    sentence: str,
    clears: str,
    *,
    subject: str | None = None,
    passing: bool = False,
    since: datetime | None = None,
) -> Finding:
    """A reason against, with the right to override it that its code has."""
    return Finding(ground=Ground(code, sentence, clears, right_to(code), subject, passing, since))


def warn(sentence: str) -> Finding:
    """A warning."""
    return Finding(warning=sentence)


def note(sentence: str) -> Finding:
    """A note."""
    return Finding(note=sentence)


def _route(facts: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """The operation is the next one of the unit's routing.

    * Required operations before it are done, but for those whose skipping somebody let pass.
    * Checks that a mending undid are done again.
    * An operation that is done is repeated only as a retest, within its limit, or after a decision to rework.
    * The station is set up for the unit's product revision.
    """
    operation = station.operation
    if not unit.routing or operation is None:
        missing = (
            f"no routing is planned for {unit.serial}" if operation else "no operation is planned for this station"
        )
        yield note(f"The route was not judged: {missing}.")
        return
    yield from _wrong_product(unit, station)
    place = standing(unit.routing, unit.visits, operation, _waived(facts, unit))
    if place.place is Place.elsewhere:
        yield note(f"{operation} is not in the routing of {unit.product}: the route was not judged.")
    elif place.place is Place.skips:
        yield from _skipped(unit, operation, place.missing)
    elif place.place is Place.passed_over:
        yield against(
            "out_of_order",
            f"{unit.serial} is past {operation}: a later operation is done.",
            "Go on with the next operation of the routing.",
            subject=operation,
        )
    elif place.place is Place.done:
        yield from _repeated(unit, operation)


def _wrong_product(unit: Unit, station: Station) -> Iterator[Finding]:
    active = station.active
    if active is None or active.product_revision_id is None or unit.product_revision_id is None:
        return
    if active.product_revision_id != unit.product_revision_id:
        yield against(
            "wrong_product_revision",
            f"{unit.serial} is {unit.product}; this station runs {active.product}.",
            f"Change the station over to {unit.product}, or take the unit to a station that runs it.",
        )


def _waived(facts: Facts, unit: Unit) -> frozenset[str]:
    """Operations whose skipping somebody let pass and that were passed while that held: they stay passed."""
    return frozenset(
        override.subject
        for override in facts.overrides
        if override.code == "skipped"
        and override.subject is not None
        and any(override.given_at <= visit.started_at < override.expires_at for visit in unit.visits)
    )


def _skipped(unit: Unit, operation: str, missing: tuple[str, ...]) -> Iterator[Finding]:
    for step in missing:
        if step in unit.busy:
            yield against(
                "not_arrived",
                f"The report of {step} on {unit.serial} has not arrived.",
                "Wait for it; if it does not come, see whether its station is connected.",
                subject=step,
                passing=True,
            )
        elif step in unit.again:
            yield against(
                "skipped",
                f"{unit.serial} was mended at {unit.again[step]:%Y-%m-%d %H:%M} UTC and has not passed {step} since.",
                f"Take it to {step} again.",
                subject=step,
            )
        else:
            yield against(
                "skipped",
                f"{unit.serial} has not been through {step}, which comes before {operation}.",
                f"Take it to {step}.",
                subject=step,
                # Reports of a time without the product come as each station finds it again, in any order.
                passing=len(missing) == 1 or bool(unit.provisional),
            )


def _repeated(unit: Unit, operation: str) -> Iterator[Finding]:
    if operation in unit.free:
        return
    here = (run for run in unit.runs if run.operation == operation)
    tried = [run for run in here if run.outcome != "passed" or run.decision in _REDO]
    last = max((run for run in tried if run.decision is None), key=lambda run: run.runs, default=None)
    if not tried:
        yield against(
            "repeated",
            f"{operation} is done on {unit.serial} already.",
            "Go on with the next operation of the routing; a decision to rework lets it be done again.",
            subject=operation,
            since=unit.done_at,
        )
    elif last is not None and unit.retest_limit is not None and last.runs >= unit.retest_limit:
        times = "once" if last.runs == 1 else f"{last.runs} times"
        yield against(
            "retest_limit",
            f"{unit.serial} was tried {times} at {operation}, and {unit.retest_limit} is the limit.",
            "Quality decides what becomes of it: rework, repair, use as is or scrap.",
            subject=operation,
            since=last.received_at,
        )


def _stopped(_: Facts, unit: Unit, _station: Station) -> Iterator[Finding]:
    """What stops a unit everywhere, whatever the station asked about.

    * It is scrapped, shipped, on hold, or something in it is scrapped or on hold. A hold that a report may lift which
      is due is asked about again.
    * It is in another station's hands, or built into an assembly: then the assembly is what is worked on.
    """
    if unit.scrapped is not None:
        yield against("scrapped", f"{unit.serial} is scrapped: {unit.scrapped}.", "Take it out of the line.")
    if unit.shipped is not None:
        yield against("shipped", f"{unit.serial} was shipped: {unit.shipped}.", "Receive it back first.")
    for hold in unit.holds:
        if hold.via is None:
            yield against("on_hold", hold.sentence, hold.clears or "Quality releases it or decides what becomes of it.",
                          subject=hold.number, passing=hold.passing)  # fmt: skip
        else:
            clears = hold.clears or f"Quality releases {hold.via}, or it is exchanged."
            yield against("sub_assembly_on_hold", hold.sentence, clears, subject=hold.via, passing=hold.passing)
    for serial in unit.children_scrapped:
        yield against("sub_assembly_scrapped", f"{serial}, built into {unit.serial}, is scrapped.",
                      f"Exchange {serial}.", subject=serial)  # fmt: skip
    if unit.built_into is not None:
        yield against(
            "built_in",
            f"{unit.serial} is built into {unit.built_into}.",
            f"Ask for {unit.built_into}, or take {unit.serial} out of it first and have that recorded.",
        )
    if unit.started_elsewhere is not None:
        yield Finding(ground=already_started(unit.started_elsewhere))


def already_started(sentence: str) -> Ground:
    """The unit is in another station's hands."""
    return Ground("already_started", sentence, "Complete that work, or have its start ended.", passing=True)


def _status(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """The unit is good, as far as anybody knows.

    * A failure stops it everywhere but at the operation that failed, until it passes there or quality decides.
    * After a decision to rework or repair it has to pass the failed operation before it goes on.
    * A unit that passed a gate without the product waits at the next closed gate.
    """
    for run in unit.runs:
        if run.outcome == "failed" and run.operation != station.operation:
            yield from _failed(unit, run, station)
        elif run.outcome in {"error", "aborted"} and run.operation != station.operation and unit.routing:
            yield against("no_verdict", f"{run.operation} came to no verdict on {unit.serial} ({run.outcome}).",
                          f"Take it to {run.operation} again.", subject=run.operation,
                          since=run.received_at)  # fmt: skip
    if unit.provisional and _is_closed(station):
        where = ", ".join(unit.provisional)
        yield against(
            "provisional",
            f"{unit.serial} passed {where} while the product could not be reached.",
            "Quality looks at it and releases it.",
        )
    elif unit.provisional:
        yield warn(f"{unit.serial} is provisional: quality must release it before the next closed gate.")


def _is_closed(station: Station) -> bool:
    """Whether nothing starts here without the product's word; so it is where nobody planned anything."""
    return station.policy in (None, "fail_closed")


def _failed(unit: Unit, run: Run, station: Station) -> Iterator[Finding]:
    failed = f"{unit.serial} failed {run.operation} at {run.recorded_at:%Y-%m-%d %H:%M}"
    if not unit.routing:
        yield note(f"{failed}; no routing is planned, so nothing says that this must stop it.")
    elif run.decision is None:
        yield against("failed", f"{failed}, and nobody has decided what becomes of it.",
                      "Quality decides: rework, repair, use as is or scrap.", subject=run.operation)  # fmt: skip
    elif run.decision in _REDO and station.operation in {step.operation for step in unit.routing}:
        before, here = (_last(unit, name) for name in (run.operation, station.operation or ""))
        if here >= before:  # operations up to the failed one are the way back to it
            yield against("not_retested", f"{failed} and was sent to {run.decision}; it has not passed since.",
                          f"Take it to {run.operation}.", subject=run.operation)  # fmt: skip


def _last(unit: Unit, operation: str) -> int:
    return max((at for at, step in enumerate(unit.routing) if step.operation == operation), default=-1)


def _sub_assemblies(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """Whatever is built into the unit, at any depth, is good too: nothing tests it again by itself."""
    for serial in unit.children_failed:
        yield against("sub_assembly_failed", f"{serial}, built into {unit.serial}, failed and is not decided on.",
                      f"Quality decides on {serial}, or it is exchanged.", subject=serial)  # fmt: skip
    for serial in unit.children_provisional:
        passed = f"{serial}, built into {unit.serial}, passed a gate while the product could not be reached"
        if _is_closed(station):
            yield against("sub_assembly_provisional", f"{passed}.", f"Quality looks at {serial} and releases it.",
                          subject=serial)  # fmt: skip
        else:
            yield warn(f"{passed}: quality must release it before the next closed gate.")


def _trace(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """What came before is on record: no report is missing, and the genealogy is as complete as the customer asks."""
    for operation in unit.busy:
        if operation != station.operation and operation in {step.operation for step in unit.routing}:
            yield against(
                "not_arrived",
                f"The report of {operation} on {unit.serial} has not arrived.",
                "Wait for it; if it does not come, see whether its station is connected.",
                subject=operation,
                passing=True,
            )
    if unit.wanted is None:
        yield note(f"No threshold is planned for {unit.customer or 'its customer'}: completeness was not judged.")
    elif unit.completeness is None:
        yield note(f"No bill of material is planned for {unit.serial}: completeness was not judged.")
    elif unit.completeness < unit.wanted:
        yield against(
            "incomplete",
            f"{unit.completeness:.1%} of the parts of {unit.serial} are traced; {unit.customer} asks for "
            f"{unit.wanted:.1%} before {station.operation}.",
            "Wait for late reports, or record the missing parts.",
            passing=True,
        )


RULES: Final[tuple[tuple[Topic | None, UnitRule], ...]] = (
    (None, _stopped),
    (Topic.route, _route),
    (Topic.status, _status),
    (Topic.sub_assemblies, _sub_assemblies),
    (Topic.trace, _trace),
)
"""Each rule with the topic it is asked for by; None: it counts whatever was asked."""
