"""What an order needs in each slot: what stays from the order before, what is to be loaded, and from which packages.

* A package in the slot that the order may use stays; where its pieces do not last, what is missing is told.
* Packages from stock are proposed first expired first out, then opened before full, until what is missing is covered.
  Only such that may be used now, are not held and sit in no slot.
* What is in a slot that the order does not need is to be taken out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from app.materials.conditions import conditions
from app.materials.rules import Condition
from app.quality.package_holds import held_packages
from app.setup.left import Left, pieces_left
from app.setup.progress import Order, order_of, pieces_per_unit, units_done
from app.setup.requirements import choose_setup
from app.setup.rules import Required
from app.setup.state import SlotState, setup_at

Action = Literal["keep", "add", "load", "exchange", "remove"]
MOST_PROPOSED = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """A package from stock. `left` is None where nobody counted it."""

    package: str
    part_number: str | None
    left: float | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KitLine:
    """One slot of one station, for one order. Pieces; None where nobody can say.

    `action`: keep what is there, add to it before it runs out, load into an empty slot, exchange, or remove.
    """

    station: str
    side: str | None
    slot: str
    lane: str | None
    action: Action
    part_number: str | None
    alternates: tuple[str, ...]
    needed: float | None
    package: str | None
    left: float | None
    missing: float | None
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything an order needs at the line. `shared`: lines whose package stays in its slot."""

    work_order: str
    quantity: int | None
    product_revision_id: int | None
    shared: int
    to_load: int
    lines: list[KitLine]
    sentence: str


_STATIONS = text(
    """
    SELECT station_id, handle, coalesce(station.name, handle) AS title, setup.side
    FROM required_setup AS setup JOIN station USING (station_id) LEFT JOIN line USING (line_id)
    WHERE setup.product_revision_id = :revision
      AND (CAST(:station AS text) IS NULL OR :station IN (handle, station.name))
    ORDER BY line.name NULLS LAST, line_order NULLS LAST, handle, setup.side NULLS FIRST
    """
)
_STOCK = text(
    """
    -- Which packages of these parts lie in stock: known, not retired, and last taken out of wherever they were?
    SELECT package_id, identifier, part_number, expires_at
    FROM package
    WHERE part_number = ANY (CAST(:parts AS text[]))
      AND NOT EXISTS (
          SELECT FROM package_event
          WHERE package_event.package_id = package.package_id AND kind = 'retired' AND recorded_at <= :at
      )
      AND coalesce((
          SELECT kind = 'unloaded' FROM loading_event
          WHERE loading_event.package_id = package.package_id AND recorded_at <= :at
            AND kind IN ('loaded', 'spliced', 'unloaded', 'empty')
          ORDER BY recorded_at DESC, event_id DESC LIMIT 1
      ), true)
    ORDER BY expires_at NULLS LAST, registered_at, package_id
    LIMIT 2000
    """
)


def kit(connection: Connection, *, work_order: str, station: str | None = None, at: datetime) -> Kit:
    """What an order needs at every station its product has a setup for, or at one. Raises `NotFound`."""
    order = order_of(connection, work_order)
    if order.product_revision_id is None:
        sentence = f"Nobody said which product work order {order.number} builds. Plan it with its product revision."
        return Kit(order.number, order.quantity, None, 0, 0, [], sentence)
    stations = connection.execute(_STATIONS, {"revision": order.product_revision_id, "station": station}).all()
    stock = _Stock(connection, at)
    lines: list[KitLine] = []
    for row in stations:
        lines += _lines(connection, order, row.station_id, row.title, row.side, stock, at)
    to_load = sum(line.action in {"load", "exchange", "add"} for line in lines)
    shared = sum(line.action in {"keep", "add"} for line in lines)
    sentence = f"{shared} packages stay where they are, {to_load} slots need one."
    if not stations:
        sentence = "Nobody planned what the stations must hold for this product. PUT /api/v1/setup/requirements does."
    return Kit(order.number, order.quantity, order.product_revision_id, shared, to_load, lines, sentence)


class _Stock:
    """Packages in stock, each proposed once."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self._connection = connection
        self._at = at
        self._given: set[int] = set()

    def propose(self, parts: Sequence[str], missing: float | None) -> tuple[Proposal, ...]:
        """Packages of these parts until what is missing is covered; one where nobody can say how many are."""
        rows = self._connection.execute(_STOCK, {"parts": list(parts), "at": self._at}).all()
        rows = [row for row in rows if row.package_id not in self._given]
        ids = [row.package_id for row in rows]
        usable = conditions(self._connection, ids, at=self._at)
        held = held_packages(self._connection, ids)
        rows = [row for row in rows if usable[row.package_id].usable and row.package_id not in held]
        left = pieces_left(self._connection, [row.package_id for row in rows])
        rows.sort(key=lambda row: _rank(usable[row.package_id], left.get(row.package_id), row.expires_at))
        proposals: list[Proposal] = []
        covered = 0.0
        for row in rows:
            pieces = left[row.package_id].at_least if row.package_id in left else None
            if pieces == 0:
                continue
            self._given.add(row.package_id)
            proposals.append(Proposal(row.identifier, row.part_number, pieces, row.expires_at))
            covered += pieces or 0.0
            if len(proposals) == MOST_PROPOSED or missing is None or pieces is None or covered >= missing:
                break
        return tuple(proposals)


def _rank(condition: Condition, left: Left | None, expires_at: datetime | None) -> tuple[float, float, int]:
    """First expired first out; then what runs, as an opened bag does; then the smaller rest; then the older."""
    end = condition.usable_until or expires_at
    return end.timestamp() if end else float("inf"), left.at_least if left else float("inf"), condition.package_id


def _lines(
    connection: Connection,
    order: Order,
    station_id: int,
    title: str,
    side: str | None,
    stock: _Stock,
    at: datetime,
) -> list[KitLine]:
    assert order.product_revision_id is not None  # the caller saw to it
    chosen = choose_setup(connection, station_id, order.product_revision_id, side)
    required = chosen.slots if chosen else ()
    setup = setup_at(connection, station_id, product_revision_id=order.product_revision_id, side=side, at=at)
    each = pieces_per_unit(connection, required, order.product_revision_id, side)
    remaining = None
    if order.quantity is not None:
        remaining = max(0, order.quantity - units_done(connection, order, station_id, side, at=at))
    left = pieces_left(connection, [one.package_id for one in setup.slots if one.package_id is not None])
    lines = []
    for one in required:
        there = [state for state in setup.slots if state.slot == one.slot and one.lane in {"", state.lane}]
        takes = each[one.slot, one.lane]
        needed = None if takes is None or remaining is None else takes * remaining
        lines.append(_line(title, side, one, there, needed, left, stock))
    named = {one.slot for one in required}
    for state in setup.slots:
        if state.slot not in named and state.package_id is not None:
            has = left.get(state.package_id)
            lines.append(
                KitLine(
                    title, side, state.slot, state.lane, "remove", None, (), None, state.package,
                    has.at_least if has else None, None, (),
                )
            )  # fmt: skip
    return lines


def _line(
    title: str,
    side: str | None,
    required: Required,
    there: Sequence[SlotState],
    needed: float | None,
    left: Mapping[int, Left],
    stock: _Stock,
) -> KitLine:
    loaded = [state for state in there if state.package_id is not None]
    fits = [state for state in loaded if not state.reasons]
    here: float | None = 0.0
    for state in fits:
        one = left.get(state.package_id or 0)
        here = None if one is None or here is None else here + one.at_least
    missing = None if needed is None or here is None else max(0.0, needed - here)
    action: Action = "keep" if fits and not missing else "add" if fits else "exchange" if loaded else "load"
    parts = [required.part_number, *sorted(required.alternates)]
    shown = next(iter(fits or loaded), None)
    return KitLine(
        station=title,
        side=side,
        slot=required.slot,
        lane=required.lane or None,
        action=action,
        part_number=required.part_number,
        alternates=tuple(sorted(required.alternates)),
        needed=needed,
        package=shown.package if shown is not None else None,
        left=here if fits else None,
        missing=missing,
        proposals=() if action == "keep" else stock.propose(parts, missing),
    )
