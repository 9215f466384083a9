"""Which units are on hold, by a hold that was written and by the rule of an open containment.

* A hold counts until its unit is dispositioned or its nonconformance released. `scrap` and `return_to_supplier` never
  end it: such a unit does not come back.
* A unit of which a fact now says what an open containment asks for is on hold by rule, though no hold was written:
  the fact arrived after the scope was counted. A unit that was released is caught again by facts that came later.
* A unit that was worked on where a contained package was loaded, and of which no report says otherwise, is on hold by
  rule as well; while its station still has it that is `pending`: the report clears it, or makes it certain.
* What holds a board holds its panel, unless the board was scrapped; what holds a child unit holds the assembly
  around it.
"""

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.db import planned_once
from app.quality.caught import CAUGHT, DECIDED_BY_ITSELF
from app.quality.suspected import NEAR, suspected
from app.reasons import ended
from app.sentences import Sentence
from app.trace.suspects import Suspect
from app.units.families import AT_MEMBER_PLACE, MEMBER_ROUNDS, MEMBERS


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a unit may not go on.

    `number` is the nonconformance's, `containment` the containment's if there is one. `by_rule`: no hold is written
    yet. `via` is the serial of the board or child unit that is held, None where it is the unit itself; of a panel
    whose boards have no serials `position_number` is the one that is held, else 0. `pending`: its station has not
    reported yet whether it has what is contained.
    """

    number: str
    containment: str | None
    reason: str
    opened_at: datetime
    unit_id: int
    serial: str
    by_rule: bool
    via: str | None
    sentence: Sentence
    position_number: int = 0
    code: str = "on_hold"
    pending: bool = False

    @property
    def clears(self) -> Sentence:
        """What clears it."""
        if self.pending:
            return Sentence("Wait for the report of what was installed; it may name another package.")
        return hold_clears(self.number, self.containment)


def hold_clears(number: str, containment: str | None) -> Sentence:
    """What clears a hold of a nonconformance, opened for a containment or not."""
    if containment:
        return Sentence("Quality dispositions it, or releases containment %(containment)s.", containment=containment)
    return Sentence("Quality dispositions it, or releases nonconformance %(nonconformance)s.", nonconformance=number)


_FEW = 50
STANDS = """
    CASE WHEN decided.decision IS NULL THEN nonconformance.released_at IS NULL
        ELSE decided.decision IN ('scrap', 'return_to_supplier') END
"""
"""Condition on `nonconformance` and `decided`, what was decided of one unit or package under it: the hold is one."""
_WRITTEN = text(
    f"""
    -- Which holds stand on these units, their boards and the units inside them? And is anything open at all?
    -- And which of them may carry what is contained, as far as the screen tells?
    WITH RECURSIVE {MEMBERS}, {MEMBER_ROUNDS}, {NEAR}
    SELECT DISTINCT place.asked_id, place.member_id, nonconformance.number, containment.number AS containment,
        nonconformance.reason, nonconformance.opened_at, asked.serial, held.serial AS held_serial, fact.reason AS why,
        CASE WHEN fact.unit_id = place.member_id THEN fact.position_number ELSE 0 END AS position_number,
        CAST(NULL AS bigint) AS unit_id, CAST(NULL AS integer) AS package_id, nonconformance.nonconformance_id,
        CAST(NULL AS integer) AS station_id, NULL AS package, NULL AS station
    FROM place
    JOIN unit_hold AS fact ON {AT_MEMBER_PLACE.format(time="fact_at")}
    JOIN nonconformance USING (nonconformance_id)
    LEFT JOIN containment USING (nonconformance_id)
    LEFT JOIN unit_disposition AS decided ON decided.unit_id = fact.unit_id
        AND decided.position_number = fact.position_number AND decided.nonconformance_id = fact.nonconformance_id
        AND decided.nth = fact.nth
    JOIN unit AS asked ON asked.unit_id = place.asked_id
    JOIN unit AS held ON held.unit_id = place.member_id
    WHERE {STANDS} AND NOT {DECIDED_BY_ITSELF.format(hold="fact", board="place.member_id")}
      -- A panel goes on with a scrapped board in it (crossed out), an assembly not with a scrapped unit.
      AND NOT (coalesce(decided.decision, '') = 'scrap' AND (
          (fact.position_number > 0 AND place.member_id = place.asked_id)
          OR EXISTS (SELECT FROM panel_position AS crossed
                     WHERE crossed.panel_id = place.asked_id AND crossed.unit_id = place.member_id)
      ))
    UNION ALL
    SELECT near.asked_id, near.member_id, nonconformance.number, containment.number, nonconformance.reason,
        nonconformance.opened_at, asked.serial, held.serial, NULL, NULL, near.unit_id, near.package_id,
        near.nonconformance_id, near.station_id, package.identifier, station.handle
    FROM near
    JOIN nonconformance USING (nonconformance_id)
    LEFT JOIN containment USING (nonconformance_id)
    JOIN unit AS asked ON asked.unit_id = near.asked_id
    JOIN unit AS held ON held.unit_id = near.member_id
    JOIN package USING (package_id)
    JOIN station USING (station_id)
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    WHERE EXISTS (SELECT FROM nonconformance WHERE released_at IS NULL)
    """
)


def holds_on(connection: Connection, unit_ids: Collection[int]) -> dict[int, list[Hold]]:
    """The holds on each unit that has some. One statement where nothing is open, two where none is suspected."""
    found: dict[int, list[Hold]] = {}
    if not unit_ids:
        return found
    asked = {"units": sorted(set(unit_ids))}
    something_open = False
    near: list[Row[Any]] = []
    with planned_once(connection) if len(asked["units"]) <= _FEW else nullcontext():
        for row in connection.execute(_WRITTEN, asked).all():
            if row.asked_id is None:
                something_open = True
            elif row.package_id is not None:
                near.append(row)
            else:
                found.setdefault(row.asked_id, []).append(_hold(row, row.why, by_rule=False))
        for row in connection.execute(CAUGHT, asked) if something_open else ():
            found.setdefault(row.asked_id, []).append(_hold(row, caught_because(row), by_rule=True))
    for row, suspicion in suspected(connection, near) if near else ():
        hold = _suspicion(row, suspicion)
        others = found.setdefault(row.asked_id, [])
        if not any(
            (other.number, other.via) == (hold.number, hold.via) and other.position_number in {0, hold.position_number}
            for other in others
        ):
            others.append(hold)
    return found


def caught_because(row: Row[Any]) -> str:
    """The sentence of a fact that the rule caught, as the hold keeps it."""
    return f"{row.station} {row.what}, {row.recorded_at:%Y-%m-%d %H:%M:%S} UTC."


def _hold(row: Row[Any], why: str, *, by_rule: bool, position: int | None = None, pending: bool = False) -> Hold:
    position = row.position_number if position is None else position
    via = row.held_serial if row.member_id != row.asked_id else None
    name = row.containment or row.number
    one = row.serial
    if position and via is None:
        one = Sentence("%(unit)s position %(position)s", unit=row.serial, position=position)
    told = {"unit": one, "containment": name, "reason": ended(row.reason), "fact": why}
    sentence = (
        Sentence("%(unit)s is on hold, %(containment)s: %(reason)s %(fact)s", **told)
        if via is None
        else Sentence(
            "%(unit)s is on hold with %(unit_inside)s in it, %(containment)s: %(reason)s %(fact)s",
            **told,
            unit_inside=via,
        )
    )
    return Hold(
        row.number, row.containment, row.reason, row.opened_at, row.asked_id, row.serial, by_rule, via,
        sentence, position if via is None else 0, pending=pending,
    )  # fmt: skip


def _suspicion(row: Row[Any], suspect: Suspect) -> Hold:
    why = suspect.said(row.station, row.package)
    return _hold(row, why, by_rule=True, position=suspect.board[1], pending=suspect.pending)


_WRITE = text(
    """
    INSERT INTO unit_hold (
        unit_id, position_number, nonconformance_id, nth, held_at, fact_at, evidence, reason, place, later
    )
    SELECT unit_id, position_number, nonconformance_id, former.holds + 1, clock_timestamp(), fact_at, 'exact',
        given.reason, given.place, true
    FROM unnest(
        CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:nonconformances AS integer[]),
        CAST(:facts AS timestamptz[]), CAST(:reasons AS text[]), CAST(:places AS text[])
    ) AS given (unit_id, position_number, nonconformance_id, fact_at, reason, place)
    CROSS JOIN LATERAL (
        SELECT count(*) AS holds, count(*) FILTER (WHERE decision IS NULL) AS undecided
        FROM unit_hold AS hold LEFT JOIN unit_disposition USING (unit_id, position_number, nonconformance_id, nth)
        WHERE hold.unit_id = given.unit_id AND hold.position_number = given.position_number
          AND hold.nonconformance_id = given.nonconformance_id
    ) AS former
    WHERE former.undecided = 0
    ORDER BY unit_id, position_number, nonconformance_id
    ON CONFLICT DO NOTHING
    """
)


_SOME_RULE = text("SELECT EXISTS (SELECT FROM nonconformance WHERE by_rule AND released_at IS NULL)")


def hold_caught(connection: Connection, unit_ids: Collection[int]) -> int:
    """Hold units by what was just recorded of them, in the same transaction. One small statement where nothing is open.

    A containment that is being opened at this moment is not seen here, nor are these facts in its scope: then the rule
    holds the unit until the next message about it, or the next count, writes the hold.
    """
    if not unit_ids or not connection.execute(_SOME_RULE).scalar_one():
        return 0
    return write_holds_seen(connection, unit_ids)


def write_holds_seen(connection: Connection, unit_ids: Collection[int]) -> int:
    """Write the holds that the rule finds on these units and on what is inside them; returns how many were new."""
    asked = {"units": sorted(set(unit_ids))}
    with planned_once(connection) if len(asked["units"]) <= _FEW else nullcontext():
        found = connection.execute(CAUGHT, asked).all() if unit_ids else ()
    rows = list({(row.member_id, row.position_number, row.nonconformance_id): row for row in found}.values())
    if not rows:
        return 0
    given = {
        "units": [row.member_id for row in rows],
        "positions": [row.position_number for row in rows],
        "nonconformances": [row.nonconformance_id for row in rows],
        "facts": [row.recorded_at for row in rows],
        "reasons": [caught_because(row) for row in rows],
        "places": [row.station for row in rows],
    }
    return connection.execute(_WRITE, given).rowcount
