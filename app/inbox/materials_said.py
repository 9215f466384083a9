"""CFX messages about packages into what they say: what came, what sits where, what was opened, dried, baked."""

from collections.abc import Iterator
from typing import Any

from app.cfx.messages import materials, storage
from app.cfx.messages.structures import MaterialLocation, MaterialPackage, MaterialPackageDetail
from app.cfx.scalars import parse_timespan
from app.inbox.handlers import Handlers, UnreadableBody
from app.inbox.said import Exposure, Loading, Relation, Said
from app.materials.moisture import level_from
from app.materials.packages import PackageDescription

HANDLERS = Handlers()


@HANDLERS.of(materials.MaterialsInitialized, materials.MaterialsModified)
def _materials_initialized(said: Said, message: materials.MaterialsInitialized | materials.MaterialsModified) -> None:
    said.about = "material"
    for one in message.materials:
        if not one.unique_identifier:
            raise UnreadableBody("A material has no UniqueIdentifier: it could not be told from another.")
        said.described.append(
            PackageDescription(
                identifier=one.unique_identifier,
                part_number=one.internal_part_number,
                described_at=said.recorded_at,
                lot_code=one.manufacturer_lot_code,
                manufacturer=one.manufacturer,
                manufacturer_part_number=one.manufacturer_part_number,
                vendor=one.vendor,
                vendor_part_number=one.vendor_part_number,
                date_code=one.manufacture_date.date().isoformat() if one.manufacture_date else None,
                initial_quantity=one.initial_quantity,
                quantity=one.quantity,
                expires_at=one.expiry_date,
                received_on=one.received_date,
            )
        )
        said.exposures += _described_exposure(one)


@HANDLERS.of(materials.MaterialsSplit)
def _materials_split(said: Said, message: materials.MaterialsSplit) -> None:
    said.about = "material"
    if not message.source_material_package_identifier or not message.new_material_package_identifier:
        raise UnreadableBody("MaterialsSplit must name both packages.")
    said.relations.append(
        Relation(
            "split",
            message.source_material_package_identifier,
            message.new_material_package_identifier,
            message.new_material_package_quantity,
        )
    )
    left = message.source_material_package_remaining_quantity
    if left:  # .NET sends 0 where nobody set it
        said.loadings.append(Loading("split", message.source_material_package_identifier, quantity=left))


@HANDLERS.of(materials.MaterialsJoined)
def _materials_joined(said: Said, message: materials.MaterialsJoined) -> None:
    said.about = "material"
    leading = message.leading_material_package.unique_identifier
    trailing = message.trailing_material_package.unique_identifier
    if not leading or not trailing:
        raise UnreadableBody("MaterialsJoined must name both packages.")
    _relate(said, message.leading_material_package)
    _relate(said, message.trailing_material_package)
    said.relations.append(Relation("joined", leading, trailing, message.trailing_material_package.quantity))


@HANDLERS.of(materials.MaterialsRetired)
def _materials_retired(said: Said, message: materials.MaterialsRetired) -> None:
    said.about = "material"
    said.packages = {one.unique_identifier for one in message.materials if one.unique_identifier}
    said.exposures = [Exposure("retired", package) for package in sorted(said.packages)]
    said.loadings = [
        Loading("retired", one.unique_identifier, quantity=one.quantity)
        for one in message.materials
        if one.unique_identifier and one.quantity
    ]


@HANDLERS.of(materials.MaterialsConsumed)
def _materials_consumed(said: Said, message: materials.MaterialsConsumed) -> None:
    said.about = "material"
    for one in message.consumed_materials:
        package = one.material_location.material_package if one.material_location else None
        if package is not None and package.unique_identifier and one.remaining_quantity:
            said.loadings.append(Loading("consumed", package.unique_identifier, quantity=one.remaining_quantity))


def _relate(said: Said, package: MaterialPackage | None) -> None:
    """What the structure of a package tells of others: what is spliced in front of it, what it was filled from."""
    while package is not None:
        ahead, batch = package.leading_material_package, package.batch_material_package
        if package.unique_identifier and ahead and ahead.unique_identifier:
            said.relations.append(Relation("joined", ahead.unique_identifier, package.unique_identifier, None))
        if package.unique_identifier and batch and batch.unique_identifier:
            said.relations.append(Relation("batch", batch.unique_identifier, package.unique_identifier, None))
        if batch:
            _relate(said, batch)
        package = ahead


def _loading(said: Said, kind: Any, location: MaterialLocation) -> Loading:
    package = location.material_package
    _relate(said, package)
    carrier = location.carrier_information
    lane = carrier.lane_number if carrier else None
    return Loading(
        kind,
        package.unique_identifier if package else None,
        location.location_identifier or location.location_name,
        location.location_name or location.location_identifier,
        None if lane is None else str(lane),
        (carrier.unique_identifier or carrier.name) if carrier else None,
        package.quantity if package else None,
    )


@HANDLERS.of(storage.MaterialsLoaded)
def _materials_loaded(said: Said, message: storage.MaterialsLoaded) -> None:
    said.about = "material"
    said.loadings = [_loading(said, "loaded", location) for location in message.materials]


@HANDLERS.of(storage.MaterialsUnloaded)
def _materials_unloaded(said: Said, message: storage.MaterialsUnloaded) -> None:
    said.about = "material"
    said.loadings = [Loading("unloaded", identifier) for identifier in message.material_package_identifiers]


@HANDLERS.of(storage.MaterialsEmpty)
def _materials_empty(said: Said, message: storage.MaterialsEmpty) -> None:
    said.about = "material"
    said.loadings = [_loading(said, "empty", location) for location in message.empty_materials]


@HANDLERS.of(storage.SplicePointDetected)
def _splice_point_detected(said: Said, message: storage.SplicePointDetected) -> None:
    """While `GreyZone` pieces may be either package's, or the chain still has a leading package, the depleted one is
    not gone: its pieces may still come.
    """
    said.about = "material"
    active = message.newly_active_material
    package = active.material_package
    unsure = package is not None and (package.grey_zone or package.leading_material_package)
    if message.depleted_material and not unsure:
        said.loadings.append(_loading(said, "empty", message.depleted_material))
    said.loadings.append(_loading(said, "spliced", active))


# --- moisture ---

_MSD_KINDS = {
    materials.MaterialsOpened: "opened",
    materials.MaterialsPlacedInDryStorage: "dry_stored",
    materials.MaterialsRemovedFromDryStorage: "dry_removed",
    materials.MaterialsRestored: "restored",
    materials.MaterialsExpired: "expired",
}
_MSD_STATES = {"Exposed": "opened", "InDryStorage": "dry_stored", "Expired": "expired"}


@HANDLERS.of(*_MSD_KINDS)
def _moisture(said: Said, message: Any) -> None:
    said.about = "material"
    for one in message.materials:
        if not one.unique_identifier:
            raise UnreadableBody("A material has no UniqueIdentifier: nobody could say which package this happened to.")
        said.packages.add(one.unique_identifier)
        said.exposures.append(_exposure(_MSD_KINDS[type(message)], one))


def _described_exposure(package: MaterialPackageDetail) -> Iterator[Exposure]:
    """What the description of a package says of its moisture: at least its level, perhaps that it is open already."""
    data = package.material_data
    if data is None:
        return
    kind = _MSD_STATES.get(data.msd_state or "")
    if kind is not None:
        yield _exposure(kind, package)
    elif level_from(data.msd_level) is not None and package.unique_identifier:
        yield Exposure("rated", package.unique_identifier, level_from(data.msd_level))


def _exposure(kind: str, package: MaterialPackageDetail) -> Exposure:
    assert package.unique_identifier is not None  # the callers saw to it
    data = package.material_data
    if data is None:
        return Exposure(kind, package.unique_identifier)
    left = None
    if data.remaining_exposure_time is not None:
        try:
            left = parse_timespan(data.remaining_exposure_time)
        except (ValueError, OverflowError) as error:
            raise UnreadableBody(f"RemainingExposureTime of {package.unique_identifier}: {error}.") from None
    return Exposure(kind, package.unique_identifier, level_from(data.msd_level), left)
