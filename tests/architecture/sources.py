"""The project's own Python files, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One file: its path from the root, its module name and what it imports."""

    path: Path
    module: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """`app.units.work` is in the room `units`, `app.db` in `db`, `stations.link` in `stations`."""
        parts = self.module.split(".")
        return parts[1] if parts[0] == "app" and len(parts) > 1 else parts[0]

    def imports(self) -> Iterator[tuple[str, str | None]]:
        """(module, name) of every import, those inside functions too; the name is None for `import module`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self.module.split(".")[: -node.level] if node.level else []
                module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
                yield from ((module, alias.name) for alias in node.names)

    def rooms_imported(self) -> Iterator[str]:
        """The rooms of `app` that this file reaches into, and `stations`."""
        for module, name in self.imports():
            parts = module.split(".")
            if parts[0] == "app":
                yield parts[1] if len(parts) > 1 else name or "app"
            elif parts[0] == "stations":
                yield "stations"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file beneath these folders of the project."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if {"node_modules", "__pycache__"} & set(path.parts):
                continue
            inside = path.relative_to(ROOT)
            module = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
            found.append(Source(inside, module, ast.parse(path.read_text(), str(path))))
    return tuple(found)
