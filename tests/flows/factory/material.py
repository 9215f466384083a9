"""Packages, the stock they come from, and the tapes that machines draw pieces from: what is physically there."""

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Package:
    """One physical reel or tray. `pieces` are those on it now, `came_with` those it began with."""

    identifier: str
    part_number: str
    pieces: int
    lot: str | None
    parent: "Package | None" = None
    """The package it was split off."""
    batch: "Package | None" = None
    """The batch whose tray it is: trays have no identity of their own in stock."""
    spliced: "list[Package]" = field(default_factory=list)
    """Packages it was told to be spliced to."""
    came_with: int = field(init=False)

    def __post_init__(self) -> None:
        self.came_with = self.pieces

    def splice(self, other: "Package") -> None:
        """Tell of it that another hangs on it."""
        self.spliced.append(other)
        other.spliced.append(self)

    def chained(self) -> "list[Package]":
        """Itself, and whatever may hang on it, directly or through others."""
        found = [self]
        for package in found:
            found += [other for other in package.spliced if other not in found]
        return found

    def is_of(self, other: "Package") -> bool:
        """Whether pieces of this package are pieces of the other: the same, split off it, or a tray of it."""
        return self is other or any(source.is_of(other) for source in (self.parent, self.batch) if source)


@dataclass(slots=True)
class Presence:
    """When a package was where a machine could draw from it: true times, in seconds, as the machine tells it.

    `until` is None while nobody has told that it is gone, even if its last piece is long used up.
    """

    package: Package
    station: str
    since: float
    until: float | None = None
    told: bool = True
    """Whether the machine says what it loads. Of a package that was loaded untold, nobody can say where it was."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a machine knows of the piece it picks: the chain its slot holds, consumed end first.

    One package: it is certain. Several: the first is meant, unless `grey`, when it may be any of the first two.
    """

    chain: tuple[Package, ...]
    grey: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A picked piece: where it truly came from, and what the machine knows of that."""

    package: Package
    known: Known


@dataclass(frozen=True, slots=True)
class Splice:
    """A splice as the sensor tells it: the next `grey` pieces may be either package's."""

    depleted: Package
    newly: Package
    grey: int


@dataclass(slots=True)
class Tape:
    """What hangs in a slot: one package, or several spliced, the one that is consumed first at the front.

    `believed` is the machine's idea of the same. `ahead` pieces before a splice passes, the sensor sees it; then the
    next `zone` pieces may be either package's, as far as the machine can tell.
    """

    chain: list[Package] = field(default_factory=list)
    believed: list[Package] = field(default_factory=list)
    zone: int = 0
    ahead: int = 0
    seen: bool = False
    grey: int = 0

    @property
    def left(self) -> int:
        """Pieces until the tape ends."""
        return sum(package.pieces for package in self.chain)

    @property
    def front(self) -> Package | None:
        """The package that the next piece comes from."""
        return next((package for package in self.chain if package.pieces), None)

    def hang(self, *packages: Package) -> None:
        """Hang up packages, spliced where there are several."""
        self.chain, self.believed, self.seen, self.grey = list(packages), list(packages), False, 0

    def splice(self, package: Package, *, told: bool = True) -> None:
        """Add a package behind the last; the machine knows of it once it is `told`."""
        self.chain.append(package)
        if told:
            self.believed.append(package)

    def splice_comes(self) -> Splice | None:
        """The splice that the sensor sees before the next piece is picked; each is seen once."""
        front = self.front
        if self.seen or front is None or len(self.believed) < 2:
            return None
        depleted, newly = self.believed[:2]
        if front is depleted and front.pieces > self.ahead:
            return None
        self.seen, self.grey = True, self.zone
        if not self.zone:
            self._forget_front()
        return Splice(depleted, newly, self.zone)

    def pick(self) -> Piece:
        """Take the next piece."""
        package = self.front
        assert package is not None  # the machine stops for a new reel before
        package.pieces -= 1
        known = Known(tuple(self.believed), grey=self.grey > 0)
        if self.grey:
            self.grey -= 1
            if not self.grey:
                self._forget_front()
        self.chain = [one for one in self.chain if one.pieces] or self.chain[-1:]
        return Piece(package, known)

    def _forget_front(self) -> None:
        self.believed.pop(0)
        self.seen = False
