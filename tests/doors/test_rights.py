"""Who may do what: the whole table, deed by deed and role by role, against what the doors ask and the gate lets pass.

Source: the trade's interlock practice. Operators override nothing; a line lead a validated setup mismatch; a process
engineer more, with a second person for safety; requirements, limits, calibrations and policies are engineers'.
"""

from collections.abc import Iterator
from itertools import chain

import pytest
from fastapi.routing import APIRoute

from app.api import router as doors
from app.interlock.rights import MISMATCHES, RIGHTS, VALIDATED_MISMATCH, right_to
from app.people import PERMISSIONS, Permission, Role
from tests.doors.conftest import Ask

LETTERS = dict(zip(Role, "OLPQCAE", strict=True))  # Operator, line Lead, ..., Customer, Administrator, line Equipment
DEEDS = """
    -----A-  POST /tokens
    -----A-  POST /tokens/{token_id}/revoke
    -----AE  POST /cfx
    ---Q-A-  POST /containments/{number}/release
    ---Q-A-  POST /drills
    ---Q-A-  POST /interlock/provisional/release
    --PQ-A-  POST /interlock/stations
    --PQ-A-  POST /lines
    --PQ-A-  POST /nonconformances/{number}/dispositions
    --PQ-A-  POST /products
    --PQ-A-  POST /setup/learned
    --PQ-A-  POST /setup/requirements/list
    --PQ-A-  POST /setup/withdrawals
    --PQ-A-  PUT /approved-parts
    --PQ-A-  PUT /floor-life
    --PQ-A-  PUT /handling
    --PQ-A-  PUT /interlock/qualification-needs
    --PQ-A-  PUT /interlock/qualifications
    --PQ-A-  PUT /interlock/recipes
    --PQ-A-  PUT /interlock/retest-limits
    --PQ-A-  PUT /interlock/thresholds
    --PQ-A-  PUT /routings
    --PQ-A-  PUT /setup/requirements
    --PQ-A-  PUT /tools
    --PQ-A-  PUT /tools/limits
    -LP--A-  POST /stations/clock
    -L-Q-A-  POST /packages/never-opened
    -L-Q-A-  POST /shipments
    -L-Q-A-  POST /shipments/ship
    -L-Q-A-  POST /shipments/unpack
    -LPQ-A-  POST /containments
    -LPQ-A-  POST /containments/preview
    -LPQ-A-  POST /containments/{number}/count-again
    -LPQ-A-  POST /instructions
    -LPQ-A-  POST /interlock/locks
    -LPQ-A-  POST /interlock/overrides
    -LPQ-A-  POST /interlock/overrides/{override_id}/revoke
    -LPQ-A-  POST /interlock/starts/end
    -LPQ-A-  POST /nonconformances
    -LPQ-A-  POST /quarantine/{quarantine_id}/dismiss
    -LPQ-A-  POST /quarantine/{quarantine_id}/replay
    -LPQ-A-  POST /serial-formats
    -LPQ-A-  POST /setup/clearances
    -LPQ-A-  POST /units/taken-out
    -LPQ-A-  POST /units/taken-out/withdrawals
    -LPQ-A-  POST /work-orders
    -LPQ-A-  POST /work-orders/customer
    OLPQ-A-  POST /packages
    OLPQ-A-  POST /packages/events
    OLPQ-A-  POST /packages/returns
    OLPQ-A-  POST /setup/verifications
    OLPQ-A-  POST /tools/events
    OLPQ-AE  POST /interlock
    OLPQCAE  POST /decode
    OLPQCAE  PUT /people/me/password
    OLPQCAE  PUT /people/me/pin
"""
OVERRIDES = """
    LP     1 h  cleaning_due
    LP     1 h  no_operator
    LP     8 h  not_verified
    LP     1 h  recipe_unknown
    LP     1 h  side_unknown
    LP     1 h  slot_empty
    P      8 h  no_verdict
    P      1 h  not_thawed
    P      1 h  open_too_long
    P      8 h  package_unknown
    P      8 h  repeated
    P      1 h  thawed_too_long
    P      8 h  tool_worn_out
    P      8 h  wrong_recipe
    P  +2  1 h  bake_before_use
    P  +2 24 h  calibration_due
    P  +2 24 h  calibration_over
    P  +2  1 h  floor_life_over
    P  +2  1 h  humidity_card_wet
    P  +2  8 h  not_qualified
    P  +2  8 h  out_of_order
    P  +2  8 h  qualification_over
    P  +2  8 h  shelf_life_over
    P  +2  8 h  skipped
    P  +2  8 h  unapproved_alternate
    P  +2  1 h  wrong_part
    P  +2  8 h  wrong_revision
    PQ     8 h  retest_limit
    Q      8 h  incomplete
"""


def deeds() -> Iterator[tuple[str, str]]:
    """(method and address, letters of the roles that may) of everything that changes something."""
    modules = [module for module in vars(doors).values() if hasattr(module, "router")]
    for route in chain.from_iterable(module.router.routes for module in modules):
        if isinstance(route, APIRoute) and route.methods != {"GET"}:
            needed = doors.permissions_of(route.dependant)
            may = (letter if needed <= PERMISSIONS[role] else "-" for role, letter in LETTERS.items())
            yield f"{''.join(sorted(route.methods or ()))} {route.path.removeprefix('/api/v1')}", "".join(may)


def test_every_deed_is_for_the_roles_that_the_table_gives_it_to() -> None:
    table = {address: letters for letters, address in (line.split(maxsplit=1) for line in DEEDS.strip().splitlines())}
    assert dict(deeds()) == table


def test_every_reason_passes_for_those_the_table_names_and_as_long() -> None:
    told = {
        code: f"{''.join(LETTERS[role] for role in right.roles):<3}{'+2 ' if right.second_person else '   '}"
        f"{right.hours:>2g} h"
        for code, right in RIGHTS.items()
    }
    table = {line.rpartition("  ")[2]: line.rpartition("  ")[0].strip() for line in OVERRIDES.strip("\n").splitlines()}
    assert {code: says.strip() for code, says in told.items()} == table


def test_operators_and_equipment_override_nothing_and_leads_of_mismatches_only_what_a_scan_validated() -> None:
    assert not any({Role.operator, Role.line_equipment, Role.customer} & {*right.roles} for right in RIGHTS.values())
    for code in MISMATCHES:
        unverified = right_to(code)
        assert unverified is not None
        assert Role.line_lead not in unverified.roles
        assert right_to(code, verified=True) == VALIDATED_MISMATCH
    assert right_to("on_hold") is right_to("scrapped") is right_to("failed") is None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.customer])
def test_a_door_asks_for_the_role_before_anything_else(ask: Ask, role: Role) -> None:
    client = ask(role.value)
    for address, permission in (("recipes", Permission.plan_gate), ("thresholds", Permission.plan_gate)):
        status = client.put(f"/api/v1/interlock/{address}", json={}).status_code
        assert status == (422 if permission in PERMISSIONS[role] else 403)
    calibrated = {"tool": "T", "happened": "calibrated"}
    status = client.post("/api/v1/tools/events", json=calibrated).status_code
    assert (status == 403) is (Permission.calibrate not in PERMISSIONS[role])
    told = ask("administrator").get("/openapi.json").json()["paths"]["/api/v1/interlock/recipes"]["put"]["description"]
    assert "process engineer, quality engineer, administrator" in told


def test_metrics_are_for_who_may_see_the_line(ask: Ask) -> None:
    assert ask(None).get("/metrics").status_code == 401
    for role in Role:
        more = {"customer": "Acme"} if role is Role.customer else {}
        answer = ask(role.value, **more).get("/metrics")
        may = Permission.read_line in PERMISSIONS[role]
        assert (answer.status_code, "birthmark_http_requests" in answer.text) == ((200, True) if may else (403, False))
