"""What the demo builds: a board read from KiCad's files, and the program that the machines get."""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from app.products.kicad import BoardDesign, dump_program, read_design

ACTOR = "demo"
CUSTOMER = "Northwind Devices"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# The board that ships with the stations (the folder is read, the package is not imported).
_OURS = Path(__file__).resolve().parents[2] / "stations" / "boards"
OUR_BOARD = (_OURS / "field-node-revB-bom.csv", _OURS / "field-node-revB-placements.csv")


@dataclass(frozen=True, slots=True)
class Spare:
    """A reel in the store that no machine has loaded; `expired_for` days, negative: it still may be used."""

    identifier: str
    note: str
    expired_for: int


SPARES = (
    Spare("DEMO-REEL-GOOD", "good: a spare", -365),
    Spare("DEMO-REEL-EXPIRED", "expired: will be refused", 30),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the simulated line: the board, and the code that keeps its serials apart."""

    design: BoardDesign
    program: Path
    run: str


def prepare(board: tuple[Path, Path] | None, folder: Path) -> Job:
    """Read the board and write the placement program into ``folder``, as an engineering office would."""
    design = read_design(*(board or OUR_BOARD))
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "program.json"
    unfinished = program.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(dump_program(design))
    unfinished.replace(program)
    return Job(design, program, _run_code())


def _run_code() -> str:
    """Letters and digits that no other run has: the second it began, and chance."""
    number, text = int(time.time()) * 1296 + secrets.randbelow(1296), ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
