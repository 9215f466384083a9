"""CFX.Materials.Management: packages come into being, split, join, are blocked, used up, exposed."""

from app.cfx.messages.base import Message, Name, Wire
from app.cfx.messages.enumerations import BlockReason, MaterialModifyReason
from app.cfx.messages.structures import (
    MaterialLocation,
    MaterialPackage,
    MaterialPackageDetail,
    Operator,
    RequestResult,
)


class MaterialsInitialized(Message, frozen=True, kw_only=True):
    """Packages came into being, each with its lot."""

    cfx_name = "CFX.Materials.Management.MaterialsInitialized"
    materials: list[MaterialPackageDetail]


class MaterialsModified(Message, frozen=True, kw_only=True):
    """What is known of packages changed: a count, a correction."""

    cfx_name = "CFX.Materials.Management.MaterialsModified"
    reason: MaterialModifyReason | None = None
    materials: list[MaterialPackageDetail]


class MaterialsSplit(Message, frozen=True, kw_only=True):
    """Part of a package became a package of its own."""

    cfx_name = "CFX.Materials.Management.MaterialsSplit"
    source_material_package_identifier: Name
    source_material_package_remaining_quantity: float | None = None
    new_material_package_identifier: Name
    new_material_package_quantity: float | None = None


class MaterialsJoined(Message, frozen=True, kw_only=True):
    """Two packages were spliced: the leading one is used up first."""

    cfx_name = "CFX.Materials.Management.MaterialsJoined"
    leading_material_package: MaterialPackage
    trailing_material_package: MaterialPackage


class MaterialsChainSplit(Message, frozen=True, kw_only=True):
    """A spliced chain was cut apart again."""

    cfx_name = "CFX.Materials.Management.MaterialsChainSplit"
    splitted_material_package: MaterialPackage | None = None
    remaining_material_package: MaterialPackage | None = None


class MaterialsRetired(Message, frozen=True, kw_only=True):
    """Packages are not to be used again."""

    cfx_name = "CFX.Materials.Management.MaterialsRetired"
    materials: list[MaterialPackage]


class ConsumedMaterial(Wire, frozen=True, kw_only=True):
    """How much of a package was used and spoiled (`ConsumedMaterial`)."""

    material_location: MaterialLocation | None = None
    quantity_used: float | None = None
    quantity_spoiled: float | None = None
    remaining_quantity: float | None = None


class MaterialsConsumed(Message, frozen=True, kw_only=True):
    """Packages were used in part."""

    cfx_name = "CFX.Materials.Management.MaterialsConsumed"
    consumed_materials: list[ConsumedMaterial]


class BlockMaterialsRequest(Message, frozen=True, kw_only=True):
    """Asks that packages are not used."""

    cfx_name = "CFX.Materials.Management.BlockMaterialsRequest"
    material_package_identifiers: list[Name]
    reason: BlockReason | None = None
    comments: str | None = None
    blocker: Operator | None = None


class BlockMaterialsResponse(Message, frozen=True, kw_only=True):
    """Which packages could not be blocked."""

    cfx_name = "CFX.Materials.Management.BlockMaterialsResponse"
    result: RequestResult | None = None
    materials_packages_not_blocked: list[Name] | None = None


class UnblockMaterialsRequest(Message, frozen=True, kw_only=True):
    """Asks that packages may be used again."""

    cfx_name = "CFX.Materials.Management.UnblockMaterialsRequest"
    material_package_identifiers: list[Name]
    comments: str | None = None
    unblocker: Operator | None = None


class UnblockMaterialsResponse(Message, frozen=True, kw_only=True):
    """Whether the packages may be used again."""

    cfx_name = "CFX.Materials.Management.UnblockMaterialsResponse"
    result: RequestResult | None = None


class _Exposure(Message, frozen=True, kw_only=True):
    """Moisture-sensitive packages changed their state; J-STD-033 counts from it."""

    materials: list[MaterialPackageDetail]


class MaterialsOpened(_Exposure, frozen=True, kw_only=True):
    """Dry packs were opened: the floor life runs."""

    cfx_name = "CFX.Materials.Management.MSDManagement.MaterialsOpened"


class MaterialsPlacedInDryStorage(_Exposure, frozen=True, kw_only=True):
    """Packages went into dry storage: the floor life pauses."""

    cfx_name = "CFX.Materials.Management.MSDManagement.MaterialsPlacedInDryStorage"


class MaterialsRemovedFromDryStorage(_Exposure, frozen=True, kw_only=True):
    """Packages left dry storage: the floor life runs on."""

    cfx_name = "CFX.Materials.Management.MSDManagement.MaterialsRemovedFromDryStorage"


class MaterialsRestored(_Exposure, frozen=True, kw_only=True):
    """Packages were baked: the floor life starts anew."""

    cfx_name = "CFX.Materials.Management.MSDManagement.MaterialsRestored"


class MaterialsExpired(_Exposure, frozen=True, kw_only=True):
    """The floor life of packages ran out."""

    cfx_name = "CFX.Materials.Management.MSDManagement.MaterialsExpired"
