"""Permitted starts: a unit is in one station's hands at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from app.errors import Conflict, Invalid
from app.sentences import Sentence, both
from app.units.locks import lock_units
from app.units.places import PLACES_OF_UNITS


@dataclass(frozen=True, slots=True)
class Start:
    """An open permission to work on a unit."""

    unit_id: int
    start_id: int
    station: str
    station_id: int
    transaction_id: UUID | None
    granted_at: datetime

    def is_given_to(self, station_id: int, transaction_id: UUID | None) -> bool:
        """Whether this is the start that a station asks for again."""
        return self.station_id == station_id and transaction_id in {None, self.transaction_id}

    @property
    def sentence(self) -> Sentence:
        """What is said to others who ask for the unit."""
        return in_hands(self.station, self.granted_at)


def in_hands(station: str, since: datetime) -> Sentence:
    """The unit is in a station's hands since a moment."""
    return Sentence(
        "The unit was started at %(station)s, %(second)s, and its work there is not completed.",
        station=station,
        second=since,
    )


class AlreadyStarted(Conflict):
    """The unit is in another station's hands; `there` says whose."""

    code = "already_started"
    title = "The unit was started elsewhere"

    def __init__(self, there: Sentence, clears: Sentence, **details: object) -> None:
        super().__init__(both(there, clears), **details)
        self.there = there


GIVEN_UP = """
    EXISTS (
        SELECT FROM unit_start AS given_up
        WHERE given_up.unit_id = {unit} AND given_up.station_id = work.station_id
          AND given_up.transaction_id = work.transaction_id AND given_up.ended_at IS NOT NULL
    )
"""
"""Condition on an uncompleted `work_record` named `work`: somebody saw that it was given up; `unit` is whose it was."""


def taken_back(kind: str) -> str:
    """Condition on a `fact` of a `kind` (`inspection`, `test`): a pass in work that was aborted, or a failure there
    that was called a mistake. Neither counts: what was known before stands again.
    """
    return f"""
        EXISTS (
            SELECT FROM work_record AS its
            WHERE (its.unit_id, its.transaction_id, its.station_id)
                = (fact.unit_id, fact.transaction_id, fact.station_id) AND its.result = 'Aborted'
        ) AND (fact.outcome = 'passed' OR EXISTS (
            SELECT FROM {kind} AS since
            WHERE (since.unit_id, since.position_number, since.transaction_id, since.station_id)
                = (fact.unit_id, fact.position_number, fact.transaction_id, fact.station_id)
              AND since.method IS NOT DISTINCT FROM fact.method AND since.outcome = 'passed'
              AND since.recorded_at > fact.recorded_at
        ))
    """


PASSED_AS_WHOLE = """
    (run.outcome = 'passed' AND run.of_whole AND EXISTS (
        SELECT FROM run AS own
        WHERE own.{asked} = run.{asked} AND own.kind = run.kind AND own.outcome = 'failed' AND NOT own.of_whole
          AND own.transaction_id = run.transaction_id AND own.station_id = run.station_id
    ))
"""
"""Condition on a `run` (inspections and tests of what is `asked`): its panel passed as a whole in work in which the
board itself failed. That says nothing of the board.
"""

COMPLETES = """
    done.station_id = begun.station_id AND done.completed_at IS NOT NULL
    AND (done.transaction_id = begun.transaction_id
         OR (begun.transaction_id IS NULL AND done.completed_received_at >= begun.granted_at
             AND coalesce(done.started_at, done.completed_at) >= place.held_from
             AND coalesce(done.started_at, done.completed_at) < place.held_until
             AND (place.position_number IS NULL OR done.position_numbers IS NULL
                  OR place.position_number = ANY (done.position_numbers))))
"""
"""Condition on a `work_record` named `done` at `place`: a start ends with the work it permitted, told by the
transaction, or, without one, by any later end of the unit's at the station. `begun` is the `unit_start`.
"""

_OPEN = text(
    f"""
    WITH {PLACES_OF_UNITS}
    SELECT unit_id, start_id, station.handle, station_id, transaction_id, granted_at,
        EXISTS (
            SELECT FROM place JOIN work_record AS done ON done.unit_id = place.spoken_id
            WHERE place.unit_id = begun.unit_id AND {COMPLETES}
        ) AS completed
    FROM unit_start AS begun JOIN station USING (station_id)
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND ended_at IS NULL
    """
)
_END = text(
    """
    UPDATE unit_start SET ended_at = clock_timestamp(), ended_by = :ended_by
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND ended_at IS NULL
    RETURNING unit_id
    """
)
_BEGIN = text(
    """
    INSERT INTO unit_start (unit_id, station_id, transaction_id, granted_to)
    VALUES (:unit, :station, :transaction, :actor)
    ON CONFLICT (unit_id) WHERE ended_at IS NULL DO NOTHING
    RETURNING start_id, (SELECT handle FROM station WHERE station_id = :station), granted_at
    """
)


def open_starts(connection: Connection, unit_ids: Collection[int]) -> dict[int, Start]:
    """The open start of each unit that has one; work that was completed since does not count."""
    rows = connection.execute(_OPEN, {"units": sorted(unit_ids)})
    return {row.unit_id: Start(*row[:6]) for row in rows if not row.completed} if unit_ids else {}


def begin_start(
    connection: Connection, unit_id: int, *, station_id: int, transaction_id: UUID | None, actor: str
) -> Start:
    """Give a station the unit; the caller holds `lock_units` and has judged that it may.

    The same station with the same transaction gets the same start again. Raises `AlreadyStarted` while another has it.
    """
    given = {"unit": unit_id, "station": station_id, "transaction": transaction_id, "actor": actor}
    begun = connection.execute(_BEGIN, given).one_or_none()
    if begun is None:
        there = open_starts(connection, [unit_id]).get(unit_id)
        if there is not None and there.is_given_to(station_id, transaction_id):
            return there
        if there is not None:
            raise AlreadyStarted(
                there.sentence,
                Sentence("Complete it there, or have the start ended by somebody who saw that it was given up."),
                station=there.station,
            )
        connection.execute(_END, {"units": [unit_id], "ended_by": "the work was completed"})
        begun = connection.execute(_BEGIN, given).one_or_none()
    if begun is None:  # somebody starts it without the lock: the index is the last wall
        raise AlreadyStarted(
            Sentence("The unit was started elsewhere just now."), Sentence("Complete its work there first.")
        )
    return Start(unit_id, begun.start_id, begun.handle, station_id, transaction_id, begun.granted_at)


# Work that a machine began by itself, without asking for a start, is given up like a start that it asked for.
_GIVE_UP = text(
    f"""
    -- Which work on these units began and was never completed, under their own names or their panel's?
    WITH {PLACES_OF_UNITS}
    INSERT INTO unit_start (unit_id, station_id, transaction_id, granted_to, granted_at, ended_at, ended_by)
    SELECT DISTINCT place.unit_id, work.station_id, work.transaction_id, 'the machine', work.started_received_at,
        clock_timestamp(), :ended_by
    FROM place JOIN work_record AS work ON work.unit_id = place.spoken_id
        AND (place.position_number IS NULL OR work.position_numbers IS NULL
             OR place.position_number = ANY (work.position_numbers))
        AND work.started_at >= place.held_from AND work.started_at < place.held_until
    WHERE work.completed_at IS NULL AND NOT {GIVEN_UP.format(unit="place.unit_id")}
    RETURNING unit_id
    """
)


def end_starts(connection: Connection, unit_ids: Collection[int], *, reason: str, actor: str) -> set[int]:
    """End the starts of units that were given up: the station will not complete them; returns those that had one.

    The caller names who may, and puts it on record. Raises `Invalid` without a reason.
    """
    if not reason.strip():
        raise Invalid(Sentence("Say why the start is ended."))
    lock_units(connection, unit_ids)  # a start that is being judged right now is seen, or comes later
    given = {"units": sorted(set(unit_ids)), "ended_by": f"{actor}: {reason.strip()}"}
    given_up = connection.execute(_GIVE_UP, given).scalars()
    return {*given_up, *connection.execute(_END, given).scalars()}
