"""Has a unit gone on since some work on it? Then that work is not undone any more."""

from uuid import UUID

from sqlalchemy import Connection, text

from app.lines.clocks import MAY_HAVE_BEEN
from app.sentences import Sentence
from app.units.families import AMONG_MEMBER_PLACES, MEMBER_PLACES, MEMBERS, built_into
from app.units.locks import lock_families
from app.units.whereabouts import beyond

_BEGAN = MAY_HAVE_BEEN.format(
    station="later.station_id", told="later.started_at", heard="later.started_received_at", since="NULL"
)
_WITH_ITS_PANEL = AMONG_MEMBER_PLACES.format(time="coalesce(fact.started_at, fact.completed_at)")
_LATER = text(
    f"""
    -- Was work begun on these units or the panel they are in after this transaction's, here again or elsewhere? Work
    -- here that was undone was none. A clock that is behind may say before.
    WITH RECURSIVE {MEMBERS}, {MEMBER_PLACES}, work AS (
        SELECT * FROM work_record WHERE unit_id = ANY (CAST(:family AS bigint[]))
        UNION
        SELECT fact.* FROM place JOIN work_record AS fact ON {_WITH_ITS_PANEL}
    )
    SELECT coalesce(station.name, station.handle) AS station, later.station_id = here.station_id AS again
    FROM work_record AS here
    JOIN work AS later ON later.transaction_id <> here.transaction_id
        AND (later.station_id <> here.station_id OR later.result IS DISTINCT FROM 'Aborted')
    CROSS JOIN LATERAL ({_BEGAN}) AS began
    JOIN station ON station.station_id = later.station_id
    WHERE here.unit_id = :unit AND here.transaction_id = :transaction AND began.latest > here.started_at
    ORDER BY began.latest LIMIT 1
    """
)


def gone_on(connection: Connection, unit_id: int, serial: str, transaction: UUID) -> Sentence | None:
    """What became of a unit since the work of this transaction, with its panel, its boards or the assembly around it.

    None: nothing. Alone with them from then on.
    """
    family = lock_families(connection, [unit_id])[unit_id]
    asked = {"unit": unit_id, "units": [unit_id], "family": sorted(family), "transaction": transaction}
    later = connection.execute(_LATER, asked).one_or_none()
    if later is not None and later.again:
        return Sentence(
            "%(unit)s was begun again at %(station)s since. Undo that first, where it was done.",
            unit=serial,
            station=later.station,
        )
    if later is not None:
        return Sentence(
            "%(unit)s has gone on to %(station)s. What it is to be now, quality decides.",
            unit=serial,
            station=later.station,
        )
    around = built_into(connection, [unit_id]).get(unit_id)
    if around is not None:
        return Sentence(
            "%(unit)s is built into %(unit_around)s by now. Take it out of that first, or have quality decide.",
            unit=serial,
            unit_around=around,
        )
    there = beyond(connection, [unit_id]).get(unit_id)
    if there is None:
        return None
    return Sentence("%(unit)s is %(word)s by now. What it is to be now, quality decides.", unit=serial, word=there.kind)
