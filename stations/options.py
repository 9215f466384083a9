"""Command-line options that the line and a single station share."""

import argparse
import json
import secrets
import time
from dataclasses import fields
from pathlib import Path
from typing import Final

from stations.faults import NO_FAULTS, Faults
from stations.gate import GateSettings
from stations.link import LinkSettings
from stations.program import OUR_BOARD
from stations.serials import base36

_EPOCH: Final = 1_704_067_200  # 2024-01-01


class OptionError(ValueError):
    """What was asked for cannot be; the message says what to change."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what is built, where events go, and which faults are switched on."""
    built = parser.add_argument_group("what is built")
    built.add_argument("--program", type=Path, default=OUR_BOARD, help="placement program (default: our own board)")
    built.add_argument("--panels", default="10", metavar="N|forever", help="how many panels (default %(default)s)")
    built.add_argument("--boards-per-panel", type=int, default=6, metavar="N")
    built.add_argument("--seed", type=int, default=1, help="the same seed gives the same line")
    built.add_argument("--run", help="letters and digits that keep this run's serials apart (default: from the clock)")
    built.add_argument("--takt", type=float, default=30.0, help="seconds between two panels (default %(default)s)")
    told = parser.add_argument_group("who is told")
    told.add_argument("--broker", default="mqtt://127.0.0.1:1883", metavar="URL", help="mqtt:// or mqtts://")
    told.add_argument("--credentials", type=Path, metavar="FILE", help='JSON {"handle": "token", ...}')
    told.add_argument("--data", type=Path, default=Path(".data/stations"), help="folder of the spools")
    told.add_argument("--mqtt-version", choices=("3.1.1", "5"), default="3.1.1")
    told.add_argument("--receipt-timeout", type=float, default=10.0, metavar="SECONDS")
    told.add_argument("--compress-above", type=int, metavar="BYTES", help="gzip larger payloads")
    told.add_argument("--ca-file", metavar="FILE", help="certificate authority of a broker with TLS")
    told.add_argument("--spool-bytes", type=int, default=512 * 1024 * 1024, metavar="BYTES")
    told.add_argument("--gate", action="store_true", help="ask the product before a panel is taken in")
    told.add_argument("--gate-timeout", type=float, default=2.0, metavar="SECONDS", help="(default %(default)s)")
    told.add_argument(
        "--gate-patience",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="for reports on their way (default %(default)s)",
    )
    told.add_argument("--journal", action="store_true", help="keep a journal of every confirmed event (fault tests)")
    told.add_argument("--log-format", choices=("auto", "json", "console"), default="auto")
    wrong = parser.add_argument_group("what goes wrong (rates from 0 to 1)")
    wrong.add_argument("--no-faults", action="store_true", help="a line on which nothing goes wrong of itself")
    for each in fields(Faults):
        option = "--" + each.name.replace("_", "-")
        if each.type is str:
            wrong.add_argument(option, default=None, metavar="PART|any", help="this part's second lot is bad")
        else:
            wrong.add_argument(option, type=float, default=None, metavar="X", help=f"(default {each.default})")


def faults_from(options: argparse.Namespace) -> Faults:
    """Give the faults asked for. Raises OptionError for a rate that is none."""
    base = NO_FAULTS if options.no_faults else Faults()
    asked = {each.name: getattr(options, each.name) for each in fields(Faults)}
    try:
        return Faults(**{name: getattr(base, name) if value is None else value for name, value in asked.items()})
    except ValueError as error:
        raise OptionError(str(error)) from error


def link_settings_from(options: argparse.Namespace) -> LinkSettings:
    """Give how the links behave."""
    return LinkSettings(
        mqtt_version=options.mqtt_version,
        receipt_timeout=options.receipt_timeout,
        longest_timeout=12 * options.receipt_timeout,
        compress_above=options.compress_above,
        ca_file=options.ca_file,
    )


def gate_settings_from(options: argparse.Namespace) -> GateSettings | None:
    """Give how the stations ask the gate; None: they do not."""
    return GateSettings(timeout=options.gate_timeout, patience=options.gate_patience) if options.gate else None


def panels_from(options: argparse.Namespace) -> int | None:
    """Give how many panels, None for "forever". Raises OptionError."""
    if options.panels == "forever":
        return None
    try:
        panels = int(options.panels)
    except ValueError:
        panels = 0
    if panels < 1:
        raise OptionError(f"--panels {options.panels!r} must be a number from 1, or forever.")
    return panels


def tokens_from(options: argparse.Namespace) -> dict[str, str]:
    """Give the stations' tokens by handle. Raises OptionError where the file holds none."""
    if options.credentials is None:
        return {}
    try:
        tokens = json.loads(options.credentials.read_text())
    except (OSError, ValueError) as error:
        raise OptionError(f"The credentials {options.credentials} cannot be read ({error}).") from error
    if not isinstance(tokens, dict) or not all(isinstance(value, str) for value in tokens.values()):
        raise OptionError(f'{options.credentials} must read {{"handle": "token", ...}}.')
    return tokens


def run_code() -> str:
    """Give letters and digits that no other run has: the second it began, and chance."""
    return base36(int(time.time()) - _EPOCH, 6) + base36(secrets.randbelow(36 * 36), 2)
