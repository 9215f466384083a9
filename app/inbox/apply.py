"""What messages say becomes facts: names become ids, and each capability's deed is called once for the whole batch."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.cfx.envelope import Envelope
from app.facts import Report
from app.inbox.bodies import unpack_body
from app.inbox.installed import storable_bodies, understand
from app.inbox.materials import record_materials, record_tool_life
from app.inbox.memory import Ids
from app.inbox.said import Said
from app.inbox.slices import slices
from app.lines.stations import StationStatement, record_station_statements
from app.materials.packages import register_packages
from app.orders.registration import Announced, record_announced, register_work_orders
from app.products.recipes import register_recipes
from app.quality.holds import hold_caught
from app.quality.inspections import record_inspections
from app.quality.package_holds import hold_told_of
from app.quality.tests import record_tests
from app.units.as_material import children_in, tie
from app.units.identity import (
    OrderClaim,
    PanelLink,
    claim_units,
    link_positions,
    note_counts,
    note_positions,
    register_units,
)
from app.units.installations import InstalledOn, record_installations
from app.units.parts import ChildInstalled, PartRemoved, record_children, record_removals
from app.units.scrapped import Scrapped, record_scrapped
from app.units.tools import ToolTouched, record_tools
from app.units.work import (
    InWork,
    UnitStatement,
    WorkEnd,
    WorkStart,
    record_ends,
    record_starts,
    record_statements,
    units_in_work,
)

Told: TypeAlias = tuple[Said, Report]
Meant: TypeAlias = list[tuple[int, tuple[int, ...] | None]]
"""Units with the positions meant, as ids."""
Works: TypeAlias = dict[tuple[UUID, int], list[InWork]]


def apply(connection: Connection, told: Sequence[Told], ids: Ids) -> None:
    """Enter the facts of new events. Events that wait for their work are kept waiting; those it frees are entered."""
    if not told:
        return
    _lock_transactions(connection, told)
    _register(connection, told, ids)
    some_are_both = tie(connection, {*ids.units, *ids.packages}, {one.set_id for one in ids.interned.sets.values()})
    record_materials(connection, told, ids)
    link_positions(connection, list(_links(told)), ids.units)
    note_positions(
        connection,
        {(ids.units[unit], place): report.received_at for said, report in told for unit, place in said.positions()},
    )
    note_counts(connection, {(ids.units[one], count): at for one, count, at in _counts(told)})
    claim_units(connection, list(_claims(told, ids)), ids.units)
    record_starts(connection, list(_starts(told, ids)))
    in_work = units_in_work(
        connection, (said.transaction_id for said, _ in told if said.transaction_id and said.needs_transaction)
    )
    ready = [one for one in told if _is_ready(one, in_work)]
    _keep_waiting(connection, [one for one in told if not _is_ready(one, in_work)])
    note_positions(connection, dict(_positions_in_work(ready, ids, in_work)))
    record_ends(connection, list(_ends(ready, ids, in_work)))
    record_statements(connection, list(_unit_statements(ready, ids, in_work)))
    record_scrapped(connection, list(_scrapped(ready, ids, in_work)))
    record_station_statements(connection, list(_station_statements(ready)))
    installations = list(_installations(ready, ids, in_work))
    record_installations(connection, installations)
    as_material = _children_as_material(connection, installations if some_are_both else [])
    record_children(connection, [*_children(ready, ids, in_work), *as_material])
    record_tools(connection, list(_tools(ready, ids, in_work)))
    record_tool_life(connection, ready)
    record_removals(connection, list(_removals(ready, ids, in_work)))
    _record_runs(connection, ready, ids, in_work)
    touched = {ids.units[serial] for said, _ in told for serial in said.serials()}
    hold_caught(connection, touched | {one.unit_id for meant in in_work.values() for one in meant})
    apply(connection, _freed(connection, told, ids), ids)
    hold_told_of(connection, {name for said, _ in told for name in said.packages_told()})


_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(key)
    FROM (SELECT DISTINCT key FROM unnest(CAST(:keys AS bigint[])) AS key ORDER BY key) AS sorted
    """
)


def _lock_transactions(connection: Connection, told: Sequence[Told]) -> None:
    """A start and a message that needs it, taken in at the same moment by two processes, must not miss each other."""
    keys = [
        int.from_bytes(said.transaction_id.bytes[:8], "big", signed=True)
        for said, _ in told
        if said.transaction_id is not None and (said.start or said.needs_transaction)
    ]
    if keys:
        connection.execute(_LOCK, {"keys": keys})


def _register(connection: Connection, told: Sequence[Told], ids: Ids) -> None:
    """Names become ids; those of packages that are installed did when the events' bodies were stored."""
    received_at = told[0][1].received_at
    numbers = {said.work_order for said, _ in told if said.work_order}
    numbers |= {order.number for said, _ in told for order in said.orders}
    register_work_orders(connection, numbers, ids.work_orders)
    record_announced(connection, list(_announced(told)))
    register_units(connection, {serial for said, _ in told for serial in said.serials()}, ids.units, received_at)
    register_packages(connection, {name for said, _ in told for name in said.packages_besides()}, ids.packages)
    register_recipes(connection, {recipe for said, _ in told for recipe in said.recipes()}, ids.recipes)


def _announced(told: Iterable[Told]) -> Iterator[Announced]:
    for said, report in told:
        for order in said.orders:
            if order.quantity is not None:
                yield Announced(order.number, order.quantity, report.recorded_at)


def _links(told: Iterable[Told]) -> Iterator[PanelLink]:
    for said, report in told:
        if said.panel:
            for position, serial in said.links:
                yield PanelLink(report, said.panel, position, serial)


def _counts(told: Iterable[Told]) -> Iterator[tuple[str, int, datetime]]:
    for said, report in told:
        if said.counted:
            yield *said.counted, report.received_at


def _claims(told: Iterable[Told], ids: Ids) -> Iterator[OrderClaim]:
    for said, report in told:
        if said.work_order:
            serials = tuple(dict.fromkeys(said.serials()))
            yield OrderClaim(report, serials, ids.work_orders[said.work_order], said.initializes)


def _starts(told: Iterable[Told], ids: Ids) -> Iterator[WorkStart]:
    for said, report in told:
        if said.start and said.transaction_id:
            recipe_id = ids.recipes[said.recipe] if said.recipe else None
            for serial, positions in said.units:
                yield WorkStart(
                    report,
                    said.transaction_id,
                    ids.units[serial],
                    positions,
                    said.start.skipped.get(serial),
                    said.start.lane,
                    recipe_id,
                    said.start.surface,
                )


def _is_ready(one: Told, in_work: Works) -> bool:
    said, report = one
    return not said.needs_transaction or (said.transaction_id, report.station_id) in in_work


def _meant(said: Said, report: Report, ids: Ids, in_work: Works) -> Meant:
    """The units a whole message is about: those it names, or else its transaction's."""
    if said.units:
        return [(ids.units[serial], positions) for serial, positions in said.units]
    if said.transaction_id is None:
        return []
    there = in_work.get((said.transaction_id, report.station_id), [])
    return [(one.unit_id, one.positions) for one in there]


def _places(
    identifier: str | None, position: int, said: Said, report: Report, ids: Ids, in_work: Works
) -> list[tuple[int, int]]:
    """(unit, position) of one part of a message; without an identifier the transaction's units, each position."""
    if identifier is not None:
        return [(ids.units[identifier], position)]
    assert said.transaction_id is not None  # else the message would not be about units
    meant = in_work[said.transaction_id, report.station_id]
    if position:
        there = [one for one in meant if one.positions and position in one.positions]
        return [(one.unit_id, position) for one in there or meant]
    # What is said of all is not said of an X-out.
    worked_on = [(one.unit_id, told) for one in meant for told in one.worked_on]
    return worked_on or [(one.unit_id, told) for one in meant for told in one.positions or (0,)]


def _positions_in_work(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[tuple[tuple[int, int], datetime]]:
    """As `Said.positions`, of parts whose unit only the transaction tells; with the time they were received."""
    for said, report in told:
        if said.needs_transaction:
            parts = (said.installed, said.removed, said.children, said.tools)
            nameless = {part.position_number for listed in parts for part in listed if part.identifier is None}
            runs = (said.inspected, said.tested)
            nameless |= {run.position_number for listed in runs for run in listed if run.unit_identifier is None}
            places = {place for one in nameless if one for place in _places(None, one, said, report, ids, in_work)}
            higher = {unit_id for unit_id, position in places if position > 1}
            yield from ((place, report.received_at) for place in places if place[0] in higher)


def _ends(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[WorkEnd]:
    for said, report in told:
        if said.end and said.transaction_id:
            skipped = {ids.units[serial]: positions for serial, positions in said.end.skipped.items()}
            for unit_id, positions in _meant(said, report, ids, in_work):
                yield WorkEnd(report, said.transaction_id, unit_id, positions, skipped.get(unit_id), said.end.result)


def _unit_statements(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[UnitStatement]:
    for said, report in told:
        if said.about == "unit" and said.states:
            named = slices(said.body, {serial for serial, _ in said.units}) if said.keeps_body else {}
            bodies = {ids.units[serial]: body for serial, body in named.items()}
            whole = said.body if said.keeps_body else None
            for unit_id, positions in _meant(said, report, ids, in_work):
                body = bodies.get(unit_id, whole)
                yield UnitStatement(report, said.transaction_id, unit_id, positions, said.message_name, body)


def _scrapped(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[Scrapped]:
    for said, report in told:
        if said.disqualified:
            times = report.recorded_at, report.received_at
            for unit_id, positions in _meant(said, report, ids, in_work):
                for position in positions or (0,):
                    yield Scrapped(unit_id, position, *times, said.disqualified, station_id=report.station_id)


def _station_statements(told: Iterable[Told]) -> Iterator[StationStatement]:
    for said, report in told:
        if said.about == "station" and said.states:
            yield StationStatement(report, said.message_name, said.body)


def _installations(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[InstalledOn]:
    for said, report in told:
        meant = [_places(one.identifier, one.position_number, said, report, ids, in_work) for one in said.installed]
        taken = {
            place
            for group, places in zip(said.installed, meant, strict=True)
            if group.position_number
            for place in places
        }
        for group, places, material_set in zip(said.installed, meant, said.material_sets, strict=True):
            # A place has one set of a message: what is told of no position stands beside what is told of one.
            besides = {
                unit_id for unit_id, position in places if not group.position_number and (unit_id, position) in taken
            }
            there = dict.fromkeys((unit_id, 0 if unit_id in besides else position) for unit_id, position in places)
            for unit_id, position in there:
                yield InstalledOn(report, said.transaction_id, unit_id, position, material_set.set_id, len(places))


def _children(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[ChildInstalled]:
    for said, report in told:
        for one in said.children:
            child_id = ids.units[one.child]
            places = _places(one.identifier, one.position_number, said, report, ids, in_work)
            for unit_id, position in places:
                yield ChildInstalled(report, unit_id, position, child_id, one.reference_designator, len(places))


def _children_as_material(connection: Connection, installations: Sequence[InstalledOn]) -> Iterator[ChildInstalled]:
    inside = children_in(connection, {one.set_id for one in installations})
    for one in installations if inside else ():
        for child_id, package_id, designator in inside.get(one.set_id, ()):
            if child_id != one.unit_id:
                yield ChildInstalled(
                    one.report, one.unit_id, one.position_number, child_id, designator, one.candidates, package_id
                )


def _tools(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[ToolTouched]:
    for said, report in told:
        for one in said.tools:
            for unit_id, position in _places(one.identifier, one.position_number, said, report, ids, in_work):
                yield ToolTouched(report, unit_id, position, one.tool, one.cycles)


def _removals(told: Iterable[Told], ids: Ids, in_work: Works) -> Iterator[PartRemoved]:
    for said, report in told:
        for one in said.removed:
            package_id = ids.packages[one.package] if one.package else None
            child_id = ids.units[one.child] if one.child else None
            names = one.reference_designators
            places = _places(one.identifier, one.position_number, said, report, ids, in_work)
            for unit_id, position in places:
                yield PartRemoved(report, unit_id, position, package_id, child_id, names, len(places))


def _record_runs(connection: Connection, told: Sequence[Told], ids: Ids, in_work: Works) -> None:
    """Inspections and tests."""
    inspections, tests = [], []
    for said, report in told:
        for inspected in said.inspected:
            recipe_id = ids.recipes[inspected.recipe] if inspected.recipe else None
            for unit_id, position in _places(
                inspected.unit_identifier, inspected.position_number, said, report, ids, in_work
            ):
                inspections.append(inspected.on(report, unit_id, position, recipe_id))
        for tested in said.tested:
            recipe_id = ids.recipes[tested.recipe] if tested.recipe else None
            for unit_id, position in _places(
                tested.unit_identifier, tested.position_number, said, report, ids, in_work
            ):
                tests.append(tested.on(report, unit_id, position, recipe_id))
    record_inspections(connection, inspections)
    record_tests(connection, tests)


# --- events that wait for the start of their work ---

_WAIT = text(
    """
    INSERT INTO waiting_event (transaction_id, station_id, event_id)
    SELECT * FROM unnest(CAST(:transactions AS uuid[]), CAST(:stations AS integer[]), CAST(:events AS bigint[]))
    ON CONFLICT DO NOTHING
    """
)
_FREE = text(
    """
    WITH freed AS (
        DELETE FROM waiting_event
        USING unnest(CAST(:transactions AS uuid[]), CAST(:stations AS integer[])) AS begun (transaction_id, station_id)
        WHERE waiting_event.transaction_id = begun.transaction_id AND waiting_event.station_id = begun.station_id
        RETURNING waiting_event.event_id
    )
    SELECT event_id, station_id, unique_id, message_name, recorded_at, body
    FROM event JOIN freed USING (event_id)
    ORDER BY event_id
    """
)


def _keep_waiting(connection: Connection, told: Sequence[Told]) -> None:
    if told:
        given = {
            "transactions": [said.transaction_id for said, _ in told],
            "stations": [report.station_id for _, report in told],
            "events": [report.event_id for _, report in told],
        }
        connection.execute(_WAIT, given)


def _freed(connection: Connection, told: Sequence[Told], ids: Ids) -> list[Told]:
    """The events that waited for the works begun just now; known from this moment on."""
    begun = {
        (said.transaction_id, report.station_id): report.received_at
        for said, report in told
        if said.transaction_id and said.start
    }
    if not begun:
        return []
    given = {"transactions": [key[0] for key in begun], "stations": [key[1] for key in begun]}
    received_at = max(begun.values())
    freed: list[Told] = []
    for row in connection.execute(_FREE, given).all():
        envelope = Envelope(
            message_name=row.message_name,
            time_stamp=row.recorded_at,
            unique_id=row.unique_id,
            body=msgspec.Raw(unpack_body(connection, row.body)),
            raw=b"",
        )
        said = understand(envelope, ids)
        storable_bodies(connection, [(envelope, said)], ids)  # finds the material sets it is stored with
        freed.append((said, Report(row.event_id, row.station_id, row.recorded_at, received_at)))
    return freed
