"""What units failed, and what was decided of it.

* A failure is cleared by a later pass of the same matter: the same kind of run, method and recipe (by its name; of a
  board's two sides each has its own) at the same operation (or at the same station, where no operation is planned for
  it). Another test says nothing of it. A station's clock may be ahead: what was said has happened by the time it was
  heard.
* On a carrier that is used again, a clock that was seen off may leave open which board was meant: a failure is of each,
  a pass of none.
* Or by a decision that was made about it: a disposition decides the failures that stood when its nonconformance was
  opened, of that unit or position alone, and what the same matter failed since. A containment is opened for a lot, a
  tool, a window, never for a failure; its dispositions clear none.
* A pass of the panel as a whole clears no failure that was told of the board itself in the same work.
* What was said in work that was aborted clears nothing, and a failure that was called a mistake there never was.
* `error` and `aborted` say nothing of the board: they neither fail it nor clear an earlier failure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.sentences import Sentence
from app.units.families import MEMBER_ROUNDS, TIED_AT_MEMBER_ROUND, TIED_IN_DOUBT_THERE
from app.units.places import passed_without
from app.units.starts import PASSED_AS_WHOLE, taken_back


@dataclass(frozen=True, slots=True)
class Failure:
    """The last run of a matter failed, and nobody has decided what becomes of the unit.

    `position_number` is that of a board without a serial on a panel, else 0.
    """

    unit_id: int
    kind: str
    station: str
    station_id: int
    operation: str | None
    method: str | None
    position_number: int
    recorded_at: datetime
    received_at: datetime

    @property
    def sentence(self) -> Sentence:
        """What happened."""
        told = {"word_method": self.method or self.kind, "station": self.station, "second": self.recorded_at}
        if self.position_number:
            return Sentence(
                "Position %(position)s of it failed %(word_method)s at %(station)s, %(second)s.",
                position=self.position_number,
                **told,
            )
        return Sentence("It failed %(word_method)s at %(station)s, %(second)s.", **told)


def _runs(kind: str) -> str:
    # Run 0 is a panel's own inspection, which says nothing of one board.
    return f"""
        SELECT place.asked_id, '{kind}' AS kind, fact.unit_id, fact.position_number, fact.station_id, fact.method,
            fact.recipe_id, fact.outcome, fact.recorded_at, fact.received_at, fact.event_id, fact.run,
            least(fact.recorded_at, fact.received_at) AS happened_at, fact.transaction_id,
            place.position_number IS NOT NULL AND fact.position_number = 0 AS of_whole
        FROM place JOIN {kind} AS fact ON {TIED_AT_MEMBER_ROUND}
            AND (place.position_number IS NULL OR fact.position_number > 0 OR fact.run > 0)
        WHERE NOT ({taken_back(kind)}) AND (fact.outcome = 'failed' OR (
            fact.outcome = 'passed' AND NOT {TIED_IN_DOUBT_THERE} AND NOT {passed_without("place.member_id")}
        ))
    """


_JUDGED = f"""
    WITH RECURSIVE member AS (
        SELECT asked_id, asked_id AS unit_id FROM unnest(CAST(:units AS bigint[])) AS asked (asked_id)
    ), {MEMBER_ROUNDS}, run AS (
        {_runs("inspection")}
        UNION
        {_runs("test")}
    ), judged AS (
        SELECT run.*, coalesce(station.name, station.handle) AS station, station.operation,
            CASE WHEN station.operation IS NULL THEN run.station_id END AS alone, recipe.name AS recipe,
            -- The positions of a panel whose boards have no serials are judged each by itself.
            CASE WHEN run.unit_id = run.asked_id AND EXISTS (
                SELECT FROM spoken_position WHERE spoken_position.unit_id = run.unit_id
            ) THEN run.position_number ELSE 0 END AS part
        FROM run JOIN station USING (station_id) LEFT JOIN recipe USING (recipe_id)
        WHERE NOT {PASSED_AS_WHOLE.format(asked="asked_id")}
    )
"""
_STANDING = f"""
    {_JUDGED}, standing AS (
        SELECT *, row_number() OVER (
            matter ORDER BY happened_at DESC, recorded_at DESC, event_id DESC, run DESC
        ) AS back
        FROM (
            SELECT *, bool_or(outcome = 'passed') OVER later AS passed_since FROM judged
            WINDOW later AS (
                PARTITION BY asked_id, part, kind, operation, alone, method, recipe
                ORDER BY happened_at DESC, recorded_at DESC GROUPS UNBOUNDED PRECEDING EXCLUDE GROUP
            )
        ) AS judged
        WHERE outcome = 'failed' AND passed_since IS NOT true
        WINDOW matter AS (PARTITION BY asked_id, part, kind, operation, alone, method, recipe)
    )
"""
_DECIDED = """
    EXISTS (
        SELECT FROM place AS there JOIN decided_run AS decided ON decided.unit_id = there.unit_id
        WHERE there.asked_id = standing.asked_id
          AND decided.event_id = standing.event_id AND decided.run = standing.run
          AND (decided.position_number IN (0, there.position_number)
               OR (there.position_number IS NULL AND decided.position_number = standing.position_number))
    )
"""
_FAILURES = text(
    f"""
    -- What did these units fail last, without a decision about it?
    {_STANDING}
    SELECT asked_id, kind, station, station_id, operation, method, part, recorded_at, received_at
    FROM standing
    WHERE back = 1 AND NOT {_DECIDED}
    ORDER BY recorded_at, asked_id, part
    """
)
_DECIDE = text(
    f"""
    -- The failures that stood when the nonconformance was opened, and what their matters failed since, are decided.
    {_STANDING}
    INSERT INTO decided_run (unit_id, position_number, event_id, run, nonconformance_id)
    SELECT DISTINCT given.unit_id, given.position_number, event_id, run, :nonconformance
    FROM (
        SELECT *, min(happened_at) OVER matter AS failed_from FROM standing
        WINDOW matter AS (PARTITION BY asked_id, part, kind, operation, alone, method, recipe)
    ) AS standing
    JOIN unnest(CAST(:units AS bigint[]), CAST(:positions AS smallint[])) AS given (unit_id, position_number)
        ON given.unit_id = standing.asked_id AND given.position_number IN (0, standing.part)
    WHERE failed_from <= :opened_at AND NOT {_DECIDED}
    ON CONFLICT DO NOTHING
    """
)
_UNPROVEN = text(
    f"""
    -- Which of these were sent to rework or repair last, and have not passed since what they had failed, or anything?
    {_JUDGED}, made AS (
        SELECT unit_id AS board_id, position_number AS part, unit_disposition.* FROM unit_disposition
        WHERE unit_id = ANY (CAST(:units AS bigint[]))
        UNION ALL
        -- Decided of the place it was in, before anybody knew which board that was.
        SELECT place.asked_id, 0, decided.*
        FROM place
        JOIN unit_disposition AS decided ON decided.unit_id = place.unit_id
            AND decided.position_number IN (0, place.position_number)
        JOIN unit_hold AS hold ON hold.unit_id = decided.unit_id AND hold.position_number = decided.position_number
            AND hold.nonconformance_id = decided.nonconformance_id AND hold.nth = decided.nth
        WHERE hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
    ), mended AS (
        SELECT * FROM (
            SELECT DISTINCT ON (board_id, part) made.*
            FROM made JOIN nonconformance USING (nonconformance_id)
            -- That it may be used with a lot takes back no rework that was decided for a failure.
            WHERE decision IN ('rework', 'repair') OR (decision = 'use_as_is' AND NOT by_rule)
            ORDER BY board_id, part, decided_at DESC
        ) AS latest
        WHERE decision <> 'use_as_is'
    ), proof AS (
        SELECT mended.board_id, mended.part AS mended_part, judged.part, kind, operation, alone, method, recipe
        FROM mended JOIN judged ON judged.asked_id = mended.board_id AND judged.part IN (0, mended.part)
        WHERE outcome = 'passed' AND judged.received_at > mended.decided_at
    )
    SELECT DISTINCT mended.board_id FROM mended
    WHERE NOT EXISTS (
        SELECT FROM proof WHERE (proof.board_id, proof.mended_part) = (mended.board_id, mended.part)
    ) OR EXISTS (
        SELECT FROM decided_run AS decided
        JOIN judged ON judged.asked_id = mended.board_id
            AND (judged.event_id, judged.run) = (decided.event_id, decided.run)
        WHERE (decided.unit_id, decided.position_number, decided.nonconformance_id)
            = (mended.unit_id, mended.position_number, mended.nonconformance_id)
          AND NOT EXISTS (
            SELECT FROM proof
            WHERE (proof.board_id, proof.mended_part) = (mended.board_id, mended.part)
              AND (proof.part, proof.kind, proof.operation, proof.alone, proof.method, proof.recipe)
                  IS NOT DISTINCT FROM
                  (judged.part, judged.kind, judged.operation, judged.alone, judged.method, judged.recipe)
          )
    )
    """
)


def failures_on(connection: Connection, unit_ids: Collection[int]) -> dict[int, list[Failure]]:
    """What each unit failed and nobody decided; units without are left out."""
    found: dict[int, list[Failure]] = {}
    if unit_ids:
        for row in connection.execute(_FAILURES, {"units": sorted(set(unit_ids))}):
            found.setdefault(row[0], []).append(Failure(*row))
    return found


def unproven(connection: Connection, unit_ids: Collection[int]) -> set[int]:
    """The units that were mended and have passed nothing since, or not what they were mended for."""
    return set(connection.execute(_UNPROVEN, {"units": sorted(set(unit_ids))}).scalars()) if unit_ids else set()


def decide_failures(
    connection: Connection,
    nonconformance_id: int,
    opened_at: datetime,
    units: Sequence[int],
    positions: Sequence[int],
) -> None:
    """Decide the failures of units (and positions, in step; 0 is the whole) that the nonconformance was opened for."""
    given = {"units": list(units), "positions": list(positions), "nonconformance": nonconformance_id}
    connection.execute(_DECIDE, {**given, "opened_at": opened_at})
