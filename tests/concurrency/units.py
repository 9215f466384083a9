"""Units as one client at a time would find them: what starts, holds, releases and shipments must add up to."""

from dataclasses import dataclass, replace
from typing import NamedTuple

LOT = "the lot"


class Op(NamedTuple):
    """`what` was asked, of a unit (its index), of a containment (its number), or of a scope."""

    what: str
    unit: int = -1
    number: str = ""
    scope: frozenset[int] | str = ""


@dataclass(frozen=True)
class Units:
    """`started`, `shipped` and `carrying` are units, `open` (containment, scope), `decided` (containment, unit)."""

    started: frozenset[int] = frozenset()
    shipped: frozenset[int] = frozenset()
    carrying: frozenset[int] = frozenset()
    open: frozenset[tuple[str, frozenset[int] | str]] = frozenset()
    decided: frozenset[tuple[str, int]] = frozenset()

    def held(self, unit: int) -> bool:
        """Does an open containment hold it?"""
        return any(
            (unit in self.carrying if scope == LOT else unit in scope) and (number, unit) not in self.decided
            for number, scope in self.open
        )

    def is_open(self, number: str) -> bool:
        """Is this containment still open?"""
        return any(one == number for one, _ in self.open)


def apply(units: Units, op: Op, result: object) -> Units | None:
    """The units after `op` was answered with `result`; None where that cannot be the answer."""
    after, expected = _DEEDS[op.what](units, op, result)
    return after if result == expected else None


def _start(units: Units, op: Op, _: object) -> tuple[Units, object]:
    against = _against(units, op.unit) | ({"already_started"} if op.unit in units.started else set())
    return (units if against else replace(units, started=units.started | {op.unit})), frozenset(against)


def _finish(units: Units, op: Op, _: object) -> tuple[Units, object]:
    return replace(units, started=units.started - {op.unit}), op.unit in units.started


def _ship(units: Units, op: Op, _: object) -> tuple[Units, object]:
    against = _against(units, op.unit) | ({"in_work"} if op.unit in units.started else set())
    return (units if against else replace(units, shipped=units.shipped | {op.unit})), frozenset(against)


def _against(units: Units, unit: int) -> set[str]:
    return ({"on_hold"} if units.held(unit) else set()) | ({"shipped"} if unit in units.shipped else set())


def _contain(units: Units, op: Op, result: object) -> tuple[Units, object]:
    if any(scope == op.scope for _, scope in units.open):
        return units, "conflict"
    number = result[0] if isinstance(result, tuple) else ""
    # Of a lot the count may lag behind what machines report meanwhile; the rule catches that.
    gone = len(units.shipped & op.scope) if isinstance(op.scope, frozenset) else -1
    return replace(units, open=units.open | {(number, op.scope)}), (number, gone)


def _release(units: Units, op: Op, _: object) -> tuple[Units, object]:
    left = frozenset((number, scope) for number, scope in units.open if number != op.number)
    return replace(units, open=left), units.is_open(op.number)


def _decide(units: Units, op: Op, _: object) -> tuple[Units, object]:
    may = units.is_open(op.number) and (op.number, op.unit) not in units.decided
    return (replace(units, decided=units.decided | {(op.number, op.unit)}) if may else units), may


def _install(units: Units, op: Op, _: object) -> tuple[Units, object]:
    return replace(units, carrying=units.carrying | {op.unit}), None


_DEEDS = {
    "start": _start,
    "finish": _finish,
    "ship": _ship,
    "contain": _contain,
    "release": _release,
    "decide": _decide,
    "install": _install,
}
