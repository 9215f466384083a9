"""Who is asking, and what a role may do. Pure: no database."""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Forbidden
from app.people.models import Role
from app.sentences import Sentence


class Permission(StrEnum):
    """One thing a role may or may not do; the value completes "may not ..."."""

    post_cfx = "post CFX messages"
    read_units = "look into units and what they are made from"
    read_line = "see lines and stations"
    receive_packages = "receive packages"
    handle_quarantine = "replay or dismiss quarantined messages"
    plan_work = "plan work orders, serial formats and instructions"
    work_at_stations = "work at a station"
    ask_gate = "ask the gate"
    override_gate = "override the gate and lock stations"
    open_containments = "contain lots, packages and units"
    release_holds = "release what is contained"
    decide_units = "decide what becomes of units on hold"
    ship_units = "pack and ship units"
    run_drills = "run recall drills"
    set_limits = "set floor lives, the handling of parts and the limits of tools"
    calibrate = "say until when tools and stations are calibrated"
    state_clocks = "state that a station's clock was set"
    withdraw_openings = "say that a package was never opened"
    confirm_counts = "confirm that a package holds more pieces than anybody said"
    plan_gate = "plan what the gate goes by: lines, products, setups, recipes, policies and qualifications"
    manage_people = "manage people and tokens"


_ON_THE_FLOOR = {Permission.read_units, Permission.read_line, Permission.receive_packages, Permission.ask_gate}
_ON_THE_FLOOR |= {Permission.work_at_stations}
_ENGINEER = _ON_THE_FLOOR | {Permission.handle_quarantine, Permission.plan_work, Permission.open_containments}
_LIMITS = {Permission.set_limits, Permission.calibrate, Permission.plan_gate}
_OVERRIDER = {Permission.override_gate}  # of which reasons, `app.interlock.rights` says
_QUALITY = {Permission.release_holds, Permission.decide_units, Permission.ship_units, Permission.run_drills}
_QUALITY |= {Permission.withdraw_openings, Permission.confirm_counts}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.operator: frozenset(_ON_THE_FLOOR),
    Role.line_lead: frozenset(
        _ENGINEER
        | _OVERRIDER
        | {Permission.ship_units, Permission.state_clocks, Permission.withdraw_openings, Permission.confirm_counts}
    ),
    # Of what becomes of units, a process engineer decides only rework and repair.
    Role.process_engineer: frozenset(
        _ENGINEER | _OVERRIDER | _LIMITS | {Permission.decide_units, Permission.state_clocks}
    ),
    Role.quality_engineer: frozenset(_ENGINEER | _OVERRIDER | _LIMITS | _QUALITY),
    Role.customer: frozenset({Permission.read_units}),  # and of those only their own
    Role.administrator: frozenset(Permission),
    Role.line_equipment: frozenset({Permission.post_cfx, Permission.ask_gate}),
}


def spoken(role: Role | str) -> str:
    """A role as people say it: `quality_engineer` is "quality engineer"."""
    return str(role).replace("_", " ")


def roles_that_may(permission: Permission) -> list[Role]:
    """The roles that have a permission."""
    return [role for role, granted in PERMISSIONS.items() if permission in granted]


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks: a person with a session or the bearer of a token.

    `identity` ("person:ann", "token:7 press") goes into the audit trail. `customer_id` is set for
    customers only: whatever they ask is narrowed to what is theirs. `station` is the CFX handle a
    line equipment token speaks for, if it is bound to one. `person` is the name of the human being
    behind it, where it is known: of a session always, of a token where it was made for somebody.
    """

    identity: str
    name: str
    role: Role
    customer_id: int | None = None
    station: str | None = None
    person: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether this role may."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden`, naming the roles that may, unless this role may."""
        if self.may(permission):
            return
        raise Forbidden(
            Sentence(
                "The role %(roles)s may not %(word)s. Ask somebody with the role %(roles_able)s.",
                roles=[self.role],
                word=permission,
                roles_able=roles_that_may(permission),
            )
        )
