"""Which boards were touched by a tool, given a firmware, worked on under a recipe, or by an operator?

Told in order of the boards' ids. Tool, firmware and recipe are what a machine said of its work: exact. An operator who
inspected, tested or repaired a unit was named for it: exact. One who was logged in at a station while it worked on a
unit may have touched it, and so may a tool that was loaded there: inferred.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from app.trace.asked_time import asked_time
from app.trace.boards import HELD, TIED, TIED_IN_DOUBT
from app.trace.evidence import Evidence
from app.trace.question import Question

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Touched:
    """A board that was worked on as asked for, with the surest and then first time that is told of."""

    unit_id: int
    position_number: int
    evidence: Evidence
    reason: str
    station_id: int
    recorded_at: datetime


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR {} <= :as_of)"
_AT_STATION = """
    (CAST(:station AS text) IS NULL OR station_id = (SELECT station_id FROM station WHERE handle = :station))
"""


def _asked(received: str, recorded: str) -> str:
    """Condition on a report: what was known then, at the station, in the time asked for."""
    return f"""
        {_KNOWN.format(received)} AND {_AT_STATION}
        AND (CAST(:since AS timestamptz) IS NULL OR {recorded} >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR {recorded} <= :until)
    """


_REPORTED = _asked("received_at", "recorded_at")
_WORKED = _asked(
    "least(work.started_received_at, work.completed_received_at)", "coalesce(work.started_at, work.completed_at)"
)
_NUMBER = r"^[+]?([0-9]{1,9}([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$"
"""As `app.cfx.tolerance` reads numbers that come as text."""
_BY_TOOL = f"""
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at AS ended_at, 'used the tool on' AS deed,
        received_at, CAST(NULL AS uuid) AS transaction_id
    FROM tool_use
    WHERE tool = :tool AND {_REPORTED}
    UNION ALL
    -- Whoever tells which tools were used on a unit names all of a kind; of the others it is told when they were there.
    SELECT work.unit_id, position_number, work.station_id, coalesce(work.started_at, work.completed_at),
        coalesce(work.started_at, work.completed_at), NULL,
        coalesce(work.started_received_at, work.completed_received_at), transaction_id
    FROM (
        SELECT told.station_id, told.tool_id, tool.kind, told.recorded_at AS since,
            (SELECT min(later.recorded_at) FROM tool_event AS later
             WHERE later.tool_id = told.tool_id AND later.recorded_at > told.recorded_at
               AND later.kind IN ('loaded', 'unloaded') AND {_KNOWN.format("later.received_at")}) AS until
        FROM tool JOIN tool_event AS told USING (tool_id)
        WHERE tool.identifier = :tool AND told.kind = 'loaded' AND {_KNOWN.format("told.received_at")}
    ) AS loaded
    JOIN work_record AS work USING (station_id)
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE coalesce(work.started_at, work.completed_at) <= coalesce(loaded.until, 'infinity')
      AND coalesce(work.completed_at, 'infinity') >= loaded.since AND {_WORKED}
      AND NOT EXISTS (
          SELECT FROM tool_use AS used JOIN tool AS other ON other.identifier = used.tool
          WHERE used.unit_id = work.unit_id AND used.station_id = work.station_id AND other.kind = loaded.kind
            AND used.recorded_at >= coalesce(work.started_at, work.completed_at)
            AND used.recorded_at <= coalesce(work.completed_at, 'infinity') AND {_KNOWN.format("used.received_at")}
      )
"""
# A message may personalize several units; each has its row with the whole body. A position may be written as text.
_BY_FIRMWARE = f"""
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at AS ended_at, 'put the firmware into' AS deed,
        received_at, transaction_id
    FROM unit_event JOIN unit USING (unit_id)
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE message_name = 'CFX.Production.Assembly.UnitsPersonalized' AND {_REPORTED}
      AND body @> jsonb_build_object('PersonalizedUnits', jsonb_build_array(
          jsonb_build_object('Characteristics', jsonb_build_array(jsonb_build_object('Value', CAST(:firmware AS text))))
      ))
      AND EXISTS (
          SELECT FROM jsonb_array_elements(body -> 'PersonalizedUnits') AS one
          CROSS JOIN LATERAL (
              SELECT btrim(coalesce(one ->> 'UnitPositionNumber', one ->> 'PositionNumber')) AS spoken
          ) AS position
          WHERE coalesce(nullif(btrim(one ->> 'UnitIdentifier'), ''), unit.serial) = unit.serial
            AND (CASE WHEN spoken ~ '{_NUMBER}' AND position_number <> 0 THEN CAST(spoken AS numeric) ELSE 0 END)
                IN (0, position_number)
            AND one @> jsonb_build_object('Characteristics', jsonb_build_array(
                jsonb_build_object('Value', CAST(:firmware AS text))
            ))
      )
"""
_BY_RECIPE = f"""
    SELECT work.unit_id, position_number, work.station_id, coalesce(work.started_at, work.completed_at) AS recorded_at,
        coalesce(work.started_at, work.completed_at) AS ended_at, 'ran the recipe for' AS deed,
        coalesce(work.started_received_at, work.completed_received_at) AS received_at, transaction_id
    FROM work_record AS work
    JOIN recipe USING (recipe_id)
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE recipe.name = :recipe
      AND (CAST(:recipe_revision AS text) IS NULL OR recipe.revision = :recipe_revision) AND {_WORKED}
"""
# `logged_in`: from each log-in to the next log-out of the same operator at the same station, or until now.
_BY_OPERATOR = f"""
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at AS ended_at, 'inspected' AS deed,
        received_at, transaction_id
    FROM inspection
    WHERE inspector = :operator AND {_REPORTED}
    UNION ALL
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at, 'tested', received_at, transaction_id
    FROM test
    WHERE tester = :operator AND {_REPORTED}
    UNION ALL
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at, 'repaired', received_at, transaction_id
    FROM unit_event
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE message_name = 'CFX.Production.ReworkAndRepair.UnitsRepaired'
      AND :operator IN (body #>> '{{RepairOperator,OperatorIdentifier}}', body #>> '{{RepairOperator,LoginName}}')
      AND {_REPORTED}
    UNION ALL
    SELECT work.unit_id, position_number, work.station_id, coalesce(work.started_at, work.completed_at),
        coalesce(work.started_at, work.completed_at), NULL,
        coalesce(work.started_received_at, work.completed_received_at), transaction_id
    FROM (
        SELECT station_id, told.recorded_at AS since,
            (SELECT min(later.recorded_at) FROM station_event AS later
             WHERE later.station_id = station.station_id AND later.recorded_at > told.recorded_at
               AND later.message_name = 'CFX.Production.OperatorDeactivated'
               AND :operator IN (later.body #>> '{{Operator,OperatorIdentifier}}',
                                 later.body #>> '{{Operator,LoginName}}')
               AND (CAST(:as_of AS timestamptz) IS NULL OR later.received_at <= :as_of)) AS until
        FROM station JOIN station_event AS told USING (station_id)
        WHERE told.message_name = 'CFX.Production.OperatorActivated'
          AND :operator IN (told.body #>> '{{Operator,OperatorIdentifier}}', told.body #>> '{{Operator,LoginName}}')
          AND (CAST(:as_of AS timestamptz) IS NULL OR told.received_at <= :as_of)
    ) AS logged_in
    JOIN work_record AS work USING (station_id)
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE coalesce(work.started_at, work.completed_at) <= coalesce(logged_in.until, 'infinity')
      AND coalesce(work.completed_at, 'infinity') >= logged_in.since AND {_WORKED}
"""
_WITH_TRANSACTION = {"installation", "inspection", "test"}
# Whatever a station did to boards or told of them; work counts where it overlaps the window.
_BY_WINDOW = (
    f"""
    SELECT work.unit_id, position_number, work.station_id, work.recorded_at, work.ended_at, 'worked on' AS deed,
        coalesce(work.started_received_at, work.completed_received_at) AS received_at, transaction_id
    FROM (
        SELECT *, coalesce(CASE WHEN {_KNOWN.format("started_received_at")} THEN started_at END,
                           CASE WHEN {_KNOWN.format("completed_received_at")} THEN completed_at END) AS recorded_at,
            CASE WHEN {_KNOWN.format("completed_received_at")} THEN completed_at END AS ended_at
        FROM work_record WHERE {_KNOWN.format("least(started_received_at, completed_received_at)")} AND {_AT_STATION}
    ) AS work
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE (CAST(:until AS timestamptz) IS NULL OR work.recorded_at <= :until)
      AND (CAST(:since AS timestamptz) IS NULL OR coalesce(work.ended_at, 'infinity') >= :since)
"""
    + "".join(
        f"UNION ALL SELECT unit_id, position_number, station_id, recorded_at, recorded_at, '{deed}', received_at, "
        f"{'transaction_id' if table in _WITH_TRANSACTION else 'CAST(NULL AS uuid)'}\nFROM {table} WHERE {_REPORTED}\n"
        for table, deed in {
            "installation": "installed material on",
            "installed_unit": "built a unit into",
            "removal": "took a part out of",
            "inspection": "inspected",
            "test": "tested",
            "tool_use": "used a tool on",
        }.items()
    )
    + f"""
    UNION ALL
    SELECT unit_id, position_number, station_id, recorded_at, recorded_at, 'told of', received_at, transaction_id
    FROM unit_event
    CROSS JOIN LATERAL unnest(coalesce(position_numbers, CAST('{{0}}' AS smallint[]))) AS position_number
    WHERE {_REPORTED}
"""
)
_BOARDS = """
    -- Which boards were worked on like this, and when first, surely if possible?
    WITH clock AS (
        SELECT * FROM unnest(CAST(:wrong AS integer[]), CAST(:errors AS interval[])) AS clock (station_id, error)
    ), reported AS ({facts}), fact AS (
        SELECT reported.*,
            reported.recorded_at + error > :asked_until OR reported.ended_at - error < :asked_since AS doubtful
        FROM reported LEFT JOIN clock USING (station_id)
        WHERE (CAST(:asked_until AS timestamptz) IS NULL
               OR reported.recorded_at - coalesce(error, interval '0') <= :asked_until)
          AND (CAST(:asked_since AS timestamptz) IS NULL
               OR coalesce(reported.ended_at, 'infinity') + coalesce(error, interval '0') >= :asked_since)
    ), {held}
    SELECT DISTINCT ON (1, 2)
        coalesce(held.board_id, fact.unit_id), coalesce(held.board_position, 0), fact.deed, station.station_id,
        station.handle, fact.recorded_at, coalesce(fact.doubtful, false), {in_doubt} AS in_doubt
    FROM fact
    LEFT JOIN held ON {tied}
    JOIN station USING (station_id)
    ORDER BY 1, 2, fact.deed IS NULL, coalesce(fact.doubtful, false) OR {in_doubt}, fact.recorded_at
"""
_QUESTIONS = {
    term: text(_BOARDS.format(facts=facts, held=HELD, tied=TIED, in_doubt=TIED_IN_DOUBT))
    for term, facts in {
        "tool": _BY_TOOL, "firmware": _BY_FIRMWARE, "recipe": _BY_RECIPE, "operator": _BY_OPERATOR,
        "station": _BY_WINDOW,
    }.items()
}  # fmt: skip
_STATION = text("SELECT EXISTS (SELECT FROM station WHERE handle = :station)")


def boards_worked_on(connection: Connection, question: Question, term: str) -> Iterator[Touched]:
    """Boards that a term on work means (`station`: any work); maybe none.

    Raises `NotFound` where no such name is known.
    """
    found = False
    for one in _touched(connection, question, term):
        found = True
        yield one
    if not found and not _is_known(connection, question, term):
        raise question.not_known


def _is_known(connection: Connection, question: Question, term: str) -> bool:
    """Whether the tool, recipe, operator or station was ever heard of, wherever and whenever."""
    if term == "station":
        return question.station is None or connection.execute(_STATION, {"station": question.station}).scalar_one()
    return next(_touched(connection, replace(question, station=None, since=None, until=None), term), None) is not None


def _touched(connection: Connection, question: Question, term: str) -> Iterator[Touched]:
    time = asked_time(connection, question)
    since, until = time.widest
    asked = {
        "tool": question.tool,
        "firmware": question.firmware,
        "recipe": question.recipe,
        "recipe_revision": question.recipe_revision,
        "operator": question.operator,
        "station": question.station,
        "since": since,
        "until": until,
        "as_of": question.as_of,
        "asked_since": question.since,
        "asked_until": question.until,
        "wrong": list(time.clocks),
        "errors": list(time.clocks.values()),
    }
    options = {"stream_results": True, "yield_per": _BLOCK}
    with connection.execute(_QUESTIONS[term], asked, execution_options=options) as rows:
        for unit_id, position, deed, station_id, station, at, doubtful, in_doubt in rows:
            told = f"{at:%Y-%m-%d %H:%M:%S} UTC{time.doubt(station_id) if doubtful else ''}."
            if in_doubt:
                told = f"{told[:-1]}, or another board that the carrier held near that time."
            if deed is None:
                who = f"{question.operator} was logged in at {station} while it was worked on there"
                if term == "tool":
                    who = f"{station} worked on it while {question.tool} was loaded there"
                evidence = Evidence.inferred
            else:
                who = f"{question.operator} {deed} it at {station}" if term == "operator" else f"{station} {deed} it"
                evidence = Evidence.bounded if doubtful or in_doubt else Evidence.exact
            yield Touched(unit_id, position, evidence, f"{who}, {told}", station_id, at)
