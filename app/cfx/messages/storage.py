"""CFX.Materials.Storage: which package sits in which slot, splices, and whether the setup is right."""

from app.cfx.messages.base import Int32, Message, Name, Wire
from app.cfx.messages.structures import MaterialLocation, RequestResult, Stage


class MaterialsLoaded(Message, frozen=True, kw_only=True):
    """Packages were put into slots. One location may hold several: the lanes of a feeder."""

    cfx_name = "CFX.Materials.Storage.MaterialsLoaded"
    materials: list[MaterialLocation]


class MaterialsUnloaded(Message, frozen=True, kw_only=True):
    """Packages were taken out of their slots."""

    cfx_name = "CFX.Materials.Storage.MaterialsUnloaded"
    material_package_identifiers: list[Name]


class MaterialsEmpty(Message, frozen=True, kw_only=True):
    """Slots ran empty."""

    cfx_name = "CFX.Materials.Storage.MaterialsEmpty"
    empty_materials: list[MaterialLocation]


class SplicePointDetected(Message, frozen=True, kw_only=True):
    """The feeder passed a splice: from here on the newly active package is used."""

    cfx_name = "CFX.Materials.Storage.SplicePointDetected"
    depleted_material: MaterialLocation | None = None
    newly_active_material: MaterialLocation


class MaterialSetupRequirement(Wire, frozen=True, kw_only=True):
    """What a slot must hold (`MaterialSetupRequirement`)."""

    position: Name | None = None
    part_number: Name | None = None
    approved_alternate_parts: list[Name] | None = None
    approved_manufacturer_parts: list[Name] | None = None


class ToolSetupRequirement(Wire, frozen=True, kw_only=True):
    """Which tool a place must hold (`ToolSetupRequirement`)."""

    position: Name | None = None
    part_number: Name | None = None
    tool_identifier: Name | None = None


class StationSetupRequirements(Wire, frozen=True, kw_only=True):
    """Everything a station must hold (`StationSetupRequirements`)."""

    lane: Int32 | None = None
    stage: Stage | None = None
    setup_name: Name | None = None
    material_setup_requirements: list[MaterialSetupRequirement] | None = None
    tool_setup_requirements: list[ToolSetupRequirement] | None = None


class ValidateStationSetupRequest(Message, frozen=True, kw_only=True):
    """Asks whether a station holds what it must."""

    cfx_name = "CFX.Materials.Storage.ValidateStationSetupRequest"
    setup_requirements: StationSetupRequirements


class ValidateStationSetupResponse(Message, frozen=True, kw_only=True):
    """Whether the station holds what it must."""

    cfx_name = "CFX.Materials.Storage.ValidateStationSetupResponse"
    result: RequestResult | None = None


class GetLoadedMaterialsRequest(Message, frozen=True, kw_only=True):
    """Asks what sits in the slots."""

    cfx_name = "CFX.Materials.Storage.GetLoadedMaterialsRequest"
    location_identifiers: list[Name] | None = None
    resource_unique_identifier: Name | None = None


class GetLoadedMaterialsResponse(Message, frozen=True, kw_only=True):
    """What sits in the slots."""

    cfx_name = "CFX.Materials.Storage.GetLoadedMaterialsResponse"
    result: RequestResult | None = None
    materials: list[MaterialLocation] | None = None
