"""Setups: what must be in the slots, what is, and the scans at the slots."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.api.access import GatePlanner, Overrider, Reading, StationWorker, only
from app.api.once import DoOnce
from app.errors import Invalid
from app.http.answers import json_answer
from app.http.tables import csv_answer, wants_csv
from app.lines.tools import station_id_of
from app.people import Permission
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.checks import Block, Checked, blocked_locations, checks
from app.setup.csv_lists import read_setup_list
from app.setup.current import building_at
from app.setup.learning import learn_setup
from app.setup.lists import require_listed, setup_id_of
from app.setup.progress import order_of
from app.setup.requirements import SlotPlan, require_setup, required_setup
from app.setup.rules import Required
from app.setup.state import SlotState, setup_at
from app.setup.verification import Check, clear_location, verify_loading
from app.setup.withdrawing import withdraw_setup

router = APIRouter(tags=["setup"])

_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Station = Annotated[str, Query(min_length=1, max_length=256, description="CFX handle, or name")]
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
_INSIDE = [only(Permission.read_line)]


@dataclass(frozen=True, slots=True)
class SetupNow:
    """A station's setup: whether it may build, what speaks against it, slot by slot."""

    station: str
    work_order: str | None
    product_revision_id: int | None
    side: str | None
    required: bool
    unplanned: bool
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    slots: tuple[SlotState, ...]


_SLOT_COLUMNS = (
    "slot", "lane", "part_number", "alternates", "package", "loaded_since", "verified_by", "verified_at", "blocked",
)  # fmt: skip


@router.get("/setup", response_model=SetupNow, responses=_CSV, dependencies=_INSIDE)
def get_setup(
    *,
    request: Request,
    connection: Reading,
    station: _Station,
    work_order: str | None = None,
    product_revision_id: int | None = None,
    side: str | None = None,
) -> Response:
    """What a station's slots must hold and hold, who verified it, and what speaks against it.

    For the order the station builds now, or `work_order`, or `product_revision_id`. `required` is false where nobody
    said what must be loaded. `Accept: text/csv` gives the slots.
    """
    at = datetime.now(UTC)
    station_id = station_id_of(connection, station)
    if work_order is not None:
        product_revision_id = order_of(connection, work_order).product_revision_id
    elif product_revision_id is None and (now := building_at(connection, station_id, at=at)) is not None:
        work_order, product_revision_id, side = now.work_order, now.product_revision_id, side or now.side
    found = setup_at(connection, station_id, product_revision_id=product_revision_id, side=side, at=at)
    if wants_csv(request):
        rows = ((*(getattr(one, name) for name in _SLOT_COLUMNS), _sentences(one.reasons)) for one in found.slots)
        return csv_answer((*_SLOT_COLUMNS, "reasons"), rows, f"setup {station}.csv")
    return json_answer(
        SetupNow(
            station, work_order, product_revision_id, side, found.setup_id is not None, found.unplanned,
            found.reasons, found.warnings, found.slots,
        )
    )  # fmt: skip


def _sentences(reasons: tuple[Reason, ...]) -> str:
    return " ".join(reason.sentence for reason in reasons)


class Scan(BaseModel):
    """A scan at a slot: the slot, then the reel; for a splice also the reel that is in the feeder."""

    model_config = ConfigDict(extra="forbid")

    station: _Name
    slot: _Name
    label: Annotated[str, Field(min_length=1, max_length=2048, description="The raw scan of the reel")]
    lane: _Name | None = Field(None, description="The lane of the slot, where it has several")
    replaces: Annotated[str | None, Field(max_length=2048, description="Scan of the reel it is spliced behind")] = None
    work_order: _Name | None = Field(None, description="The order it is for; without one, what the station builds now")
    side: str | None = None
    recorded_at: AwareDatetime | None = Field(None, description="When it was scanned, if not now")


@router.post("/setup/verifications", response_model=Check)
def post_verification(scan: Scan, actor: StationWorker, once: DoOnce) -> Response:
    """Check a package for a slot: accepted, or refused with the reasons and what clears them. Both are kept.

    A refused scan blocks the slot until the right package is scanned there or somebody with the right clears it. An
    accepted one also says that the package is in the slot.
    """

    def deed(connection: Connection) -> Check:
        revision = None
        if scan.work_order is not None:
            revision = order_of(connection, scan.work_order).product_revision_id
        return verify_loading(
            connection,
            station=scan.station,
            slot=scan.slot,
            label=scan.label,
            lane=scan.lane,
            replaces=scan.replaces,
            product_revision_id=revision,
            side=scan.side,
            actor=actor.identity,
            at=scan.recorded_at,
        )

    return once(deed)


@dataclass(frozen=True, slots=True)
class CheckPage:
    """Scans at slots, newest first."""

    verifications: list[Checked]
    next: int | None


_CHECK_COLUMNS = (
    "recorded_at", "station", "slot", "kind", "package", "replaced", "accepted", "reasons", "actor", "label",
)  # fmt: skip


@router.get("/setup/verifications", response_model=CheckPage, responses=_CSV, dependencies=_INSIDE)
def get_verifications(
    *,
    request: Request,
    connection: Reading,
    station: str | None = None,
    slot: str | None = None,
    package: str | None = None,
    accepted: bool | None = None,
    cursor: int | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Scans at slots and what became of them, newest first; `next` is passed back as `cursor`."""
    station_id = station_id_of(connection, station) if station else None
    found = checks(
        connection, station_id=station_id, slot=slot, package=package, accepted=accepted, before=cursor, limit=limit
    )
    if wants_csv(request):
        rows = (tuple(getattr(one, name) for name in _CHECK_COLUMNS) for one in found)
        return csv_answer(_CHECK_COLUMNS, rows, "verifications.csv")
    return json_answer(CheckPage(found, found[-1].check_id if len(found) == limit else None))


class Clearance(BaseModel):
    """A blocked slot that may be used again, and why."""

    model_config = ConfigDict(extra="forbid")

    station: _Name
    slot: _Name
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


@router.post("/setup/clearances", response_model=dict[str, list[Block]])
def post_clearance(clearance: Clearance, actor: Overrider, once: DoOnce) -> Response:
    """Clear a blocked slot without scanning the right package; the answer lists what is still blocked there."""

    def deed(connection: Connection) -> dict[str, list[Block]]:
        clear_location(connection, **clearance.model_dump(), actor=actor.identity)
        station_id = station_id_of(connection, clearance.station)
        blocked = blocked_locations(connection, at=datetime.now(UTC))
        return {"blocked": [one for one in blocked if one.station_id == station_id]}

    return once(deed)


class _Slot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    slot: _Name
    part_number: _Name
    lane: Annotated[str, Field(max_length=64)] = ""
    part_revision: _Name | None = None
    alternates: list[_Name] = Field([], max_length=100)
    manufacturer_parts: list[_Name] = Field([], max_length=100)
    pieces_per_unit: float | None = None

    def plan(self) -> SlotPlan:
        return SlotPlan(
            **self.model_dump(exclude={"alternates", "manufacturer_parts"}),
            alternates=tuple(self.alternates),
            manufacturer_parts=tuple(self.manufacturer_parts),
        )


class Requirements(BaseModel):
    """What a station must hold to build one side of a product revision, slot by slot."""

    model_config = ConfigDict(extra="forbid")

    station: _Name
    product_revision_id: int
    side: str | None = None
    name: Annotated[str | None, Field(max_length=256)] = None
    slots: list[_Slot] = Field(max_length=10_000)


@router.put("/setup/requirements", response_model=dict[str, int])
def put_requirements(requirements: Requirements, actor: GatePlanner, once: DoOnce) -> Response:
    """Say what a station must hold, in place of what was said before."""

    def deed(connection: Connection) -> dict[str, int]:
        setup_id = require_setup(
            connection,
            station=requirements.station,
            product_revision_id=requirements.product_revision_id,
            side=requirements.side,
            name=requirements.name,
            slots=[slot.plan() for slot in requirements.slots],
            actor=actor.identity,
        )
        return {"setup_id": setup_id, "slots": len(requirements.slots)}

    return once(deed)


@router.post("/setup/requirements/list", response_model=dict[str, int])
def post_requirements_list(
    *,
    list_file: Annotated[UploadFile, File(alias="list", description="CSV: station, slot, part_number, ...")],
    actor: GatePlanner,
    once: DoOnce,
    product_revision_id: Annotated[int, Form()],
    station: Annotated[str | None, Form(description="Where the list has no column of stations")] = None,
    side: Annotated[str | None, Form()] = None,
) -> Response:
    """Import a setup list as CSV. Answers how many slots each station has.

    Columns: slot, part_number, and if wanted station, lane, part_revision, alternates, manufacturer_parts,
    pieces_per_unit.
    """
    try:
        read = read_setup_list(list_file.file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid(Sentence("The list is not UTF-8. Save it as UTF-8.")) from None

    def deed(connection: Connection) -> dict[str, int]:
        require_listed(
            connection, read, station=station, product_revision_id=product_revision_id, side=side or None,
            actor=actor.identity,
        )  # fmt: skip
        return {str(name or station): len(slots) for name, slots in read.items()}

    return once(deed)


_REQUIRED_COLUMNS = (
    "slot", "lane", "part_number", "part_revision", "alternates", "manufacturer_parts", "pieces_per_unit",
)  # fmt: skip


@router.get("/setup/requirements", response_model=dict[str, list[Required]], responses=_CSV, dependencies=_INSIDE)
def get_requirements(
    *,
    request: Request,
    connection: Reading,
    station: _Station,
    product_revision_id: int,
    side: str | None = None,
) -> Response:
    """What a station must hold for a product revision; alternates of the revision included. Empty: nobody said."""
    found = required_setup(connection, station_id_of(connection, station), product_revision_id, side)
    if wants_csv(request):
        rows = (tuple(_listed(getattr(one, name)) for name in _REQUIRED_COLUMNS) for one in found)
        return csv_answer(_REQUIRED_COLUMNS, rows, f"setup {station}.csv")
    return json_answer({"slots": found})


def _listed(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value


class Learned(BaseModel):
    """The station whose verified slots become what they must hold."""

    model_config = ConfigDict(extra="forbid")

    station: _Name
    product_revision_id: int
    side: str | None = None


@router.post("/setup/learned", response_model=dict[str, int])
def post_learned(learned: Learned, actor: GatePlanner, once: DoOnce) -> Response:
    """Take what is verified in the slots now as what they must hold, marked unplanned until somebody plans it."""

    def deed(connection: Connection) -> dict[str, int]:
        return {"setup_id": learn_setup(connection, **learned.model_dump(), at=datetime.now(UTC), actor=actor.identity)}

    return once(deed)


class Withdrawn(BaseModel):
    """The setup list that counts no longer; `side` as the list has it, none for a list of both."""

    model_config = ConfigDict(extra="forbid")

    station: _Name
    product_revision_id: int
    side: str | None = None


@router.post("/setup/withdrawals", response_model=dict[str, int])
def post_withdrawal(withdrawn: Withdrawn, actor: GatePlanner, once: DoOnce) -> Response:
    """Take a setup list back: nobody says any more what the station must hold for that product.

    404 where there is no such list; 409 while the station builds by it.
    """

    def deed(connection: Connection) -> dict[str, int]:
        setup_id = setup_id_of(connection, **withdrawn.model_dump())
        withdraw_setup(connection, setup_id, at=datetime.now(UTC), actor=actor.identity)
        return {"setup_id": setup_id}

    return once(deed)
