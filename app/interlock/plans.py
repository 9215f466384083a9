"""What is planned for the gate: policies, recipes, limits, thresholds, who is qualified, until when calibrated.

What nobody plans is not judged.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid
from app.interlock.locks import station_id_of
from app.interlock.models import (
    GatePolicy,
    Qualification,
    QualificationNeed,
    RecipePlan,
    RetestLimit,
    StationCalibration,
    TraceThreshold,
)
from app.people import record_audit, register_customer

Policy: TypeAlias = Literal["fail_closed", "fail_cached", "fail_open_record"]


def plan_policy(connection: Connection, *, station: str, policy: str, snapshot_seconds: int = 900, actor: str) -> None:
    """Say what a station does while the product cannot be reached. Raises `Invalid` for another word."""
    if policy not in get_args(Policy):
        raise Invalid(f"{policy!r} is no policy. Choose {', '.join(get_args(Policy))}.")
    if snapshot_seconds < 1:
        raise Invalid("A snapshot holds for at least a second.")
    _put(connection, GatePolicy, ["station_id"], station_id=station_id_of(connection, station), policy=policy,
         snapshot_seconds=snapshot_seconds)  # fmt: skip
    record_audit(connection, actor=actor, deed="gate.policy_set", subject=f"station:{station}", policy=policy)


def policy_of(connection: Connection, station_id: int) -> str:
    """What a station does while the product cannot be reached; `fail_closed` where nobody planned anything."""
    found = connection.execute(
        select(GatePolicy.policy).where(GatePolicy.station_id == station_id)
    ).scalar_one_or_none()
    return found or "fail_closed"


def plan_recipes(
    connection: Connection,
    *,
    product_revision_id: int,
    operation: str,
    recipes: Sequence[tuple[str, str]],
    actor: str,
) -> None:
    """Say which (recipe, revision) are right for a product revision at an operation; several for several sides."""
    plan = RecipePlan.__table__.c
    connection.execute(
        delete(RecipePlan).where(plan.product_revision_id == product_revision_id, plan.operation == operation)
    )
    for recipe, revision in recipes:
        _put(connection, RecipePlan, ["product_revision_id", "operation", "recipe", "recipe_revision"],
             product_revision_id=product_revision_id, operation=operation, recipe=recipe,
             recipe_revision=revision)  # fmt: skip
    record_audit(connection, actor=actor, deed="gate.recipes_planned",
                 subject=f"product_revision:{product_revision_id}", operation=operation,
                 recipes=[list(recipe) for recipe in recipes])  # fmt: skip


def plan_retest_limit(
    connection: Connection, *, product_revision_id: int, operation: str, runs: int, actor: str
) -> None:
    """Say how many runs a unit gets at an inspection or test before somebody must decide."""
    if runs < 1:
        raise Invalid("A unit gets at least one run.")
    _put(connection, RetestLimit, ["product_revision_id", "operation"], product_revision_id=product_revision_id,
         operation=operation, runs=runs)  # fmt: skip
    record_audit(connection, actor=actor, deed="gate.retest_limit_planned",
                 subject=f"product_revision:{product_revision_id}", operation=operation, runs=runs)  # fmt: skip


def plan_threshold(connection: Connection, *, customer: str, operation: str, completeness: float, actor: str) -> None:
    """Say how complete a customer's genealogy must be (0 to 1) before an operation starts."""
    if not 0 <= completeness <= 1:
        raise Invalid("Completeness is a part of the bill of material, from 0 to 1.")
    customer_id = register_customer(connection, name=customer, actor=actor)
    _put(connection, TraceThreshold, ["customer_id", "operation"], customer_id=customer_id, operation=operation,
         completeness=completeness)  # fmt: skip
    record_audit(connection, actor=actor, deed="gate.threshold_planned", subject=f"customer:{customer}",
                 operation=operation, completeness=completeness)  # fmt: skip


def need_qualification(connection: Connection, *, operation: str, actor: str) -> None:
    """Say that only qualified operators may do an operation."""
    connection.execute(insert(QualificationNeed).values(operation=operation).on_conflict_do_nothing())
    record_audit(connection, actor=actor, deed="gate.qualification_needed", subject=f"operation:{operation}")


def qualify(connection: Connection, *, operator: str, operation: str, valid_until: datetime | None, actor: str) -> None:
    """Say that an operator, by the identifier machines name them with, may do an operation."""
    _put(connection, Qualification, ["operator", "operation"], operator=operator, operation=operation,
         valid_until=valid_until)  # fmt: skip
    record_audit(connection, actor=actor, deed="operator.qualified", subject=f"operator:{operator}",
                 operation=operation, valid_until=valid_until and valid_until.isoformat())  # fmt: skip


def plan_calibration(connection: Connection, *, station: str, due_at: datetime, actor: str) -> None:
    """Say until when a station's calibration holds."""
    _put(connection, StationCalibration, ["station_id"], station_id=station_id_of(connection, station), due_at=due_at)
    record_audit(connection, actor=actor, deed="station.calibrated", subject=f"station:{station}",
                 due_at=due_at.isoformat())  # fmt: skip


def _put(connection: Connection, table: Any, key: list[str], **values: Any) -> None:
    """Enter a plan, in place of the one of the same key."""
    changed = {name: value for name, value in values.items() if name not in key}
    entered = insert(table).values(**values)
    connection.execute(
        entered.on_conflict_do_update(index_elements=key, set_=changed) if changed else entered.on_conflict_do_nothing()
    )
