"""What the rules see: a unit, a station, and what people decided about them. Plain values, gathered by `gathering`.

Times are aware; `at` is the server's clock. None and empty mean that nothing is planned or known, which is not the same
as wrong: a factory that only plugged its machines in has planned nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.products.routing import RoutingStep, Visit
from app.reasons import Reason
from app.sentences import Sentence


class Topic(StrEnum):
    """What a station may ask about a unit (CFX `ValidationType`); what is true of the station itself always counts."""

    route = "route"
    status = "status"
    sub_assemblies = "sub_assemblies"
    trace = "trace"


EVERYTHING = frozenset(Topic)


@dataclass(frozen=True, slots=True)
class Run:
    """The latest inspection or test of a unit at an operation, of one method.

    `decision` is what was decided of the unit after it (a disposition's word), `runs` how many came to a verdict since
    the last decision, this one included. `received_at`: when it was heard of.
    """

    operation: str
    station: str
    kind: str
    outcome: str
    recorded_at: datetime
    runs: int
    decision: str | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnHold:
    """A hold; `via` is the serial it is on where that is another unit (sub-assembly, panel).

    `passing`: a report that is due lifts it, or makes it stay; `clears` says so.
    """

    number: str
    sentence: Sentence
    via: str | None = None
    passing: bool = False
    clears: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it stands. `busy` are operations whose work began and whose report has not come, `passed_over` those at
    which a machine said that it is an X-out.

    `free` are operations that were done before quality last sent the unit to rework: they may be done again. `done_at`:
    when it was heard that the asking station's operation was done last.
    `shipped` is the number of its shipment, `shipped_as` the serial that went with it: its panel's where nobody had yet
    told that it is in there.
    `positions` are those its panel has boards in, where the one asked about is none of them; `spoken_of`: machines have
    named it all the same. `built_into` is the serial of the assembly it is in, and the `children_` are the units in it,
    at any depth. `perhaps_scrapped`: clocks leave open whether it or another board of its carrier is `scrapped`.

    `again` are the checks it must pass again, each with the time it was mended: their visits are `undone`, they do not
    count.
    `completeness` is the part of its bill of material that has a package, `wanted` what its customer asks for before
    this operation. `recipes` are those planned for it at this station's operation.
    """

    unit_id: int
    serial: str
    product_revision_id: int | None = None
    product: str | None = None
    customer: str | None = None
    routing: tuple[RoutingStep, ...] = ()
    visits: tuple[Visit, ...] = ()
    undone: tuple[Visit, ...] = ()
    again: Mapping[str, datetime] = field(default_factory=dict)
    busy: tuple[str, ...] = ()
    passed_over: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    done_at: datetime | None = None
    runs: tuple[Run, ...] = ()
    retest_limit: int | None = None
    holds: tuple[OnHold, ...] = ()
    scrapped: str | None = None
    perhaps_scrapped: bool = False
    shipped: str | None = None
    shipped_as: str | None = None
    positions: tuple[int, ...] = ()
    spoken_of: bool = False
    built_into: str | None = None
    children_scrapped: tuple[str, ...] = ()
    children_failed: tuple[str, ...] = ()
    children_provisional: tuple[str, ...] = ()
    provisional: tuple[str, ...] = ()
    started_elsewhere: Sentence | None = None
    completeness: float | None = None
    wanted: float | None = None
    recipes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Active:
    """The recipe a station runs, and the product it runs it for where its work order is planned."""

    recipe: str | None
    revision: str | None
    product_revision_id: int | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A slot or a tool, and what its own room says against it. `verified`: a person's scan stands behind it.

    `package` is what the slot holds.
    """

    name: str
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    verified: bool = False
    package: str | None = None

    @property
    def subject(self) -> str:
        """What an override is for: this reel in this slot, never the next one."""
        return f"{self.name} with {self.package}" if self.package else self.name


@dataclass(frozen=True, slots=True)
class Station:
    """A station as it stands. `policy` None: nobody planned a gate for it. `comes_later`: some routing has an operation
    before the station's, so that its units have been somewhere. `clock_error` is how far its clock was ahead when it
    was last measured. A station nobody knows has the number 0 and nothing planned.
    """

    station_id: int
    handle: str
    operation: str | None = None
    first_of_line: bool = False
    comes_later: bool = False
    policy: str | None = None
    locked: str | None = None
    active: Active | None = None
    setup_planned: bool = False
    setup: tuple[Judged, ...] = ()
    tools: tuple[Judged, ...] = ()
    qualification_needed: bool = False
    operators: tuple[str, ...] = ()
    qualified: tuple[tuple[str, datetime | None], ...] = ()
    calibration_due: datetime | None = None
    clock_error: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A person let a reason pass. `subject` None takes any subject of that code.

    `elsewhere`: at another station. What was skipped there with leave stays passed; nothing else passes here.
    """

    override_id: int
    code: str
    subject: str | None
    given_by: str
    given_role: str
    given_at: datetime
    expires_at: datetime
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one verdict rests on. `asked_position` is the position as it was asked: 0 for a panel as a whole.

    `settling`: the product came back a moment ago, and what stations did meanwhile may be on its way.
    """

    at: datetime
    identifier: str
    position_number: int
    unit: Unit | None
    station: Station
    asked_position: int = 0
    overrides: tuple[Override, ...] = ()
    topics: frozenset[Topic] = field(default=EVERYTHING)
    settling: bool = False


CALIBRATION_WARNING = timedelta(days=7)
"""How long before a calibration ends the gate begins to say so."""
