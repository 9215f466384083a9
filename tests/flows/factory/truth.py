"""What was truly built, asked the way the product is asked. Nothing here has seen a message."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.flows.factory.boards import FOREVER, Board, Certainty, Fitted, Key, Work
from tests.flows.factory.material import Package, Presence

TOLERANCE = 12.0
"""Seconds: what a careful reader may widen a window by, for two clocks that are wrong."""


@dataclass(slots=True)
class Holding:
    """What a unit holds of a package: designators by certainty, and how sure the best of it is."""

    certainty: Certainty
    certain: set[str] = field(default_factory=set)
    arguable: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)

    @property
    def all(self) -> set[str]:
        """Every designator."""
        return self.certain | self.arguable | self.open


@dataclass(frozen=True, slots=True)
class Truth:
    """The factory as it was. `mentioned`: chains and ambiguous reports name packages for these boards without need."""

    boards: Sequence[Board]
    assemblies: Sequence[Board]
    packages: Sequence[Package]
    presences: Sequence[Presence]
    works: Sequence[Work]
    clock_errors: Mapping[str, float] = field(default_factory=dict)
    """Seconds, of stations whose clocks leave open what was before what."""

    @property
    def units(self) -> list[Board]:
        """Boards and assemblies."""
        return [*self.boards, *self.assemblies]

    def holders(self, *packages: Package) -> dict[Key, Holding]:
        """Units with pieces of their own of any of these packages."""
        found: dict[Key, Holding] = {}
        for unit in self.units:
            for package in packages:
                for fitted in unit.bears(package):
                    sure = _sure(fitted, packages)
                    _add(found.setdefault(unit.key, Holding(sure)), fitted, sure)
        return found

    def parents(self, *packages: Package) -> dict[Key, Certainty]:
        """Assemblies that held such a piece in a unit built into them, at whatever depth, while it was in there."""
        found: dict[Key, Certainty] = {}
        for assembly in self.units:
            sure = [
                _sure(fitted, packages)
                for fitted, _, _ in _inside(assembly)
                if any(map(fitted.package.is_of, packages))
            ]
            if sure:
                found[assembly.key] = min(max(sure), Certainty.arguable) if self.clock_errors else max(sure)
        return found

    def assemblies_of(self, child: Key) -> set[Key]:
        """Assemblies that the unit was ever built into, and those around them."""
        return {
            assembly.key
            for assembly in self.units
            if any(unit.key == child for unit, _, _ in _descendants(assembly, 0.0, FOREVER))
        }

    def near(self, unit: Board, *packages: Package) -> bool:
        """Whether any of these packages was where the unit was worked on, by what stations told, or was in a child.

        One that was loaded untold may have come along with whatever it was spliced to, for all that anybody knows; and
        where a package goes elsewhere, whatever was told to be spliced to it may hang on it still.
        """
        untold = [other for one in self.presences if not one.told for other in one.package.chained()]
        if any(other.is_of(package) for other in untold for package in packages):
            return True
        units = [unit, *(child for child, _, _ in _descendants(unit, 0.0, FOREVER))]
        carriers = {one.panel for one in units if one.disputed}
        units += [board for board in self.boards if board.panel in carriers]
        return any(
            any(self._may_be(presence, package) for package in packages)
            and presence.station == work.station
            and presence.since - self._tolerance(work) <= work.until
            and (presence.until is None or presence.until + self._tolerance(work) >= work.since)
            for one in units
            for work in self.works
            if one in work.meant
            for presence in self.presences
        )

    def _may_be(self, presence: Presence, package: Package) -> bool:
        """Whether what was present may be of the package: by name, or, where that never was by name, on its tape."""
        if any(other.package.is_of(package) and other.station == presence.station for other in self.presences):
            return presence.package.is_of(package)
        return any(one.is_of(package) for one in presence.package.chained())

    def _tolerance(self, work: Work) -> float:
        """A window is widened at both ends, by the clock of whoever told them."""
        return TOLERANCE + 2 * self.clock_errors.get(work.station, 0.0)


def _sure(fitted: Fitted, packages: Sequence[Package]) -> Certainty:
    """A name that is wrong matters less where both reels are asked for."""
    if fitted.named is not None and any(map(fitted.named.is_of, packages)):
        return max(fitted.certainty, Certainty.arguable)
    return fitted.certainty


def _add(holding: Holding, fitted: Fitted, sure: Certainty) -> None:
    holding.certainty = max(holding.certainty, sure)
    if fitted.designator is None:
        return
    {
        Certainty.certain: holding.certain,
        Certainty.arguable: holding.arguable,
        Certainty.open: holding.open,
    }[sure].add(fitted.designator)


def _descendants(unit: Board, since: float, until: float) -> Iterator[tuple[Board, float, float]]:
    """Units in a unit during a time, with the time each was in it."""
    for stay in unit.children:
        start, end = max(since, stay.since), min(until, stay.until)
        if start < end:
            yield stay.child, start, end
            yield from _descendants(stay.child, start, end)


def _inside(assembly: Board) -> Iterator[tuple[Fitted, float, float]]:
    """Pieces on units in an assembly, while both were in there."""
    for child, since, until in _descendants(assembly, 0.0, FOREVER):
        for fitted in child.fitted:
            start, end = max(since, fitted.since), min(until, fitted.until)
            if start < end:
                yield fitted, start, end
