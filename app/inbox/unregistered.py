"""What a message names that nobody registered: where unknown things are not let in, it waits in quarantine."""

from sqlalchemy import Connection

from app.inbox.memory import Ids
from app.inbox.said import Said
from app.materials.packages import find_packages, unknown_parts
from app.orders.registration import find_work_orders
from app.products.recipes import find_recipes
from app.units.identity import find_units


def names_unregistered(connection: Connection, said: Said, ids: Ids, coming: set[str]) -> str | None:
    """The first thing a message names that nobody registered, in words; None where all is known.

    A unit may be brought in by `UnitsInitialized` for a known work order, a package and its part number by
    `MaterialsInitialized`, an order by `WorkOrdersCreated`; what earlier messages of the same batch bring in is
    `coming`, and this one's is added. Recipes are registered by planning them.
    """
    orders = [said.work_order] if said.work_order else []
    for number in find_work_orders(connection, orders, ids.work_orders):
        if f"order {number}" not in coming:
            return f"Work order {number}"
    brings_units = said.initializes and said.work_order is not None
    if not brings_units:
        for serial in find_units(connection, list(said.serials()), ids.units):
            if f"unit {serial}" not in coming:
                return f"Unit {serial}"
    for identifier in find_packages(connection, list(said.package_identifiers()), ids.packages):
        if f"package {identifier}" not in coming:
            return f"Package {identifier}"
    for part in unknown_parts(connection, {part for part in said.part_numbers() if f"part {part}" not in coming}):
        return f"Part number {part}"
    for name, revision in find_recipes(connection, list(said.recipes()), ids.recipes):
        return f"Recipe {name}" + (f" revision {revision}" if revision else "")
    coming |= {f"part {described.part_number}" for described in said.described if described.part_number}
    coming |= {f"unit {serial}" for serial in said.serials() if brings_units}
    coming |= {f"order {order.number}" for order in said.orders}
    coming |= {f"package {described.identifier}" for described in said.described}
    return None
