"""May this package be used now, and until when? Pure: what is known of it in, the answer out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final

from app.materials.happenings import Happened, Happening
from app.materials.moisture import STRICTEST, FloorLife, floor_life, stricter
from app.materials.shelf_life import FINISH_HOURS, cold_chain, open_time
from app.reasons import Reason
from app.sentences import Sentence

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
        self.ends: list[tuple[datetime, Callable[[], Sentence]]] = []
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
            Reason(
                "retired",
                Sentence("Package %(package)s was retired.", package=known.identifier),
                Sentence("Load another; a retired one stays retired."),
            )
        )
    _expiry(known, at, found)
    level = None
    if known.handling.kind == "component":
        level = _moisture(known, limits, at, found)
    else:
        _cold(known, at, found)
        _open(known, limits, at, found)
    until = min(found.ends, default=None, key=itemgetter(0))
    if until is not None and not found.reasons and until[0] - at <= WARN_BEFORE:
        found.warnings.append(Reason("expires_soon", until[1](), Sentence("Use it before, or have another ready.")))
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
    ends, name = known.expires_at, known.identifier
    if ends is None:
        return
    if at >= ends:
        sentence = Sentence("Package %(package)s passed its expiry date on %(time)s.", package=name, time=ends)
        found.reasons.append(Reason("shelf_life_over", sentence, Sentence("Load another, and retire this one.")))
    else:
        found.ends.append(
            (ends, lambda: Sentence("Package %(package)s passes its expiry date at %(time)s.", package=name, time=ends))
        )


def _moisture(known: KnownPackage, limits: dict[str, float | None], at: datetime, found: _Findings) -> str | None:
    """Judge the floor life; the level that counts."""
    said = stricter(filter(None, (known.handling.moisture_level, known.moisture_level)))
    told_of = any(one.kind in _EXPLICIT and one.at <= at for one in known.happenings)
    if said is None and not told_of:
        return None  # a resistor: nobody ever treated it as sensitive
    level = said or STRICTEST
    if said is None:
        found.warnings.append(
            Reason(
                "moisture_level_unknown",
                Sentence(
                    "Nobody said the moisture level of package %(package)s; it counts as %(level)s.",
                    package=known.identifier,
                    level=STRICTEST,
                ),
                Sentence("Set the level of part %(part)s.", part=known.part_number or "(unknown)"),
            )
        )
    own = known.handling.floor_life_hours
    hours = own if own is not None else limits.get(level)
    stands = floor_life(known.happenings, limit=None if hours is None else timedelta(hours=hours), at=at)
    found.floor_life_left = stands.left
    found.reasons += _floor_reasons(known, stands, level, hours)
    ends, name = stands.runs_out_at, known.identifier
    if ends is not None and not found.reasons:
        found.ends.append(
            (
                ends,
                lambda: Sentence(
                    "The floor life of package %(package)s (MSL %(level)s) ends at %(time)s.",
                    package=name,
                    level=level,
                    time=ends,
                ),
            )
        )
    return level


def _floor_reasons(known: KnownPackage, stands: FloorLife, level: str, hours: float | None) -> Iterator[Reason]:
    name = known.identifier
    if level == "6" and not stands.baked:
        sentence = Sentence("Package %(package)s is of moisture level 6 and was not baked.", package=name)
        yield Reason("bake_before_use", sentence, Sentence("Bake it and record that; then its label's time counts."))
    elif level == "6" and hours == 0 and stands.over_because == "clock":
        sentence = Sentence(
            "Package %(package)s is of moisture level 6, and nobody said its label's time.", package=name
        )
        clears = Sentence(
            "Set floor_life_hours of part %(part)s to the label's time, and bake it.",
            part=known.part_number or "(unknown)",
        )
        yield Reason("floor_life_over", sentence, clears)
    elif stands.over_since is not None and stands.over_because == "card":
        sentence = Sentence(
            "The humidity card of package %(package)s was wet at %(time)s.", package=name, time=stands.over_since
        )
        yield Reason("humidity_card_wet", sentence, Sentence("Bake it and record that, or load another."))
    elif stands.over_since is not None and stands.over_because == "machine":
        sentence = Sentence(
            "A machine said that the floor life of package %(package)s was over at %(time)s.",
            package=name,
            time=stands.over_since,
        )
        yield Reason("floor_life_over", sentence, Sentence("Bake it and record that, or load another."))
    elif stands.over_since is not None:
        sentence = Sentence(
            "Package %(package)s passed its floor life (MSL %(level)s, %(hours)s h) at %(time)s.",
            package=name,
            level=level,
            hours=hours,
            time=stands.over_since,
        )
        yield Reason("floor_life_over", sentence, Sentence("Bake it and record that, or load another."))


def _cold(known: KnownPackage, at: datetime, found: _Findings) -> None:
    handling, name = known.handling, known.identifier
    if handling.thaw_hours is None and handling.thawed_hours is None:
        return
    thawed = None if handling.thawed_hours is None else timedelta(hours=handling.thawed_hours)
    stands = cold_chain(known.happenings, thaw=timedelta(hours=handling.thaw_hours or 0), thawed=thawed, at=at)
    if stands.over_since is not None:
        sentence = Sentence(
            "Package %(package)s was out of cold storage too long (%(hours)s h) at %(time)s.",
            package=name,
            hours=handling.thawed_hours,
            time=stands.over_since,
        )
        found.reasons.append(Reason("thawed_too_long", sentence, Sentence("Load another, and retire this one.")))
    elif stands.ready_at is None:
        sentence = Sentence("Package %(package)s is in cold storage, as far as anybody said.", package=name)
        clears = Sentence("Take it out, record that, and let it thaw for %(hours)s h.", hours=handling.thaw_hours or 0)
        found.reasons.append(Reason("not_thawed", sentence, clears))
    elif at < stands.ready_at:
        sentence = Sentence("Package %(package)s thaws until %(time)s.", package=name, time=stands.ready_at)
        found.reasons.append(Reason("not_thawed", sentence, Sentence("Wait until then, or load another.")))
    ends = stands.runs_out_at
    if ends is not None:
        found.ends.append(
            (
                ends,
                lambda: Sentence(
                    "The time of package %(package)s out of cold storage ends at %(time)s.", package=name, time=ends
                ),
            )
        )


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
        sentence = Sentence(
            "Package %(package)s was open too long (%(hours)s h) at %(time)s.",
            package=name,
            hours=hours,
            time=stands.over_since,
        )
        found.reasons.append(Reason("open_too_long", sentence, Sentence("Load another, and retire this one.")))
    ends = stands.runs_out_at
    if ends is not None and stands.over_since is None:
        found.ends.append(
            (ends, lambda: Sentence("The open time of package %(package)s ends at %(time)s.", package=name, time=ends))
        )
