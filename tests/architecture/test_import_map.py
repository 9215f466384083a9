"""Who may import whom: arrows only down. A new room gets a line here, on the floor where it belongs."""

from tests.architecture.sources import Source, sources

# Leaves: these import nothing of ours but one another's plain values.
LEAVES = {
    "arrays", "settings", "errors", "cfx", "decoding", "facts", "known", "metrics", "reasons", "sentences",
    "system_packages", "browser_libraries",
}  # fmt: skip
GROUND = LEAVES | {"db", "copying", "live", "people", "logs", "regularly", "schema"}

# Capabilities and what each may build on, besides the ground.
CAPABILITIES: dict[str, set[str]] = {
    "lines": set(),
    "products": set(),
    "orders": {"products"},
    "materials": {"lines", "products"},
    "units": {"lines", "products", "orders", "materials"},
    "scanning": {"products"},  # what a scanner said: serials, labels, printed codes
    "trace": {"lines", "units", "materials"},
    "quality": {"units", "materials", "trace"},
    # What must be in the slots, what is, what the next order asks for and when it runs out.
    "setup": {"lines", "products", "orders", "materials", "units", "trace", "quality"},
    "interlock": {"lines", "products", "orders", "materials", "units", "trace", "quality", "setup"},
    # What stands before everybody's eyes at the line.
    "line_board": {"lines", "products", "orders", "materials", "units", "trace", "quality", "setup", "interlock"},
    # What a machine said becomes facts: translated once, recorded once, whichever door it came through.
    "inbox": {"lines", "products", "orders", "materials", "units", "trace", "quality", "setup", "interlock"},
    # What is printed to be scanned.
    "labels": {"lines", "products", "orders", "materials", "units", "scanning"},
    # What people do at a station, told as a machine would tell it: through the inbox.
    "floor": {
        "lines",
        "products",
        "orders",
        "materials",
        "units",
        "scanning",
        "trace",
        "quality",
        "setup",
        "interlock",
        "inbox",
    },
}
DOORS = {"intake", "api", "web"}
UNDER_THE_DOORS = {"http"}  # what api and web share: problem+json, the rules of HTTP
PLATFORM = {"embedded"}  # servers and processes of a bare machine
ASSEMBLY = {
    "__init__", "__main__", "app", "asking", "backups", "bench", "certificate_authority", "certificates", "checks",
    "cli", "demo", "doctor", "main", "running",
}  # fmt: skip

ALLOWED: dict[str, set[str]] = {
    **{leaf: {"errors"} for leaf in LEAVES},
    "browser_libraries": {"system_packages"},
    "reasons": {"errors", "sentences"},
    "sentences": set(),
    "cfx": set(),
    "decoding": set(),
    "errors": set(),
    "arrays": set(),
    "db": LEAVES,
    "copying": LEAVES,
    "logs": LEAVES,
    "regularly": LEAVES,
    "live": LEAVES | {"db"},
    "people": LEAVES | {"db"},
    "schema": LEAVES | {"db"},
    **{room: GROUND | below for room, below in CAPABILITIES.items()},
    "http": GROUND | set(CAPABILITIES),
    **{door: GROUND | set(CAPABILITIES) for door in DOORS},
    "api": GROUND | set(CAPABILITIES) | UNDER_THE_DOORS,
    "web": GROUND | set(CAPABILITIES) | UNDER_THE_DOORS,
    "embedded": GROUND,
    **{room: GROUND | set(CAPABILITIES) | DOORS | UNDER_THE_DOORS | PLATFORM | ASSEMBLY for room in ASSEMBLY},
}

# Files whose subject is a calculation, wherever they are.
PURE = {"rules.py", "moisture.py", "routing.py", "evidence.py", "statistics.py", "labels.py", "codes.py", "drawing.py"}
NO_DATABASE = {"sqlalchemy", "psycopg", "alembic"}
NO_DOOR = {"fastapi", "starlette", "uvicorn", "paho", "jinja2"}
# A door may hold a connection and catch what went wrong; it may not write a statement.
DOORS_TAKE = {"Connection", "Engine", "Row"}


def packages(source: Source) -> set[str]:
    return {module.partition(".")[0] for module, _ in source.imports()}


def test_arrows_point_down() -> None:
    wrong = [
        f"{source.path} imports app.{room}"
        for source in sources("app")
        for room in set(source.rooms_imported())
        if room != source.room and room not in ALLOWED.get(source.room, set())
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_floor() -> None:
    unknown = {source.room for source in sources("app")} - ALLOWED.keys()
    assert not unknown, f"give these rooms a floor in the import map: {sorted(unknown)}"


def test_stations_know_only_the_wire_and_nobody_knows_them() -> None:
    outward = {f"{s.path} imports app.{room}" for s in sources("stations") for room in s.rooms_imported()}
    # The wire, and the eyes: a mark is read by one measured cascade on both sides, not by two that drift apart.
    assert not {one for one in outward if not one.endswith((" app.cfx", " app.decoding", " app.stations"))}
    assert not [source.path for source in sources("app") if "stations" in packages(source)]


def test_capabilities_know_no_door() -> None:
    wrong = {source.path: packages(source) & NO_DOOR for source in sources("app") if source.room in CAPABILITIES}
    assert not {path: found for path, found in wrong.items() if found}


def test_calculations_know_no_database() -> None:
    calculating = [s for s in sources("app") if s.room == "cfx" or (s.path.name in PURE and s.room in CAPABILITIES)]
    wrong = {source.path: packages(source) & NO_DATABASE for source in calculating}
    assert not {path: found for path, found in wrong.items() if found}


def test_doors_hold_no_sql() -> None:
    wrong = [
        f"{source.path} imports {name or module}"
        for source in sources("app")
        if source.room in DOORS
        for module, name in source.imports()
        if (module == "sqlalchemy" and name not in DOORS_TAKE)
        or module in {"sqlalchemy.orm", "sqlalchemy.sql", "psycopg"}
    ]
    assert not wrong, "\n".join(wrong)


def test_a_package_is_received_where_it_is_held_if_it_is_contained() -> None:
    users = {
        source.module for source in sources("app") for _, name in source.imports() if name == "receive_package"
    }  # fmt: skip
    assert users == {"app.quality.package_holds"}, "call take_in_package instead: it holds what is contained"
