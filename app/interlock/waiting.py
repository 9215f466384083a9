"""How long a station may be told to ask again: until the report that it waits for was due."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from app.interlock.facts import Facts
from app.interlock.settling import SETTLES
from app.interlock.verdicts import Verdict
from app.sentences import Sentence, both

DUE: Final = timedelta(seconds=SETTLES)
"""What was done before a station asked is reported by then, also by a station that was cut off meanwhile."""
PAUSE: Final = timedelta(seconds=10)
"""Who does not ask for so long asks anew: the unit may have been elsewhere between."""

_REFUSED = text(
    """
    -- When was this station refused these for the same reason, of late?
    SELECT refused.identifier, refused.position_number, refused.decided_at
    FROM verdict AS refused
    JOIN unnest(CAST(:identifiers AS text[]), CAST(:positions AS smallint[]), CAST(:codes AS text[]))
        AS asked (identifier, position_number, code) USING (identifier, position_number)
    WHERE refused.station_id = (SELECT station_id FROM station WHERE handle = :station)
      AND refused.decided_at >= :since AND refused.decided_at < :at
      AND refused.purpose = 'start' AND asked.code = ANY (refused.codes)
    """
)


def last_words(connection: Connection, facts: Sequence[Facts], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, final where a station asked again until a report was due and it has not come."""
    hoped = [
        (one.identifier, one.position_number, ground.code)
        for fact, one in zip(facts, verdicts, strict=True)
        if one.passing and not fact.settling
        for ground in one.reasons
    ]
    if not hoped:
        return list(verdicts)
    at = verdicts[0].decided_at
    identifiers, positions, codes = map(list, zip(*hoped, strict=True))
    given = {"identifiers": identifiers, "positions": positions, "codes": codes}
    window = {"since": at - DUE - PAUSE, "at": at, "station": verdicts[0].station}
    refused: dict[tuple[str, int], set[datetime]] = {}
    for row in connection.execute(_REFUSED, given | window):
        refused.setdefault((row.identifier, row.position_number), set()).add(row.decided_at)
    waited = {key for key, times in refused.items() if at - asking_since(times, at) >= DUE}
    return [_final(one) if (one.identifier, one.position_number) in waited else one for one in verdicts]


def asking_since(refused: Iterable[datetime], at: datetime) -> datetime:
    """When the asking began that goes on at a moment, without a pause."""
    since = at
    for earlier in sorted(refused, reverse=True):
        if since - earlier > PAUSE:
            break
        since = earlier
    return since


def _final(verdict: Verdict) -> Verdict:
    waited = Sentence("Nothing came within %(seconds)s s: asking again does not clear it.", seconds=SETTLES)
    return replace(
        verdict,
        reasons=tuple(replace(one, passing=False, clears=both(one.clears, waited)) for one in verdict.reasons),
    )
