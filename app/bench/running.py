"""One benchmark from its name to its exit code."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from app.bench.figures import Figure, Scale, missed, render, write
from app.errors import Invalid

BENCHES = {
    "intake": "boards of 1,000 placements from broker to commit and receipt",
    "genealogy": "bytes, ingest and lookups beside a row per placement, every board rebuilt",
    "trace": "lookups over HTTP, idle and while 1,000 boards a second are taken in",
    "containment": "a lot in 100,000 units is contained, watched, and seen by the gate",
    "measurements": "solder paste measurements beside a row per pad",
    "interlock": "verdicts over MQTT and HTTP, idle and while 1,000 boards a second are taken in",
}
"""Name of each benchmark (a module of this package) and what it measures."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark works: `servers` is a data folder of its own, `say` tells of its progress."""

    servers: Path
    say: Callable[[str], None]


Measure: TypeAlias = Callable[[Place, Scale], Sequence[Figure]]


def run(name: str, scale: str, data_dir: Path) -> int:
    """Run the benchmark `name`, print its table, write `bench/NAME.json` under `data_dir`.

    Returns 1 where a target is missed, else 0. Raises `Invalid` for a benchmark or scale that does not exist.
    """
    if name not in BENCHES:
        raise Invalid(f"There is no benchmark {name}. Known: {', '.join(BENCHES)}.")
    if scale not in {"small", "full"}:
        raise Invalid(f"--scale is small or full, not {scale}.")
    measure = cast("Measure", import_module(f"app.bench.{name}").measure)
    folder = data_dir / "bench"
    figures = measure(Place(folder / "servers", _say), cast("Scale", scale))
    path = write(folder, name, cast("Scale", scale), figures)
    sys.stdout.write(f"\n{render(figures)}\n\n{path}\n")
    failed = missed(figures)
    if failed:
        sys.stdout.write(f"Missed: {'; '.join(one.name for one in failed)}\n")
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
