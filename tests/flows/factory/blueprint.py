"""What a generated factory is like: small choices, simplest first, so that a failing factory shrinks to a plain one.

The blueprint says what kinds of things happen; which board, which reel and when is the business of `seed`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from hypothesis import strategies as st

_E = TypeVar("_E", bound=Enum)


class PanelKind(Enum):
    """How boards travel and how they come by their serials."""

    single = "single"
    """One board, its own panel."""
    linked_early = "linked_early"
    """Serials are etched before anything is placed, and told."""
    linked_late = "linked_late"
    """Serials are told only after everything was placed."""
    direct = "direct"
    """Machines read and speak the boards' serials."""
    carrier = "carrier"
    """A carrier that is used again for other boards."""
    unserialised = "unserialised"
    """Boards that are known by panel and position for ever."""


class Naming(Enum):
    """What a machine says of the package a piece came from."""

    named = "named"
    chain = "chain"
    """The chain of spliced packages, with a grey zone around the splice."""
    head = "head"
    """The reel it takes to be the one: it knows of a splice what it is told, sometimes late, and counts."""
    slots = "slots"
    """The slot and the designators, no package."""
    silent = "silent"
    """Nothing: only that it worked."""


class Address(Enum):
    """How a report names the board."""

    position = "position"
    serial = "serial"
    serial_position = "serial_position"
    """The serial, and beside it its position on the panel."""
    transaction = "transaction"
    """Position alone; the transaction tells the panel."""
    panel = "panel"
    """The panel alone: on which of its boards remains open."""
    bare = "bare"
    """Neither; the transaction tells the units."""


class Change(Enum):
    """What happens when a reel runs out, which it does in the middle of a board."""

    replaced = "replaced"
    spliced = "spliced"
    """The sensor sits where pieces are picked."""
    spliced_ahead = "spliced_ahead"
    """The sensor sits before it: some pieces after the signal are still the old package's, and the machine says so."""
    unsensed = "unsensed"
    """No sensor: the join is told, the splice is not."""


class Lost(Enum):
    """Reports that never reach anybody."""

    nothing = "nothing"
    work = "work"
    """All of one work."""
    board = "board"
    """One board of a panel; the machine sends a message a board."""
    slot = "slot"
    """One slot's part of a board; only a bill of material can tell that it is missing."""


class Paste(Enum):
    """What the printer says."""

    none = "none"
    whole = "whole"
    each = "each"
    silent = "silent"


class Described(Enum):
    """When the packages' lots are told."""

    before = "before"
    after = "after"
    never = "never"


@dataclass(frozen=True, slots=True)
class MachineBlueprint:
    """A machine that takes pieces from slots and puts them on boards."""

    naming: Naming = Naming.named
    address: Address = Address.position
    change: Change = Change.replaced
    lost: Lost = Lost.nothing
    slots: int = 1
    designators: int = 1
    """Designators filled from each slot."""
    reel: int = 40
    """Pieces on a reel; small ones run out often."""
    rejects: bool = False
    two_lanes: bool = False
    alternates: bool = False
    wrong_part: bool = False
    """Now and then a reel is loaded that does not belong there."""
    prespliced: bool = False
    """Reels come to the machine already spliced in pairs."""
    lists_units: bool = True
    counts_x_outs: bool = False
    skips_x_outs: bool = False
    """Lists them as what it passes over, where it has a name for them."""
    skips_late: bool = False
    """It finds out, and says so when the work is completed."""
    tells_loadings: bool = True
    tells_unloadings: bool = True
    tells_quantities: bool = False


@dataclass(frozen=True, slots=True)
class LineBlueprint:
    """A line builds one product."""

    kind: PanelKind = PanelKind.single
    positions: int = 1
    panels: int = 1
    machines: tuple[MachineBlueprint, ...] = (MachineBlueprint(),)
    paste: Paste = Paste.none
    x_outs: bool = False
    names_x_outs: bool = False
    modules: bool = False
    """A unit with parts of its own is built into a board, told by panel and position, before the boards are linked."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A factory."""

    seed: int = 0
    lines: tuple[LineBlueprint, ...] = (LineBlueprint(),)
    planned: bool = False
    """Whether the product knows bills of material, and orders of them."""
    described: Described = Described.before
    splits: bool = False
    trays: bool = False
    repairs: int = 0
    depth: int = 0
    """Levels of assemblies above the boards."""
    swaps: bool = False
    """A board is taken out of its assembly again, repaired, and built into another."""
    tells_swaps: bool = True
    """Whether anybody says that it was taken out."""
    far_clocks: bool = False
    """Some stations' clocks are wrong by minutes, and the product has seen by how much."""


def _one_of(kind: type[_E], *but: _E) -> st.SearchStrategy[_E]:
    return st.sampled_from([member for member in kind if member not in but])


_SPEAKING_SERIALS = {PanelKind.single, PanelKind.linked_early, PanelKind.direct, PanelKind.carrier}


def _addresses(kind: PanelKind) -> st.SearchStrategy[Address]:
    if kind is PanelKind.direct:
        return st.sampled_from([Address.serial, Address.serial_position, Address.bare])
    if kind in _SPEAKING_SERIALS:
        return _one_of(Address)
    return _one_of(Address, Address.serial, Address.serial_position)


@st.composite
def _machines(draw: st.DrawFn, kind: PanelKind, planned: bool, described: Described) -> MachineBlueprint:
    # Nobody can tell that a name is wrong where nobody said how many pieces came.
    naming = draw(_one_of(Naming, Naming.head) if described is Described.never else _one_of(Naming))
    heads = naming is Naming.head
    change = draw(st.just(Change.unsensed) if heads else _one_of(Change))
    lost = draw(st.just(Lost.nothing) if heads else _one_of(Lost) if planned else _one_of(Lost, Lost.slot))
    told = naming is Naming.named and lost is Lost.nothing
    return MachineBlueprint(
        naming=naming,
        address=draw(_addresses(kind)),
        change=change,
        lost=lost,
        slots=draw(st.integers(1, 3)),
        designators=draw(st.integers(1, 3)),
        reel=draw(st.sampled_from([3, 5, 2] if heads else [40, 5, 8, 13])),
        rejects=draw(st.booleans()),
        two_lanes=draw(st.booleans()),
        alternates=not heads and draw(st.booleans()),
        wrong_part=not heads and draw(st.booleans()),
        prespliced=change is not Change.replaced and draw(st.booleans()),
        lists_units=kind is PanelKind.direct or draw(st.sampled_from([True, False])),
        counts_x_outs=draw(st.booleans()),
        skips_x_outs=draw(st.booleans()),
        skips_late=draw(st.booleans()),
        tells_loadings=not told or draw(st.sampled_from([True, False])),
        tells_unloadings=draw(st.sampled_from([True, False])),
        tells_quantities=draw(st.booleans()),
    )


@st.composite
def _lines(draw: st.DrawFn, planned: bool, described: Described) -> LineBlueprint:
    kind = draw(_one_of(PanelKind))
    positions = 1 if kind is PanelKind.single else draw(st.integers(1, 3))
    machines = draw(st.lists(_machines(kind, planned, described), min_size=1, max_size=2))
    many = kind is PanelKind.carrier or any(one.naming is Naming.head for one in machines)
    return LineBlueprint(
        kind=kind,
        positions=positions,
        panels=draw(st.integers(1, 5 if many else 3)),
        machines=tuple(machines),
        paste=draw(_one_of(Paste)),
        x_outs=positions > 1 and draw(st.booleans()),
        names_x_outs=draw(st.booleans()),
        modules=kind is PanelKind.linked_late and draw(st.booleans()),
    )


@st.composite
def blueprints(draw: st.DrawFn) -> Blueprint:
    """Any factory."""
    planned = draw(st.booleans())
    described = draw(_one_of(Described))
    lines = draw(st.lists(_lines(planned, described), min_size=1, max_size=2))
    return Blueprint(
        seed=draw(st.integers(0, 2**32 - 1)),
        lines=tuple(lines),
        planned=planned,
        described=described,
        splits=draw(st.booleans()),
        trays=draw(st.booleans()),
        repairs=draw(st.integers(0, 2)),
        depth=draw(st.integers(0, 4)),
        swaps=draw(st.booleans()),
        tells_swaps=draw(st.sampled_from([True, False])),
        far_clocks=draw(st.booleans()),
    )
