"""What goes wrong on purpose: faults of the material, the machines and the network, each with a rate.

Faults of the network act between the spool and the broker: an event may be published late, twice
or out of order, and in the end it is delivered all the same. Only `lost` is of the machine: it
happens without a word, and the truth file says so.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

from stations.spool import Spooled


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates from 0 to 1 unless said otherwise.

    * `bad_lot`: the part number whose next lot is bad, or "any" (the line picks one), or "".
    * `bad_parts`: how many parts of the bad lot fail.
    * `rejected`: placements rejected by the machine's camera and made again.
    * `splice_missed`: splices the operator was too late for, so that the slot runs empty.
    * `placement_defect`: parts that end tombstoned, shifted or without solder.
    * `false_call`: inspected parts the AOI finds fault with and a person does not.
    * `tester_error`: tests that end in an error of the tester.
    * `bad_mark`: serials engraved so badly that no camera may read them.
    * `lost`: messages the machine never sends.
    * `repeated`, `late`, `shuffled`: events published twice, held back, or out of order.
    * `late_seconds`: the longest an event is held back or its repetition waits.
    * `clock_skew`: seconds by which a station's clock may be wrong, either way.
    """

    bad_lot: str = ""
    bad_parts: float = 0.35
    rejected: float = 0.004
    splice_missed: float = 0.1
    placement_defect: float = 0.0004
    false_call: float = 0.0006
    tester_error: float = 0.004
    bad_mark: float = 0.004
    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    shuffled: float = 0.0
    late_seconds: float = 5.0
    clock_skew: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type is float and value < 0:
                raise ValueError(f"{each.name} is {value}; a fault's rate cannot be negative.")
            if each.type is float and value > 1 and each.name not in {"late_seconds", "clock_skew"}:
                raise ValueError(f"{each.name} is {value}; a rate is at most 1.")


NO_FAULTS = Faults(
    rejected=0.0, splice_missed=0.0, placement_defect=0.0, false_call=0.0, tester_error=0.0, bad_mark=0.0
)


class Traffic:
    """The network's faults for one station's events; `chance` makes them repeatable."""

    def __init__(self, faults: Faults, chance: random.Random) -> None:
        self._faults = faults
        self._chance = chance

    def plan(self, _event: Spooled) -> tuple[float, tuple[float, ...]]:
        """Give how long an event is held back, and after how long each it is published again (seconds)."""
        chance, faults = self._chance, self._faults
        hold = chance.uniform(0.2, 1.0) * faults.late_seconds if chance.random() < faults.late else 0.0
        repeats: list[float] = []
        while len(repeats) < 3 and chance.random() < faults.repeated:
            repeats.append(chance.uniform(0.0, 1.0) * faults.late_seconds)
        return hold, tuple(repeats)

    def order(self, events: Sequence[Spooled]) -> list[Spooled]:
        """Give events in the order they are published: shuffled for a share of the occasions."""
        ordered = list(events)
        if len(ordered) > 1 and self._chance.random() < self._faults.shuffled:
            self._chance.shuffle(ordered)
        return ordered
