"""Plan what the gate goes by: policies, recipes, limits, thresholds, who is qualified, until when calibrated.

What nobody plans is not judged. Each deed replaces what was planned of the same thing, so doing it again changes
nothing; what is planned now is in `planned.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid, NotFound
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
from app.interlock.planned import recipes as recipes_right_at
from app.people import customer_id_of, record_audit
from app.products.models import ProductRevision
from app.products.recipes import plan_recipe_names
from app.sentences import Sentence

Policy: TypeAlias = Literal["fail_closed", "fail_cached", "fail_open_record"]
LONGEST_SNAPSHOT = 7 * 24 * 3600  # seconds
_MOST_RUNS = 32_767  # of a smallint


def plan_policy(
    connection: Connection, *, station: str, policy: str, snapshot_seconds: int | None = None, actor: str
) -> None:
    """Say what a station does while the product cannot be reached, and how long a snapshot holds (None: as before).

    Raises `Invalid` for another word, `NotFound` for an unknown station.
    """
    if policy not in get_args(Policy):
        raise Invalid(
            Sentence(
                "%(policy)s is no policy. Choose %(all_policies)s.", policy=repr(policy), all_policies=get_args(Policy)
            )
        )
    lasting = {} if snapshot_seconds is None else {"snapshot_seconds": snapshot_seconds}
    if snapshot_seconds is not None and not 1 <= snapshot_seconds <= LONGEST_SNAPSHOT:
        raise Invalid(Sentence("A snapshot holds for 1 to %(count_most)s seconds.", count_most=LONGEST_SNAPSHOT))
    plan: dict[str, Any] = {"policy": policy, **lasting}
    _put(connection, GatePolicy, ["station_id"], station_id=station_id_of(connection, station), **plan)
    record_audit(connection, actor=actor, deed="gate.policy_set", subject=f"station:{station}", **plan)


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
    """Say which (recipe, revision) are right for a product revision at an operation; several for several sides.

    With none, nothing is planned there. Raises `NotFound` for an unknown product revision.
    """
    _know_revision(connection, product_revision_id)
    plan = RecipePlan.__table__.c
    connection.execute(
        delete(RecipePlan).where(plan.product_revision_id == product_revision_id, plan.operation == operation)
    )
    for recipe, revision in dict.fromkeys(recipes):
        _put(connection, RecipePlan, ["product_revision_id", "operation", "recipe", "recipe_revision"],
             product_revision_id=product_revision_id, operation=operation, recipe=recipe,
             recipe_revision=revision)  # fmt: skip
    plan_recipe_names(connection, recipes)
    record_audit(connection, actor=actor, deed="gate.recipes_planned",
                 subject=f"product_revision:{product_revision_id}", operation=operation,
                 recipes=[list(recipe) for recipe in recipes])  # fmt: skip


def plan_recipe(
    connection: Connection,
    *,
    product_revision_id: int,
    operation: str,
    recipe: str,
    recipe_revision: str = "",
    right: bool,
    actor: str,
) -> None:
    """Add a recipe to those that are right for a product revision at an operation, or (`right` False) take it away.

    Raises `Invalid` for a recipe without a name, `NotFound` for an unknown product revision.
    """
    one = recipe.strip(), recipe_revision.strip()
    if not one[0]:
        raise Invalid(Sentence("A recipe has a name, as the machine tells it."))
    where: dict[str, Any] = {"product_revision_id": product_revision_id, "operation": operation}
    others = [(known.recipe, known.recipe_revision) for known in recipes_right_at(connection, **where)]
    planned = [other for other in others if other != one] + ([one] if right else [])
    plan_recipes(connection, **where, recipes=planned, actor=actor)


def plan_retest_limit(
    connection: Connection, *, product_revision_id: int, operation: str, runs: int | None, actor: str
) -> None:
    """Say how many runs a unit gets at an inspection or test before somebody must decide; None: as many as it takes.

    Raises `Invalid` below one, `NotFound` for an unknown product revision.
    """
    if runs is not None and not 1 <= runs <= _MOST_RUNS:
        raise Invalid(Sentence("A unit gets 1 to %(count_most)s runs.", count_most=_MOST_RUNS))
    _know_revision(connection, product_revision_id)
    _plan(connection, RetestLimit, {"product_revision_id": product_revision_id, "operation": operation}, runs=runs)
    record_audit(connection, actor=actor, deed="gate.retest_limit_planned",
                 subject=f"product_revision:{product_revision_id}", operation=operation, runs=runs)  # fmt: skip


def plan_threshold(
    connection: Connection, *, customer: str, operation: str, completeness: float | None, actor: str
) -> None:
    """Say how complete a customer's genealogy must be (0 to 1) before an operation starts; None: it is not asked.

    Raises `Invalid` outside 0 to 1, `NotFound` for an unknown customer.
    """
    if completeness is not None and not 0 <= completeness <= 1:
        raise Invalid(Sentence("Completeness is a part of the bill of material, from 0 to 1."))
    customer_id = customer_id_of(connection, customer)
    if customer_id is None:
        raise NotFound(
            Sentence("No customer %(customer)s is known here. Plan a work order of theirs first.", customer=customer)
        )
    _plan(connection, TraceThreshold, {"customer_id": customer_id, "operation": operation}, completeness=completeness)
    record_audit(connection, actor=actor, deed="gate.threshold_planned", subject=f"customer:{customer}",
                 operation=operation, completeness=completeness)  # fmt: skip


def need_qualification(connection: Connection, *, operation: str, needed: bool = True, actor: str) -> None:
    """Say whether only qualified operators may do an operation."""
    if needed:
        connection.execute(insert(QualificationNeed).values(operation=operation).on_conflict_do_nothing())
    else:
        connection.execute(delete(QualificationNeed).where(QualificationNeed.operation == operation))
    record_audit(connection, actor=actor, deed="gate.qualification_needed", subject=f"operation:{operation}",
                 needed=needed)  # fmt: skip


def qualify(connection: Connection, *, operator: str, operation: str, valid_until: datetime | None, actor: str) -> None:
    """Say that an operator, by the identifier machines name them with, may do an operation; None: for good."""
    _put(connection, Qualification, ["operator", "operation"], operator=operator, operation=operation,
         valid_until=valid_until)  # fmt: skip
    record_audit(connection, actor=actor, deed="operator.qualified", subject=f"operator:{operator}",
                 operation=operation, valid_until=valid_until and valid_until.isoformat())  # fmt: skip


def disqualify(connection: Connection, *, operator: str, operation: str, actor: str) -> None:
    """Say that an operator may do an operation no longer."""
    connection.execute(
        delete(Qualification).where(Qualification.operator == operator, Qualification.operation == operation)
    )
    record_audit(connection, actor=actor, deed="operator.disqualified", subject=f"operator:{operator}",
                 operation=operation)  # fmt: skip


def plan_calibration(connection: Connection, *, station: str, due_at: datetime, actor: str) -> None:
    """Say until when a station's calibration holds. Raises `NotFound` for an unknown station."""
    _put(connection, StationCalibration, ["station_id"], station_id=station_id_of(connection, station), due_at=due_at)
    record_audit(connection, actor=actor, deed="station.calibrated", subject=f"station:{station}",
                 due_at=due_at.isoformat())  # fmt: skip


def _know_revision(connection: Connection, product_revision_id: int) -> None:
    known = select(ProductRevision.product_revision_id).where(
        ProductRevision.product_revision_id == product_revision_id
    )
    if connection.execute(known).one_or_none() is None:
        raise NotFound(
            Sentence(
                "There is no product revision %(number)s. GET /api/v1/products lists them.", number=product_revision_id
            )
        )


def _plan(connection: Connection, table: Any, key: dict[str, Any], **value: Any) -> None:
    """Enter a plan of one value, or withdraw it where the value is None."""
    if None not in value.values():
        _put(connection, table, list(key), **key, **value)
        return
    connection.execute(delete(table).where(*(getattr(table, name) == is_ for name, is_ in key.items())))


def _put(connection: Connection, table: Any, key: list[str], **values: Any) -> None:
    """Enter a plan, in place of the one of the same key."""
    changed = {name: value for name, value in values.items() if name not in key}
    entered = insert(table).values(**values)
    connection.execute(
        entered.on_conflict_do_update(index_elements=key, set_=changed) if changed else entered.on_conflict_do_nothing()
    )
