"""Scan the slot, then the reel: accepted or refused with the reason, and recorded either way.

A refused scan blocks its slot until the right package is scanned there or somebody with the right clears it. An
accepted one also says that the package is in the slot: not every machine does. A splice says which package is behind
which. In a slot with several lanes the lane is the one that was said, the one the reel is known to be in, or the only
one whose part it is; nobody guesses.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, text

from app.errors import Conflict, Invalid
from app.facts import Report
from app.lines.tools import station_id_of
from app.materials.labels import UnreadableLabelError, read_label
from app.materials.loaded import Loaded, identifiers, loaded_at
from app.materials.loadings import LoadingChange, record_loadings
from app.materials.package_events import past
from app.materials.packages import PackageRelation, relate_packages
from app.materials.rules import Condition
from app.people import record_audit
from app.reasons import Reason, kept, reason_given
from app.sentences import Sentence
from app.setup.checks import blocks_at
from app.setup.current import building_at
from app.setup.models import SetupCheck
from app.setup.requirements import required_setup
from app.setup.rules import Candidate, Required, against_package, against_slot
from app.setup.state import candidates

LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a scan: the package it named, the slot as it is called here, and what spoke against it.

    `lane`: of a slot with lanes, the one it was scanned for. `check_id` is its number, by which it can be undone.
    """

    accepted: bool
    station: str
    slot: str
    package: str | None
    reasons: tuple[Reason, ...]
    lane: str | None = None
    check_id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """A slot: as the setup calls it, as the machine identifies it, and as the machine names it; the lanes it has."""

    slot: str
    location: str
    name: str | None
    lanes: tuple[str, ...]


def verify_loading(
    connection: Connection,
    *,
    station: str,
    slot: str,
    label: str,
    lane: str | None = None,
    replaces: str | None = None,
    product_revision_id: int | None = None,
    side: str | None = None,
    actor: str,
    at: datetime | None = None,
) -> Check:
    """Check one package for one slot, `replaces` naming the one it is spliced behind; see the module.

    Without `product_revision_id` what the station builds now counts. Raises `NotFound` for a station nobody knows,
    `Invalid` for a slot or lane it does not have, for a package that may be in several lanes where no `lane` was said,
    and for one in `replaces` that is not in the slot: then nothing is recorded, as nobody can say what was checked.
    """
    when = past(at)
    station_id = station_id_of(connection, station)
    if not label.strip() or len(label) > LONGEST:
        raise Invalid(Sentence("Scan the reel's label: the scan is empty or longer than any label."))
    revision, side = _building(connection, station_id, product_revision_id, side, when)
    required = required_setup(connection, station_id, revision, side) if revision is not None else []
    package_id, identifier = _package(connection, label)
    place = _place(connection, station_id, slot.strip(), required)
    if lane is not None and lane not in place.lanes:
        raise Invalid(
            Sentence(
                "Slot %(slot)s has no lane %(lane)s. Scan the label at the slot again.", slot=place.slot, lane=lane
            )
        )
    alone_with(connection, f"slot {station_id} {place.location}", f"package {package_id or label.strip()}")
    now = datetime.now(UTC)  # of what was scanned before, too, it counts whether it may be used now
    loaded = loaded_at(connection, station_id, at=when)
    old = _replaced(connection, replaces, place, loaded, station_id, now) if replaces else None
    planned = [one for one in required if one.slot == place.slot]
    if old is not None:
        lane = _its_lane(old, place, planned, loaded, lane)
    lane = lane or _there(package_id, place, loaded)
    belongs = [one for one in planned if lane is None or one.lane in {"", lane}]
    if package_id is None:
        reasons = [_unknown(label)]
    else:
        new = candidates(connection, [package_id], here=station_id, at=max(now, when))[package_id]
        reasons = _against(new, place, belongs, old)
        if new.condition.remaining == 0 and connection.execute(_COUNTED_EMPTY, {"package": package_id}).scalar():
            reasons.append(_empty(new.condition.identifier))
        if not reasons and old is None:
            lane = lane or _lane(new, place, belongs)
    checked = _Checked(
        station, station_id, place, label, package_id, identifier, old.condition if old else None, revision, actor,
        when, lane,
    )  # fmt: skip
    check_id = _record(connection, checked, reasons)
    return Check(not reasons, station, place.slot, identifier, tuple(reasons), lane, check_id)


def clear_location(
    connection: Connection, *, station: str, slot: str, reason: str, actor: str, at: datetime | None = None
) -> None:
    """Lift the block of a slot without scanning the right package, with a reason that is kept.

    Raises `Conflict` where the slot is not blocked, `Invalid` without a reason.
    """
    when = past(at)
    station_id = station_id_of(connection, station)
    reason = reason_given(reason)
    known = identifiers(loaded_at(connection, station_id, at=when))
    if known.get(slot, slot) not in blocks_at(connection, station_id, at=when, known=known):
        raise Conflict(Sentence("Slot %(slot)s of %(station)s is not blocked.", slot=slot, station=station))
    audit_id = record_audit(connection, actor=actor, deed="location.cleared", subject=f"station:{station}",
                            slot=slot, reason=reason)  # fmt: skip
    connection.execute(
        insert(SetupCheck).values(
            check_id=audit_id, station_id=station_id, slot=slot, kind="clearance", accepted=True, actor=actor,
            recorded_at=when,
        )
    )  # fmt: skip


def _building(
    connection: Connection, station_id: int, product_revision_id: int | None, side: str | None, at: datetime
) -> tuple[int | None, str | None]:
    if product_revision_id is not None:
        return product_revision_id, side
    now = building_at(connection, station_id, at=at)
    return (None, side) if now is None else (now.product_revision_id, side or now.side)


def alone_with(connection: Connection, *names: str) -> None:
    """Two scanners may check one package, or one slot, at the same moment: the second waits and sees the first's."""
    for name in sorted(names):
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


_SLOTS = text(
    """
    SELECT DISTINCT slot, slot_name, lane FROM loading_event
    WHERE station_id = :station AND (slot = :said OR slot_name = :said)
    """
)


def _place(connection: Connection, station_id: int, said: str, required: Sequence[Required]) -> _Place:
    if not said or len(said) > 256:
        raise Invalid(Sentence("Scan the slot first, then the reel."))
    rows = connection.execute(_SLOTS, {"station": station_id, "said": said}).all()
    rows = [row for row in rows if row.slot == said] or rows
    locations = {row.slot for row in rows if row.slot}
    if len(locations) > 1:
        raise Invalid(
            Sentence(
                "Several locations of this station are called %(slot)s: %(all_slots)s.",
                slot=said,
                all_slots=sorted(locations),
            )
        )
    location = next(iter(locations), said)
    name = next((row.slot_name for row in rows if row.slot_name), None)
    wanted = next((one.slot for one in required if one.slot in {said, location, name}), None)
    if wanted is None and required:
        raise Invalid(
            Sentence("The setup of this station has no slot %(slot)s. Scan the label at the slot again.", slot=said)
        )
    lanes = {one.lane for one in required if one.slot == wanted and one.lane} or {row.lane for row in rows if row.lane}
    return _Place(wanted or location, location, name, tuple(sorted(lanes)))


def _there(package_id: int | None, place: _Place, loaded: Sequence[Loaded]) -> str | None:
    """The lane that the package is loaded in by now, if it is one that the slot has."""
    lane = next((one.lane for one in loaded if one.package_id == package_id and one.slot == place.location), None)
    return lane if lane in place.lanes else None


def _its_lane(
    old: Candidate, place: _Place, planned: Sequence[Required], loaded: Sequence[Loaded], said: str | None
) -> str | None:
    """The lane of the package that another is spliced to: the tape stays in it. Raises `Invalid` for another one."""
    there = _there(old.condition.package_id, place, loaded)
    if there is None or said is None:
        return there or said or _lane(old, place, planned)
    if said != there:
        raise Invalid(
            Sentence(
                "Package %(package)s is in lane %(lane)s of slot %(slot)s. Scan the reel in the feeder.",
                package=old.condition.identifier, lane=there, slot=place.slot,
            )
        )  # fmt: skip
    return there


def _lane(new: Candidate, place: _Place, belongs: Sequence[Required]) -> str | None:
    """The lane that the package can only be for; None in a slot without lanes.

    Raises `Invalid` where it may be any of several.
    """
    fits = {one.lane for one in belongs if against_slot(one, new) is None}
    possible = [lane for lane in place.lanes if not belongs or "" in fits or lane in fits]
    if len(possible) > 1:
        raise Invalid(
            Sentence(
                "Package %(package)s may go into lane %(either_lane)s of slot %(slot)s. Say which lane it is in.",
                package=new.condition.identifier,
                either_lane=possible,
                slot=place.slot,
            ),
            lanes=possible,
        )
    return possible[0] if possible else None


_FIND = text("SELECT package_id, identifier FROM package WHERE identifier = :identifier")


def _package(connection: Connection, label: str) -> tuple[int | None, str | None]:
    """The package whose identifier was scanned, or whose label bears one."""
    said = [label.strip()]
    with suppress(UnreadableLabelError):  # most scans at the line are the factory's own number, not a maker's label
        said.append(read_label(label).package_identifier or "")
    for identifier in said:
        row = connection.execute(_FIND, {"identifier": identifier}).one_or_none()
        if row is not None:
            return row.package_id, row.identifier
    return None, None


# A machine that says so may have lost the tape; a person who counted knows.
_COUNTED_EMPTY = text(
    """
    -- Did a person count it empty after whatever was counted last that was more than nothing?
    SELECT max(least(recorded_at, received_at)) FILTER (WHERE kind = 'empty' AND event_id < 0) > greatest(
        max(least(recorded_at, received_at)) FILTER (WHERE kind <> 'empty' AND quantity > 0), '-infinity'
    ) FROM loading_event WHERE package_id = :package
    """
)
_THIS_LABEL = Sentence("this label")


def _empty(package: str) -> Reason:
    sentence = Sentence("Somebody counted package %(package)s: nothing is left in it.", package=package)
    clears = Sentence("Load another; if this one is not empty, count it and return it with its count first.")
    return Reason("counted_empty", sentence, clears)


def _unknown(label: str) -> Reason:
    shown = label.strip()[:80] if label.strip().isprintable() else _THIS_LABEL
    sentence = Sentence("Nobody knows package %(package)s.", package=shown)
    return Reason("package_unknown", sentence, Sentence("Receive it first: scan it at goods-in."))


def _replaced(
    connection: Connection, replaces: str, place: _Place, loaded: Sequence[Loaded], station_id: int, at: datetime
) -> Candidate:
    old_id, identifier = _package(connection, replaces)
    here = [one.package_id for one in loaded if one.slot == place.location]
    if old_id is None or old_id not in here:
        raise Invalid(
            Sentence(
                "Package %(package)s is not in slot %(slot)s. Scan the reel in the feeder.",
                package=identifier or replaces.strip()[:80],
                slot=place.slot,
            )
        )
    return candidates(connection, [old_id], here=station_id, at=at)[old_id]


def _against(new: Candidate, place: _Place, belongs: Sequence[Required], old: Candidate | None) -> list[Reason]:
    """Everything that speaks against the package: in any slot, in this one, and behind the one it is spliced to."""
    reasons = list(against_package(new, slot=Sentence("slot %(slot)s", slot=place.slot)))
    if old is not None and old.condition.package_id == new.condition.package_id:
        sentence = Sentence("Package %(package)s is the one in the slot.", package=new.condition.identifier)
        reasons.append(Reason("wrong_part", sentence, Sentence("Scan the new reel.")))
    if old is not None and not belongs:
        # Nobody said what the slot must hold: then what is in it does.
        part = old.condition.part_number or old.condition.manufacturer_part_number
        belongs = [Required(place.slot, part)] if part else []
    wrong = [against_slot(one, new) for one in belongs]
    if wrong and wrong[0] and all(wrong):  # of a slot with several lanes, one that fits is enough
        reasons.append(wrong[0])
    return reasons


@dataclass(frozen=True, slots=True)
class _Checked:
    station: str
    station_id: int
    place: _Place
    label: str
    package_id: int | None
    package: str | None
    replaced: Condition | None
    product_revision_id: int | None
    actor: str
    at: datetime
    lane: str | None


def _record(connection: Connection, checked: _Checked, reasons: Sequence[Reason]) -> int:
    audit_id = record_audit(
        connection, actor=checked.actor, deed="setup.refused" if reasons else "setup.verified",
        subject=f"station:{checked.station}", slot=checked.place.slot, label=checked.label, package=checked.package,
        reasons=[reason.code for reason in reasons],
    )  # fmt: skip
    connection.execute(
        insert(SetupCheck).values(
            check_id=audit_id,
            station_id=checked.station_id,
            slot=checked.place.slot,
            kind="load" if checked.replaced is None else "splice",
            label=checked.label,
            package_id=checked.package_id,
            replaced_id=checked.replaced.package_id if checked.replaced else None,
            product_revision_id=checked.product_revision_id,
            accepted=not reasons,
            reasons=[kept(reason) for reason in reasons],
            actor=checked.actor,
            recorded_at=checked.at,
        )
    )
    if reasons or checked.package is None or checked.package_id is None:
        return audit_id
    report = Report(-audit_id, checked.station_id, checked.at, datetime.now(UTC))
    known = {checked.package: checked.package_id}
    if checked.replaced is None:
        place = checked.place
        change = LoadingChange(report, "loaded", checked.package, place.location, place.name, checked.lane)
        record_loadings(connection, [change], known)
    else:
        known[checked.replaced.identifier] = checked.replaced.package_id
        joined = PackageRelation(report, "joined", checked.replaced.identifier, checked.package, None)
        relate_packages(connection, [joined], known)
    return audit_id
