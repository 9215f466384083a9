"""Reading marks from pixels at a machine, and what a factory does with one that cannot be read.

A camera takes up to three exposures. What it then has not read (or read and whose check character
does not hold) is said as IdentifiersNotRead; the machine stops, a person types the human-readable
serial engraved beside the code, whose check character refuses a slip of the finger, and it goes on
as IdentifiersRead. No unit leaves the genealogy because of a bad mark.
"""

import random
from typing import Final

from app.cfx.messages.enumerations import ResourceState
from app.cfx.messages.identification import IdentifiersNotRead, IdentifiersRead
from app.cfx.messages.structures import UnitPosition
from app.decoding import cascade
from stations.machine import Machine, Visit
from stations.marks import Mark, engrave, photograph
from stations.serials import is_valid

EXPOSURES: Final = 3
_SLIP: Final = 0.03  # how often a person types one character wrong


def usual_severity(chance: random.Random) -> float:
    """Give how hard an everyday mark is to read: mostly easy, now and then not."""
    return chance.triangular(0.05, 0.6, 0.15)


def mark(text: str, chance: random.Random, bad: float) -> Mark:
    """Engrave a serial; a share `bad` comes out so that no camera may read it."""
    severity = chance.uniform(1.3, 1.6) if chance.random() < bad else usual_severity(chance)
    return engrave(text, chance, severity=severity)


def read_mark(engraved: Mark | None, chance: random.Random) -> str | None:
    """Read a mark from up to three exposures; None where none gives a serial that holds."""
    for _ in range(EXPOSURES if engraved else 0):
        assert engraved is not None
        for reading in cascade.read(photograph(engraved, chance), marks_only=True):
            if is_valid(reading.text):
                return reading.text
    return None


def type_serial(beside_the_code: str, chance: random.Random) -> str:
    """Let a person type what is engraved beside the code, until the check character holds."""
    while True:
        typed = list(beside_the_code)
        if chance.random() < _SLIP:
            typed[chance.randrange(len(typed))] = chance.choice("0123456789ABCDEFGHJKLMNPRSTUVWXYZ")
        # A slip that hits the true character again is none.
        if is_valid("".join(typed)):
            return "".join(typed)


def read_panel(machine: Machine, visit: Visit) -> None:
    """Read the mark on the panel's rail, or have it typed."""
    identifier = read_mark(visit.panel.mark, machine.chance)
    if identifier is None:
        visit.say(IdentifiersNotRead(positions_not_read=[]))
        ask_the_operator(machine, visit, "panel")
        identifier = type_serial(visit.panel.identifier, machine.chance)
    visit.say(IdentifiersRead(primary_identifier=identifier))


def read_boards(machine: Machine, visit: Visit) -> dict[int, str]:
    """Read the marks of all boards, one by one, or have them typed; serials by position."""
    found: dict[int, str] = {}
    unread: list[int] = []
    for board in visit.boards:
        serial = read_mark(board.mark, machine.chance)
        if serial is None:
            unread.append(board.position)
        else:
            found[board.position] = serial
    if unread:
        visit.say(IdentifiersNotRead(positions_not_read=unread))
        ask_the_operator(machine, visit, ", ".join(f"position {position}" for position in unread))
        for position in unread:
            found[position] = type_serial(visit.panel.boards[position - 1].serial, machine.chance)
    visit.say(
        IdentifiersRead(
            units=[UnitPosition(unit_identifier=found[position]) for position in sorted(found)],
        )
    )
    return found


def ask_the_operator(machine: Machine, visit: Visit, what: str) -> None:
    """Stop until a person has come and seen which marks cannot be read."""
    machine.stop_for(
        visit,
        0.2 * machine.setup.takt,
        state=ResourceState.SBY_NoOperator,
        cause="QualityCheck",
        code="MARK_NOT_READ",
        description=f"The mark of {what} cannot be read. Type the serial engraved beside it.",
    )
