"""What happens to reels, as CFX messages: they arrive, are loaded, run empty, are split and spliced."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from tests.inbox.messages import STATION, entry, installed, message

PART = "R0603-10K"


def described(package: str, *, initial: float = 0, quantity: float | None = None, **members: Any) -> bytes:
    """`MaterialsInitialized` of one package; `quantity` as .NET writes it: the initial one where nothing else is said.

    What is not a member of the envelope (`when`, `source`) is one of CFX's `MaterialPackageDetail`.
    """
    envelope = {name: members.pop(name) for name in ("when", "source") if name in members}
    detail = {
        "UniqueIdentifier": package,
        "InternalPartNumber": PART,
        "InitialQuantity": initial,
        "Quantity": initial if quantity is None else quantity,
    }
    return message("Materials.Management.MaterialsInitialized", {"Materials": [detail | members]}, **envelope)


def recounted(package: str, *, initial: float, quantity: float, **envelope: Any) -> bytes:
    """`MaterialsModified`: somebody counted what is left."""
    detail = {
        "UniqueIdentifier": package,
        "InternalPartNumber": PART,
        "InitialQuantity": initial,
        "Quantity": quantity,
    }
    return message(
        "Materials.Management.MaterialsModified",
        {"Reason": "ManualCountAndQuantityUpdate", "Materials": [detail]},
        **envelope,
    )


def _location(package: str | None, quantity: float, slot: str) -> dict[str, Any]:
    held = {"UniqueIdentifier": package, "InternalPartNumber": PART, "Quantity": quantity} if package else None
    return {"LocationIdentifier": slot, "LocationName": slot.rpartition(".")[2], "MaterialPackage": held}


def loaded(package: str, *, quantity: float = 0, slot: str = "M1.F.1", **envelope: Any) -> bytes:
    """`MaterialsLoaded` of one slot; quantity 0 is what .NET sends where nobody set it."""
    return message("Materials.Storage.MaterialsLoaded", {"Materials": [_location(package, quantity, slot)]}, **envelope)


def empty(package: str, *, quantity: float = 0, slot: str = "M1.F.1", **envelope: Any) -> bytes:
    """`MaterialsEmpty` of one slot."""
    body = {"EmptyMaterials": [_location(package, quantity, slot)]}
    return message("Materials.Storage.MaterialsEmpty", body, **envelope)


def split(parent: str, child: str, quantity: float | None, **envelope: Any) -> bytes:
    """`MaterialsSplit`."""
    body = {"SourceMaterialPackageIdentifier": parent, "NewMaterialPackageIdentifier": child,
            "NewMaterialPackageQuantity": quantity}  # fmt: skip
    return message("Materials.Management.MaterialsSplit", body, **envelope)


def joined(leading: str, trailing: str, *, quantity: float = 0, **envelope: Any) -> bytes:
    """`MaterialsJoined`: the trailing package was spliced on behind the leading one."""
    body = {
        "LeadingMaterialPackage": {"UniqueIdentifier": leading},
        "TrailingMaterialPackage": {"UniqueIdentifier": trailing, "Quantity": quantity},
    }
    return message("Materials.Management.MaterialsJoined", body, **envelope)


def spliced(depleted: str, active: str, *, slot: str = "M1.F.1", **envelope: Any) -> bytes:
    """`SplicePointDetected`: the sensor saw the splice pass."""
    body = {"DepletedMaterial": _location(depleted, 0, slot), "NewlyActiveMaterial": _location(active, 0, slot)}
    return message("Materials.Storage.SplicePointDetected", body, **envelope)


def board(
    serial: str,
    package: str | None = "P-1",
    designators: Sequence[str] = ("R1", "R2"),
    *,
    rejected: Sequence[str] = (),
    transaction: UUID | None = None,
    **envelope: Any,
) -> bytes:
    """`MaterialsInstalled`: a board with a part at each designator, all from one package."""
    one = entry(serial, package, designators, rejected=rejected)
    return installed(one, transaction=transaction or uuid4(), **envelope)


def boards(number: int, package: str | None = "P-1", *, start: float = 10, source: str = STATION) -> list[bytes]:
    """Boards of two pieces each, one every ten seconds."""
    return [board(f"{package}-{start}-{n}", package, when=start + 10 * n, source=source) for n in range(number)]
