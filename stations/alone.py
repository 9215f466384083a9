"""One station as a program of its own: ``python -m stations.aoi --handle Birthmark.AOI.AOI01 ...``.

It runs the same station program as on the line, with a machine that is fed bare panels of its own,
one every `--takt` seconds; the fault tests start eight of these and kill what is around them.
It ends when its panels are built and every event has its receipt (exit code 0; 1 where the product
rejected one; 3 where receipts are missing after `--drain-timeout`), or on SIGTERM or Ctrl-C.
"""

import argparse
import contextlib
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

from stations.connection import LinkError
from stations.logs import configure_logging
from stations.machine import Machine, Setup
from stations.options import (
    OptionError,
    add_options,
    faults_from,
    link_settings_from,
    panels_from,
    run_code,
    tokens_from,
)
from stations.panels import bare_panel
from stations.program import ProgramError, read_program
from stations.scanning import mark
from stations.signals import stop_on_signals
from stations.spool import SpoolInUse
from stations.station import Station, StationSettings, Stopped


def run_alone(kind: type[Machine], arguments: list[str] | None = None) -> int:
    """Run one machine of a kind until its panels are built or it is told to stop."""
    parser = argparse.ArgumentParser(prog=f"python -m {kind.__module__}", description=kind.__doc__)
    add_options(parser)
    parser.add_argument("--handle", default=f"Birthmark.{kind.model}.01", help="CFX handle (default %(default)s)")
    parser.add_argument("--token", help="the handle's token, instead of --credentials")
    parser.add_argument("--drain-timeout", type=float, default=120.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    configure_logging(options.log_format)
    stopping = threading.Event()
    try:
        station = _station(kind, options, stopping)
    except (OptionError, ProgramError, SpoolInUse, LinkError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with stop_on_signals(stopping):
        station.start()
        with contextlib.suppress(Stopped):
            _build(station, options, stopping)
        drained = stopping.is_set() or station.link.wait_until_drained(options.drain_timeout)
        waiting, rejected = len(station.spool), station.spool.rejected_count
        station.stop()
    sys.stdout.write(f"{station.handle}: {station.reported} events reported, {waiting} waiting, {rejected} rejected\n")
    return 3 if not drained else 1 if rejected else 0


def _station(kind: type[Machine], options: argparse.Namespace, stopping: threading.Event) -> Station:
    # Stations that run alone share no panels: their serials carry the station's.
    run = options.run or run_code() + options.handle.rpartition(".")[2].upper()
    setup = Setup(
        program=read_program(options.program),
        faults=faults_from(options),
        seed=options.seed,
        run=run,
        takt=options.takt,
        boards_per_panel=options.boards_per_panel,
    )
    token = options.token or tokens_from(options).get(options.handle, "")
    settings = StationSettings(
        data=options.data,
        broker_url=options.broker,
        link=link_settings_from(options),
        spool_bytes=options.spool_bytes,
        journal=options.journal,
    )
    return Station(kind(options.handle, setup), token, settings, stopping=stopping)


def _build(station: Station, options: argparse.Namespace, stopping: threading.Event) -> None:
    machine, panels = station.machine, panels_from(options)
    # The visit is told as a whole once it is over; it began so long ago that nothing of it lies ahead.
    lasted = timedelta(seconds=(machine.pass_time + 2) * machine.setup.takt)
    station.report(machine.start_up(datetime.now(UTC) - lasted))
    due = time.monotonic()
    number = 0
    while not stopping.is_set() and (panels is None or number < panels):
        number += 1
        panel = bare_panel(machine.setup.run, number, 1, machine.setup.boards_per_panel)
        if machine.reads_marks:
            panel.mark = mark(panel.identifier, machine.chance, machine.faults.bad_mark)
            for board in panel.boards:
                board.mark = mark(board.serial, machine.chance, machine.faults.bad_mark)
        side = machine.program.sides[number % len(machine.program.sides)]
        station.report(machine.work(panel, side, datetime.now(UTC) - lasted).said)
        due = max(due + machine.setup.takt, time.monotonic() - machine.setup.takt)
        stopping.wait(max(0.0, due - time.monotonic()))
