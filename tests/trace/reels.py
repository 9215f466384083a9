"""What happens to reels, as CFX messages: they arrive, are loaded, run empty, are split and spliced."""

from typing import Any

from tests.inbox.messages import message

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
