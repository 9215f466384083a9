"""Who prints what: labels of what is known here, and the trail of every print."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.errors import Invalid, NotFound
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
from app.labels.sheets import MOST
from app.labels.symbols import Symbology
from app.lines.queries import stations
from app.materials.queries import package
from app.people import issue_badge, people, record_audit, spoken
from app.sentences import Sentence


def serial_labels(serials: Sequence[str], symbology: Symbology, *, product: str | None, copies: int) -> list[Label]:
    """A label for each serial, `copies` times one after the other."""
    if not 1 <= copies <= 100:
        raise Invalid(Sentence("%(count)s copies of a label are not printed: 1 to 100 are.", count=copies))
    _bounded(len(serials) * copies)
    return [serial_label(serial, symbology, product=product) for serial in serials for _ in range(copies)]


def reel_labels(connection: Connection, identifiers: Sequence[str], symbology: Symbology) -> list[Label]:
    """A label for each package, saying what is on record of it. Raises `NotFound` for one that is not known."""
    _bounded(len(identifiers))
    labels = []
    for identifier in identifiers:
        known = package(connection, identifier)
        if known is None:
            raise NotFound(
                Sentence(
                    "No reel %(package)s is known here. Receive it first, or check the spelling.", package=identifier
                )
            )
        reel = Reel(
            known.identifier,
            known.part_number,
            known.lot,
            known.quantity,
            known.date_code,
            known.manufacturer_part_number,
        )
        labels.append(reel_label(reel, symbology))
    return labels


def station_labels(connection: Connection, handles: Sequence[str] = ()) -> list[Label]:
    """A label for each of these stations, or for all."""
    known = {one.handle: one for one in stations(connection)}
    unknown = [handle for handle in handles if handle not in known]
    if unknown:
        raise NotFound(
            Sentence("No station %(station)s is known here. The page Stations lists them.", station=unknown[0])
        )
    return [station_label(handle, known[handle].title) for handle in (handles or known)]


def slot_labels(connection: Connection, handle: str, slots: Sequence[str]) -> list[Label]:
    """A label for each of these slots of a station."""
    if not any(one.handle == handle for one in stations(connection)):
        raise NotFound(Sentence("No station %(station)s is known here. The page Stations lists them.", station=handle))
    _bounded(len(slots))
    return [slot_label(handle, slot) for slot in slots]


def control_labels() -> list[Label]:
    """The control sheet."""
    return list(control_sheet())


def badge_labels(connection: Connection, name: str, *, actor: str) -> list[Label]:
    """A new badge for somebody; the one they had is no longer in force. Only this print shows its code."""
    payload = issue_badge(connection, name=name, actor=actor)
    role = next(one.role for one in people(connection) if one.name == name)
    return [badge_label(payload, name, spoken(role))]


def record_print(connection: Connection, labels: Sequence[Label], *, kind: str, onto: str, actor: str) -> None:
    """Write down who printed which labels onto what."""
    titles = [label.title for label in labels[:20]]
    record_audit(
        connection, actor=actor, deed="labels.printed", subject=kind, labels=titles, count=len(labels), onto=onto
    )


def _bounded(count: int) -> None:
    if not count:
        raise Invalid(Sentence("There is nothing to print: name at least one."))
    if count > MOST:
        raise Invalid(
            Sentence(
                "At most %(count_most)s labels are printed at once, not %(count)s.",
                count_most=f"{MOST:,}",
                count=f"{count:,}",
            )
        )
