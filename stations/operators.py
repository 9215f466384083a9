"""The people who load a line's machines: they look at each set-up and scan what nobody has scanned yet.

They use the door that a hand scanner uses. ``GET /api/v1/setup`` says what is in the slots, who verified it and what
speaks against it; ``POST /api/v1/setup/verifications`` takes the scan of a slot and of a reel, for a splice also of the
reel in the feeder. What is refused anyway they leave to whoever may decide about it.

    python -m stations.operators --product http://127.0.0.1:8080 --token-file FILE HANDLE...

It runs until Ctrl-C or SIGTERM. While the product is away nothing is scanned, and everything once it is back.
"""

import argparse
import contextlib
import http.client
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
import structlog

from stations.logs import configure_logging
from stations.signals import stop_on_signals

log = structlog.get_logger()

_EVERY: Final = 2.0  # seconds until somebody has scanned what was loaded
_PATIENCE: Final = 10.0  # seconds to wait for an answer


class Slot(msgspec.Struct, frozen=True):
    """What the product says of a slot, as far as whoever loads it looks; see the REST documentation of `setup`."""

    slot: str
    lane: str | None
    package: str | None
    loaded_since: datetime | None
    verified_by: str | None
    reasons: list[dict[str, Any]]


class _Setup(msgspec.Struct, frozen=True):
    required: bool
    slots: list[Slot]


class _Check(msgspec.Struct, frozen=True):
    accepted: bool
    reasons: list[dict[str, Any]]


class Scan(NamedTuple):
    """A reel scanned at a slot, or behind the one that it is spliced to; `at`: when, if not now."""

    slot: str
    label: str
    replaces: str | None
    at: datetime | None


class Refused(Exception):
    """The product does not take what was asked; the message is its own."""


class Door:
    """The product's REST interface, over one connection that is made again where it ended."""

    def __init__(self, product: str, token: str, certificate: Path | None = None) -> None:
        address = urlsplit(product)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"The product's address {product!r} must read http://host:port or https://host:port.")
        self._header = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if address.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                address.hostname, address.port, timeout=_PATIENCE, context=_trusting(certificate)
            )
        else:
            self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_PATIENCE)

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """Ask and give what was answered. Raises `Refused`; OSError or HTTPException where the product is away."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, f"/api/v1{path}", content, self._header)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(said.decode(errors="replace"))
        return said

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _trusting(certificate: Path | None) -> ssl.SSLContext:
    """Trust this very certificate, whatever name it was made for; without one, what the system trusts."""
    context = ssl.create_default_context(cafile=certificate)
    if certificate is not None:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def to_scan(slots: Sequence[Slot]) -> Iterator[Scan]:
    """What nobody has verified yet, and what clears a slot that a wrong scan has blocked.

    In a lane the reel in the feeder comes first, then what is spliced behind it.
    """
    in_feeder: dict[tuple[str, str | None], str] = {}
    for one in slots:
        if one.package is None:
            continue
        first = in_feeder.setdefault((one.slot, one.lane), one.package)
        against = {reason["code"] for reason in one.reasons}
        if against == {"location_blocked"} or (one.verified_by is None and not against):
            # By the time of the machine's own report: if it says next that the reel is out, it is.
            yield (
                Scan(one.slot, one.package, None, one.loaded_since)
                if first == one.package
                else Scan(one.slot, one.package, first, None)
            )


def look_at(door: Door, station: str) -> None:
    """Look at one machine's set-up and scan what is to be scanned, once it builds something that is planned for it.

    Before each scan they look again: a line does not stand still meanwhile.
    """
    while True:
        found = msgspec.json.decode(door.ask("GET", f"/setup?station={quote(station, safe='')}"), type=_Setup)
        scan = next(to_scan(found.slots), None) if found.required else None
        if scan is None:
            return
        said = {"station": station, "slot": scan.slot, "label": scan.label}
        said |= {"replaces": scan.replaces} if scan.replaces else {}
        said |= {"recorded_at": scan.at.isoformat()} if scan.at else {}
        try:
            check = msgspec.json.decode(door.ask("POST", "/setup/verifications", said), type=_Check)
        except Refused as refused:  # it was taken out meanwhile
            log.info("operator.scan_not_taken", station=station, slot=scan.slot, reason=str(refused))
            return
        if not check.accepted:
            log.info("operator.scan_refused", station=station, slot=scan.slot, reasons=check.reasons)
            return


def work(door: Door, stations: Sequence[str], stopping: threading.Event) -> None:
    """Go from machine to machine until asked to stop."""
    away = False
    while not stopping.wait(_EVERY):
        try:
            for station in stations:
                look_at(door, station)
        except (OSError, http.client.HTTPException, Refused, msgspec.DecodeError) as error:
            if not away:
                log.warning("operator.product_away", reason=str(error))
            away = True
        else:
            away = False


def main(arguments: list[str] | None = None) -> int:
    """Scan until asked to stop; 2 where it cannot begin."""
    parser = argparse.ArgumentParser(
        prog="python -m stations.operators", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stations", nargs="+", metavar="HANDLE", help="the machines they load")
    parser.add_argument("--product", required=True, metavar="URL", help="where the product answers")
    parser.add_argument("--token-file", required=True, type=Path, metavar="FILE", help="a token of an operator")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="trust the product's certificate in this file")
    parser.add_argument("--log-format", choices=("auto", "json", "console"), default="auto")
    options = parser.parse_args(arguments)
    configure_logging(options.log_format)
    try:
        door = Door(options.product, options.token_file.read_text().strip(), options.certificate)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopping = threading.Event()
    with stop_on_signals(stopping), contextlib.closing(door):
        work(door, options.stations, stopping)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
