"""What a station's screen may ask to be done, and what it is answered. Plain values as they travel, JSON.

Each deed carries an id made where it was done, so that it is done once however often it is sent, and the screen's clock
twice: when it was done (`at`) and when it was sent (`sent_at`). Where the screen's clock is wrong, the difference tells
when it was done by the server's.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

Outcome = Literal["passed", "failed"]
Text = Annotated[str, msgspec.Meta(max_length=256)]
Scan = Annotated[str, msgspec.Meta(max_length=4096)]
_OLDEST = timedelta(days=14)  # a tablet that lay in a drawer
_ABOUT_RIGHT = timedelta(seconds=2)  # a clock that is wrong by more is an alarm


class _Deed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    station: Text
    at: datetime
    sent_at: datetime | None = None
    by: Text | None = None
    """Who was logged in when it was done; another one may be when it is sent."""

    def done_at(self, now: datetime) -> datetime:
        """When it was done. The screen's own clock counts while it is about right, so that deeds stay in order."""
        if self.sent_at is None or self.at.tzinfo is None or self.sent_at.tzinfo is None:
            return now
        if not timedelta(0) <= self.sent_at - self.at <= _OLDEST:
            return now
        wrong_by = now - self.sent_at  # and the time it took to get here
        return self.at if abs(wrong_by) <= _ABOUT_RIGHT else self.at + wrong_by


class Noted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A defect that somebody saw. `code` is the factory's, `reference_designator` empty where it is the whole board."""

    code: Text
    reference_designator: Text = ""
    comment: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Start(_Deed, tag="start", tag_field="kind", frozen=True, kw_only=True):
    """A unit was scanned: may it start? If so it has. `unheard`: begun offline, where the station's policy lets it."""

    serial: Scan
    unheard: bool = False


class Finish(_Deed, tag="finish", tag_field="kind", frozen=True, kw_only=True):
    """The work on a unit is done. `inspected`: somebody looked at it, so it is an inspection as well."""

    serial: Scan
    transaction: UUID
    outcome: Outcome
    inspected: bool = False
    defects: Annotated[tuple[Noted, ...], msgspec.Meta(max_length=500)] = ()


class Visit(_Deed, tag="visit", tag_field="kind", frozen=True, kw_only=True):
    """Start and end in one scan, for work that is done when the scanner beeps."""

    serial: Scan
    unheard: bool = False


class Undo(_Deed, tag="undo", tag_field="kind", frozen=True, kw_only=True):
    """The last start, end or visit at this station was a mistake."""

    serial: Scan
    transaction: UUID
    outcome: Outcome | None = None
    defects: Annotated[tuple[Noted, ...], msgspec.Meta(max_length=500)] = ()


class RepairDone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done at a designator. `label` is the scan of the reel that a new part came from."""

    reference_designator: Text
    action: Literal["resoldered", "cleaned", "realigned", "replaced", "removed", "no_fault_found"]
    label: Scan = ""
    comment: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Repair(_Deed, tag="repair", tag_field="kind", frozen=True, kw_only=True):
    """A unit was repaired, or could not be."""

    serial: Scan
    transaction: UUID
    succeeded: bool
    repairs: Annotated[tuple[RepairDone, ...], msgspec.Meta(max_length=200)]


class UndoRepair(_Deed, tag="undo_repair", tag_field="kind", frozen=True, kw_only=True):
    """The last repair at this station was told by mistake: what was there before is in its places."""

    serial: Scan
    transaction: UUID
    repairs: Annotated[tuple[RepairDone, ...], msgspec.Meta(max_length=200)]


class StartRepair(_Deed, tag="start_repair", tag_field="kind", frozen=True, kw_only=True):
    """A unit came to repair: what stops it elsewhere is why it is here."""

    serial: Scan


class Load(_Deed, tag="load", tag_field="kind", frozen=True, kw_only=True):
    """A slot was scanned, or one of its lanes tapped, then a reel. `replaces`: the reel it is spliced behind."""

    slot: Text
    label: Scan
    lane: Text | None = None
    replaces: Text | None = None


class Clear(_Deed, tag="clear", tag_field="kind", frozen=True, kw_only=True):
    """A blocked slot may be used again."""

    slot: Text
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Unload(_Deed, tag="unload", tag_field="kind", frozen=True, kw_only=True):
    """The last reel was scanned by mistake; `check` is the number its scan was answered with."""

    slot: Text
    check: int


Deed: TypeAlias = Start | Finish | Visit | Undo | Repair | UndoRepair | StartRepair | Load | Unload | Clear

Result = Literal["go", "stop", "noted", "undone"]


class Told(msgspec.Struct, frozen=True):
    """A reason for a screen: what happened, what clears it, who may let it pass."""

    sentence: str
    clears: str = ""
    right: str = ""
    code: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a deed. `transaction` is the work that is open now, None where none is.

    `check` is the number of an accepted scan at a slot.
    """

    outcome: Result
    serial: str | None = None
    sentence: str = ""
    reasons: tuple[Told, ...] = ()
    warnings: tuple[str, ...] = ()
    product: str | None = None
    transaction: UUID | None = None
    slot: str | None = None
    lane: str | None = None
    package: str | None = None
    check: int | None = None


def moment(deed: Deed) -> datetime:
    """When the deed was done."""
    return deed.done_at(datetime.now(UTC))
