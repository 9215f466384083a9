"""Label printers on the network: planned once by name, then printed to over TCP (port 9100, "raw")."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid, NotFound, Unavailable
from app.labels.models import LabelPrinter
from app.labels.zpl import Media
from app.people import record_audit
from app.sentences import Sentence

RAW_PORT = 9100
_PATIENCE = 10.0  # s
_RESOLUTIONS = (6, 8, 12, 24)


@dataclass(frozen=True, slots=True)
class Printer:
    """A printer and the label in it."""

    name: str
    host: str
    port: int
    media: Media


def printers(connection: Connection) -> Sequence[Printer]:
    """Every label printer, by name."""
    rows = connection.execute(select(LabelPrinter).order_by(LabelPrinter.name).with_only_columns(*_COLUMNS))
    return [Printer(row.name, row.host, row.port, Media(row.width, row.height, row.dots_per_mm)) for row in rows]


_COLUMNS = (
    LabelPrinter.name, LabelPrinter.host, LabelPrinter.port, LabelPrinter.width, LabelPrinter.height,
    LabelPrinter.dots_per_mm,
)  # fmt: skip


def find_printer(connection: Connection, name: str) -> Printer:
    """The printer of this name. Raises `NotFound`."""
    found = next((one for one in printers(connection) if one.name == name), None)
    if found is None:
        raise NotFound(
            Sentence("There is no label printer called %(printer)s. The page Labels lists them.", printer=name)
        )
    return found


def plan_printer(connection: Connection, printer: Printer, *, actor: str) -> None:
    """Add a printer, or change the one of this name. Raises `Invalid` for what no printer has."""
    media = printer.media
    if not printer.name.strip() or not printer.host.strip():
        raise Invalid(Sentence("A printer needs a name and an address."))
    if not 1 <= printer.port <= 65535:
        raise Invalid(
            Sentence(
                "%(port)s is no port; label printers listen on %(number_usual)s.",
                port=printer.port,
                number_usual=RAW_PORT,
            )
        )
    if media.dots_per_mm not in _RESOLUTIONS or not (10 <= media.width <= 220 and 5 <= media.height <= 400):
        raise Invalid(
            Sentence("A label is 10 to 220 mm wide and 5 to 400 mm high; printers have 6, 8, 12 or 24 dots/mm.")
        )
    values = {
        "host": printer.host.strip(), "port": printer.port, "width": media.width, "height": media.height,
        "dots_per_mm": media.dots_per_mm,
    }  # fmt: skip
    name = printer.name.strip()
    connection.execute(
        insert(LabelPrinter)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=[LabelPrinter.name], set_=values)
    )
    record_audit(connection, actor=actor, deed="label_printer.planned", subject=f"printer:{name}", **values)


def remove_printer(connection: Connection, name: str, *, actor: str) -> None:
    """Forget a printer. Raises `NotFound` where none has this name."""
    gone = connection.execute(
        delete(LabelPrinter).where(LabelPrinter.name == name).returning(LabelPrinter.name)
    ).one_or_none()
    if gone is None:
        raise NotFound(Sentence("There is no label printer called %(printer)s.", printer=name))
    record_audit(connection, actor=actor, deed="label_printer.removed", subject=f"printer:{name}")


def send(printer: Printer, job: bytes) -> None:
    """Hand a job to the printer. Raises `Unavailable` where it does not take all of it.

    The printer says nothing back: what it took may still wait for paper.
    """
    try:
        with socket.create_connection((printer.host, printer.port), timeout=_PATIENCE) as connection:
            connection.sendall(job)
            connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        raise Unavailable(
            Sentence(
                "The printer %(printer)s (%(host)s:%(port)s) did not take the labels: %(problem)s. Check "
                "that it is switched on and connected, look whether labels came out, and print what is "
                "missing again.",
                printer=printer.name,
                host=printer.host,
                port=printer.port,
                problem=str(error),
            )
        ) from error
