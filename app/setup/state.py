"""What must be in a station's slots, what is, and what speaks against it. Derived from facts each time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from app.materials.conditions import conditions
from app.materials.loaded import Loaded, identifiers, loaded_at, loaded_where
from app.materials.splices import joined_behind
from app.quality.package_holds import held_packages
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.checks import Block, Verified, scans_at
from app.setup.requirements import ChosenSetup, choose_setup
from app.setup.rules import Candidate, Required, against_package, against_slot

_SCAN_BOTH = Sentence("Scan the slot, then the reel.")
_A_SLOT = Sentence("a slot")
_NO_NAME = Sentence("without a name")


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot, or one lane of it: what it must hold, what it holds, who verified that, and what speaks against it.

    `part_number` is None where nobody said what must be there, `package` where nothing is. A slot with two packages, as
    during a splice, has two of these.
    """

    slot: str
    lane: str | None
    part_number: str | None
    part_revision: str | None
    alternates: tuple[str, ...]
    package_id: int | None
    package: str | None
    loaded_since: datetime | None
    verified_by: str | None
    verified_at: datetime | None
    blocked: bool
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """A station's setup at a moment. `setup_id` is None where nobody said what must be loaded; then only what is
    loaded is judged. `unplanned`: it was learned, not planned.
    """

    station_id: int
    product_revision_id: int | None
    setup_id: int | None
    unplanned: bool
    slots: tuple[SlotState, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Everything that speaks against building with it."""
        return tuple(reason for slot in self.slots for reason in slot.reasons)

    @property
    def warnings(self) -> tuple[Reason, ...]:
        """What will speak against it soon, or was not verified."""
        return tuple(warning for slot in self.slots for warning in slot.warnings)


def setup_at(
    connection: Connection,
    station_id: int,
    *,
    product_revision_id: int | None,
    side: str | None = None,
    at: datetime,
) -> Setup:
    """The setup of a station at a moment, as to one product revision and side of it."""
    chosen: ChosenSetup | None = None
    if product_revision_id is not None:
        chosen = choose_setup(connection, station_id, product_revision_id, side)
    return Setup(
        station_id=station_id,
        product_revision_id=product_revision_id,
        setup_id=chosen.setup_id if chosen else None,
        unplanned=chosen.unplanned if chosen else False,
        slots=tuple(_slots(connection, station_id, chosen.slots if chosen else (), at)),
    )


def judge_requirements(
    connection: Connection, station_id: int, required: Sequence[Required], *, at: datetime
) -> tuple[Reason, ...]:
    """What speaks against what is loaded, as to requirements that the asker brings along. Slots they do not name are
    not judged.
    """
    named = {one.slot for one in required}
    slots = _slots(connection, station_id, required, at)
    return tuple(reason for slot in slots if slot.slot in named for reason in slot.reasons)


def candidates(connection: Connection, package_ids: Sequence[int], *, here: int, at: datetime) -> dict[int, Candidate]:
    """What is known of packages in slots of the station `here`, or about to be."""
    found = conditions(connection, package_ids, at=at)
    held = held_packages(connection, package_ids)
    elsewhere = [one for one in loaded_where(connection, package_ids, at=at) if one.station_id != here]
    names = _station_names(connection, {one.station_id for one in elsewhere})
    places: dict[int, list[Sentence]] = defaultdict(list)
    for one in elsewhere:
        places[one.package_id].append(
            Sentence(
                "%(slot)s of %(station)s",
                slot=one.slot_name or one.slot or _A_SLOT,
                station=names[one.station_id],
            )
        )
    return {
        package_id: Candidate(condition, held.get(package_id), tuple(places[package_id]))
        for package_id, condition in found.items()
    }


def _slots(connection: Connection, station_id: int, required: Sequence[Required], at: datetime) -> Iterator[SlotState]:
    loaded = _with_splices(connection, loaded_at(connection, station_id, at=at), at)
    known = candidates(connection, [one.package_id for one in loaded], here=station_id, at=at)
    known_as = identifiers(loaded)
    blocked, verified = scans_at(connection, station_id, [one.package_id for one in loaded], at=at, known=known_as)
    left = {id(one): one for one in loaded}
    for one in required:
        inside = [here for here in loaded if _is_in(here, one)]
        for here in inside:
            left.pop(id(here), None)
            yield _filled(here, one, known, blocked, verified)
        if not inside:
            yield _empty(one, blocked.get(known_as.get(one.slot, one.slot)))
    told = {known_as.get(one.slot, one.slot) for one in required}
    for here in left.values():
        told.add(_place(here))
        yield _filled(here, None, known, blocked, verified)
    for slot, block in blocked.items():
        if slot not in told:
            yield SlotState(
                slot, None, None, None, (), None, None, None, None, None, blocked=True,
                reasons=(block.reason,), warnings=(),
            )  # fmt: skip


def _with_splices(connection: Connection, loaded: Sequence[Loaded], at: datetime) -> list[Loaded]:
    """What is loaded, and in the same slot whatever waits behind it: that will be placed without another scan."""
    behind = joined_behind(connection, [one.package_id for one in loaded], at=at)
    there = {one.package_id for one in loaded}
    waiting = [
        replace(one, package_id=package_id)
        for one in loaded
        for package_id in behind.get(one.package_id, ())
        if package_id not in there
    ]
    return [*loaded, *waiting]


def _place(loaded: Loaded) -> str:
    """How a slot is known; its machine may have named none."""
    return loaded.slot or loaded.slot_name or ""


def _is_in(loaded: Loaded, required: Required) -> bool:
    return required.slot in {loaded.slot, loaded.slot_name} and required.lane in {"", loaded.lane}


def _empty(required: Required, block: Block | None) -> SlotState:
    empty = Reason(
        "slot_empty",
        Sentence("Slot %(slot)s is empty; %(part)s belongs there.", slot=required.slot, part=required.part_number),
        Sentence("Load a package of it: scan the slot, then the reel."),
    )
    return SlotState(
        required.slot, required.lane or None, required.part_number, required.part_revision,
        tuple(sorted(required.alternates)), None, None, None, None, None, blocked=block is not None,
        reasons=(empty, *([block.reason] if block else [])), warnings=(),
    )  # fmt: skip


def _filled(
    loaded: Loaded,
    required: Required | None,
    known: Mapping[int, Candidate],
    blocked: Mapping[str, Block],
    verified: Mapping[tuple[str, int], Verified],
) -> SlotState:
    candidate = known[loaded.package_id]
    slot = required.slot if required else _place(loaded) or _NO_NAME
    reasons = list(against_package(candidate, slot=slot))
    wrong = against_slot(required, candidate) if required else None
    if wrong is not None:
        reasons.append(wrong)
    block = blocked.get(_place(loaded))
    if block is not None:
        reasons.append(block.reason)
    check = verified.get((_place(loaded), loaded.package_id))
    warnings = list(candidate.condition.warnings)
    if check is None:
        package = candidate.condition.identifier
        sentence = Sentence("Nobody verified package %(package)s in slot %(slot)s.", package=package, slot=slot)
        warnings.append(Reason("not_verified", sentence, _SCAN_BOTH))
    return SlotState(
        slot=slot,
        lane=loaded.lane,
        part_number=required.part_number if required else None,
        part_revision=required.part_revision if required else None,
        alternates=tuple(sorted(required.alternates)) if required else (),
        package_id=loaded.package_id,
        package=candidate.condition.identifier,
        loaded_since=loaded.since,
        verified_by=check.actor if check else None,
        verified_at=check.at if check else None,
        blocked=block is not None,
        reasons=tuple(reasons),
        warnings=tuple(warnings),
    )


_NAMES = text(
    "SELECT station_id, coalesce(name, handle) AS name FROM station WHERE station_id = ANY (CAST(:ids AS integer[]))"
)


def _station_names(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    wanted = list(ids)
    if not wanted:
        return {}
    return {row.station_id: row.name for row in connection.execute(_NAMES, {"ids": wanted})}
