"""The genealogy around one unit, package or lot as nodes and edges: material points to the units it went into.

A picture of thousands of nodes is read by folding: nodes that belong together carry the same `group` (the boards of one
work order, the packages of one part number), and whoever draws them shows a large group as one. Select only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from sqlalchemy import Connection, text

from app.trace.designators import few
from app.trace.evidence import Evidence
from app.trace.made_from import MadeFrom, made_from
from app.trace.question import Question
from app.trace.where_used import CarryingUnit, stream_where_used
from app.units.queries import unit as overview_of

MOST_UNITS = 20_000
"""Units beyond these are counted, not drawn: nobody reads such a picture, and the table has them all."""
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Node:
    """Something in the picture. `kind` is unit, package or lot; `key` is unique in the picture and stays the same."""

    key: str
    kind: str
    label: str
    says: str
    group: str | None = None
    part_number: str | None = None
    """Of a lot, which is only unique together with it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` went into `target`: a lot into packages, a package or child unit into units."""

    source: str
    target: str
    says: str = ""
    evidence: Evidence | None = None


@dataclass(slots=True)
class Graph:
    """The picture; `left_out` counts units that were not drawn, 0 where it is whole."""

    root: str
    nodes: list[Node]
    edges: list[Edge]
    left_out: int = 0


class _Picture:
    """A graph in the making: each node is drawn once, each edge between nodes that are drawn."""

    def __init__(self, root: Node) -> None:
        self.root = root.key
        self._nodes = {root.key: root}
        self._edges: dict[Edge, None] = {}

    def add(self, node: Node) -> str:
        """Draw a node, where it is not drawn yet; returns its key."""
        self._nodes.setdefault(node.key, node)
        return node.key

    def join(self, source: str, target: str, says: str = "", evidence: Evidence | None = None) -> None:
        """Draw an edge; nothing goes into itself."""
        if source != target:
            self._edges[Edge(source, target, says, evidence)] = None

    def graph(self, left_out: int) -> Graph:
        """The picture as it is now."""
        edges = [edge for edge in self._edges if edge.source in self._nodes and edge.target in self._nodes]
        return Graph(self.root, list(self._nodes.values()), edges, left_out)


_LINEAGE = text(
    """
    -- Which packages did this one come from, which came from it, and what is known of them?
    SELECT package.identifier, package.part_number, lot.lot_code, lot.part_number AS lot_part_number,
        link.kind, link.parent_id = asked.package_id AS is_child, package.package_id = asked.package_id AS is_asked
    FROM package AS asked
    JOIN LATERAL (
        SELECT asked.package_id, NULL AS kind, NULL AS parent_id
        UNION ALL
        SELECT child_id, kind, parent_id FROM package_link WHERE parent_id = asked.package_id
        UNION ALL
        SELECT parent_id, kind, parent_id FROM package_link WHERE child_id = asked.package_id
    ) AS link ON true
    JOIN package ON package.package_id = link.package_id
    LEFT JOIN lot ON lot.lot_id = package.lot_id
    WHERE asked.identifier = :package
    ORDER BY is_asked DESC, package.identifier
    """
)
_LOT = text(
    """
    SELECT package.identifier, package.part_number FROM lot JOIN package USING (lot_id)
    WHERE lot_code = :lot AND (CAST(:part_number AS text) IS NULL OR lot.part_number = :part_number)
    ORDER BY package.identifier
    """
)
_ORDERS = text(
    """
    SELECT unit.serial, work_order.number, product.part_number
    FROM unit
    LEFT JOIN work_order USING (work_order_id)
    LEFT JOIN product_revision USING (product_revision_id)
    LEFT JOIN product USING (product_id)
    JOIN serial USING (unit_id)
    WHERE serial.serial = ANY (CAST(:serials AS text[]))
    """
)


def require_drawable(connection: Connection, asked: Question, *, customer_id: int | None = None) -> None:
    """Raise `NotFound` where `graph_of_unit` or `graph_of_material` would, without drawing."""
    if asked.serial:
        overview_of(connection, asked.serial, customer_id=customer_id)
    elif next(stream_where_used(connection, asked, customer_id=customer_id), None) is None and customer_id is not None:
        raise asked.not_known


def graph_of_unit(connection: Connection, serial: str, *, customer_id: int | None = None) -> Graph:
    """What a unit is made from, and the assemblies around it. Raises `NotFound` as `made_from` does."""
    made = made_from(connection, serial, customer_id=customer_id)
    says = " · ".join(filter(None, (made.product, made.work_order)))
    picture = _Picture(Node(_unit_key(made.serial), "unit", made.serial, says))
    for component in made.components:
        child = picture.add(Node(_unit_key(component.serial), "unit", component.serial, "", "components"))
        picture.join(child, picture.root, component.reference_designator or "")
    _draw_parts(picture, made)
    around = stream_where_used(connection, Question(serial=serial), customer_id=customer_id)
    return picture.graph(_draw_units(picture, around, connection))


def graph_of_material(connection: Connection, asked: Question, *, customer_id: int | None = None) -> Graph:
    """The units that carry a package or a lot, and the assemblies around them.

    `asked` names a package, or a lot with or without its part. Other packages of a lot and the package's relatives are
    shown inside the factory only: material is shared between customers. Raises `NotFound` where it is not known, or no
    unit of that customer carries it.
    """
    units = stream_where_used(connection, asked, customer_id=customer_id)
    first = next(units, None)
    if first is None and customer_id is not None:
        raise asked.not_known
    inside = customer_id is None
    if asked.package:
        picture = _package_root(connection, asked.package, inside=inside)
    else:
        picture = _lot_root(connection, asked, inside=inside)
    every = chain([first], units) if first is not None else units
    return picture.graph(_draw_units(picture, every, connection))


def _package_root(connection: Connection, identifier: str, *, inside: bool) -> _Picture:
    rows = connection.execute(_LINEAGE, {"package": identifier}).all()
    says = next((row.part_number for row in rows if row.is_asked), None)
    picture = _Picture(_package(identifier, says))
    for row in rows:
        if not (inside or row.is_asked):
            continue
        key = picture.add(_package(row.identifier, row.part_number))
        if row.lot_code:
            picture.join(picture.add(_lot(row.lot_code, row.lot_part_number)), key)
        if not row.is_asked:
            source, target = (picture.root, key) if row.is_child else (key, picture.root)
            picture.join(source, target, row.kind)
    return picture


def _lot_root(connection: Connection, asked: Question, *, inside: bool) -> _Picture:
    picture = _Picture(_lot(asked.lot or "", asked.part_number))
    if inside:
        for row in connection.execute(_LOT, {"lot": asked.lot, "part_number": asked.part_number}):
            picture.join(picture.root, picture.add(_package(row.identifier, row.part_number, "packages")))
    return picture


def _draw_parts(picture: _Picture, made: MadeFrom) -> None:
    places: dict[tuple[str, Evidence], dict[str, None]] = {}
    for part in made.installations:
        key = picture.add(_package(part.package, part.part_number, f"part {part.part_number or 'unknown'}"))
        if part.lot:
            picture.join(picture.add(_lot(part.lot, part.part_number)), key)
        places.setdefault((key, part.evidence), {})[part.reference_designator or "applied"] = None
    for (key, evidence), designators in places.items():
        picture.join(key, picture.root, few(list(designators)), evidence)


def _draw_units(picture: _Picture, units: Iterator[CarryingUnit], connection: Connection) -> int:
    """Draw up to `MOST_UNITS` units; returns how many are left out."""
    drawn = 0
    while drawn < MOST_UNITS and (block := list(islice(units, min(_BLOCK, MOST_UNITS - drawn)))):
        drawn += len(block)
        told = connection.execute(_ORDERS, {"serials": list({unit.serial for unit in block})})
        orders = {row.serial: (row.number, row.part_number) for row in told}
        for unit in block:
            number, product = orders.get(unit.serial, (None, None))
            group = f"order {number}" if number else "no order"
            target = picture.add(Node(_unit_key(unit.serial), "unit", unit.serial, product or "", group))
            # An assembly has it by its children: the way there begins at them.
            sources = map(_unit_key, unit.via.split(", ")) if unit.via else [picture.root]
            for source in sources:
                picture.join(source, target, few(unit.reference_designators), unit.evidence)
    return sum(1 for _ in units)


def _unit_key(serial: str) -> str:
    return f"unit:{serial}"


def _package(identifier: str, part_number: str | None, group: str | None = None) -> Node:
    return Node(f"package:{identifier}", "package", identifier, part_number or "", group)


def _lot(code: str, part_number: str | None) -> Node:
    return Node(f"lot:{code}:{part_number or ''}", "lot", code, part_number or "", None, part_number)
