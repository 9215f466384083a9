"""Which units carry what is looked for, where on them, and how sure is that?

Certain are units for which a machine named the package (`exact`), possible those for which a report leaves room
(`bounded`, `inferred`), excluded all others; `app.trace.excluded` tells why. Whatever was ever in a unit counts, also
what was taken out again; a rejected placement was never in it.

However many units there are, they are streamed; of those told, eight bytes each are kept, to tell suspects and
assemblies from them.
"""

from collections import Counter
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.sentences import Sentence
from app.trace.answer import Answer, CarryingUnit
from app.trace.hits import Wanted, find_hits
from app.trace.pages import Counts, Cursor, Key
from app.trace.question import Question
from app.units.places import VISIBLE

__all__ = ["LARGEST_PAGE", "CarryingUnit", "WhereUsed", "stream_where_used", "where_used"]

LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class WhereUsed:
    """A page of the answer; `next` is the cursor of the next page.

    `counts` are over the whole answer, taken once, with the first page; the cursor carries them on.
    """

    counts: Counts
    units: list[CarryingUnit]
    next: str | None


def where_used(
    connection: Connection,
    question: Question,
    *,
    customer_id: int | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> WhereUsed:
    """A page of the units that carry, or may carry, what is asked for; parent assemblies follow, naming their child.

    With `customer_id` only that customer's units are seen. Raises `NotFound` where nothing of that name is known,
    `Invalid` where the cursor is none.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(Sentence("limit must be between 1 and %(count_most)s.", count_most=LARGEST_PAGE))
    after = Cursor.read(cursor) if cursor else None
    key = after.key if after else None
    units = stream_where_used(connection, question, customer_id=customer_id, after=key, at_first=limit + 2)
    page = list(islice(units, limit))
    following = next(units, None)
    if after is not None:
        counts = after.counts
    else:
        counts = Counts()
        rest = units if following is None else chain([following], units)
        for (evidence, place), found in Counter((unit.evidence, unit.place) for unit in chain(page, rest)).items():
            counts.add(evidence, place, found)
    units.close()  # what the database holds for it is given up
    more = following is not None
    return WhereUsed(counts, page, Cursor(page[-1].key, counts).written if more else None)


def stream_where_used(
    connection: Connection,
    question: Question,
    *,
    customer_id: int | None = None,
    after: Key | None = None,
    at_first: int = 100,
    found_good: Collection[int] = (),
) -> Generator[CarryingUnit]:
    """The answer of `where_used`, unit by unit: all of it, or what comes behind the unit with the key `after`.

    `at_first`: how many units whoever asks waits for. `found_good`: ids of packages that are not looked for any more.

    To a customer, what none of their units carries is not known, so that nobody can probe for what others have: the
    same `NotFound` as for what does not exist.
    """
    units = _stream(connection, question, customer_id, after, at_first, found_good)
    return units if customer_id is None or after is not None else _known(units, connection, question, customer_id)


def _known(
    units: Iterator[CarryingUnit], connection: Connection, question: Question, customer_id: int
) -> Generator[CarryingUnit]:
    first = next(units, None)
    if first is not None:
        yield first
        yield from units
    elif not _is_theirs(connection, question, customer_id):
        raise question.not_known


def _stream(
    connection: Connection,
    question: Question,
    customer_id: int | None,
    after: Key | None,
    at_first: int,
    found_good: Collection[int],
) -> Generator[CarryingUnit]:
    by_material = question.names_packages or question.names_placements
    wanted = find_hits(connection, question, found_good) if by_material else Wanted({})
    answer = Answer(connection, question, wanted, customer_id, at_first)
    if question.serial is not None:
        answer.start_from(_family(connection, question))
    else:
        yield from _behind(after, answer.reported(after) if by_material else answer.worked_on())
        if question.names_packages and not question.names_placements:
            answer.suspect()
    yield from _behind(after, answer.possible_and_around())


def _behind(after: Key | None, units: Iterator[CarryingUnit]) -> Iterator[CarryingUnit]:
    return units if after is None else (unit for unit in units if unit.key > after)


_FAMILY = text(
    """
    -- Which unit is it, and, if it is a panel, with which boards?
    SELECT unit_id FROM serial JOIN unit USING (unit_id)
    WHERE serial.serial = :serial AND (CAST(:as_of AS timestamptz) IS NULL OR registered_at <= :as_of)
    UNION
    SELECT panel_position.unit_id FROM serial JOIN panel_position ON panel_id = serial.unit_id
    WHERE serial = :serial AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ORDER BY unit_id
    """
)


def _family(connection: Connection, question: Question) -> list[int]:
    """Raises `NotFound` where the serial is not known."""
    units = list(connection.execute(_FAMILY, {"serial": question.serial, "as_of": question.as_of}).scalars())
    if not units:
        raise question.not_known
    return units


_THEIRS = text(
    f"""
    -- Is this unit the customer's own?
    SELECT EXISTS (SELECT FROM serial JOIN unit USING (unit_id) WHERE serial.serial = :serial AND {VISIBLE})
    """
)


def _is_theirs(connection: Connection, question: Question, customer_id: int) -> bool:
    if question.serial is None:
        return False
    theirs: bool = connection.execute(_THEIRS, {"serial": question.serial, "customer_id": customer_id}).scalar_one()
    return theirs
