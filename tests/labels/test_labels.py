"""Every label that is printed, on paper or by a label printer, reads back as what it says."""

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import Connection

from app.embedded import processes
from app.errors import Invalid, NotFound, Unavailable
from app.labels.contents import (
    Label,
    Reel,
    badge_label,
    control_sheet,
    reel_label,
    serial_label,
    slot_label,
    station_label,
)
from app.labels.printers import Printer, find_printer, plan_printer, printers, remove_printer, send
from app.labels.sheets import MOST, SHEETS, pdf
from app.labels.symbols import Symbology
from app.labels.zpl import Media, zpl
from app.materials.labels import read_label
from app.scanning.codes import CodeKind, Control, read_code
from app.scanning.rules import ScanKind, read_scan
from tests.labels.printed import drawn, labels_of, pages, read_texts

REEL = Reel("R/90 +5%", "100-0042", "LOT+7", 5000, "2631", "RC0603FR-07")
STATION = "Birthmark.Bench.HA01"
LABELS = [
    *(serial_label("K3F9A2-00001-X", symbology, product="Field node rev B") for symbology in Symbology),
    reel_label(REEL, Symbology.qr),
    reel_label(REEL, Symbology.data_matrix),
    badge_label("A" * 26, "Zoë Müller", "operator"),
    station_label(STATION, "Hand assembly"),
    slot_label(STATION, "F12-L"),
    *control_sheet(),
]


@pytest.mark.parametrize("name", ["a4-24", "a4-8", "letter-30", "roll-60x40"])
def test_every_label_of_every_sheet_reads_back(name: str) -> None:
    sheet = SHEETS[name]
    labels = LABELS if sheet.label_height > 30 else [one for one in LABELS if len(one.content) < 60]
    printed = [label for page in pages(pdf(labels, sheet)) for label in labels_of(page, sheet)]
    assert [read_texts(label) for label in printed[: len(labels)]] == [{label.content} for label in labels]
    assert all(label.min() > 250 for label in printed[len(labels) :]), "the rest stays empty"


@pytest.mark.parametrize("symbology", Symbology)
def test_a_full_page_of_small_serials_reads_back(symbology: Symbology) -> None:
    sheet = SHEETS["a4-65"]
    labels = [serial_label(f"K3F9A2-{number:05d}", symbology) for number in range(70)]
    first, second = pages(pdf(labels, sheet), dpi=400)
    printed = [*labels_of(first, sheet), *labels_of(second, sheet)[:5]]
    assert [read_texts(label) for label in printed] == [{label.content} for label in labels]


@pytest.mark.parametrize("dots_per_mm", [8, 12, 24])
def test_every_label_of_a_label_printer_reads_back(dots_per_mm: int) -> None:
    job = zpl(LABELS, Media(60, 40, dots_per_mm)).decode()
    assert [read_texts(np.pad(label, 8, constant_values=255)) for label in drawn(job)] == [
        {label.content} for label in LABELS
    ]


def test_what_a_reel_says_is_what_receiving_reads() -> None:
    said = read_label(reel_label(REEL, Symbology.data_matrix).content)
    assert (said.package_identifier, said.customer_part_number, said.lot_code, said.quantity, said.date_code) == (
        "R/90 +5%", "100-0042", "LOT+7", 5000, "2631",
    )  # fmt: skip
    assert said.manufacturer_part_number == "RC0603FR-07"


def test_codes_of_ours_are_told_apart_by_the_station() -> None:
    kinds = [read_scan(label.content, []).kind for label in LABELS[5:]]
    assert kinds == [ScanKind.badge, ScanKind.station, ScanKind.slot, *[ScanKind.control] * 4, ScanKind.layout_test]
    said = {read_code(label.content).payload for label in control_sheet()[:4]}
    assert said == {control.value for control in Control}
    assert read_code(LABELS[6].content).payload == STATION
    assert read_code(LABELS[5].content).kind is CodeKind.badge


@pytest.mark.parametrize("serial", ["", "  ", "A\nB", "A\x1dB", "A" * 65])
def test_what_is_no_serial_is_not_printed(serial: str) -> None:
    with pytest.raises(Invalid):
        serial_label(serial, Symbology.qr)


def test_what_does_not_fit_is_refused_with_what_helps() -> None:
    long = Label(Symbology.qr, "x" * 900, "long")
    with pytest.raises(Invalid, match="larger label"):
        pdf([long], SHEETS["a4-65"])
    with pytest.raises(Invalid, match="larger label"):
        zpl([long], Media(30, 15))
    with pytest.raises(Invalid, match="another kind of code"):
        pdf([Label(Symbology.micro_qr, "x" * 40, "long")], SHEETS["a4-24"])
    with pytest.raises(Invalid, match="Micro QR"):
        reel_label(REEL, Symbology.micro_qr)
    with pytest.raises(Invalid, match="nothing to print"):
        pdf([], SHEETS["a4-24"])
    with pytest.raises(Invalid, match="At most"):
        pdf([long] * (MOST + 1), SHEETS["a4-24"])


def test_a_text_cannot_command_the_printer() -> None:
    evil = Label(Symbology.qr, "A", "^XZ^XA~JR\\5E", ("_5E\u2028",))
    job = zpl([evil], Media()).decode()
    assert job.count("^XA") == job.count("^XZ") == 1
    assert "~" not in job
    assert r"^FD\5EXZ\5EXA\7EJR\5C5E^FS" in job


class _Printer:
    """Listens as a label printer does and keeps what it was sent."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.job = b""
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        connection, _ = self.server.accept()
        with connection:
            while part := connection.recv(65536):
                self.job += part


@pytest.fixture
def listening() -> Iterator[_Printer]:
    printer = _Printer()
    yield printer
    printer.server.close()
    printer.thread.join(5)


def test_a_printer_on_the_network_gets_the_whole_job(listening: _Printer) -> None:
    labels = [serial_label(f"K3F9A2-{number:05d}", Symbology.data_matrix) for number in range(50)]
    send(Printer("P", "127.0.0.1", listening.port, Media()), zpl(labels, Media()))
    listening.thread.join(5)
    assert [read_texts(label) for label in drawn(listening.job.decode())] == [{label.content} for label in labels]


def test_a_printer_that_is_off_is_told(free_port: int) -> None:
    with pytest.raises(Unavailable, match="switched on"):
        send(Printer("P", "127.0.0.1", free_port, Media()), b"^XA^XZ")


def test_printers_are_planned_changed_and_removed(connection: Connection) -> None:
    printer = Printer("Bench 1", "192.0.2.7", 9100, Media(60, 40, 8))
    plan_printer(connection, printer, actor="t")
    changed = Printer("Bench 1", "192.0.2.8", 9100, Media(60, 40, 12))
    plan_printer(connection, changed, actor="t")
    assert list(printers(connection)) == [changed]
    assert find_printer(connection, "Bench 1") == changed
    remove_printer(connection, "Bench 1", actor="t")
    with pytest.raises(NotFound):
        find_printer(connection, "Bench 1")
    for wrong in (
        Printer("", "h", 9100, Media()),
        Printer("P", "h", 0, Media()),
        Printer("P", "h", 9100, Media(60, 40, 7)),
        Printer("P", "h", 9100, Media(5, 40, 8)),
    ):
        with pytest.raises(Invalid):
            plan_printer(connection, wrong, actor="t")


@pytest.fixture
def free_port() -> int:
    return processes.free_port()
