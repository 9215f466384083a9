"""A simulated machine: what every kind does around its own work, and says over CFX while it does it.

A machine is given units and a time and answers with a `Visit`: what it said, when, and when the
units left. It knows no network and no spool; `stations.station` turns what it said into events.
Times are true times; what the machine stamps on its messages is its own clock, which may be wrong.
Everything random comes from seeds: the same seed gives the same line, `run` only its names.
"""

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, NamedTuple
from uuid import UUID

from app.cfx.messages import Message
from app.cfx.messages.endpoint import EndpointConnected
from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.production import (
    ActivitiesExecuted,
    Activity,
    RecipeActivated,
    UnitsArrived,
    UnitsDeparted,
    WorkCompleted,
    WorkStarted,
)
from app.cfx.messages.resource import Fault, FaultCleared, FaultOccurred, StationStateChanged
from app.cfx.messages.structures import Operator, UnitPosition, WorkOrderIdentifier
from app.cfx.scalars import format_timespan
from stations.faults import Faults
from stations.gate import Admission
from stations.panels import Layout, Panel
from stations.program import Program, Side
from stations.reels import Stock

_TAKING_OUT: Final = 4.0
"""Takts until somebody has come and taken a refused panel out."""
SURFACES: Final[dict[Side, str]] = {"top": "PrimarySurface", "bottom": "SecondarySurface"}
OPERATOR: Final = Operator(
    operator_identifier="BADGE4711", actor_type="Human", last_name="Vogt", first_name="Ines", login_name="ines.vogt"
)


class Said(NamedTuple):
    """One message, the true time at which the machine said it, and the panel it was about."""

    at: datetime
    stamp: datetime
    message: Message
    panel: Panel | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What all machines of a line share. `takt` is the seconds between two panels."""

    program: Program
    faults: Faults
    seed: int
    run: str
    takt: float
    boards_per_panel: int = 6
    bad_lot: str = ""

    def chance(self, handle: str) -> random.Random:
        """Give the randomness of a machine's physics: by seed alone."""
        return random.Random(f"{self.seed}/{handle}")  # noqa: S311 - a simulation, to be repeated

    def names(self, handle: str) -> random.Random:
        """Give the randomness of a machine's identifiers: of this run and no other."""
        return random.Random(f"{self.seed}/{self.run}/{handle}")  # noqa: S311 - likewise

    @property
    def layout(self) -> Layout:
        """How the panel is laid out."""
        return Layout.of(self.program, self.boards_per_panel)


class Visit:
    """The stay of a panel in a machine. `now` is true time and moves with `takes`; `boards` are those worked on."""

    def __init__(
        self,
        machine: "Machine",
        panel: Panel,
        side: Side,
        now: datetime,
        admission: Admission | None = None,
    ) -> None:
        self.machine = machine
        self.panel = panel
        self.boards = [board for board in panel.boards if admission is None or board.position in admission.admitted]
        self.admission = admission
        self.side = side
        self.now = now
        self.transaction = machine.new_id()
        self.said: list[Said] = []
        self.enters_next: datetime | None = None

    def takes(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def say(self, message: Message) -> None:
        """Say something now."""
        self.said.append(self.machine.said(message, self.now, self.panel))

    @property
    def stamp(self) -> datetime:
        """What the machine's clock shows now."""
        return self.machine.clock(self.now)

    def say_without(self, transaction: UUID) -> None:
        """Say that this work began without the product's word, where it did."""
        if self.admission is None or self.admission.without is None:
            return
        activity = Activity(
            time_stamp=self.stamp,
            activity_instance_id=self.machine.new_id(),
            activity_state="Completed",
            activity_name=self.admission.without,
            comments=self.admission.comments,
        )
        self.say(ActivitiesExecuted(transaction_id=transaction, activities=[activity]))

    def next_may_enter(self) -> None:
        """From now on the machine takes the next panel while this one is still inside."""
        self.enters_next = self.now


class Machine(ABC):
    """One machine of a line. `pass_time` is the share of the takt a panel spends in it."""

    operation: ClassVar[str]
    model: ClassVar[str]
    pass_time: ClassVar[float] = 0.85
    #: Whether the machine has a camera for marks.
    reads_marks: ClassVar[bool] = False

    #: The reels handed out to the machine, where it uses any.
    stock: Stock | None = None
    #: Packages that the product has said must not be used.
    blocked: frozenset[str] = frozenset()
    #: Whether the product has locked the station.
    locked: bool = False

    def __init__(self, handle: str, setup: Setup) -> None:
        self.handle = handle
        self.setup = setup
        self.program = setup.program
        self.faults = setup.faults
        self.chance = setup.chance(handle)
        self._names = setup.names(handle)
        self._skew = timedelta(seconds=self.chance.uniform(-1, 1) * setup.faults.clock_skew)
        self._state = ResourceState.NST_ShutdownAndStartup
        self._since: datetime | None = None
        self._recipe: tuple[str, str] | None = None

    # --- for the kinds of machine ---------------------------------------------------------------

    @abstractmethod
    def process(self, visit: Visit) -> None:
        """Do the machine's own work on a panel, and say what it says between start and completion."""

    def prepare(self, panel: Panel, side: Side, now: datetime) -> list[Said]:
        """Make ready for a panel before the gate is asked: the recipe, and nothing empty or blocked left in a slot."""
        return [*self._activate_recipe(panel, side, now), *self.replace(now)]

    def replace(self, now: datetime) -> list[Said]:
        """Let an operator exchange packages that are empty or must not be used any more; nothing for most."""
        del now
        return []

    def set_up(self, now: datetime) -> list[Said]:
        """Say what is loaded when the machine starts; nothing for most."""
        del now
        return []

    def slots(self) -> dict[str, str]:
        """Give which part number belongs in which slot, whatever the side; nothing for most."""
        return {}

    def recipe(self, side: Side) -> str:
        """Name the recipe for a side."""
        return f"{self.program.name}-{side}"

    def new_id(self) -> UUID:
        """Give an identifier nobody else has."""
        return UUID(int=self._names.getrandbits(128), version=4)

    def clock(self, now: datetime) -> datetime:
        """Give what the machine's clock shows at a true time."""
        return now + self._skew

    def said(self, message: Message, now: datetime, panel: Panel | None = None) -> Said:
        """Stamp a message with the machine's clock."""
        return Said(now, self.clock(now), message, panel)

    def seconds(self) -> float:
        """Give how long this panel's work takes: the machine's share of the takt, give or take 3 %."""
        return self.setup.takt * self.pass_time * self.chance.uniform(0.97, 1.03)

    def stop_for(
        self,
        visit: Visit,
        seconds: float,
        *,
        state: ResourceState,
        cause: str,
        code: str,
        description: str,
        then: ResourceState = ResourceState.PRD_RegularWork,
    ) -> None:
        """Stop, in the middle of the work or before it, until a person has cleared a fault."""
        occurrence = self.new_id()
        fault = Fault(
            cause=cause,
            severity="Error",
            fault_code=code,
            fault_occurrence_id=occurrence,
            description=description,
            occurred_at=visit.stamp,
        )
        visit.say(FaultOccurred(fault=fault))
        visit.said += self.change_state(state, visit.now, fault)
        visit.takes(seconds)
        visit.say(FaultCleared(fault_occurrence_id=occurrence, operator=OPERATOR))
        visit.said += self.change_state(then, visit.now)

    # --- for the line --------------------------------------------------------------------------

    def start_up(self, now: datetime) -> list[Said]:
        """Come up: connected, loaded, waiting for the first panel."""
        said = [self.said(EndpointConnected(cfx_handle=self.handle), now)]
        self._since = now
        said += self.set_up(now)
        said += self.change_state(ResourceState.SBY_NoProductStarved, now)
        return said

    def work(self, panel: Panel, side: Side, now: datetime, admission: Admission | None = None) -> Visit:
        """Take a panel in, work on it and hand it on; on the boards that were admitted, all where nobody was asked."""
        visit = Visit(self, panel, side, now, admission)
        visit.said += self._activate_recipe(panel, side, now)
        self.arrive(visit)
        visit.said += self.change_state(ResourceState.PRD_RegularWork, visit.now)
        self.start(visit)
        self.process(visit)
        self.complete(visit)
        return visit

    def refuse(self, panel: Panel, side: Side, now: datetime, admission: Admission) -> Visit:
        """Stop before a panel of which no board may start, until an operator has taken it out."""
        visit = Visit(self, panel, side, now, admission)
        self.stop_for(
            visit,
            _TAKING_OUT * self.setup.takt,
            state=ResourceState.USD_OutOfSpecInputMaterial,
            cause="QualityCheck",
            code="NOT_ADMITTED",
            description=next(iter(admission.refused.values()), "No board of this panel may start here."),
            then=ResourceState.SBY_NoProduct,
        )
        return visit

    def starve(self, now: datetime) -> list[Said]:
        """Wait: no panel has come."""
        return self.change_state(ResourceState.SBY_NoProductStarved, now)

    def arrive(self, visit: Visit) -> None:
        """Say that the panel has arrived."""
        panel = visit.panel
        visit.say(
            UnitsArrived(
                primary_identifier=panel.identifier, unit_count=len(visit.boards), units=self.units(visit), lane=1
            )
        )
        visit.takes(0.05 * self.setup.takt)

    def start(self, visit: Visit) -> None:
        """Say that work has started; the transaction ties what follows to these units."""
        panel = visit.panel
        visit.say(
            WorkStarted(
                transaction_id=visit.transaction,
                primary_identifier=panel.identifier,
                lane=1,
                unit_count=len(visit.boards),
                units=self.units(visit),
                recipe_name=self.recipe(visit.side),
                revision=self.program.revision,
                relevant_surface=SURFACES[visit.side],
                work_order_identifier=WorkOrderIdentifier(work_order_id=panel.work_order, batch=panel.batch),
            )
        )
        visit.say_without(visit.transaction)

    def complete(self, visit: Visit) -> None:
        """Say that work is complete and the panel has left."""
        panel = visit.panel
        visit.say(
            WorkCompleted(
                transaction_id=visit.transaction,
                result="Completed",
                primary_identifier=panel.identifier,
                unit_count=len(visit.boards),
            )
        )
        visit.takes(0.03 * self.setup.takt)
        units = self.units(visit)
        visit.say(UnitsDeparted(primary_identifier=panel.identifier, unit_count=len(units), units=units, lane=1))

    def units(self, visit: Visit) -> list[UnitPosition]:
        """Name the boards as a machine names them: the panel's identifier and the position on it."""
        layout, panel = self.setup.layout, visit.panel
        found = []
        for board in visit.boards:
            x, y = layout.place(board.position)
            found.append(
                UnitPosition(
                    unit_identifier=panel.identifier,
                    position_number=board.position,
                    position_name=f"CIRCUIT{board.position}",
                    x=x,
                    y=y,
                    rotation=0.0,
                    flip_x=False,
                    flip_y=False,
                )
            )
        return found

    def change_state(self, state: ResourceState, now: datetime, fault: Fault | None = None) -> list[Said]:
        """Change the station's state (SEMI E10) and say so; nothing where it is the same."""
        if state is self._state:
            return []
        old, self._state = self._state, state
        lasted = now - self._since if self._since else timedelta(0)
        self._since = now
        message = StationStateChanged(
            old_state=int(old),
            old_state_duration=format_timespan(lasted),
            new_state=int(state),
            related_fault=fault,
        )
        return [self.said(message, now)]

    def _activate_recipe(self, panel: Panel, side: Side, now: datetime) -> list[Said]:
        recipe = self.recipe(side), panel.work_order
        if recipe == self._recipe:
            return []
        self._recipe = recipe
        message = RecipeActivated(
            recipe_name=recipe[0],
            revision=self.program.revision,
            lane=1,
            expected_cycle_time=round(self.setup.takt * self.pass_time, 3),
            expected_units_per_work_transaction=float(self.setup.boards_per_panel),
            work_order_identifier=WorkOrderIdentifier(work_order_id=panel.work_order, batch=panel.batch),
            relevant_surface=SURFACES[side],
        )
        return [self.said(message, now, panel)]
