"""The rules about a unit's way: its routing, what was skipped, what may be done again. Pure."""

from collections.abc import Iterator
from typing import Final

from app.interlock.facts import Facts, Station, Unit
from app.interlock.findings import Finding, against, not_arrived, note
from app.products.routing import Leave, Place, skipped_with_leave, standing
from app.sentences import Sentence

REDO: Final = frozenset({"rework", "repair"})
"""Decisions after which the failed operation is to be passed again."""

_NO_OPERATION: Final = Sentence("The route was not judged: no operation is planned for this station.")


def route(facts: Facts, unit: Unit, station: Station) -> Iterator[Finding]:
    """The operation is the next one of the unit's routing.

    * Required operations before it are done, but for those whose skipping somebody let pass.
    * Checks that a mending undid are done again.
    * An operation that is done is repeated only as a retest, within its limit, or after a decision to rework; one that
      was left out is done after those behind it only where they were done before such a decision.
    * The station is set up for the unit's product revision.
    """
    operation = station.operation
    if operation is None:
        yield note(_NO_OPERATION)
        return
    if not unit.routing:
        yield note(Sentence("The route was not judged: no routing is planned for %(unit)s.", unit=unit.serial))
        return
    yield from _wrong_product(unit, station)
    place = standing(unit.routing, unit.visits, operation, _waived(facts, unit))
    if place.place is Place.elsewhere:
        yield note(
            Sentence(
                "%(operation)s is not in the routing of %(product)s: the route was not judged.",
                operation=operation,
                product=unit.product,
            )
        )
    elif place.place is Place.skips:
        yield from _skipped(unit, operation, place.missing, settling=facts.settling)
    elif place.place is Place.passed_over and not _sent_back_before(unit, operation):
        yield against(
            "out_of_order",
            Sentence(
                "%(unit)s is past %(operation)s: a later operation is done.", unit=unit.serial, operation=operation
            ),
            Sentence("Go on with the next operation of the routing."),
            subject=operation,
        )
    elif place.place is Place.done:
        # What lies between the two times may be on its way, all of it.
        away = facts.settling or bool(unit.provisional)
        told = {*unit.again, *unit.passed_over}
        between = [step in unit.busy or (away and step not in told) for step in place.missing]
        yield from _repeated(unit, operation, passing=bool(between) and all(between))


def _wrong_product(unit: Unit, station: Station) -> Iterator[Finding]:
    active = station.active
    if active is None or active.product_revision_id is None or unit.product_revision_id is None:
        return
    if active.product_revision_id != unit.product_revision_id:
        yield against(
            "wrong_product_revision",
            Sentence(
                "%(unit)s is %(product)s; this station runs %(product_here)s.",
                unit=unit.serial,
                product=unit.product,
                product_here=active.product,
            ),
            Sentence(
                "Change the station over to %(product)s and activate its recipe with its work order, or take the unit "
                "to a station that runs it.",
                product=unit.product,
            ),
        )


def _waived(facts: Facts, unit: Unit) -> frozenset[str]:
    leaves = [
        Leave(override.subject, override.given_at, override.expires_at)
        for override in facts.overrides
        if override.code == "skipped" and override.subject is not None
    ]
    return skipped_with_leave(leaves, (*unit.visits, *unit.undone), unit.again)


def _skipped(unit: Unit, operation: str, missing: tuple[str, ...], *, settling: bool) -> Iterator[Finding]:
    for step in missing:
        if step in unit.busy:
            yield not_arrived(unit, step)
        elif step in unit.passed_over:
            yield against(
                "skipped",
                Sentence(
                    "%(operation)s passed %(unit)s over: it was told as an X-out.", operation=step, unit=unit.serial
                ),
                Sentence("Take it to %(operation)s by itself where it is none, or scrap it.", operation=step),
                subject=step,
                crosses_out=True,
            )
        elif step in unit.again:
            yield against(
                "skipped",
                Sentence(
                    "%(unit)s was mended at %(time)s and has not passed %(operation)s since.",
                    unit=unit.serial,
                    time=unit.again[step],
                    operation=step,
                ),
                Sentence("Take it to %(operation)s again.", operation=step),
                subject=step,
            )
        else:
            yield against(
                "skipped",
                Sentence(
                    "%(unit)s has not been through %(operation)s, which comes before %(operation_here)s.",
                    unit=unit.serial,
                    operation=step,
                    operation_here=operation,
                ),
                Sentence("Take it to %(operation)s.", operation=step),
                subject=step,
                # Reports of a time without the product come as each station finds it again, in any order.
                passing=len(missing) == 1 or bool(unit.provisional) or settling,
            )


def _sent_back_before(unit: Unit, operation: str) -> bool:
    """Whether all that was done of what comes behind an operation was done before a decision to rework."""
    last = max(at for at, step in enumerate(unit.routing) if step.operation == operation)
    behind = {step.operation for step in unit.routing[last + 1 :]}
    return {visit.operation for visit in unit.visits if visit.operation in behind} <= unit.free


def _repeated(unit: Unit, operation: str, *, passing: bool) -> Iterator[Finding]:
    if operation in unit.free:
        return
    here = (run for run in unit.runs if run.operation == operation)
    tried = [run for run in here if run.outcome != "passed" or run.decision in REDO]
    last = max((run for run in tried if run.decision is None), key=lambda run: run.runs, default=None)
    if not tried:
        yield against(
            "repeated",
            Sentence("%(operation)s is done on %(unit)s already.", operation=operation, unit=unit.serial),
            Sentence("Go on with the next operation of the routing; a decision to rework lets it be done again."),
            subject=operation,
            passing=passing,
            since=unit.done_at,
        )
    elif last is not None and unit.retest_limit is not None and last.runs >= unit.retest_limit:
        tried_so_often = {
            "unit": unit.serial, "operation": operation, "count": last.runs, "count_limit": unit.retest_limit,
        }  # fmt: skip
        yield against(
            "retest_limit",
            Sentence("%(unit)s was tried once at %(operation)s, and %(count_limit)s is the limit.", **tried_so_often)
            if last.runs == 1
            else Sentence(
                "%(unit)s was tried %(count)s times at %(operation)s, and %(count_limit)s is the limit.",
                **tried_so_often,
            ),
            Sentence("Quality decides what becomes of it: rework, repair, use as is or scrap."),
            subject=operation,
            since=last.received_at,
        )
