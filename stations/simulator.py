"""The whole line: ``python -m stations.simulator --program FILE --broker URL --credentials FILE ...``.

Every station is the real station program with a spool and link of its own; only the machines are
simulated. With ``--panels N`` it builds N panels as fast as it goes (``--pace 0``), their history
ending now, waits until every event has its receipt, and ends:

    exit code 0   everything reported is delivered
    1             the product rejected events; they are kept in the spools with the reason
    2             the options, files or folders do not fit
    3             receipts are missing after --drain-timeout
    130           it was asked to stop before the end

With ``--panels forever`` it runs in real time, a panel every ``--takt`` seconds, until Ctrl-C or
SIGTERM; what ``--head-start`` says that it did before is made up for as fast as it goes.
``--layout`` prints what a line is planned with as JSON and ends: its stations (handle to operation;
each needs a token in the credentials file), the route of a board, and what slots must hold.
"""

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from stations.connection import LinkError
from stations.line import CarriedPast, Line, layout_for, machines_for, span
from stations.logs import configure_logging
from stations.machine import Setup
from stations.options import (
    OptionError,
    add_options,
    faults_from,
    gate_settings_from,
    link_settings_from,
    panels_from,
    run_code,
    tokens_from,
)
from stations.panels import Panel
from stations.program import Program, ProgramError, read_program
from stations.signals import stop_on_signals
from stations.spool import SpoolInUse
from stations.station import Station, StationSettings, Stopped
from stations.truth import Truth

_TELL_EVERY: Final = 2.0  # seconds between two lines of progress


def main(arguments: list[str] | None = None) -> int:
    """Run the line; see the top of this module for the exit codes."""
    parser = argparse.ArgumentParser(
        prog="python -m stations.simulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.add_argument("--layout", action="store_true", help="print what the line is planned with as JSON and end")
    parser.add_argument("--pace", type=float, help="seconds of the line in one of ours; 0: as fast as it goes")
    parser.add_argument("--head-start", type=float, default=0.0, metavar="SECONDS", help="the line began so long ago")
    parser.add_argument(
        "--carried-past", type=float, metavar="SECONDS", help="how often a panel is carried past the last AOI by hand"
    )
    parser.add_argument("--magazine", type=int, default=10, metavar="N", help="panels in a batch (default %(default)s)")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="where the truth goes (JSON lines)")
    parser.add_argument("--drain-timeout", type=float, default=300.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    configure_logging(options.log_format)
    try:
        program = read_program(options.program)
        if options.layout:
            sys.stdout.write(json.dumps(layout_for(program)) + "\n")
            return 0
        return Simulation(program, options).run()
    except (OptionError, ProgramError, SpoolInUse, LinkError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


class Simulation:
    """One run of the line, from the options to the exit code."""

    def __init__(self, program: Program, options: argparse.Namespace) -> None:
        self.options = options
        self.panels = panels_from(options)
        if options.magazine < 1 or options.boards_per_panel < 1 or options.takt <= 0:
            raise OptionError("--magazine and --boards-per-panel must be at least 1, --takt more than 0.")
        self.pace = (1.0 if self.panels is None else 0.0) if options.pace is None else options.pace
        if self.pace < 0 or (self.panels is None and self.pace != 1.0):
            raise OptionError("--pace must be 0 or more, and 1 where --panels is forever; a shorter --takt is faster.")
        if options.head_start < 0 or (options.head_start and self.pace != 1.0):
            raise OptionError("--head-start must be 0 or more, and goes with --pace 1.")
        faults = faults_from(options)
        self.setup = Setup(
            program=program,
            faults=faults,
            seed=options.seed,
            run=options.run or run_code(),
            takt=options.takt,
            boards_per_panel=options.boards_per_panel,
            bad_lot=_bad_lot(program, faults.bad_lot, options.seed),
        )
        self.stopping = threading.Event()
        self.truth = Truth(options.truth)
        self.stations = self._stations()
        self._told = time.monotonic()
        self._to_repair = 0

    def _stations(self) -> list[Station]:
        tokens = tokens_from(self.options)
        machines = machines_for(self.setup)
        without = [machine.handle for machine in machines if machine.handle not in tokens]
        if tokens and without:
            raise OptionError(f"The credentials hold no token for {', '.join(without)}. Create one for each station.")
        settings = StationSettings(
            data=self.options.data,
            broker_url=self.options.broker,
            link=link_settings_from(self.options),
            spool_bytes=self.options.spool_bytes,
            journal=self.options.journal,
            gate=gate_settings_from(self.options),
        )
        stations: list[Station] = []
        try:
            for machine in machines:
                token = tokens.get(machine.handle, "")
                stations.append(Station(machine, token, settings, truth=self.truth, stopping=self.stopping))
        except BaseException:
            for station in stations:
                station.stop()
            raise
        return stations

    def run(self) -> int:
        """Build, wait for the receipts, and say how it went."""
        with stop_on_signals(self.stopping):
            try:
                for station in self.stations:
                    station.start()
                line = self._line()
                with contextlib.suppress(Stopped):
                    line.run()
                if self.stopping.is_set():
                    return 0 if self.panels is None else 130
                self.truth.end(line.done, line.done * self.setup.boards_per_panel)
                return self._drain()
            finally:
                self._tell()
                for station in self.stations:
                    station.stop()
                self.truth.close()

    def _line(self) -> Line:
        now = datetime.now(UTC)
        # A line that runs faster than this world began earlier, so that it never speaks from the future.
        head_start = timedelta(seconds=self.options.head_start)
        ahead = head_start
        if self.panels is not None and self.pace != 1.0:
            ahead = span(self.setup, self.panels, self.options.magazine)
            ahead *= 1 if self.pace == 0 else max(0.0, 1 - 1 / self.pace)
        self.truth.run(
            run=self.setup.run,
            seed=self.setup.seed,
            board=self.setup.program.name,
            revision=self.setup.program.revision,
            panels=self.panels,
            boards_per_panel=self.setup.boards_per_panel,
            stations=[station.handle for station in self.stations],
        )
        return Line(
            self.setup,
            self.stations,
            self.truth,
            panels=self.panels,
            magazine=self.options.magazine,
            began=now - ahead,
            pace=self.pace,
            stopping=self.stopping,
            finished=self._finished,
            ahead=head_start,
            carried_past=CarriedPast(now, timedelta(seconds=every)) if (every := self.options.carried_past) else None,
        )

    def _finished(self, panel: Panel) -> None:
        self._to_repair += sum(board.failed_at is not None for board in panel.boards)
        if self.panels is None or time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            of = "" if self.panels is None else f" of {self.panels}"
            self._write(f"panel {panel.number}{of} built, {self._waiting()} events on their way")

    def _drain(self) -> int:
        deadline = time.monotonic() + self.options.drain_timeout
        left = list(self.stations)
        while left and not self.stopping.is_set():
            left = [station for station in left if not station.link.wait_until_drained(_TELL_EVERY / len(left))]
            if left and time.monotonic() - self._told > _TELL_EVERY:
                self._told = time.monotonic()
                self._write(f"all panels built, {self._waiting()} events on their way")
            if left and time.monotonic() > deadline:
                for station in left:
                    trouble = station.link.trouble or "no receipt has come"
                    sys.stderr.write(f"{station.handle}: {len(station.spool)} events wait. {trouble}\n")
                return 3
        if left:
            return 130
        return 1 if any(station.spool.rejected_count for station in self.stations) else 0

    def _waiting(self) -> int:
        return sum(len(station.spool) for station in self.stations)

    def _tell(self) -> None:
        reported = sum(station.reported for station in self.stations)
        rejected = sum(station.spool.rejected_count for station in self.stations)
        self._write(
            f"{reported} events reported, {self._waiting()} waiting, {rejected} rejected; "
            f"{self._to_repair} boards to repair"
        )

    def _write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _bad_lot(program: Program, asked: str, seed: int) -> str:
    """Give the part number whose lot is bad; "any" picks one that a board carries once to four times."""
    counts: dict[str, int] = {}
    for component in program.components:
        if component.assembly == "machine":
            counts[component.part_number] = counts.get(component.part_number, 0) + 1
    if asked == "any":
        few = sorted(name for name, count in counts.items() if count <= 4)
        return random.Random(f"{seed}/bad lot").choice(few or sorted(counts))  # noqa: S311 - a simulation
    if asked and asked not in counts:
        raise OptionError(f"--bad-lot {asked!r} is no part the machines place on {program.name}.")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
