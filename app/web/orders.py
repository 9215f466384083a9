"""Work orders: what is built, for whom."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db import transaction
from app.errors import BirthmarkError, Invalid
from app.orders.planning import plan_work_order
from app.orders.queries import work_orders
from app.people import Permission
from app.products.queries import products
from app.sentences import Sentence
from app.units.ownership import assign_customer
from app.web.pages import Visitor, answer
from app.web.session import PostedByUs, TheVisitor, Visiting

router = APIRouter(prefix="/work-orders", include_in_schema=False)

Planner = Annotated[Visitor, Depends(Visiting(Permission.plan_work))]
_SHOWN = 100


@router.get("")
def work_order_page(
    request: Request,
    visitor: TheVisitor,
    number: str | None = None,
    product: str | None = None,
    cursor: int | None = None,
) -> Response:
    """Work orders, newest first; a customer sees their own."""
    return _page(request, visitor, number=number, product=product, cursor=cursor)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    number: str | None = None,
    product: str | None = None,
    cursor: int | None = None,
    refused: BirthmarkError | None = None,
) -> Response:
    actor = visitor.actor
    actor.require(Permission.read_units)
    planning = actor.may(Permission.plan_work)
    with request.app.state.engine.connect() as connection:
        found = work_orders(
            connection,
            number=number,
            product=product,
            customer_id=actor.customer_id,
            before=cursor,
            limit=_SHOWN,
        )
        catalogue = products(connection) if planning else ()
    more = found[-1].work_order_id if len(found) == _SHOWN else None
    return answer(
        request,
        "orders.html",
        visitor,
        {"work_orders": found, "next": more},
        refused.status if refused else 200,
        products=catalogue,
        planning=planning,
        narrowed_to=number or product,
        problem=refused,
    )


@router.post("", dependencies=[PostedByUs])
def plan(
    *,
    request: Request,
    visitor: Planner,
    number: Annotated[str, Form()] = "",
    product_revision_id: Annotated[str, Form()] = "",
    quantity: Annotated[str, Form()] = "",
    customer: Annotated[str, Form()] = "",
) -> Response:
    """Plan a work order."""
    try:
        with transaction(request.app.state.engine) as connection:
            plan_work_order(
                connection,
                number=number,
                product_revision_id=_whole(product_revision_id, "product"),
                quantity=_whole(quantity, "quantity"),
                customer=customer.strip() or None,
                actor=visitor.actor.identity,
            )
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/work-orders", 303)


@router.post("/customer", dependencies=[PostedByUs])
def assign(
    request: Request,
    visitor: Planner,
    work_order: Annotated[str, Form()],
    customer: Annotated[str, Form()] = "",
) -> Response:
    """Say for whom a work order is built."""
    try:
        with transaction(request.app.state.engine) as connection:
            assign_customer(connection, work_order=work_order, customer=customer, actor=visitor.actor.identity)
    except BirthmarkError as refused:
        return _page(request, visitor, refused=refused)
    return RedirectResponse("/work-orders", 303)


def _whole(typed: str, what: str) -> int | None:
    if not typed.strip():
        return None
    try:
        return int(typed)
    except ValueError:
        raise Invalid(Sentence("The %(word)s %(typed)s is not a whole number.", word=what, typed=repr(typed))) from None
