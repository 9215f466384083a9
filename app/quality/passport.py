"""The passport of one unit: what it is, how it stands, its journey, what it is made from, what was decided of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.quality.journey import journey_of, runs_of_unit
from app.quality.outcome import Outcome
from app.quality.queries import RecordedRun
from app.quality.shipping import reasons_to_keep
from app.quality.unit_decisions import Held, holds_of_unit
from app.quality.visits import Visit, visits
from app.reasons import Reason, ended
from app.sentences import Sentence
from app.trace.candidates import Nearby
from app.trace.level import Level, level_as_made
from app.trace.made_from import MadeFrom, made_from
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, where_used
from app.units.families import family
from app.units.queries import UnitOverview, unit

_PARENTS = 50
_SEVERITY: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("bad", "scrapped", frozenset({"scrapped"})),
    ("bad", "perhaps scrapped", frozenset({"perhaps_scrapped"})),
    ("bad", "on hold", frozenset({"on_hold"})),
    ("bad", "failed", frozenset({"failed"})),
    ("warn", "provisional", frozenset({"provisional"})),
    ("warn", "not proven", frozenset({"unproven"})),
    ("quiet", "in work", frozenset({"in_work", "incomplete"})),
)
"""Colour, word, and the codes that mean it, the gravest first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit stands in one word: whether it may leave, by the rules that stop a shipment, and why not."""

    word: str
    colour: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Tries:
    """First tries and retests of a unit's inspections and tests, counted apart."""

    first: int = 0
    first_passed: int = 0
    retests: int = 0
    retests_passed: int = 0


@dataclass(frozen=True, slots=True)
class Passport:
    """All that is known of a unit, now or `as_of` a moment of the server's clock."""

    unit: UnitOverview
    standing: Standing
    made_from: MadeFrom
    level: Level
    visits: Sequence[Visit]
    runs: Sequence[RecordedRun]
    tries: Tries
    holds: Sequence[Held]
    built_into: Sequence[CarryingUnit]
    as_of: datetime | None = None
    product_revision_id: int | None = None


_UNIT = text(
    """
    SELECT unit.unit_id, work_order.product_revision_id FROM serial JOIN unit USING (unit_id)
    LEFT JOIN work_order USING (work_order_id) WHERE serial.serial = :serial
    """
)


def passport(
    connection: Connection, serial: str, *, customer_id: int | None = None, as_of: datetime | None = None
) -> Passport:
    """The passport of a unit. Raises `NotFound` where the serial is not known, or not that customer's."""
    overview = unit(connection, serial, customer_id=customer_id)
    row = connection.execute(_UNIT, {"serial": serial}).one()
    nearby = Nearby(connection, as_of)
    made = made_from(connection, serial, customer_id=customer_id, as_of=as_of, nearby=nearby)
    runs = runs_of_unit(connection, serial, customer_id=customer_id, as_of=as_of)
    holds = holds_of_unit(connection, serial, customer_id=customer_id, as_of=as_of)
    around = where_used(connection, Question(serial=serial, as_of=as_of), customer_id=customer_id, limit=_PARENTS)
    if as_of is not None:
        standing = _stood(runs, holds)
    elif customer_id is not None:
        standing = _outside(connection, row.unit_id, runs, holds)
    else:
        standing = _stands(_reasons(connection, row.unit_id))
    return Passport(
        unit=overview,
        standing=standing,
        made_from=made,
        level=level_as_made(connection, made, nearby, customer_id=customer_id, as_of=as_of),
        visits=visits(journey_of(connection, serial, customer_id=customer_id, as_of=as_of)),
        runs=runs,
        tries=tries(runs),
        holds=holds,
        built_into=around.units,
        as_of=as_of,
        product_revision_id=row.product_revision_id,
    )


def _reasons(connection: Connection, unit_id: int) -> Sequence[Reason]:
    return reasons_to_keep(connection, family(connection, [unit_id])).get(unit_id, ())


def _stands(reasons: Sequence[Reason]) -> Standing:
    codes = {reason.code for reason in reasons}
    for colour, word, meant in _SEVERITY:
        if codes & meant:
            first = sorted(reasons, key=lambda reason: reason.code not in meant)
            return Standing(word, colour, tuple(first))
    return Standing("good", "good")


def _outside(connection: Connection, unit_id: int, runs: Sequence[RecordedRun], holds: Sequence[Held]) -> Standing:
    """To customers the same word; sentences of holds as they are told of them."""
    inside = _stands(_reasons(connection, unit_id))
    told = _stood(runs, holds).reasons
    if not told and inside.reasons:
        ask = Sentence("Ask the factory.")
        told = tuple(Reason(one.code, _PLAIN[one.code], ask) for one in inside.reasons if one.code in _PLAIN)
    return Standing(inside.word, inside.colour, told)


_PLAIN = {
    "on_hold": Sentence("It, or a unit inside it, is on hold."),
    "failed": Sentence("It failed an inspection or a test."),
    "provisional": Sentence("It went on while the gate was away."),
    "unproven": Sentence("It was mended and has passed nothing since."),
    "in_work": Sentence("It is in work."),
    "incomplete": Sentence("It is not finished."),
    "scrapped": Sentence("It was scrapped."),
    "perhaps_scrapped": Sentence("It may have been scrapped: the factory finds out."),
}


def _stood(runs: Sequence[RecordedRun], holds: Sequence[Held]) -> Standing:
    """As it was known at a moment: by the holds that stood and the last run of each station."""
    reasons = [
        Reason(
            "scrapped" if one.decision == "scrap" else "on_hold",
            Sentence(
                "On hold, %(containment)s: %(reason)s",
                containment=one.containment or one.number,
                reason=ended(one.reason),
            ),
            one.clears,
        )
        for one in holds
        if one.standing
    ]
    last = {(run.unit_id, run.position_number, run.station_id, run.method, run.recipe): run for run in runs
            if run.outcome in {Outcome.passed, Outcome.failed}}  # fmt: skip
    decided = max((one.decided_at for one in holds if one.decided_at and not one.standing), default=None)
    reasons += [
        Reason(
            "failed",
            Sentence(
                "It failed %(word_method)s at %(station)s, %(second)s.",
                word_method=run.method or run.kind,
                station=run.station,
                second=run.recorded_at,
            ),
            Sentence("Pass it there, or have quality disposition the unit."),
        )
        for run in last.values()
        if run.outcome is Outcome.failed and (decided is None or decided < run.received_at)
    ]
    return _stands(reasons)


def tries(runs: Sequence[RecordedRun]) -> Tries:
    """First tries and retests among runs in order; those that reached no verdict are neither."""
    seen: set[tuple[object, ...]] = set()
    counted = [0, 0, 0, 0]
    for run in runs:
        if run.outcome not in {Outcome.passed, Outcome.failed}:
            continue
        key = (run.unit_id, run.position_number, run.kind, run.station_id, run.method, run.recipe)
        again = 2 if key in seen else 0
        seen.add(key)
        counted[again] += 1
        counted[again + 1] += run.outcome is Outcome.passed
    return Tries(*counted)
