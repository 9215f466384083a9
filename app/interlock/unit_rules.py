"""The rules about a unit: route, status, what is built into it, and its trace. Pure."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from app.interlock.facts import Facts, Run, Station, Topic, Unit
from app.interlock.findings import Finding, against, not_arrived, note, warn
from app.interlock.route_rules import REDO, route
from app.interlock.verdicts import Ground
from app.sentences import Sentence

_NO_THRESHOLD: Final = Sentence("No threshold is planned for its customer: completeness was not judged.")


UnitRule: TypeAlias = Callable[[Facts, Unit, Station], Iterator[Finding]]


def _stopped(_: Facts, unit: Unit, _station: Station) -> Iterator[Finding]:
    """What stops a unit everywhere, whatever the station asked about.

    * It is scrapped, shipped, on hold, or something in it is scrapped or on hold. A hold that a report may lift which
      is due is asked about again.
    * It is in another station's hands, or built into an assembly: then the assembly is what is worked on.
    """
    if unit.perhaps_scrapped and unit.scrapped is not None:
        yield against(
            "scrapped",
            Sentence(
                "%(unit)s or another board of its carrier is scrapped: %(reason)s; clocks leave open which.",
                unit=unit.serial,
                reason=unit.scrapped,
            ),
            Sentence("Quality finds out which, and accepts %(unit)s as it is or scraps it.", unit=unit.serial),
            crosses_out=True,
        )
    elif unit.scrapped is not None:
        yield against(
            "scrapped",
            Sentence("%(unit)s is scrapped: %(reason)s.", unit=unit.serial, reason=unit.scrapped),
            Sentence("Take it out of the line."),
            crosses_out=True,
        )
    if unit.shipped is not None:
        yield against(
            "shipped",
            Sentence("%(unit)s was shipped: %(shipment)s.", unit=unit.serial, shipment=unit.shipped),
            Sentence("Note first that %(unit)s came back.", unit=unit.shipped_as or unit.serial),
        )
    for hold in unit.holds:
        if hold.via is None:
            clears = hold.clears or Sentence("Quality releases it or decides what becomes of it.")
            yield against("on_hold", hold.sentence, clears, subject=hold.number, passing=hold.passing)
        else:
            clears = hold.clears or Sentence(
                "Quality releases %(unit_inside)s, or it is exchanged.", unit_inside=hold.via
            )
            yield against("sub_assembly_on_hold", hold.sentence, clears, subject=hold.via, passing=hold.passing)
    for serial in unit.children_scrapped:
        yield against(
            "sub_assembly_scrapped",
            Sentence("%(unit_inside)s, built into %(unit)s, is scrapped.", unit_inside=serial, unit=unit.serial),
            Sentence("Exchange %(unit_inside)s.", unit_inside=serial),
            subject=serial,
        )
    if unit.built_into is not None:
        yield against(
            "built_in",
            Sentence("%(unit)s is built into %(unit_around)s.", unit=unit.serial, unit_around=unit.built_into),
            Sentence(
                "Ask for %(unit_around)s, or take %(unit)s out of it first and have that recorded.",
                unit=unit.serial,
                unit_around=unit.built_into,
            ),
        )
    if unit.started_elsewhere is not None:
        yield Finding(ground=already_started(unit.started_elsewhere))


def already_started(sentence: Sentence) -> Ground:
    """The unit is in another station's hands."""
    return Ground("already_started", sentence, Sentence("Complete that work, or have its start ended."), passing=True)


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
            yield against(
                "no_verdict",
                Sentence(
                    "%(operation)s came to no verdict on %(unit)s (%(word_outcome)s).",
                    operation=run.operation,
                    unit=unit.serial,
                    word_outcome=run.outcome,
                ),
                Sentence("Take it to %(operation)s again.", operation=run.operation),
                subject=run.operation,
                since=run.received_at,
            )
    if unit.provisional and _is_closed(station):
        yield against(
            "provisional",
            Sentence(
                "%(unit)s passed %(operations)s while the product could not be reached.",
                unit=unit.serial,
                operations=unit.provisional,
            ),
            Sentence("Quality looks at it and releases it."),
        )
    elif unit.provisional:
        yield warn(
            Sentence("%(unit)s is provisional: quality must release it before the next closed gate.", unit=unit.serial)
        )


def _is_closed(station: Station) -> bool:
    """Whether nothing starts here without the product's word; so it is where nobody planned anything."""
    return station.policy in (None, "fail_closed")


def _failed(unit: Unit, run: Run, station: Station) -> Iterator[Finding]:
    failed = {"unit": unit.serial, "operation": run.operation, "time": run.recorded_at}
    if not unit.routing:
        yield note(
            Sentence(
                "%(unit)s failed %(operation)s at %(time)s; no routing is planned, so nothing says that this must "
                "stop it.",
                **failed,
            )
        )
    elif run.decision is None:
        yield against(
            "failed",
            Sentence("%(unit)s failed %(operation)s at %(time)s, and nobody has decided what becomes of it.", **failed),
            Sentence("Quality decides: rework, repair, use as is or scrap."),
            subject=run.operation,
        )
    elif run.decision in REDO and station.operation in {step.operation for step in unit.routing}:
        before, here = (_last(unit, name) for name in (run.operation, station.operation or ""))
        if here >= before:  # operations up to the failed one are the way back to it
            yield against(
                "not_retested",
                Sentence(
                    "%(unit)s failed %(operation)s at %(time)s and was sent to %(word_decision)s; it has not passed "
                    "since.",
                    **failed,
                    word_decision=run.decision,
                ),
                Sentence("Take it to %(operation)s.", operation=run.operation),
                subject=run.operation,
            )


def _last(unit: Unit, operation: str) -> int:
    return max((at for at, step in enumerate(unit.routing) if step.operation == operation), default=-1)


def _sub_assemblies(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """Whatever is built into the unit, at any depth, is good too: nothing tests it again by itself."""
    for serial in unit.children_failed:
        yield against(
            "sub_assembly_failed",
            Sentence(
                "%(unit_inside)s, built into %(unit)s, failed and has neither passed since nor been accepted.",
                unit_inside=serial,
                unit=unit.serial,
            ),
            Sentence("Let %(unit_inside)s pass, have quality accept it as it is, or exchange it.", unit_inside=serial),
            subject=serial,
        )
    for serial in unit.children_provisional:
        if _is_closed(station):
            yield against(
                "sub_assembly_provisional",
                Sentence(
                    "%(unit_inside)s, built into %(unit)s, passed a gate while the product could not be reached.",
                    unit_inside=serial,
                    unit=unit.serial,
                ),
                Sentence("Quality looks at %(unit_inside)s and releases it.", unit_inside=serial),
                subject=serial,
            )
        else:
            yield warn(
                Sentence(
                    "%(unit_inside)s, built into %(unit)s, passed a gate while the product could not be reached: "
                    "quality must release it before the next closed gate.",
                    unit_inside=serial,
                    unit=unit.serial,
                )
            )


def _trace(_: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """What came before is on record: no report is missing, and the genealogy is as complete as the customer asks."""
    for operation in unit.busy:
        if operation != station.operation and operation in {step.operation for step in unit.routing}:
            yield not_arrived(unit, operation)
    if unit.wanted is None and unit.customer:
        yield note(
            Sentence("No threshold is planned for %(customer)s: completeness was not judged.", customer=unit.customer)
        )
    elif unit.wanted is None:
        yield note(_NO_THRESHOLD)
    elif unit.completeness is None:
        yield note(
            Sentence("No bill of material is planned for %(unit)s: completeness was not judged.", unit=unit.serial)
        )
    elif unit.completeness < unit.wanted:
        yield against(
            "incomplete",
            Sentence(
                "%(percent)s of the parts of %(unit)s are traced; %(customer)s asks for %(percent_wanted)s before "
                "%(operation)s.",
                percent=unit.completeness,
                unit=unit.serial,
                customer=unit.customer,
                percent_wanted=unit.wanted,
                operation=station.operation,
            ),
            Sentence("Wait for late reports, or record the missing parts."),
            passing=True,
        )


RULES: Final[tuple[tuple[Topic | None, UnitRule], ...]] = (
    (None, _stopped),
    (Topic.route, route),
    (Topic.status, _status),
    (Topic.sub_assemblies, _sub_assemblies),
    (Topic.trace, _trace),
)
"""Each rule with the topic it is asked for by; None: it counts whatever was asked."""
