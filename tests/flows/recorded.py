"""A generated factory taken in by the product, twice and in two orders, and everything that is asked about it.

Two databases serve a whole run of factories; they are emptied in between, which takes a hundredth of cloning one.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, insert, text

from app.db import metadata
from app.errors import NotFound
from app.inbox.bodies import unpack_body
from app.inbox.record import Delivery, Recorder
from app.lines.stations import register_stations
from app.orders.planning import plan_work_order
from app.products.models import ApprovedPart, BomItem, Product, ProductRevision
from app.schema import import_models
from app.trace.excluded import ExcludedUnit, excluded
from app.trace.made_from import MadeFrom, made_from
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, stream_where_used
from tests.flows.factory.blueprint import Blueprint
from tests.flows.factory.boards import Key
from tests.flows.factory.material import Package
from tests.flows.factory.plant import Factory, Plan, build
from tests.flows.factory.transport import batches
from tests.flows.factory.voice import Spoken
from tests.inbox.canonical import dump

_ASKED_ABOUT = 10
"""Packages asked about, of those that a factory has; of lots half as many."""
_WATCHED = 4
"""Packages asked about while messages arrive."""
_T = TypeVar("_T")
_NEVER_EMPTIED = {"audit"}


@dataclass(slots=True)
class Answer:
    """What the product says of one question: units by key, those around them, and those excluded."""

    own: dict[Key, CarryingUnit] = field(default_factory=dict)
    around: dict[Key, CarryingUnit] = field(default_factory=dict)
    excluded: dict[Key, ExcludedUnit] = field(default_factory=dict)
    repeated: list[Key] = field(default_factory=list)
    """Units that the answer names more than once."""


@dataclass(frozen=True, slots=True)
class Remembrance:
    """What was answered about a package when a part of the messages had arrived, and what `as_of` says of it later."""

    package: str
    live: Answer
    as_of: Answer


@dataclass(slots=True)
class Recorded:
    """A factory, and all that the product answers about it."""

    blueprint: Blueprint
    factory: Factory
    receipts: tuple[list[tuple[Spoken, str]], list[tuple[Spoken, str]]]
    """Message and status of its receipt, for either order of arrival."""
    dumps: tuple[dict[str, list[Any]], dict[str, list[Any]]]
    bodies: tuple[dict[str, bytes], dict[str, bytes]]
    """Body by the event's key."""
    packages: dict[str, Answer]
    """By identifier, of some of its packages."""
    lots: dict[tuple[str, str | None], Answer]
    """By lot code and part number (None: any part)."""
    children: dict[Key, set[Key]]
    """Assemblies around each unit, as where-used of its serial tells them."""
    made: dict[Key, MadeFrom]
    then: list[Remembrance]


class Laboratory:
    """Two databases, emptied for each factory."""

    def __init__(self, engines: tuple[Engine, Engine]) -> None:
        self._engines = engines

    @property
    def engine(self) -> Engine:
        """The database of the last factory that was recorded."""
        return self._engines[0]

    def recorded(self, blueprint: Blueprint) -> Recorded:
        """The factory of a blueprint, taken in and asked about."""
        factory = build(blueprint)
        one, other = self._engines
        rng = Random(blueprint.seed)
        alone = {board.panel for board in factory.truth.boards if board.alone}
        watch = _Watch(alone, [package.identifier for package in _some(rng, factory.truth.packages, _WATCHED)])
        receipts = (
            _take_in(one, factory, Random(f"{blueprint.seed} one"), watch),
            _take_in(other, factory, Random(f"{blueprint.seed} other")),
        )
        with one.connect() as connection, other.connect() as beside:
            packages = {
                package.identifier: _asked(connection, Question(package=package.identifier), alone)
                for package in _some(rng, factory.truth.packages, _ASKED_ABOUT)
            }
            lots = {
                lot: _asked(connection, Question(lot=lot[0], part_number=lot[1]), alone)
                for lot in _some(rng, _lots(factory), _ASKED_ABOUT // 2)
            }
            units = [unit for unit in factory.truth.units if unit.serial is not None]
            return Recorded(
                blueprint=blueprint,
                factory=factory,
                receipts=receipts,
                dumps=(dump(connection), dump(beside)),
                bodies=(_bodies(connection), _bodies(beside)),
                packages=packages,
                lots=lots,
                children={unit.key: _around(connection, unit.key) for unit in units},
                made=dict(_made(connection, [unit.key for unit in units])),
                then=list(watch.remembered(connection)),
            )


def _some(rng: Random, of: Sequence[_T], most: int) -> Sequence[_T]:
    return of if len(of) <= most else rng.sample(of, most)


def _lots(factory: Factory) -> list[tuple[str, str | None]]:
    """Every lot alone, and with each part it is of."""
    described = [package for package in factory.truth.packages if package.lot and not (package.parent or package.batch)]
    alone = {(package.lot, None) for package in described if package.lot}
    return sorted({(package.lot, package.part_number) for package in described if package.lot}) + sorted(alone, key=str)


def of_lot(factory: Factory, lot: tuple[str, str | None]) -> list[Package]:
    """The packages of a lot (of a part)."""
    code, part = lot
    return [one for one in factory.truth.packages if one.lot == code and part in {None, one.part_number}]


# --- taking in ---


@dataclass(slots=True)
class _Watch:
    """Asks about some packages while messages still arrive, to ask again when all have."""

    alone: Set[str]
    packages: Sequence[str]
    moment: datetime | None = None
    live: dict[str, Answer] = field(default_factory=dict)

    def ask(self, engine: Engine) -> None:
        """Ask now."""
        self.moment = datetime.now(UTC)
        with engine.connect() as connection:
            for package in self.packages:
                self.live[package] = _asked(connection, Question(package=package), self.alone, carriers_only=True)

    def remembered(self, connection: Connection) -> Iterator[Remembrance]:
        """Ask what was known then."""
        for package, live in self.live.items():
            question = Question(package=package, as_of=self.moment)
            yield Remembrance(package, live, _asked(connection, question, self.alone, carriers_only=True))


def _take_in(engine: Engine, factory: Factory, rng: Random, watch: _Watch | None = None) -> list[tuple[Spoken, str]]:
    _empty(engine)
    with engine.begin() as connection:
        for plan in factory.plans:
            _plan(connection, plan)
        _see_clocks(connection, factory.clock_errors)
    recorder = Recorder(engine)
    statuses: list[tuple[Spoken, str]] = []
    arriving = batches(factory.said, rng.getrandbits(32))
    middle = rng.randrange(len(arriving))
    for number, batch in enumerate(arriving):
        if rng.random() < 0.1:
            recorder = Recorder(engine)  # intake was restarted
        told = recorder.record([Delivery(spoken.payload) for spoken in batch])
        statuses += [(spoken, receipt.status) for spoken, (receipt,) in zip(batch, told, strict=True)]
        if watch and number == middle:
            watch.ask(engine)
    return statuses


def _see_clocks(connection: Connection, errors: Mapping[str, float]) -> None:
    stations: dict[str, int] = {}
    register_stations(connection, errors, stations)
    for handle, seconds in errors.items():
        seen = {"station": stations[handle], "seconds": seconds}
        connection.execute(_SEEN_OFF, seen)


_SEEN_OFF = text(
    "INSERT INTO known_clock_error (station_id, known_from, error)"
    " VALUES (:station, now(), make_interval(secs => :seconds))"
)


def _empty(engine: Engine) -> None:
    """Delete what the factory before left; what is evidence for ever is left by none."""
    import_models()
    names = [table.name for table in reversed(metadata.sorted_tables) if table.name not in _NEVER_EMPTIED]
    asked = " UNION ALL ".join(f"SELECT {n} WHERE EXISTS (SELECT FROM {name})" for n, name in enumerate(names))
    with engine.begin() as connection:
        filled = [names[n] for (n,) in connection.exec_driver_sql(asked + " ORDER BY 1")]
        if filled:
            connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in filled))


def _plan(connection: Connection, plan: Plan) -> None:
    product_id = connection.execute(
        insert(Product).values(part_number=plan.product).returning(Product.product_id)
    ).scalar_one()
    revision_id = connection.execute(
        insert(ProductRevision)
        .values(product_id=product_id, revision="A")
        .returning(ProductRevision.product_revision_id)
    ).scalar_one()
    of_revision = {"product_revision_id": revision_id}
    connection.execute(
        insert(BomItem),
        [
            {**of_revision, "reference_designator": designator, "part_number": part}
            for designator, part in plan.bom.items()
        ],
    )
    connection.execute(
        insert(ApprovedPart),
        [
            {**of_revision, "part_number": part, "alternate_part_number": alternate}
            for part, alternate in plan.alternates.items()
        ],
    )
    plan_work_order(connection, number=plan.work_order, product_revision_id=revision_id, actor="planner")


# --- asking ---


def _asked(connection: Connection, question: Question, alone: Set[str], *, carriers_only: bool = False) -> Answer:
    answer = Answer()
    try:
        units = list(stream_where_used(connection, question))
    except NotFound:
        return answer  # nobody ever named it
    for unit in units:
        listed = answer.own if unit.via is None else answer.around
        key = _key(unit.serial, unit.position_number, alone)
        if key in answer.own or key in answer.around:
            answer.repeated.append(key)
        listed[key] = unit
    if carriers_only:
        return answer
    for one in excluded(connection, question, carriers={unit.board for unit in units}):
        answer.excluded[_key(one.serial, one.position_number, alone)] = one
    return answer


def _key(serial: str, position: int | None, alone: Set[str]) -> Key:
    """Where there is one position only, it and the panel are the same."""
    return Key(serial, 0 if serial in alone else position or 0)


def _around(connection: Connection, key: Key) -> set[Key]:
    return {Key(unit.serial) for unit in stream_where_used(connection, Question(serial=key.serial))}


def _made(connection: Connection, keys: Sequence[Key]) -> Iterator[tuple[Key, MadeFrom]]:
    for key in keys:
        yield key, made_from(connection, key.serial)


def _bodies(connection: Connection) -> dict[str, bytes]:
    rows = connection.execute(text("SELECT unique_id, body FROM event")).all()
    return {str(unique_id): unpack_body(connection, body) for unique_id, body in rows}
