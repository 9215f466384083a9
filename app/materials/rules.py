"""May this package be used now, and until when? Pure: what is known of it in, the answer out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.materials.happenings import Happened, Happening
from app.materials.moisture import STRICTEST, FloorLife, floor_life
from app.materials.shelf_life import FINISH_HOURS, cold_chain, open_time
from app.reasons import Reason

KINDS: Final = ("component", "paste", "adhesive", "bare_board")
WARN_BEFORE: Final = timedelta(hours=4)
"""Half a shift: time to bake, to thaw or to fetch another."""

_EXPLICIT: Final = {
    Happened.opened, Happened.dry_stored, Happened.dry_removed, Happened.restored, Happened.expired,
    Happened.humidity_card_wet,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handling:
    """How packages of a part number must be treated: see `app.materials.models.PartHandling`. Times in hours."""

    part_number: str | None = None
    kind: str = "component"
    moisture_level: str | None = None
    floor_life_hours: float | None = None
    thaw_hours: float | None = None
    thawed_hours: float | None = None
    open_hours: float | None = None
    surface_finish: str | None = None


@dataclass(frozen=True, slots=True)
class KnownPackage:
    """What is known of one package. `moisture_level`: the strictest that anybody said of it."""

    package_id: int
    identifier: str
    part_number: str | None = None
    lot: str | None = None
    part_revision: str | None = None
    manufacturer_part_number: str | None = None
    unplanned: bool = False
    remaining: float | None = None
    expires_at: datetime | None = None
    moisture_level: str | None = None
    handling: Handling = field(default_factory=Handling)
    happenings: Sequence[Happening] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a package may be used at a moment.

    `usable_until` is the first moment at which it will be refused if it stays where it is; None where that never comes,
    or where it is refused already. `remaining`: pieces when they were last counted.
    """

    package_id: int
    identifier: str
    part_number: str | None
    lot: str | None
    part_revision: str | None
    manufacturer_part_number: str | None
    unplanned: bool
    retired: bool
    remaining: float | None
    moisture_level: str | None
    floor_life_left: timedelta | None
    usable_until: datetime | None
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against using it."""
        return not self.reasons


class _Findings:
    """Reasons and warnings as they are found, and the first end that comes."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.warnings: list[Reason] = []
        self.ends: list[tuple[datetime, str]] = []
        self.floor_life_left: timedelta | None = None


def condition_of(known: KnownPackage, *, limits: dict[str, float | None], at: datetime) -> Condition:
    """The rule, part by part:

    * Retired packages are not used again.
    * Past its expiry date (`expires_at`) nothing is used.
    * A component is used within the floor life of its moisture level; the part's own (the label's time) comes first,
      then the factory's, then J-STD-033's. Opened and of a level nobody said, it counts as 5a.
    * Paste and adhesive thaw first, are used within their time out of the cold and within their open time.
    * Bare boards are used within the open time of their surface finish.

    `limits` are the hours of each moisture level and surface finish.
    """
    found = _Findings()
    retired = any(one.kind is Happened.retired and one.at <= at for one in known.happenings)
    if retired:
        found.reasons.append(
            Reason("retired", f"Package {known.identifier} was retired.", "Load another; a retired one stays retired.")
        )
    _expiry(known, at, found)
    level = None
    if known.handling.kind == "component":
        level = _moisture(known, limits, at, found)
    else:
        _cold(known, at, found)
        _open(known, limits, at, found)
    until = min(found.ends, default=None)
    if until is not None and not found.reasons and until[0] - at <= WARN_BEFORE:
        found.warnings.append(
            Reason("expires_soon", f"{until[1]} at {moment(until[0])}.", "Use it before, or have another ready.")
        )
    return Condition(
        package_id=known.package_id,
        identifier=known.identifier,
        part_number=known.part_number,
        lot=known.lot,
        part_revision=known.part_revision,
        manufacturer_part_number=known.manufacturer_part_number,
        unplanned=known.unplanned,
        retired=retired,
        remaining=known.remaining,
        moisture_level=level,
        floor_life_left=found.floor_life_left,
        usable_until=until[0] if until is not None and not found.reasons else None,
        reasons=tuple(found.reasons),
        warnings=tuple(found.warnings),
    )


def _expiry(known: KnownPackage, at: datetime, found: _Findings) -> None:
    if known.expires_at is None:
        return
    if at >= known.expires_at:
        sentence = f"Package {known.identifier} passed its expiry date on {moment(known.expires_at)}."
        found.reasons.append(Reason("shelf_life_over", sentence, "Load another, and retire this one."))
    else:
        found.ends.append((known.expires_at, f"Package {known.identifier} passes its expiry date"))


def _moisture(known: KnownPackage, limits: dict[str, float | None], at: datetime, found: _Findings) -> str | None:
    """Judge the floor life; the level that counts."""
    said = known.handling.moisture_level or known.moisture_level
    told_of = any(one.kind in _EXPLICIT and one.at <= at for one in known.happenings)
    if said is None and not told_of:
        return None  # a resistor: nobody ever treated it as sensitive
    level = said or STRICTEST
    if said is None:
        found.warnings.append(
            Reason(
                "moisture_level_unknown",
                f"Nobody said the moisture level of package {known.identifier}; it counts as {STRICTEST}.",
                f"Set the level of part {known.part_number or '(unknown)'}.",
            )
        )
    own = known.handling.floor_life_hours
    hours = own if own is not None else limits.get(level)
    stands = floor_life(known.happenings, limit=None if hours is None else timedelta(hours=hours), at=at)
    found.floor_life_left = stands.left
    found.reasons += _floor_reasons(known, stands, level, hours)
    if stands.runs_out_at is not None and not found.reasons:
        found.ends.append((stands.runs_out_at, f"The floor life of package {known.identifier} (MSL {level}) ends"))
    return level


def _floor_reasons(known: KnownPackage, stands: FloorLife, level: str, hours: float | None) -> Iterator[Reason]:
    name = known.identifier
    if level == "6" and not stands.baked:
        sentence = f"Package {name} is of moisture level 6 and was not baked."
        yield Reason("bake_before_use", sentence, "Bake it and record that; then its label's time counts.")
    elif level == "6" and hours == 0 and stands.over_because == "clock":
        sentence = f"Package {name} is of moisture level 6, and nobody said its label's time."
        clears = f"Set floor_life_hours of part {known.part_number or '(unknown)'} to the label's time, and bake it."
        yield Reason("floor_life_over", sentence, clears)
    elif stands.over_since is not None and stands.over_because == "card":
        sentence = f"The humidity card of package {name} was wet at {moment(stands.over_since)}."
        yield Reason("humidity_card_wet", sentence, "Bake it and record that, or load another.")
    elif stands.over_since is not None and stands.over_because == "machine":
        sentence = f"A machine said that the floor life of package {name} was over at {moment(stands.over_since)}."
        yield Reason("floor_life_over", sentence, "Bake it and record that, or load another.")
    elif stands.over_since is not None:
        sentence = f"Package {name} passed its floor life (MSL {level}, {hours:g} h) at {moment(stands.over_since)}."
        yield Reason("floor_life_over", sentence, "Bake it and record that, or load another.")


def _cold(known: KnownPackage, at: datetime, found: _Findings) -> None:
    handling, name = known.handling, known.identifier
    if handling.thaw_hours is None and handling.thawed_hours is None:
        return
    thawed = None if handling.thawed_hours is None else timedelta(hours=handling.thawed_hours)
    stands = cold_chain(known.happenings, thaw=timedelta(hours=handling.thaw_hours or 0), thawed=thawed, at=at)
    if stands.over_since is not None:
        sentence = f"Package {name} was out of cold storage too long ({handling.thawed_hours:g} h) at "
        sentence += f"{moment(stands.over_since)}."
        found.reasons.append(Reason("thawed_too_long", sentence, "Load another, and retire this one."))
    elif stands.ready_at is None:
        sentence = f"Package {name} is in cold storage, as far as anybody said."
        clears = f"Take it out, record that, and let it thaw for {handling.thaw_hours or 0:g} h."
        found.reasons.append(Reason("not_thawed", sentence, clears))
    elif at < stands.ready_at:
        sentence = f"Package {name} thaws until {moment(stands.ready_at)}."
        found.reasons.append(Reason("not_thawed", sentence, "Wait until then, or load another."))
    if stands.runs_out_at is not None:
        found.ends.append((stands.runs_out_at, f"The time of package {name} out of cold storage ends"))


def _open(known: KnownPackage, limits: dict[str, float | None], at: datetime, found: _Findings) -> None:
    handling, name = known.handling, known.identifier
    hours = handling.open_hours
    if hours is None and handling.kind == "bare_board":
        finish = handling.surface_finish or ""
        hours = limits[finish] if finish in limits else min(filter(None, FINISH_HOURS.values()))
    if hours is None:
        return
    stands = open_time(known.happenings, limit=timedelta(hours=hours), pauses=handling.kind == "bare_board", at=at)
    if stands.over_since is not None:
        sentence = f"Package {name} was open too long ({hours:g} h) at {moment(stands.over_since)}."
        found.reasons.append(Reason("open_too_long", sentence, "Load another, and retire this one."))
    elif stands.runs_out_at is not None:
        found.ends.append((stands.runs_out_at, f"The open time of package {name} ends"))


def moment(at: datetime) -> str:
    """A time as a sentence says it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
