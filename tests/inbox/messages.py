"""CFX messages as machines send them, short to write down in a test."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, text

from app.cfx.envelope import Envelope, decode
from app.cfx.receipts import Receipt
from app.inbox.record import Delivery, Recorder

STATION = "Acme.Mounter.1"
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment of the story: so many seconds after it begins."""
    return START + timedelta(seconds=seconds)


def message(
    name: str,
    body: dict[str, Any] | bytes,
    *,
    when: float = 0.0,
    source: str | None = STATION,
    unique_id: UUID | None = None,
) -> bytes:
    """An envelope; `name` without "CFX.", a body of bytes is taken as it is."""
    head = {
        "MessageName": f"CFX.{name}",
        "Version": "1.7",
        "TimeStamp": at(when).isoformat(timespec="microseconds").replace("+00:00", "0Z"),
        "UniqueID": str(unique_id or uuid4()),
        "Source": source,
        "Target": None,
        "RequestID": None,
    }
    told = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"MessageBody":' + told + b"}"


def entry(
    unit: str | None,
    package: str | None,
    designators: Sequence[str] = (),
    *,
    position: int | None = None,
    rejected: Sequence[str] = (),
    slot: str | None = "M1.F.1",
    part_number: str = "R0603-10K",
    children: Sequence[tuple[str, str]] = (),
    **members: Any,
) -> dict[str, Any]:
    """One `InstalledMaterial`. `children` are (designator, serial) of units built in."""
    told: dict[str, Any] = {"UnitIdentifier": unit, "UnitPositionNumber": position}
    told = {name: value for name, value in told.items() if value is not None}
    told["QuantityInstalled"] = float(len(designators) + len(children))
    told["Material"] = {"UniqueIdentifier": package, "InternalPartNumber": part_number, "Quantity": 1200.0}
    if slot:
        told["CarrierLocation"] = {"LocationIdentifier": slot, "LocationName": slot.rpartition(".")[2]}
    told["InstalledComponents"] = [{"ReferenceDesignator": name} for name in designators] + [
        {"ReferenceDesignator": name, "InstalledUnitIdentifier": child} for name, child in children
    ]
    if rejected:
        told["NonInstalledComponents"] = [
            {"ReferenceDesignator": name, "RejectionReason": "BadElectricalTest"} for name in rejected
        ]
    return told | members


def installed(*entries: dict[str, Any], transaction: UUID | None = None, **envelope: Any) -> bytes:
    """`MaterialsInstalled`."""
    body: dict[str, Any] = {"TransactionId": str(transaction)} if transaction else {}
    return message("Production.Assembly.MaterialsInstalled", {**body, "InstalledMaterials": list(entries)}, **envelope)


def started(*units: tuple[str, int] | str, transaction: UUID, panel: str | None = None, **envelope: Any) -> bytes:
    """`WorkStarted` of units, each a serial or (identifier, position); `order` names the work order, `count` how many
    units there are.
    """
    body: dict[str, Any] = {"TransactionID": str(transaction), "PrimaryIdentifier": panel, "Units": positions(units)}
    if count := envelope.pop("count", None):
        body["UnitCount"] = count
    if order := envelope.pop("order", None):
        body["WorkOrderIdentifier"] = {"WorkOrderId": order}
    if recipe := envelope.pop("recipe", None):
        body["RecipeName"] = recipe
    if revision := envelope.pop("revision", None):
        body["Revision"] = revision
    return message("Production.WorkStarted", body, **envelope)


def completed(*units: tuple[str, int] | str, transaction: UUID, result: str = "Completed", **envelope: Any) -> bytes:
    """`WorkCompleted`; without units, of those of its transaction."""
    body = {"TransactionID": str(transaction), "Result": result, "Units": positions(units)}
    return message("Production.WorkCompleted", body, **envelope)


def initialized(panel: str | None, *units: tuple[str, int] | str, order: str | None = None, **envelope: Any) -> bytes:
    """`UnitsInitialized`: which serial sits where on the panel."""
    body: dict[str, Any] = {"PrimaryIdentifier": panel, "Units": positions(units)}
    if order:
        body["WorkOrderIdentifier"] = {"WorkOrderId": order}
    return message("Production.UnitsInitialized", body, **envelope)


def positions(units: Iterable[tuple[str, int] | str]) -> list[dict[str, Any]]:
    """`UnitPosition` structures."""
    return [
        {"UnitIdentifier": unit} if isinstance(unit, str) else {"UnitIdentifier": unit[0], "PositionNumber": unit[1]}
        for unit in units
    ]


def uninstalled(
    unit: str | None,
    designators: Sequence[str] = (),
    *,
    package: str | None = None,
    position: int | None = None,
    children: Sequence[tuple[str | None, str]] = (),
    transaction: UUID | None = None,
    **envelope: Any,
) -> bytes:
    """`MaterialsUninstalled` of one unit."""
    part: dict[str, Any] = {
        "UnitIdentifier": unit,
        "UnitPositionNumber": position,
        "Material": {"UniqueIdentifier": package} if package else None,
        "UninstalledComponents": [{"ReferenceDesignator": name} for name in designators]
        + [{"ReferenceDesignator": name, "InstalledUnitIdentifier": child} for name, child in children],
    }
    part = {name: value for name, value in part.items() if value is not None}
    body: dict[str, Any] = {"TransactionId": str(transaction)} if transaction else {}
    return message("Production.Assembly.MaterialsUninstalled", {**body, "UninstalledMaterials": [part]}, **envelope)


def received(*packages: tuple[str, str, str | None], **envelope: Any) -> bytes:
    """`MaterialsInitialized` of packages: (identifier, part number, lot)."""
    materials = [
        {"UniqueIdentifier": package, "InternalPartNumber": part, "ManufacturerLotCode": lot, "Manufacturer": "Vishay"}
        for package, part, lot in packages
    ]
    return message("Materials.Management.MaterialsInitialized", {"Materials": materials}, **envelope)


def record(recorder: Recorder, *payloads: bytes) -> list[Receipt]:
    """Take payloads in, in one batch; their receipts in order."""
    return [one for own in recorder.record([Delivery(payload) for payload in payloads]) for one in own]


def statuses(receipts: Iterable[Receipt]) -> list[str]:
    """Their statuses."""
    return [receipt.status for receipt in receipts]


def stored(engine: Engine, *payloads: bytes) -> None:
    """Take payloads in with a new recorder; every one must be stored."""
    receipts = record(Recorder(engine), *payloads)
    assert statuses(receipts) == ["stored"] * len(receipts), receipts


def envelopes(payload: bytes) -> list[Envelope]:
    """The envelopes of a sound payload."""
    found = decode(payload)
    assert all(isinstance(one, Envelope) for one in found), found
    return [one for one in found if isinstance(one, Envelope)]


def count(source: Engine | Connection, table: str, where: str = "true") -> int:
    """Rows of a table."""
    statement = text(f"SELECT count(*) FROM {table} WHERE {where}")
    if isinstance(source, Connection):
        return int(source.execute(statement).scalar_one())
    with source.connect() as connection:
        return int(connection.execute(statement).scalar_one())
