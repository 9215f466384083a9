"""May a unit leave? Packing and shipping, judged alone with the unit.

Only what is finished, released and whole leaves, with everything inside it at any depth: not on hold, not provisional,
not failed without a disposition, not scrapped, nothing of its routing open. What was reworked or repaired must have
passed what it was mended for since. What is built into another unit leaves only with that. Judged when it is packed,
and again when the shipment leaves: a containment in between stops the whole shipment, by name, and skips nothing
silently.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, text

from app.errors import Conflict, Invalid, NotFound
from app.people import customer_id_of, record_audit
from app.quality.failures import failures_on, unproven
from app.quality.holds import holds_on
from app.reasons import Reason, reason_given
from app.sentences import Sentence, both
from app.units.completeness import incomplete
from app.units.families import built_into, named_units
from app.units.locks import lock_families
from app.units.provisional import provisional_units
from app.units.scrapped import crossed_out
from app.units.shipments import (
    close_shipment,
    lock_shipment,
    open_shipment,
    pack_units,
    packed_units,
    unpack_units,
)
from app.units.starts import open_starts
from app.units.whereabouts import Place, PlaceKind, places_of


@dataclass(frozen=True, slots=True)
class Kept:
    """A unit that may not leave, and why."""

    serial: str
    reasons: tuple[Reason, ...]

    @property
    def first(self) -> Sentence:
        """The first reason, in a sentence that names the unit."""
        why = self.reasons[0].sentence
        if why.endswith("."):
            return Sentence("%(unit)s: %(sentence)s", unit=self.serial, sentence=why)
        return Sentence("%(unit)s: %(sentence)s.", unit=self.serial, sentence=why)  # in somebody's own words


_FEW = 3


class MayNotLeave(Conflict):
    """Units of the shipment may not leave; none of it was packed or shipped."""

    code = "may_not_leave"
    title = "These units may not leave"

    def __init__(self, kept: Sequence[Kept]) -> None:
        few = reduce(both, (one.first for one in kept[:_FEW]))
        if more := kept[_FEW:]:
            few = both(few, Sentence("And %(count)s more; `units` lists them.", count=len(more)))
        told = [
            {"serial": one.serial, "reasons": [{"code": why.code, "sentence": why.sentence, "clears": why.clears}
                                               for why in one.reasons]}
            for one in kept
        ]  # fmt: skip
        super().__init__(both(few, Sentence("Clear that, or leave them out; nothing was done.")), units=told)


_UNITS = text("SELECT unit_id, serial, customer_id FROM unit WHERE unit_id = ANY (CAST(:units AS bigint[]))")


def reasons_to_keep(
    connection: Connection, families: Mapping[int, Collection[int]], *, packed: bool = False
) -> dict[int, list[Reason]]:
    """Why units may not leave; those that may have no entry. The caller holds their locks, see `lock_families`.

    `families`: each unit with everything inside it, which is judged like itself. `packed`: they are in the shipment
    already, which is then no reason.
    """
    ids = sorted(families)
    found: dict[int, list[Reason]] = {}
    for unit_id, holds in holds_on(connection, ids).items():
        found[unit_id] = [Reason(hold.code, hold.sentence, hold.clears) for hold in holds]
    members = sorted(set().union(*families.values()))
    against: dict[int, list[Reason]] = {}
    inside = set(members) - set(ids)
    places = places_of(connection, members)
    for unit_id, reason in chain(_undecided(connection, members), _unfinished(connection, places, inside)):
        against.setdefault(unit_id, []).append(reason)
    names = {row.unit_id: row.serial for row in connection.execute(_UNITS, {"units": sorted(inside & set(against))})}
    for unit_id in ids:
        mine = [*against.get(unit_id, ())]
        for member in sorted(set(families[unit_id]) - {unit_id}):
            mine += [_inside(names.get(member, ""), why) for why in against.get(member, ())]
        if mine:
            found.setdefault(unit_id, []).extend(mine)
    for unit_id, reason in _elsewhere(connection, {unit_id: places[unit_id] for unit_id in ids}, packed=packed):
        found.setdefault(unit_id, []).append(reason)
    return found


def _inside(serial: str, why: Reason) -> Reason:
    sentence = Sentence("%(unit_inside)s, built into it: %(within)s", unit_inside=serial, within=why.sentence)
    return Reason(why.code, sentence, both(why.clears, Sentence("Or exchange %(unit_inside)s.", unit_inside=serial)))


def _undecided(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, Reason]]:
    """What quality has yet to decide."""
    for unit_id, failures in failures_on(connection, ids).items():
        clears = Sentence("Pass it there, or have quality disposition the unit.")
        yield from ((unit_id, Reason("failed", failure.sentence, clears)) for failure in failures)
    for unit_id in sorted(provisional_units(connection, ids)):
        sentence = Sentence("It went on while the gate was away.")
        yield unit_id, Reason("provisional", sentence, Sentence("Have quality release it."))
    for unit_id in sorted(unproven(connection, ids)):
        sentence = Sentence("It was mended and has not passed since what it was mended for.")
        clears = Sentence("Let it pass what it failed before; where it failed nothing, any inspection or test.")
        yield unit_id, Reason("unproven", sentence, clears)


def _unfinished(connection: Connection, places: Mapping[int, Place], inside: Set[int]) -> Iterator[tuple[int, Reason]]:
    """What is scrapped, in work, or not finished; what is `inside` may have been bought."""
    ids = sorted(places)
    for unit_id, place in places.items():
        if place.kind is PlaceKind.scrapped and place.perhaps:
            sentence = Sentence("It or another board of its carrier was scrapped; clocks leave open which.")
            clears = Sentence("Quality finds out which, and accepts it as it is or scraps it.")
            yield unit_id, Reason("perhaps_scrapped", sentence, clears)
        elif place.kind is PlaceKind.scrapped:
            clears = Sentence("Nothing: a scrapped unit does not leave.")
            yield unit_id, Reason("scrapped", Sentence("It was scrapped."), clears)
    for unit_id, positions in crossed_out(connection, ids).items():
        sentence = Sentence("Position %(all_positions)s of it was scrapped.", all_positions=positions)
        clears = Sentence("Break the panel: give the good boards serials of their own.")
        yield unit_id, Reason("scrapped", sentence, clears)
    for unit_id, start in open_starts(connection, ids).items():
        sentence = Sentence("It is in work at %(station)s.", station=start.station)
        yield unit_id, Reason("in_work", sentence, Sentence("Complete the work, or have its start ended."))
    for unit_id, missing in incomplete(connection, ids, bought=inside).items():
        sentence = Sentence("It is not finished: %(missing)s.", missing=missing)
        yield unit_id, Reason("incomplete", sentence, Sentence("Do what is missing."))


def _elsewhere(connection: Connection, places: Mapping[int, Place], *, packed: bool) -> Iterator[tuple[int, Reason]]:
    """What is gone, or inside another unit."""
    for unit_id, place in places.items():
        if place.kind is PlaceKind.shipped or (place.kind is PlaceKind.packed and not packed):
            clears = Sentence("Unpack it there, or note that it came back.")
            yield unit_id, Reason(place.kind.value, Sentence("It is %(place)s.", place=place.words), clears)
    for unit_id, around in built_into(connection, places).items():
        clears = Sentence("It leaves with %(unit_around)s, or is taken out of it.", unit_around=around)
        yield unit_id, Reason("built_in", Sentence("It is built into %(unit_around)s.", unit_around=around), clears)


def pack(connection: Connection, serials: Sequence[str], *, shipment: str, customer: str, actor: str) -> int:
    """Put units into a shipment to a customer, opened if new; returns how many. All of them or none.

    A panel stands for the boards in it.
    Raises `MayNotLeave`, `NotFound` for an unknown serial or customer, `Conflict` where the shipment has left.
    """
    if not serials:
        raise Invalid(Sentence("Name the units by their serials."))
    if not shipment.strip():
        raise Invalid(Sentence("A shipment needs a number."))
    customer_id = customer_id_of(connection, customer)
    if customer_id is None:
        raise NotFound(
            Sentence(
                "There is no customer %(customer)s. Assign it to a work order first, or check the name.",
                customer=customer,
            )
        )
    opened = open_shipment(connection, number=shipment.strip(), customer_id=customer_id, actor=actor)
    if opened.shipped_at is not None:
        raise Conflict(Sentence("Shipment %(shipment)s has left already. Open another.", shipment=shipment))
    units = _named(connection, serials)
    ids = {row.unit_id: row.serial for row in units}
    found = reasons_to_keep(connection, lock_families(connection, ids))
    _keep_anothers(found, units, customer_id)
    _refuse(found, ids)
    pack_units(connection, ids, shipment_id=opened.shipment_id, actor=actor)
    record_audit(connection, actor=actor, deed="unit.packed", subject=f"shipment:{opened.number}",
                 customer=customer, serials=sorted(ids.values()))  # fmt: skip
    return len(ids)


_PACKED_AS_NAMED = text(
    """
    SELECT packed.unit_id, serial.serial FROM serial JOIN packed_unit AS packed USING (unit_id)
    WHERE serial.serial = ANY (CAST(:serials AS text[])) AND unpacked_at IS NULL
    """
)


def ship(connection: Connection, number: str, *, actor: str) -> int:
    """Let a shipment leave, judged again as it stands now; returns how many units. All of it or nothing."""
    shipment = lock_shipment(connection, number)
    if shipment.shipped_at is not None:
        raise Conflict(
            Sentence("Shipment %(shipment)s has left already, %(time)s.", shipment=number, time=shipment.shipped_at)
        )
    families = lock_families(connection, packed_units(connection, shipment.shipment_id))
    ids = packed_units(connection, shipment.shipment_id)  # some may have been taken out before they were locked
    if not ids:
        raise Conflict(Sentence("Shipment %(shipment)s is empty. Pack something for it first.", shipment=number))
    units = connection.execute(_UNITS, {"units": ids}).all()
    found = reasons_to_keep(connection, {unit_id: families[unit_id] for unit_id in ids}, packed=True)
    _keep_anothers(found, units, shipment.customer_id, packed=True)
    _refuse(found, {row.unit_id: row.serial for row in units})
    close_shipment(connection, shipment, actor=actor)
    record_audit(connection, actor=actor, deed="shipment.shipped", subject=f"shipment:{number}",
                 customer=shipment.customer, units=len(ids))  # fmt: skip
    return len(ids)


def unpack(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> int:
    """Take units out of their shipments, or note that they came back from the customer; returns how many.

    A panel that was packed before its boards were linked comes out as it went in.
    """
    reason = reason_given(reason)
    ids = {row.unit_id: row.serial for row in connection.execute(_PACKED_AS_NAMED, {"serials": list(serials)})}
    others = [serial for serial in serials if serial not in ids.values()]
    ids |= {row.unit_id: row.serial for row in _named(connection, others)}
    lock_families(connection, ids)
    taken = unpack_units(connection, ids, reason=reason, actor=actor)
    absent = [serial for unit_id, serial in ids.items() if unit_id not in taken]
    if absent:
        raise NotFound(
            Sentence(
                "%(all_units)s is in no shipment by itself; what left inside a panel or an assembly comes back with "
                "that. Nothing was unpacked.",
                all_units=absent[:5],
            )
        )
    record_audit(connection, actor=actor, deed="unit.unpacked", subject=None,
                 reason=reason, serials=sorted(ids.values()))  # fmt: skip
    return len(taken)


def _keep_anothers(
    found: dict[int, list[Reason]], units: Sequence[Row[Any]], customer_id: int, *, packed: bool = False
) -> None:
    """What belongs to another customer stays, also where it was packed before its order was given to that one."""
    for row in units:
        if row.customer_id not in {None, customer_id}:
            why = Reason(
                "another_customer",
                Sentence("It belongs to another customer."),
                Sentence("Unpack it, and pack it for that customer.")
                if packed
                else Sentence("Pack it for that customer."),
            )
            found.setdefault(row.unit_id, []).append(why)


def _named(connection: Connection, serials: Sequence[str]) -> Sequence[Row[Any]]:
    """The units that the serials stand for, a panel for its boards. Raises `NotFound` where one is not known."""
    named = named_units(connection, serials)
    unknown = [serial for serial in serials if serial not in named]
    if unknown:
        raise NotFound(Sentence("No unit %(all_units)s is known here. Nothing was done.", all_units=unknown[:5]))
    meant = sorted({unit_id for units in named.values() for unit_id in units})
    return connection.execute(_UNITS, {"units": meant}).all()


def _refuse(found: dict[int, list[Reason]], serials: dict[int, str]) -> None:
    if found:
        raise MayNotLeave([Kept(serials[unit_id], tuple(found[unit_id])) for unit_id in sorted(found)])
