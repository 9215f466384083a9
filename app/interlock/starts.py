"""Permission and start in one: a unit is in one station's hands at a time, however many ask at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from app.db import planned_once
from app.errors import NotFound
from app.interlock.facts import Facts
from app.interlock.gate import log_verdicts
from app.interlock.gathering import Asked, Told, gather
from app.interlock.rules import decide
from app.interlock.unit_rules import already_started
from app.interlock.verdicts import Verdict, holding_back
from app.interlock.waiting import last_words
from app.people import record_audit
from app.sentences import Sentence
from app.units.families import named_units
from app.units.locks import lock_named
from app.units.starts import AlreadyStarted, Start, begin_start, end_starts, open_starts


def start_units(
    connection: Connection,
    *,
    station: str,
    serials: Sequence[str],
    transaction_id: UUID | None = None,
    actor: str,
    told: Told | None = None,
    settling: bool = False,
) -> list[Verdict]:
    """May these units start, and if so they have: one verdict each, a panel's for each of its boards.

    The units are locked first, in order, with the boards on them and the units in them, so that the facts are those
    every earlier start, hold and shipment has left (READ COMMITTED). A repeated request of the same station gives the
    same start. A panel starts as a whole or not at all: while one of its boards is refused none of them is in the
    station's hands. Commits nothing.
    """
    named = list(dict.fromkeys(serials))
    lock_named(connection, named)
    with planned_once(connection):
        facts = gather(
            connection, station=station, asked=[Asked(serial) for serial in named], told=told, settling=settling
        )
        there = open_starts(connection, [one.unit.unit_id for one in facts if one.unit is not None])
    facts = [_as_asked(one, there, transaction_id) for one in facts]
    verdicts = last_words(connection, facts, [decide(one) for one in facts])
    for whole in _wholes(verdicts):
        if not holding_back([verdicts[at] for at in whole]):
            _begin(connection, facts, verdicts, whole, transaction_id=transaction_id, actor=actor)
    return log_verdicts(connection, facts, verdicts, actor=actor, purpose="start", durable=True)


def _as_asked(facts: Facts, starts: Mapping[int, Start], transaction_id: UUID | None) -> Facts:
    """The facts for this transaction: in the station's own hands for another piece of work, a unit is taken as well."""
    start = starts.get(facts.unit.unit_id) if facts.unit is not None else None
    if facts.unit is None or start is None or start.is_given_to(facts.station.station_id, transaction_id):
        return facts
    return replace(facts, unit=replace(facts.unit, started_elsewhere=start.sentence))


def give_up(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> list[str]:
    """End starts that their stations will not complete, a panel's of all its boards; returns what had one.

    Whoever does it has seen the unit: from now on another station may have it. Raises `NotFound` for an identifier that
    nobody knows and where nothing was begun, `Invalid` without a reason.
    """
    named = named_units(connection, serials)
    unknown = [serial for serial in serials if serial not in named]
    if unknown:
        raise NotFound(Sentence("No unit %(unit)s is known here. Nothing was ended.", unit=unknown[0]))
    ended = end_starts(connection, set().union(*named.values()), reason=reason, actor=actor)
    given_up = [serial for serial, units in named.items() if ended.intersection(units)]
    if not given_up:
        raise NotFound(Sentence("Nothing was begun on %(all_units)s that is not completed.", all_units=serials[:5]))
    for serial in given_up:
        record_audit(connection, actor=actor, deed="start.ended", subject=f"unit:{serial}", reason=reason.strip())
    return given_up


def _wholes(verdicts: Sequence[Verdict]) -> Iterable[list[int]]:
    """Which verdicts are about one identifier: a unit, or all boards of a panel."""
    named: dict[str, list[int]] = {}
    for at, verdict in enumerate(verdicts):
        named.setdefault(verdict.identifier, []).append(at)
    return named.values()


def _begin(
    connection: Connection,
    facts: Sequence[Facts],
    verdicts: list[Verdict],
    whole: Sequence[int],
    *,
    transaction_id: UUID | None,
    actor: str,
) -> None:
    """Begin all of these or none; the verdict on one that is in other hands says so."""
    savepoint = connection.begin_nested() if len(whole) > 1 else None
    for at in whole:
        unit, here = facts[at].unit, facts[at].station
        if unit is None or not here.station_id or not verdicts[at].allowed:
            continue  # nobody knows it yet, or it is crossed out
        try:
            begin_start(
                connection, unit.unit_id, station_id=here.station_id, transaction_id=transaction_id, actor=actor
            )
        except AlreadyStarted as elsewhere:
            verdicts[at] = replace(verdicts[at], reasons=(already_started(elsewhere.there),))
            if savepoint is not None:
                savepoint.rollback()
            for undone in whole:
                verdicts[undone] = replace(verdicts[undone], started=False)
            return
        verdicts[at] = replace(verdicts[at], started=True)
    if savepoint is not None:
        savepoint.commit()
