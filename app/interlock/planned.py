"""What is planned for the gate now: read only. The deeds are in `plans.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.interlock.models import (
    Qualification,
    QualificationNeed,
    RecipePlan,
    RetestLimit,
    TraceThreshold,
)
from app.people import Customer
from app.products.models import Product, ProductRevision


@dataclass(frozen=True, slots=True)
class PlannedRecipe:
    """A recipe that is right for a product revision at an operation."""

    product_revision_id: int
    part_number: str
    revision: str
    operation: str
    recipe: str
    recipe_revision: str


def recipes(
    connection: Connection, *, operation: str | None = None, product_revision_id: int | None = None
) -> list[PlannedRecipe]:
    """Which recipes are right where."""
    asked = _of_revision(RecipePlan, RecipePlan.recipe, RecipePlan.recipe_revision)
    asked = _narrowed(asked, RecipePlan, operation=operation, product_revision_id=product_revision_id)
    asked = asked.order_by(RecipePlan.recipe, RecipePlan.recipe_revision)
    return [PlannedRecipe(*row) for row in connection.execute(asked)]


@dataclass(frozen=True, slots=True)
class PlannedRetests:
    """How many runs a unit of a product revision gets at an operation."""

    product_revision_id: int
    part_number: str
    revision: str
    operation: str
    runs: int


def retest_limits(
    connection: Connection, *, operation: str | None = None, product_revision_id: int | None = None
) -> list[PlannedRetests]:
    """How many runs a unit gets where."""
    asked = _of_revision(RetestLimit, RetestLimit.runs)
    asked = _narrowed(asked, RetestLimit, operation=operation, product_revision_id=product_revision_id)
    return [PlannedRetests(*row) for row in connection.execute(asked)]


@dataclass(frozen=True, slots=True)
class PlannedThreshold:
    """How complete (0 to 1) a customer's genealogy must be before an operation starts."""

    customer: str
    operation: str
    completeness: float


def thresholds(
    connection: Connection, *, operation: str | None = None, customer: str | None = None
) -> list[PlannedThreshold]:
    """How complete genealogy must be where, by customer."""
    asked = _narrowed(
        select(Customer.name, TraceThreshold.operation, TraceThreshold.completeness)
        .join(Customer, Customer.customer_id == TraceThreshold.customer_id)
        .order_by(Customer.name, TraceThreshold.operation),
        TraceThreshold,
        operation=operation,
    )
    if customer is not None:
        asked = asked.where(Customer.name == customer)
    return [PlannedThreshold(*row) for row in connection.execute(asked)]


@dataclass(frozen=True, slots=True)
class Qualified:
    """An operator who may do an operation, until a time or (None) for good."""

    operator: str
    operation: str
    valid_until: datetime | None


def qualifications(
    connection: Connection, *, operation: str | None = None, operator: str | None = None
) -> list[Qualified]:
    """Who may do what."""
    asked = _narrowed(
        select(Qualification.operator, Qualification.operation, Qualification.valid_until).order_by(
            Qualification.operation, Qualification.operator
        ),
        Qualification,
        operation=operation,
        operator=operator,
    )
    return [Qualified(*row) for row in connection.execute(asked)]


def qualification_needs(connection: Connection) -> Sequence[str]:
    """The operations that only a qualified operator may do."""
    return connection.execute(select(QualificationNeed.operation).order_by(QualificationNeed.operation)).scalars().all()


def _of_revision(plan: Any, *columns: Any) -> Any:
    return (
        select(plan.product_revision_id, Product.part_number, ProductRevision.revision, plan.operation, *columns)
        .join(ProductRevision, ProductRevision.product_revision_id == plan.product_revision_id)
        .join(Product, Product.product_id == ProductRevision.product_id)
        .order_by(Product.part_number, ProductRevision.revision, plan.operation)
    )


def _narrowed(asked: Any, plan: Any, **given: object) -> Any:
    """Only the plans for what was given."""
    return asked.where(*(getattr(plan, name) == value for name, value in given.items() if value is not None))
