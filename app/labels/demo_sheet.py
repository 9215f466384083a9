"""The demo's sheet of codes: everything a visitor needs to try a station with a scanner or a phone's camera."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.labels.contents import Label, badge_label, control_sheet, serial_label, slot_label
from app.labels.printing import reel_labels, station_labels
from app.labels.symbols import Symbology


@dataclass(frozen=True, slots=True)
class DemoBadge:
    """A badge with the PIN that goes with it; only a demo prints the two on one sheet."""

    name: str
    role: str
    payload: str
    pin: str


@dataclass(frozen=True, slots=True)
class Noted:
    """An identifier, and what a visitor should know of it: `good for slot PM01-S03`, `of the bad lot`."""

    identifier: str
    note: str


def demo_sheet(
    connection: Connection,
    *,
    badges: Sequence[DemoBadge],
    station: str,
    slots: Sequence[str],
    reels: Sequence[Noted],
    serials: Sequence[Noted],
) -> list[Label]:
    """The labels, in the order in which somebody at a station needs them. Raises `NotFound` for an unknown reel."""
    labels = [
        replace(badge_label(one.payload, one.name, one.role), lines=(one.role, f"PIN {one.pin}")) for one in badges
    ]
    labels += station_labels(connection)
    labels += control_sheet()
    labels += [slot_label(station, slot) for slot in slots]
    for label, noted in zip(
        reel_labels(connection, [one.identifier for one in reels], Symbology.qr) if reels else (), reels, strict=True
    ):
        labels.append(replace(label, lines=(noted.note, *label.lines)))
    labels += [replace(serial_label(one.identifier, Symbology.data_matrix), lines=(one.note,)) for one in serials]
    return labels
