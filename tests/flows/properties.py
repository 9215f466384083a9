"""What must hold of every factory, as complaints: each property yields a sentence for every violation it finds."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from app.trace.evidence import Evidence
from app.trace.where_used import CarryingUnit
from tests.flows.factory.boards import Board, Certainty, Key
from tests.flows.factory.material import Package
from tests.flows.factory.truth import Holding
from tests.flows.recorded import Answer, Recorded, of_lot


def certain(recorded: Recorded) -> Iterator[str]:
    """Certain are exactly the units that hold it and for which a machine named it, with their designators."""
    for what, packages, answer in _questions(recorded):
        holders = recorded.factory.truth.holders(*packages)
        parents = recorded.factory.truth.parents(*packages)
        exact = {
            told: unit
            for told, unit in [*answer.own.items(), *answer.around.items()]
            if unit.evidence is Evidence.exact
        }
        sure = _certainties(holders, parents)
        for told in sorted(exact):
            if told in _panels(recorded):
                if not _told_as_whole(recorded, told, packages):
                    yield f"{what}: {told} is certain as a whole, but a machine spoke of single boards of it"
            elif sure.get(told, Certainty.open) is Certainty.open:
                yield f"{what}: {told} is certain, but {'no report names it' if told in sure else 'never held it'}"
        reached = {key for told in exact for key in _meant(recorded, told)}
        for key in sorted(key for key, told in sure.items() if told is Certainty.certain):
            if key not in reached:
                yield f"{what}: {key} holds it, a machine said so, and it is not certain"
        for key, unit in answer.own.items():
            yield from _designators(what, key, unit, holders.get(key))


def _designators(what: str, key: Key, unit: CarryingUnit, holding: Holding | None) -> Iterator[str]:
    if holding is None or unit.evidence is not Evidence.exact:
        return
    told = set(unit.reference_designators)
    if not holding.certain <= told:
        yield f"{what}: {key} is told without {sorted(holding.certain - told)}"
    if not told <= holding.all:
        yield f"{what}: {key} is told with {sorted(told - holding.all)}, which are from elsewhere"


def possible(recorded: Recorded) -> Iterator[str]:
    """Every unit that holds it is certain or possible."""
    for what, packages, answer in _questions(recorded):
        answered = {key for key, _ in _by_board(recorded, answer)}
        truth = recorded.factory.truth
        for key, sure in sorted(_certainties(truth.holders(*packages), truth.parents(*packages)).items()):
            if key not in answered:
                yield f"{what}: {key} holds it ({sure.name}) and is not in the answer"


def excluded(recorded: Recorded) -> Iterator[str]:
    """No unit that holds it is excluded, and none is both excluded and possible."""
    for what, packages, answer in _questions(recorded):
        truth = recorded.factory.truth
        holding = _certainties(truth.holders(*packages), truth.parents(*packages))
        answered = {key for key, _ in _by_board(recorded, answer)}
        for told in answer.excluded:
            for key in _meant(recorded, told):
                if key in holding:
                    yield f"{what}: {key} holds it and is excluded: {answer.excluded[told].reason}"
                if key in answered:
                    yield f"{what}: {key} is in the answer, and excluded: {answer.excluded[told].reason}"


def once(recorded: Recorded) -> Iterator[str]:
    """An answer names a unit once."""
    for what, _, answer in _questions(recorded):
        for key in answer.repeated:
            yield f"{what}: {key} is told twice"


def no_more_than_needed(recorded: Recorded) -> Iterator[str]:
    """A unit is possible only where a package was near it, and something on it was not told by name."""
    truth = recorded.factory.truth
    units = {unit.key: [unit] for unit in truth.units} | _panels(recorded)
    open_ones = {unit.key for unit in truth.units if _left_open(recorded, unit)}
    for what, packages, answer in _questions(recorded):
        for key, unit in [*answer.own.items(), *answer.around.items()]:
            if unit.evidence is Evidence.exact:
                continue
            boards = units.get(key, [])
            if not boards:
                yield f"{what}: {key} is told ({unit.evidence}), and there is no such unit"
            elif not any(truth.near(board, *packages) for board in boards):
                yield f"{what}: {key} was never near it, and is told as {unit.evidence}: {unit.reason}"
            elif not any(inner.key in open_ones for board in boards for inner in (board, *_inner(board))):
                yield f"{what}: all of {key} is told by name, and it is {unit.evidence}: {unit.reason}"


def order_does_not_matter(recorded: Recorded) -> Iterator[str]:
    """What is stored does not depend on the order in which messages arrive, nor on repetitions."""
    one, other = recorded.dumps
    for table in one:
        if one[table] != other[table]:
            missing = [row for row in one[table] if row not in other[table]]
            added = [row for row in other[table] if row not in one[table]]
            yield f"{table}: {missing[:3]} became {added[:3]}"


def the_past_stays(recorded: Recorded) -> Iterator[str]:
    """What was answered when a part of the messages had come is what `as_of` answers when all have."""
    for then in recorded.then:
        live, now = _told(then.live), _told(then.as_of)
        for key in sorted(live.keys() | now.keys()):
            if live.get(key) != now.get(key):
                yield f"package {then.package}: {key} was {live.get(key)}, and is told to have been {now.get(key)}"


def _told(answer: Answer) -> dict[Key, tuple[str, list[str], str | None]]:
    units = [*answer.own.items(), *answer.around.items()]
    return {key: (unit.evidence.value, unit.reference_designators, unit.via) for key, unit in units}


def bodies_come_back(recorded: Recorded) -> Iterator[str]:
    """Every event's body comes back byte for byte, and every message is stored once."""
    said = {str(spoken.unique_id): spoken for spoken in recorded.factory.said}
    for bodies, receipts in zip(recorded.bodies, recorded.receipts, strict=True):
        if set(bodies) != set(said):
            yield f"events {sorted(set(bodies) ^ set(said))} were lost or made up"
        for unique_id in sorted(set(bodies) & set(said)):
            if bodies[unique_id] != said[unique_id].body:
                yield f"{said[unique_id].name}: {said[unique_id].body!r} came back as {bodies[unique_id]!r}"
        first = [spoken.unique_id for spoken, status in receipts if status == "stored"]
        if len(first) != len(said) or len(set(first)) != len(said):
            yield f"{len(said)} messages, {len(first)} stored"
        others = {status for _, status in receipts} - {"stored", "duplicate"}
        if others:
            yield f"receipts say {others}"


def both_ways_agree(recorded: Recorded) -> Iterator[str]:
    """Made-from and where-used tell the same links, the possible ones too, with the same evidence."""
    for key, made in recorded.made.items():
        parts: dict[str, set[tuple[str | None, bool]]] = {}
        for part in made.installations:
            sure = part.evidence is Evidence.exact
            parts.setdefault(part.package, set()).add((part.reference_designator, sure))
        for package in recorded.factory.truth.packages:
            if package.identifier not in recorded.packages:
                continue
            answer = recorded.packages[package.identifier]
            if key in answer.around:
                continue  # what is built into it makes it surer, and it is told by that
            unit = answer.own.get(key)
            named = {
                pair
                for other in recorded.factory.truth.packages
                if other.is_of(package)
                for pair in parts.get(other.identifier, ())
            }
            yield from _same_links(f"{key} and package {package.identifier}", unit, named)


def assemblies_agree(recorded: Recorded) -> Iterator[str]:
    """Which units a unit holds, and which units hold it, are told alike and as they were."""
    for unit in recorded.factory.truth.units:
        if unit.serial is None:
            continue
        around = recorded.factory.truth.assemblies_of(unit.key)
        if recorded.children[unit.key] != around:
            yield f"{unit.key} is in {sorted(around)}, told {sorted(recorded.children[unit.key])}"
        told = {(component.serial, component.reference_designator) for component in recorded.made[unit.key].components}
        if told != {(stay.child.serial, stay.designator) for stay in unit.children}:
            yield f"{unit.key} is told to hold the units {sorted(told, key=str)}"


def _same_links(what: str, unit: CarryingUnit | None, named: set[tuple[str | None, bool]]) -> Iterator[str]:
    if (unit is None) != (not named):
        yield f"{what}: where-used says {unit and unit.evidence}, made-from {sorted(named, key=str)}"
    if unit is None or unit.evidence is Evidence.inferred:
        if any(sure for _, sure in named):
            yield f"{what}: made-from is sure, where-used is not"
        return
    told = set(unit.reference_designators)
    sure = {designator for designator, is_sure in named if is_sure and designator}
    either = {designator for designator, _ in named if designator}
    if (unit.evidence is Evidence.exact) != any(is_sure for _, is_sure in named):
        yield f"{what}: where-used says {unit.evidence}, made-from {sorted(named, key=str)}"
    if not sure <= told or not told <= either:
        yield f"{what}: where-used says {sorted(told)}, made-from {sorted(named, key=str)}"


def removed_parts_stay(recorded: Recorded) -> Iterator[str]:
    """What a report named stays on record after it was taken out, with the time; what is still in has none.

    Where clocks leave open what was first, it was possibly taken out.
    """
    for unit in recorded.factory.truth.units:
        if unit.serial is None:
            continue
        made = recorded.made[unit.key]
        for fitted in unit.fitted:
            if fitted.certainty is not Certainty.certain:
                continue
            told = [
                part
                for part in made.installations
                if part.package == fitted.package.identifier
                and part.reference_designator == fitted.designator
                and part.station == fitted.station
            ]
            gone = fitted.until != float("inf")
            if not any(_agrees(gone, part.removed_at, part.perhaps_removed_at) for part in told):
                yield f"{unit.key} {fitted.designator} from {fitted.package.identifier}: removed is {gone}, told {told}"
        for stay in unit.children:
            gone = stay.until != float("inf")
            here = [one for one in made.components if one.serial == stay.child.serial]
            if not any(
                _agrees(gone, one.elsewhere_at if stay.untold else one.removed_at, one.perhaps_removed_at)
                for one in here
            ):
                yield f"{unit.key} held {stay.child.key}: gone is {gone}, told {here}"


def _agrees(gone: bool, at: datetime | None, perhaps: datetime | None) -> bool:
    return perhaps is not None or (at is not None) == gone


# --- the same words for answer and truth ---


def _questions(recorded: Recorded) -> Iterator[tuple[str, list[Package], Answer]]:
    for package in recorded.factory.truth.packages:
        if package.identifier in recorded.packages:
            yield f"package {package.identifier}", [package], recorded.packages[package.identifier]
    for lot, answer in recorded.lots.items():
        yield f"lot {lot[0]} of {lot[1] or 'any part'}", of_lot(recorded.factory, lot), answer


def _certainties(holders: Mapping[Key, Holding], parents: Mapping[Key, Certainty]) -> dict[Key, Certainty]:
    found = {key: holding.certainty for key, holding in holders.items()}
    for key, sure in parents.items():
        found[key] = max(sure, found.get(key, Certainty.open))
    return found


def _by_board(recorded: Recorded, answer: Answer) -> Iterator[tuple[Key, CarryingUnit]]:
    for told, unit in [*answer.own.items(), *answer.around.items()]:
        for key in _meant(recorded, told):
            yield key, unit


def _panels(recorded: Recorded) -> dict[Key, list[Board]]:
    """Panels whose boards have no serials: the answer may speak of them as a whole."""
    found: dict[Key, list[Board]] = {}
    for board in recorded.factory.truth.boards:
        if board.key.position:
            found.setdefault(Key(board.panel), []).append(board)
    return found


def _meant(recorded: Recorded, told: Key) -> Iterable[Key]:
    boards = _panels(recorded).get(told)
    return [board.key for board in boards] if boards else [told]


def _told_as_whole(recorded: Recorded, told: Key, packages: list[Package]) -> bool:
    """Whether a machine spoke of the panel when it named the package, or nobody ever told two boards of it apart."""
    boards = _panels(recorded)[told]
    named = {board.key for work in recorded.factory.truth.works for board in work.apart if board in boards}
    pieces = [fitted for board in boards for package in packages for fitted in board.bears(package)]
    return any(fitted.whole for fitted in pieces) or (bool(pieces) and len(named) == 1)


def _left_open(recorded: Recorded, unit: Board) -> bool:
    """Whether something on it, or some work on it, is not told by name."""
    if any(fitted.certainty is not Certainty.certain for fitted in unit.fitted):
        return True
    if recorded.factory.clock_errors and any(fitted.until != float("inf") for fitted in unit.fitted):
        return True  # whether what came out was put in before or after a work is open
    if unit.disputed:
        return True
    if unit.children and (recorded.factory.clock_errors or any(stay.untold for stay in unit.children)):
        return True
    for work in recorded.factory.truth.works:
        if unit in work.meant:
            own = [one for one in unit.fitted if one.station == work.station and work.since <= one.since <= work.until]
            if not own:
                return True
    return False


def _inner(unit: Board) -> Iterator[Board]:
    for stay in unit.children:
        yield stay.child
        yield from _inner(stay.child)


ALL = (
    certain,
    possible,
    excluded,
    once,
    no_more_than_needed,
    order_does_not_matter,
    the_past_stays,
    bodies_come_back,
    both_ways_agree,
    assemblies_agree,
    removed_parts_stay,
)
"""Every property."""
