"""The scope of a containment: which units and packages its terms mean, as far as it is known now."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.quality.terms import Terms
from app.sentences import Sentence
from app.trace.evidence import Evidence, stronger
from app.trace.hits import packages_meant
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from app.units.families import named_units
from app.units.whereabouts import Place, PlaceKind

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how much of it is done, and of how much, where that is known."""

Key = tuple[int, int]
"""(unit_id, position_number); the position is 0 but for boards without a serial on a panel."""

_REPORT_EVERY = 2000
_BLOCK = 1000


def no_progress(_stage: str, _done: int, _expected: int | None = None) -> None:
    """For whoever does not watch."""


@dataclass(frozen=True, slots=True)
class ScopedUnit:
    """A unit in scope: how sure that is, why, and the station's time of the fact.

    `place`: where it was when the scope was counted, in words, where that was found out on the way. `pending`: the rule
    holds it until its station, which has it still, has reported what it installed.
    """

    serial: str
    evidence: Evidence
    reason: str
    fact_at: datetime
    place: str | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Units by key, packages by id with their identifiers. `by_rule`: the rule alone would hold each of the units."""

    units: Mapping[Key, ScopedUnit]
    packages: Mapping[int, str] = field(default_factory=dict)
    by_rule: bool = False

    @property
    def by_evidence(self) -> dict[str, int]:
        """How many units of each evidence."""
        counted = Counter(unit.evidence for unit in self.units.values())
        return {evidence.value: counted[evidence] for evidence in Evidence}


_UNLINKED = text(
    """
    -- Which of these are panels with positions of which no board is known yet?
    SELECT DISTINCT unit_id FROM serial JOIN spoken_position AS told USING (unit_id)
    WHERE serial = ANY (CAST(:serials AS text[])) AND NOT EXISTS (
        SELECT FROM panel_position AS held
        WHERE held.panel_id = told.unit_id AND held.position_number = told.position_number
    )
    """
)
_SERIALS = text("SELECT unit_id, serial FROM unit WHERE unit_id = ANY (CAST(:units AS bigint[]))")


def scope_of(
    connection: Connection, terms: Terms, progress: Progress = no_progress, *, found_good: Collection[int] = ()
) -> Scope:
    """Count the scope anew. Raises `NotFound` where nothing of that name is known, or one of the serials is not.

    `found_good`: ids of packages that hold no unit any more; they stay in the scope themselves.
    """
    if terms.question is None:
        return Scope(_listed(connection, terms))
    question = terms.question
    units: dict[Key, ScopedUnit] = {}
    for nth, (key, unit) in enumerate(_carrying(connection, question, found_good), start=1):
        known = units.get(key)
        if known is None or stronger(unit.evidence, known.evidence) is not known.evidence:
            units[key] = unit
        if nth % _REPORT_EVERY == 0:
            progress("finding units", nth, None)
    packages = packages_of(connection, terms)
    if not units and not packages:
        raise question.not_known
    return Scope(units, packages, _of_whole_packages(question))


def packages_of(connection: Connection, terms: Terms) -> Mapping[int, str]:
    """The packages that are to be held, by id; none where the terms mean some pieces of a package and others not."""
    question = terms.question
    return packages_meant(connection, question) if question is not None and _of_whole_packages(question) else {}


def _of_whole_packages(question: Question) -> bool:
    partly = question.names_placements or question.names_reports or question.work_terms
    return question.names_packages and not partly


def _carrying(
    connection: Connection, question: Question, found_good: Collection[int]
) -> Iterator[tuple[Key, ScopedUnit]]:
    by_rule = _of_whole_packages(question)
    for unit in stream_where_used(connection, question, found_good=found_good):
        _, unit_id, position = unit.key
        at = unit.recorded_at or datetime.now(UTC)
        place = unit.place or Place(PlaceKind.line).words  # of others nothing is told
        pending = by_rule and unit.pending
        yield (unit_id, position), ScopedUnit(unit.serial, unit.evidence, unit.reason, at, place, pending)


def _listed(connection: Connection, terms: Terms) -> dict[Key, ScopedUnit]:
    now = datetime.now(UTC)
    named = named_units(connection, terms.serials)
    unknown = [serial for serial in terms.serials if serial not in named]
    if unknown:
        few: str = ", ".join(unknown[:5])
        if more := unknown[5:]:
            few = Sentence("%(all_names)s and %(count)s more", all_names=unknown[:5], count=len(more))
        raise NotFound(Sentence("No unit %(few)s is known here. Correct the list; nothing was contained.", few=few))
    units = [unit_id for meant in named.values() for unit_id in meant]
    units += connection.execute(_UNLINKED, {"serials": list(terms.serials)}).scalars()
    listed = {(row[0], 0): row[1] for row in connection.execute(_SERIALS, {"units": units})}
    why = "It is on the list, by itself or with its panel."
    return {key: ScopedUnit(serial, Evidence.exact, why, now) for key, serial in listed.items()}
