"""Who may let which reason pass, and for how long. Pure.

Source: the trade's interlock practice. Operators override nothing; a line lead a setup mismatch that a scan validated;
a process engineer more, and with a second person where a wrong decision ends in a product that harms; what quality
decides (holds, failures, scrap) is cleared by deciding it, never by going round it. What is not listed is overridden
by nobody.
"""

from dataclasses import dataclass
from datetime import timedelta

from app.people.models import Role
from app.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Right:
    """Roles that may override, with a second person or alone, for at most `longest`."""

    roles: tuple[Role, ...]
    longest: timedelta
    second_person: bool = False

    @property
    def sentence(self) -> Sentence:
        """The right in words."""
        may = {"roles": self.roles, "hours": self.hours}
        if self.second_person:
            return Sentence("A %(roles)s may override this with a second person for %(hours)s h.", **may)
        return Sentence("A %(roles)s may override this for %(hours)s h.", **may)

    @property
    def hours(self) -> float:
        """`longest`, in hours."""
        return self.longest.total_seconds() / 3600


_HOUR = timedelta(hours=1)
_SHIFT = timedelta(hours=8)
_ENGINEER = (Role.process_engineer,)
_LEAD = (Role.line_lead, Role.process_engineer)
_QUALITY = (Role.quality_engineer,)

VALIDATED_MISMATCH = Right(_LEAD, _SHIFT)
"""A setup mismatch behind which a person's scan stands: it is known what is in the slot."""

RIGHTS: dict[str, Right] = {
    # route
    "skipped": Right(_ENGINEER, _SHIFT, second_person=True),
    "out_of_order": Right(_ENGINEER, _SHIFT, second_person=True),
    "repeated": Right(_ENGINEER, _SHIFT),
    "retest_limit": Right((Role.process_engineer, Role.quality_engineer), _SHIFT),
    "no_verdict": Right(_ENGINEER, _SHIFT),
    # trace
    "incomplete": Right(_QUALITY, _SHIFT),
    # setup
    "not_verified": Right(_LEAD, _SHIFT),
    "slot_empty": Right(_LEAD, _HOUR),
    "side_unknown": Right(_LEAD, _HOUR),
    "wrong_part": Right(_ENGINEER, _HOUR, second_person=True),
    "wrong_revision": Right(_ENGINEER, _SHIFT, second_person=True),
    "unapproved_alternate": Right(_ENGINEER, _SHIFT, second_person=True),
    "package_unknown": Right(_ENGINEER, _SHIFT),
    # material
    "floor_life_over": Right(_ENGINEER, _HOUR, second_person=True),
    "humidity_card_wet": Right(_ENGINEER, _HOUR, second_person=True),
    "bake_before_use": Right(_ENGINEER, _HOUR, second_person=True),
    "shelf_life_over": Right(_ENGINEER, _SHIFT, second_person=True),
    "not_thawed": Right(_ENGINEER, _HOUR),
    "thawed_too_long": Right(_ENGINEER, _HOUR),
    "open_too_long": Right(_ENGINEER, _HOUR),
    # tools, recipe, people, calibration
    "tool_worn_out": Right(_ENGINEER, _SHIFT),
    "cleaning_due": Right(_LEAD, _HOUR),
    "calibration_over": Right(_ENGINEER, timedelta(hours=24), second_person=True),
    "calibration_due": Right(_ENGINEER, timedelta(hours=24), second_person=True),
    "wrong_recipe": Right(_ENGINEER, _SHIFT),
    "recipe_unknown": Right(_LEAD, _HOUR),
    "not_qualified": Right(_ENGINEER, _SHIFT, second_person=True),
    "qualification_over": Right(_ENGINEER, _SHIFT, second_person=True),
    "no_operator": Right(_LEAD, _HOUR),
}

MISMATCHES = frozenset({"wrong_revision", "unapproved_alternate"})
"""Setup mismatches that a scan validates: the part fits the slot, its revision or approval is the question."""


def right_to(code: str, *, verified: bool = False) -> Right | None:
    """Who may override a reason; None: nobody."""
    if verified and code in MISMATCHES:
        return VALIDATED_MISMATCH
    return RIGHTS.get(code)
