"""What the product told a station not to use, on disk: it is told once, and a station that starts again still knows."""

import os
from pathlib import Path

import msgspec

from app.cfx.messages import Message
from app.cfx.messages.blocking import (
    BlockMaterialLocationsRequest,
    BlockMaterialLocationsResponse,
    UnblockMaterialLocationsRequest,
    UnblockMaterialLocationsResponse,
)
from app.cfx.messages.materials import (
    BlockMaterialsRequest,
    BlockMaterialsResponse,
    UnblockMaterialsRequest,
    UnblockMaterialsResponse,
)
from app.cfx.messages.production import (
    LockStationRequest,
    LockStationResponse,
    UnlockStationRequest,
    UnlockStationResponse,
)
from app.cfx.messages.structures import RequestResult

_DONE = RequestResult(result="Success", result_code=0)


class Blocks(msgspec.Struct):
    """Packages and slots that nothing may be taken from, and whether the station is locked."""

    packages: frozenset[str] = frozenset()
    slots: frozenset[str] = frozenset()
    locked: bool = False

    def obey(self, asked: object) -> Message | None:
        """Do what a request asks and answer it; None where it is another's."""
        if isinstance(asked, BlockMaterialsRequest):
            self.packages |= set(asked.material_package_identifiers)
            return BlockMaterialsResponse(result=_DONE)
        if isinstance(asked, UnblockMaterialsRequest):
            self.packages -= set(asked.material_package_identifiers)
            return UnblockMaterialsResponse(result=_DONE)
        if isinstance(asked, BlockMaterialLocationsRequest):
            self.slots |= {one.location_identifier or "" for one in asked.locations}
            return BlockMaterialLocationsResponse(result=_DONE)
        if isinstance(asked, UnblockMaterialLocationsRequest):
            self.slots -= {one.location_identifier or "" for one in asked.locations}
            return UnblockMaterialLocationsResponse(result=_DONE)
        if isinstance(asked, LockStationRequest | UnlockStationRequest):
            self.locked = isinstance(asked, LockStationRequest)
            return LockStationResponse(result=_DONE) if self.locked else UnlockStationResponse(result=_DONE)
        return None

    def keep(self, path: Path) -> None:
        """Put them on disk, whole or not at all."""
        unfinished = path.with_suffix(".new_blocks")
        with unfinished.open("wb") as file:
            file.write(msgspec.json.encode(self))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def blocks_kept(path: Path) -> Blocks:
    """What was kept, nothing where nothing was. Raises `msgspec.DecodeError` for a file that is damaged."""
    return msgspec.json.decode(path.read_bytes(), type=Blocks) if path.exists() else Blocks()
