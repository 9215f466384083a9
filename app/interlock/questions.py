"""The gate's question to the database: one statement for all units of one request, keyed throughout.

It is prepared once and planned once (`app.db.create_engine`, keyed): each part is reached by a key, so no
value changes the plan, and planning it anew for each request would cost more than the answer.
"""

from typing import Final

from app.interlock.station_question import STATION
from app.units.families import BOARD_THEN, REMOVED, boards_in
from app.units.leave import given_to_board
from app.units.places import (
    HELD_WINDOW,
    NOW,
    in_doubt,
    in_time,
    outside,
    passed_over,
    passed_without,
    seated,
    sure_of_work,
    worked_without,
)
from app.units.provisional import PASSED_WITHOUT, released
from app.units.scrapped import ACCEPTED_SINCE, TOLD_BY_STATION, WHOLLY
from app.units.starts import COMPLETES, GIVEN_UP, PASSED_AS_WHOLE, taken_back

LONGEST_SHIFT: Final = "12 hours"
"""How long somebody who logged in at a station and never out is taken to be there."""

# A position of a panel means the board that sits there now; a panel asked for as a whole means each of its boards.
_SUBJECTS = f"""
    asked AS (
        SELECT * FROM unnest(CAST(%(identifiers)s AS text[]), CAST(%(positions)s AS smallint[]))
            WITH ORDINALITY AS asked (identifier, position_number, nth)
    ),
    spoken AS (
        SELECT asked.nth, serial.unit_id, asked.position_number
        FROM asked JOIN serial ON serial.serial = asked.identifier
    ),
    subject AS (
        SELECT row_number() OVER () AS subject_id, spoken.nth, coalesce(board.unit_id, spoken.unit_id) AS unit_id,
            coalesce(board.position_number, spoken.position_number) AS position_number,
            CASE WHEN board.unit_id IS NULL AND spoken.position_number > 0 AND EXISTS (
                SELECT FROM spoken_position WHERE spoken_position.unit_id = spoken.unit_id
            ) THEN spoken.position_number END AS only_position,
            CASE WHEN board.unit_id IS NULL AND spoken.position_number > 0 THEN (
                SELECT json_agg(DISTINCT held.position_number ORDER BY held.position_number)
                FROM panel_position AS held WHERE held.panel_id = spoken.unit_id
            ) END AS positions,
            CASE WHEN board.unit_id IS NULL AND spoken.position_number > 0 THEN EXISTS (
                SELECT FROM spoken_position AS told
                WHERE told.unit_id = spoken.unit_id AND told.position_number = spoken.position_number
            ) END AS spoken_of
        FROM spoken
        LEFT JOIN LATERAL ({boards_in("spoken.unit_id", "spoken.position_number")}) AS board ON true
    )
"""

# Units that were alone in their place, as most are, and never outside it: all that stands there is theirs.
_ALONE = """
    place AS (
        SELECT subject_id, unit_id, only_position AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM subject
        UNION ALL
        SELECT DISTINCT subject.subject_id, held.panel_id, held.position_number,
            CAST('-infinity' AS timestamptz), CAST('infinity' AS timestamptz)
        FROM subject JOIN panel_position AS held ON held.unit_id = subject.unit_id
    ),
    possible AS (SELECT * FROM place)
"""
_NOT_ALONE = """
    EXISTS (
        SELECT FROM panel_position AS held JOIN panel_position AS other USING (panel_id, position_number)
        WHERE held.unit_id = subject.unit_id AND other.unit_id <> held.unit_id
    ) OR EXISTS (
        SELECT FROM panel_position AS held JOIN panel_position AS other USING (unit_id)
        WHERE held.unit_id = subject.unit_id AND other.panel_id <> held.panel_id
    ) OR EXISTS (SELECT FROM taken_out AS seen WHERE seen.unit_id = subject.unit_id)
"""

_OF_SUBJECTS = """
    (panel_id, position_number) IN (
        SELECT held.panel_id, held.position_number FROM panel_position AS held JOIN subject USING (unit_id)
    )
"""
# `possible`: where facts of a subject may stand, by clocks that leave open which round of a carrier they are of.
_ROUNDS = f"""
    place AS (
        SELECT subject_id, unit_id, only_position AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM subject
        UNION ALL
        SELECT DISTINCT subject.subject_id, held.panel_id, held.position_number,
            {HELD_WINDOW}
        FROM subject JOIN panel_position AS held ON held.unit_id = subject.unit_id
    ),
    {seated(_OF_SUBJECTS, NOW)}, {outside("SELECT unit_id FROM subject")}, possible AS (
        SELECT subject_id, unit_id, only_position AS position_number, CAST('-infinity' AS timestamptz) AS held_from,
            CAST('infinity' AS timestamptz) AS held_until, CAST('infinity' AS timestamptz) AS gone_at,
            CAST('infinity' AS timestamptz) AS moved_at, CAST(NULL AS carrier_round) AS turn
        FROM subject
        UNION ALL
        SELECT subject_id, panel_id, seated.position_number, held_from, held_until, gone_at, moved_at, turn
        FROM subject JOIN seated USING (unit_id)
    )
"""

_AMONG = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_numbers IS NULL
         OR place.position_number = ANY (fact.position_numbers))
"""

_AMONG_IN_TIME = in_time(
    "place", transaction="fact.transaction_id", whole="fact.position_numbers IS NULL", known_at=NOW
)
_PASSED_WITHOUT = passed_without(
    "(SELECT subject.unit_id FROM subject WHERE subject.subject_id = possible.subject_id)"
).replace("place.", "possible.")
_TOLD_HERE = """
    (possible.turn IS NULL OR EXISTS (
        SELECT FROM place
        WHERE (place.subject_id, place.unit_id, place.position_number)
            = (possible.subject_id, possible.unit_id, possible.position_number)
          AND fact.recorded_at >= place.held_from AND fact.recorded_at < place.held_until
    ))
"""


# A panel's own inspection (run 0) says nothing of one board. A clock may be ahead: what was heard has happened.
# What is not told within the subject's time, and may be of it all the same, counts where it failed.
def _runs(kind: str, *, rounds: bool) -> str:
    tied = {"transaction": "fact.transaction_id", "known_at": NOW}
    return f"""
        SELECT DISTINCT possible.subject_id, '{kind}' AS kind, fact.station_id, fact.method, fact.recipe_id,
            fact.outcome, fact.recorded_at, least(fact.recorded_at, fact.received_at) AS happened_at, fact.received_at,
            fact.event_id, fact.run, here.told AS told_here, fact.transaction_id,
            possible.position_number IS NOT NULL AND fact.position_number = 0 AS of_whole,
            {in_doubt("possible", **tied) if rounds else "false"} AS in_doubt
        FROM possible JOIN {kind} AS fact
        ON fact.unit_id = possible.unit_id
        AND (possible.position_number IS NULL OR fact.position_number = possible.position_number
             OR (fact.position_number = 0 AND fact.run > 0))
        AND {in_time("possible", **tied) if rounds else "true"}
        CROSS JOIN LATERAL (SELECT {_TOLD_HERE if rounds else "true"} AS told) AS here
        WHERE (fact.outcome = 'failed'
            OR here.told AND NOT (fact.outcome = 'passed' AND {_PASSED_WITHOUT if rounds else "false"}))
          AND NOT ({taken_back(kind)})
    """


_WORKED_WITHOUT = worked_without("subject.unit_id").replace("fact.", "work.")
# What may be another board's visit is none of this one.
_SURELY_WORKED = f"""
    EXISTS (
        SELECT FROM possible
        WHERE (possible.subject_id, possible.unit_id) = (place.subject_id, place.unit_id)
          AND possible.position_number IS NOT DISTINCT FROM place.position_number
          AND (possible.turn IS NULL OR {sure_of_work("possible", NOW).replace("fact.", "work.")})
    )
"""
_PASSED_OVER = passed_over("place.position_number", "subject.unit_id").replace("fact.", "work.")


# By itself, or with its place on a panel before anybody knew which board that was.
_DECIDED_OF_PLACE = """
    made.unit_id = place.unit_id AND made.position_number IN (0, place.position_number) AND EXISTS (
        SELECT FROM unit_hold AS hold
        WHERE (hold.unit_id, hold.position_number, hold.nonconformance_id, hold.nth)
            = (made.unit_id, made.position_number, made.nonconformance_id, made.nth)
          AND hold.fact_at >= place.held_from AND hold.fact_at < place.held_until
    )
"""


def _work(*, rounds: bool) -> str:
    return f"""
    work AS (
        SELECT DISTINCT place.subject_id, station.operation, station.handle, work.station_id, work.transaction_id,
            work.started_at, work.completed_at, work.completed_received_at,
            CASE WHEN {_PASSED_OVER} THEN 'PassedOver' ELSE work.result END AS result
        FROM place JOIN work_record AS work ON {_AMONG.replace("fact.", "work.")}
            AND coalesce(work.started_at, work.completed_at) >= place.held_from
            AND coalesce(work.started_at, work.completed_at) < place.held_until
        JOIN station ON station.station_id = work.station_id
        JOIN subject USING (subject_id)
        WHERE station.operation IS NOT NULL
          AND (work.completed_at IS NOT NULL OR NOT {GIVEN_UP.format(unit="subject.unit_id")})
          AND NOT {_WORKED_WITHOUT if rounds else "false"} AND {_SURELY_WORKED if rounds else "true"}
    ),
    run AS ({_runs("inspection", rounds=rounds)} UNION ALL {_runs("test", rounds=rounds)}),
    judged AS (
        SELECT run.*, station.operation, coalesce(station.name, station.handle) AS station, recipe.name AS recipe,
            decided.decision, decided.decided_at
        FROM run
        JOIN station ON station.station_id = run.station_id
        LEFT JOIN recipe ON recipe.recipe_id = run.recipe_id
        LEFT JOIN LATERAL (
            SELECT made.decision, made.decided_at
            FROM place AS there
            JOIN decided_run ON decided_run.unit_id = there.unit_id
                AND decided_run.position_number IN (0, there.position_number)
                AND decided_run.event_id = run.event_id AND decided_run.run = run.run
            JOIN unit_disposition AS made ON made.unit_id = decided_run.unit_id
                AND made.position_number = decided_run.position_number
                AND made.nonconformance_id = decided_run.nonconformance_id
            WHERE there.subject_id = run.subject_id
            ORDER BY made.decided_at DESC LIMIT 1
        ) AS decided ON run.outcome = 'failed'
        WHERE station.operation IS NOT NULL AND NOT {PASSED_AS_WHOLE.format(asked="subject_id")}
    ),
    latest AS (
        -- Of each matter: another kind of run, another method, or the other side's recipe, says nothing of a failure.
        SELECT DISTINCT ON (subject_id, operation, kind, method, recipe) judged.*,
            count(*) FILTER (WHERE outcome IN ('passed', 'failed') AND told_here
                             AND (last_decided_at IS NULL OR received_at > last_decided_at))
                OVER (PARTITION BY subject_id, operation, kind, method, recipe) AS runs
        FROM (
            SELECT judged.*,
                max(decided_at) OVER (PARTITION BY subject_id, operation, kind, method, recipe) AS last_decided_at
            FROM judged
        ) AS judged
        ORDER BY subject_id, operation, kind, method, recipe,
            -- What may have been another board that passed clears nothing.
            outcome = 'passed' AND in_doubt, outcome IN ('passed', 'failed') DESC, happened_at DESC,
            recorded_at DESC, outcome = 'failed' DESC, event_id DESC, run DESC
    ),
    mending AS (
        -- When were hands on it, and quality has not accepted it as it is since? Of several that may be meant, on each.
        SELECT touched.subject_id, touched.recorded_at FROM (
            SELECT place.subject_id, fact.recorded_at, fact.received_at
            FROM possible AS place JOIN removal AS fact ON fact.unit_id = place.unit_id
                AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
                AND {in_time("place", known_at=NOW) if rounds else "true"}
            UNION ALL
            SELECT place.subject_id, fact.recorded_at, fact.received_at
            FROM possible AS place JOIN unit_event AS fact ON {_AMONG} AND {_AMONG_IN_TIME if rounds else "true"}
            WHERE fact.message_name = 'CFX.Production.ReworkAndRepair.UnitsRepaired'
        ) AS touched
        WHERE NOT EXISTS (
            SELECT FROM place JOIN unit_disposition AS made ON {_DECIDED_OF_PLACE}
            JOIN nonconformance USING (nonconformance_id)
            WHERE place.subject_id = touched.subject_id AND made.decision = 'use_as_is' AND NOT by_rule
              AND made.decided_at > touched.received_at
        )
    )
"""


def _ask(*, rounds: bool) -> str:
    scrapped_in_doubt = in_doubt("place", known_at=NOW) if rounds else "false"
    given_to = given_to_board("subject.unit_id") if rounds else "true"
    return f"""
    -- How do this station and these units stand? One JSON text a unit: see `app.interlock.answers.Answer`.
    WITH {STATION}, {_SUBJECTS}, {_ROUNDS if rounds else _ALONE}, {_work(rounds=rounds)}, answer AS (
    SELECT CASE WHEN station_at.station_id IS NOT NULL THEN row_to_json(station_at) END AS station, asked.nth,
        subject.position_number, subject.only_position, subject.positions, subject.spoken_of, unit.unit_id, unit.serial,
        work_order.product_revision_id, product.part_number || ' rev ' || product_revision.revision AS product,
        customer.name AS customer,
        (SELECT json_agg(json_build_array(step.operation, step.optional) ORDER BY step.sequence)
         FROM routing_operation AS step WHERE step.product_revision_id = work_order.product_revision_id) AS routing,
        (SELECT json_agg(json_build_array(
            work.operation, work.started_at, work.completed_at, work.completed_received_at, work.result,
            CASE WHEN work.station_id <> station_at.station_id THEN work.handle END))
         FROM work WHERE work.subject_id = subject.subject_id) AS work,
        (SELECT json_agg(json_build_array(
            latest.operation, latest.station, latest.kind, latest.outcome, latest.recorded_at, latest.runs,
            latest.decision, latest.received_at))
         FROM latest WHERE latest.subject_id = subject.subject_id) AS runs,
        (SELECT CASE WHEN made.decision IN ('rework', 'repair') THEN made.decided_at END
         FROM place JOIN unit_disposition AS made ON {_DECIDED_OF_PLACE}
         WHERE place.subject_id = subject.subject_id AND made.decision <> 'released'
           -- That it may be used with a lot takes back no rework that was decided for a failure.
           AND (made.decision <> 'use_as_is' OR EXISTS (
               SELECT FROM nonconformance
               WHERE nonconformance.nonconformance_id = made.nonconformance_id AND NOT by_rule))
         ORDER BY made.decided_at DESC LIMIT 1) AS sent_back_at,
        (SELECT json_agg(mending.recorded_at) FROM mending WHERE mending.subject_id = subject.subject_id) AS mended,
        (SELECT json_agg(json_build_array(
            judged.operation, judged.recorded_at, judged.outcome = 'passed', judged.kind = 'test'))
         FROM judged WHERE judged.subject_id = subject.subject_id AND judged.outcome IN ('passed', 'failed')
           AND NOT (judged.outcome = 'passed' AND judged.in_doubt)
           AND EXISTS (SELECT FROM mending WHERE mending.subject_id = subject.subject_id)) AS checks,
        (SELECT limited.runs FROM retest_limit AS limited
         WHERE limited.product_revision_id = work_order.product_revision_id
           AND limited.operation = station_at.operation) AS retest_limit,
        (SELECT wanted.completeness FROM trace_threshold AS wanted
         WHERE wanted.customer_id = unit.customer_id AND wanted.operation = station_at.operation) AS wanted,
        (SELECT json_agg(json_build_array(planned.recipe, planned.recipe_revision))
         FROM recipe_plan AS planned
         WHERE planned.product_revision_id = work_order.product_revision_id
           AND planned.operation = station_at.operation) AS recipes,
        (SELECT json_build_array(reason, in_doubt)
         FROM (
            SELECT fact.reason, {scrapped_in_doubt} AS in_doubt
            FROM possible AS place JOIN {TOLD_BY_STATION} AS fact ON fact.unit_id = place.unit_id
                AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
                AND {in_time("place", known_at=NOW) if rounds else "true"}
            WHERE place.subject_id = subject.subject_id AND {WHOLLY}
              AND NOT ({scrapped_in_doubt} AND {ACCEPTED_SINCE.format(unit="unit.unit_id")})
         ) AS told
         ORDER BY in_doubt LIMIT 1
        ) AS scrapped,
        (SELECT json_build_array(shipment.number, went.serial)
         FROM packed_unit AS packed JOIN shipment USING (shipment_id) JOIN unit AS went ON went.unit_id = packed.unit_id
         -- By itself, or with its panel before anybody told that it is in there.
         WHERE packed.unit_id IN (SELECT place.unit_id FROM place WHERE place.subject_id = subject.subject_id)
           AND packed.unpacked_at IS NULL AND shipment.shipped_at IS NOT NULL LIMIT 1
        ) AS shipped,
        (SELECT json_build_array(there.handle, begun.granted_at)
         FROM place AS held
         JOIN unit_start AS begun ON begun.unit_id = held.unit_id AND begun.ended_at IS NULL
            AND begun.granted_at >= held.held_from AND begun.granted_at < held.held_until
         JOIN station AS there USING (station_id)
         WHERE held.subject_id = subject.subject_id AND begun.station_id IS DISTINCT FROM station_at.station_id
           AND NOT EXISTS (
            SELECT FROM place JOIN work_record AS done ON done.unit_id = place.unit_id
            WHERE place.subject_id = subject.subject_id AND {COMPLETES}
         ) LIMIT 1) AS started,
        (SELECT parent.serial
         FROM installed_unit AS built JOIN unit AS parent ON parent.unit_id = coalesce(({BOARD_THEN}), built.unit_id)
         WHERE built.child_id = unit.unit_id AND parent.unit_id <> unit.unit_id AND NOT {REMOVED}
         ORDER BY built.recorded_at DESC LIMIT 1) AS built_into,
        (SELECT json_agg(DISTINCT child.serial)
         FROM possible AS place JOIN installed_unit AS built ON built.unit_id = place.unit_id
            AND (place.position_number IS NULL OR built.position_number IN (place.position_number, 0))
            AND {in_time("place", known_at=NOW).replace("fact.", "built.") if rounds else "true"}
         JOIN unit AS child ON child.unit_id = built.child_id
         WHERE place.subject_id = subject.subject_id AND NOT {REMOVED}) AS children,
        (SELECT json_agg(DISTINCT coalesce(station.name, station.operation, station.handle))
         FROM possible AS place JOIN unit_event AS fact ON {_AMONG} AND {_AMONG_IN_TIME if rounds else "true"}
         JOIN station ON station.station_id = fact.station_id
         WHERE place.subject_id = subject.subject_id AND {PASSED_WITHOUT} AND NOT {released("subject.unit_id")}
        ) AS provisional,
        (SELECT json_agg(json_build_array(
            given.override_id, given.code, given.subject, given.given_by, given.given_role, given.given_at,
            given.expires_at, coalesce(given.station_id <> station_at.station_id, false)))
         FROM gate_override AS given
         WHERE given.revoked_at IS NULL AND (
            ((given.station_id IS NULL OR given.station_id = station_at.station_id OR given.code = 'skipped')
             AND given.unit_id IN (
                SELECT place.unit_id FROM place WHERE place.subject_id = subject.subject_id AND {given_to}))
            OR (given.unit_id IS NULL AND given.station_id = station_at.station_id AND given.expires_at > now())
         )) AS overrides,
        CASE WHEN station_at.qualified_only THEN (
            -- Who logs in takes the former's place; nobody stays logged in for longer than a shift lasts. A clock may
            -- be ahead: what was heard has happened.
            SELECT json_build_array(coalesce(said.identifier, said.login))
            FROM (
                SELECT least(recorded_at, received_at) AS recorded_at,
                    nullif(body #>> '{{Operator,OperatorIdentifier}}', '') AS identifier,
                    nullif(body #>> '{{Operator,LoginName}}', '') AS login
                FROM station_event
                WHERE station_id = station_at.station_id AND message_name = 'CFX.Production.OperatorActivated'
                  AND recorded_at > now() - interval '{LONGEST_SHIFT}'
                ORDER BY least(recorded_at, received_at) DESC, event_id DESC LIMIT 1
            ) AS said
            WHERE NOT EXISTS (
                SELECT FROM station_event AS gone
                WHERE gone.station_id = station_at.station_id
                  AND gone.message_name = 'CFX.Production.OperatorDeactivated'
                  AND least(gone.recorded_at, gone.received_at) >= said.recorded_at
                  AND (gone.body #>> '{{Operator,OperatorIdentifier}}' = said.identifier
                       OR gone.body #>> '{{Operator,LoginName}}' = said.login
                       OR coalesce(nullif(gone.body #>> '{{Operator,OperatorIdentifier}}', ''),
                                   nullif(gone.body #>> '{{Operator,LoginName}}', '')) IS NULL)
            )
        ) END AS operators,
        CASE WHEN station_at.qualified_only THEN (
            SELECT json_agg(json_build_array(held.operator, held.valid_until))
            FROM qualification AS held WHERE held.operation = station_at.operation
        ) END AS qualified,
        EXISTS (SELECT FROM nonconformance WHERE released_at IS NULL)
            OR EXISTS (SELECT FROM place JOIN unit_hold ON unit_hold.unit_id = place.unit_id
                       WHERE place.subject_id = subject.subject_id) AS contained,
        {"false" if rounds else _NOT_ALONE} AS among_rounds
    FROM asked
    LEFT JOIN station_at ON true
    LEFT JOIN subject ON subject.nth = asked.nth
    LEFT JOIN unit ON unit.unit_id = subject.unit_id
    LEFT JOIN work_order ON work_order.work_order_id = unit.work_order_id
    LEFT JOIN product_revision ON product_revision.product_revision_id = work_order.product_revision_id
    LEFT JOIN product ON product.product_id = product_revision.product_id
    LEFT JOIN customer ON customer.customer_id = unit.customer_id
    )
    SELECT CAST(row_to_json(answer) AS text) FROM answer ORDER BY nth, position_number
"""


ASK: Final = _ask(rounds=False)
"""Of units that were alone in their places; whether one was not is part of the answer (`among_rounds`)."""
ASK_AMONG_ROUNDS: Final = _ask(rounds=True)
"""Of any units. Carriers that go round again take a third of the statement, and most units never sat in one."""
