"""What each kind of label says, to a scanner and to a person. Pure.

Codes of ours (badge, station, slot, control) carry length and check value (`app.scanning.codes`); a
serial is itself; a reel's label is ISO/IEC 15434 format 06 with MH10.8.2 data identifiers, as its
maker would have printed it, and `app.materials.labels` reads it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import Invalid
from app.labels.symbols import Symbology
from app.scanning.codes import CodeKind, Control, layout_test, make_code, slot_code
from app.sentences import Sentence

RS, GS, EOT = "\x1e", "\x1d", "\x04"
_LONGEST_SERIAL = 64


@dataclass(frozen=True, slots=True)
class Label:
    """One label: what its code holds, its headline and the lines below."""

    symbology: Symbology
    content: str
    title: str
    lines: tuple[str, ...] = ()


def serial_label(serial: str, symbology: Symbology, *, product: str | None = None) -> Label:
    """The label of a unit. Raises `Invalid` for a serial with control characters or no character at all."""
    serial = serial.strip()
    if not serial or not serial.isprintable() or len(serial) > _LONGEST_SERIAL:
        raise Invalid(
            Sentence(
                "%(typed)s cannot be printed as a serial: it has 1 to %(count_most)s visible signs.",
                typed=repr(serial[:80]),
                count_most=_LONGEST_SERIAL,
            )
        )
    return Label(symbology, serial, serial, (product,) if product else ())


@dataclass(frozen=True, slots=True)
class Reel:
    """What a reel's label says; None where it does not say it."""

    identifier: str
    part_number: str | None = None
    lot: str | None = None
    quantity: float | None = None
    date_code: str | None = None
    manufacturer_part_number: str | None = None


def reel_label(reel: Reel, symbology: Symbology) -> Label:
    """The label of a package: ISO/IEC 15434 format 06 with P, 1P, Q, 10D, 1T and S."""
    if symbology is Symbology.micro_qr:
        raise Invalid(Sentence("A reel's label does not fit into a Micro QR code. Choose QR or Data Matrix."))
    quantity = None if reel.quantity is None else f"{reel.quantity:.6f}".rstrip("0").rstrip(".")
    fields: Mapping[str, str | None] = {
        "P": reel.part_number, "1P": reel.manufacturer_part_number, "Q": quantity, "10D": reel.date_code,
        "1T": reel.lot, "S": reel.identifier,
    }  # fmt: skip
    lines = tuple(f"{name} {value}" for name, value in (
        ("Part", reel.part_number), ("Lot", reel.lot), ("Qty", quantity), ("Date", reel.date_code),
    ) if value)  # fmt: skip
    return Label(symbology, iso_15434(fields), reel.identifier, lines)


def iso_15434(fields: Mapping[str, str | None]) -> str:
    """A message of format 06: header, fields, trailer (ISO/IEC 15434:2019 clause 5.3). Empty fields are left out."""
    said = [f"{identifier}{value}" for identifier, value in fields.items() if value]
    for field in said:
        if not field.isprintable() or not field.isascii():
            raise Invalid(
                Sentence(
                    "%(typed)s cannot stand on a label: letters, digits and signs of ASCII only.", typed=repr(field)
                )
            )
    return f"[)>{RS}06{GS}{GS.join(said)}{RS}{EOT}"


def badge_label(payload: str, name: str, role: str) -> Label:
    """Somebody's badge; the payload is a secret, and only a code shows it."""
    return Label(Symbology.qr, make_code(CodeKind.badge, payload), name, (role,))


def station_label(handle: str, title: str) -> Label:
    """What hangs at a station."""
    return Label(Symbology.qr, make_code(CodeKind.station, handle), title, (handle,))


def slot_label(handle: str, slot: str) -> Label:
    """What is stuck beside a slot."""
    return Label(Symbology.qr, slot_code(handle, slot), slot, (handle,))


_CONTROLS = {
    Control.passed: ("PASS", "This unit passed"),
    Control.failed: ("FAIL", "This unit failed"),
    Control.repeat: ("REPEAT", "The same once more"),
    Control.undo: ("UNDO", "Take the last scan back"),
}


def control_sheet() -> Sequence[Label]:
    """In place of buttons, for hands in gloves; and the test of scanner and keyboard."""
    controls = [
        Label(Symbology.qr, make_code(CodeKind.control, control.value), word, (says,))
        for control, (word, says) in _CONTROLS.items()
    ]
    return [*controls, Label(Symbology.qr, layout_test(), "LAYOUT TEST", ("Do scanner and", "computer agree?"))]
