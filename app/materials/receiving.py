"""Receive a package: a person or a script says what arrived, by its label or field by field."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, text, update

from app.errors import Conflict, Invalid
from app.materials.labels import Label, read_label
from app.materials.models import Package
from app.materials.packages import PackageDescription, describe_packages
from app.people import record_audit
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is said of a package that arrived; None where nothing is said.

    `part_number` is the factory's (or the customer's) own number of the part, the one bills of
    material use. `delivery` is the number of the delivery note, `surface_finish` a bare board's
    (ENIG, OSP ...). `identifier` is the package's own; without one the factory gives it a number.
    """

    identifier: str | None = None
    part_number: str | None = None
    part_revision: str | None = None
    lot: str | None = None
    manufacturer: str | None = None
    manufacturer_part_number: str | None = None
    vendor: str | None = None
    vendor_part_number: str | None = None
    date_code: str | None = None
    delivery: str | None = None
    surface_finish: str | None = None
    quantity: float | None = None
    expires_at: datetime | None = None


LONGEST_FIELD = 256


def receive_package(connection: Connection, arrival: Arrival, *, label: str | None = None, actor: str) -> str:
    """Receive one package and return its identifier.

    What the label says and what is said besides must not contradict each other. A package that a
    machine named before becomes planned, with what is known of it now. Raises `Invalid` where the
    label cannot be read with certainty or too little is known, `Conflict` where the package was
    received before; nothing is stored then.
    """
    said = _with_label(arrival, label) if label is not None else arrival
    said = _clean(said)
    part_number = said.part_number or said.manufacturer_part_number or said.vendor_part_number
    if part_number is None:
        raise Invalid(
            Sentence(
                "Neither label nor fields say which part this is. Give part_number, the number that bills "
                "of material use."
            )
        )
    if said.quantity is not None and not 0 < said.quantity < 1e12:
        raise Invalid(Sentence("A package holds more than zero pieces, not %(pieces)s.", pieces=said.quantity))
    identifier = said.identifier or _next_identifier(connection)
    now = datetime.now(UTC)
    _refuse_second_receipt(connection, identifier)
    describe_packages(
        connection,
        [
            PackageDescription(
                identifier=identifier,
                part_number=part_number,
                described_at=now,
                lot_code=said.lot,
                manufacturer=said.manufacturer,
                manufacturer_part_number=said.manufacturer_part_number,
                vendor=said.vendor,
                vendor_part_number=said.vendor_part_number,
                date_code=said.date_code,
                initial_quantity=said.quantity,
                quantity=said.quantity,
                expires_at=said.expires_at,
                received_on=now,
                deliveries=_deliveries(said.delivery, label),
                surface_finish=said.surface_finish,
            )
        ],
    )
    if said.part_revision is not None:
        of_package = Package.identifier == identifier
        connection.execute(update(Package).where(of_package).values(part_revision=said.part_revision))
    told = {name: value for name, value in asdict(said).items() if value is not None}
    if said.expires_at:
        told["expires_at"] = said.expires_at.isoformat()
    record_audit(connection, actor=actor, deed="package.received", subject=f"package:{identifier}",
                 label=label, **told)  # fmt: skip
    return identifier


def _deliveries(delivery: str | None, scan: str | None) -> tuple[str, ...]:
    """The numbers a delivery may be looked up by: of its note, and those on the label."""
    label = read_label(scan) if scan is not None else Label()
    numbers = (delivery, label.packing_list, label.invoice, label.sales_order, label.customer_order)
    return tuple(dict.fromkeys(number for number in numbers if number))


def _with_label(arrival: Arrival, scan: str) -> Arrival:
    read = _of_label(read_label(scan))
    merged = {}
    for field in fields(Arrival):
        given, on_label = getattr(arrival, field.name), getattr(read, field.name)
        ours = field.name in {"identifier", "part_number"}  # may differ from what is printed
        if not ours and None not in (given, on_label) and given != on_label:
            raise Invalid(
                Sentence(
                    "The label says %(field)s %(on_label)s, the request says %(given)s. Correct the one that "
                    "is wrong; nothing was stored.",
                    field=field.name,
                    on_label=on_label,
                    given=given,
                )
            )
        merged[field.name] = given if given is not None else on_label
    return Arrival(**merged)


def _of_label(label: Label) -> Arrival:
    # P is our own number of the part, but distributors print theirs there.
    own = label.customer_part_number
    return Arrival(
        identifier=label.package_identifier,
        part_revision=label.part_revision,
        part_number=None if own == label.vendor_part_number else own,
        lot=label.lot_code,
        manufacturer=label.manufacturer,
        manufacturer_part_number=label.manufacturer_part_number,
        vendor=label.vendor,
        vendor_part_number=label.vendor_part_number,
        date_code=label.date_code,
        quantity=label.quantity,
    )


def _clean(said: Arrival) -> Arrival:
    """Without blanks around texts; an empty text says nothing."""
    changes: dict[str, str | None] = {}
    for field in fields(Arrival):
        value = getattr(said, field.name)
        if not isinstance(value, str):
            continue
        value = value.strip()
        if len(value) > LONGEST_FIELD or not value.isprintable():
            raise Invalid(
                Sentence(
                    "%(field)s must have at most %(count_most)s printable characters. Scan or type it again.",
                    field=field.name,
                    count_most=LONGEST_FIELD,
                )
            )
        changes[field.name] = value or None
    return replace(said, **changes)  # type: ignore[arg-type]


def _refuse_second_receipt(connection: Connection, identifier: str) -> None:
    # Two scanners may receive one package at the same moment: the second waits here for the first.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"package {identifier}", 0))))
    received_on = connection.execute(
        select(Package.received_on).where(Package.identifier == identifier, Package.received_on.is_not(None))
    ).scalar_one_or_none()
    if received_on is not None:
        raise Conflict(
            Sentence(
                "Package %(package)s was received on %(time)s already. If this is another package, "
                "give it an identifier of its own.",
                package=identifier,
                time=received_on,
            )
        )


def _next_identifier(connection: Connection) -> str:
    """A number of our own, one that no package bears yet."""
    taken = text("SELECT EXISTS (SELECT FROM package WHERE identifier = :identifier)")
    while True:
        number = connection.execute(
            text("SELECT nextval(pg_get_serial_sequence('package', 'package_id'))")
        ).scalar_one()
        identifier = f"P-{number:06d}"
        if not connection.execute(taken, {"identifier": identifier}).scalar_one():
            return identifier
